"""Whatever is sent, the API answers as its own description says: requests made from its OpenAPI file."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from auralflow.web.settings import API

load_all_checks()

CHECKS = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]


@pytest.fixture(scope="module")
def description(client: Any) -> Any:
    """The API's own file; what stems are called depends on the model, so it does not say."""
    found = client.get("openapi.json").json
    truth = found["paths"][f"{API}/separations/{{key}}/truth"]["post"]["requestBody"]["content"]["multipart/form-data"]
    truth["schema"]["properties"] = dict.fromkeys(("vocals", "drums"), truth["schema"]["additionalProperties"])
    schema = schemathesis.openapi.from_dict(found)
    schema.config.update(base_url=f"http://127.0.0.1:{client.port}")
    # A stream of events has no end.
    return schema.exclude(path=f"{API}/events")


@pytest.fixture(scope="module")
def keys(client: Any) -> list[str]:
    """Separations that are done, and one that failed."""
    song = client.make_song(0.2)
    schemathesis.openapi.format("binary", st.sampled_from([song, song, song[:60], b"", b"no song"]))
    done = [client.separate(song)["id"] for _ in range(2)]
    client.behave("refuse")
    failed = client.wait(client.send(song).json["id"], "failed")["id"]
    client.behave("copy")
    return [*done, failed]


def test_answers_are_as_described(description: Any, keys: list[str]) -> None:
    """No defect, and every refusal in the one form, in one line."""
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) > 12
    # Deleting comes last, so that the others find what they ask for.
    for operation in sorted(operations, key=lambda operation: operation.method == "delete"):
        _bounded(_try(operation, keys, GenerationMode.POSITIVE))()
        with suppress(Unsatisfiable):  # where nothing can be wrong
            _bounded(_try(operation, keys, GenerationMode.NEGATIVE))()


_bounded = settings(
    max_examples=6,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _try(operation: Any, keys: list[str], mode: GenerationMode) -> Any:
    """Chance alone would never name a separation or a track that exists."""

    @given(operation.as_strategy(mode), st.sampled_from([*keys, None]), st.sampled_from(["vocals", "mixture", None]))
    def ask(case: Any, key: str | None, name: str | None) -> None:
        known = {"key": key, "name": name}
        for place in case.path_parameters or {}:
            case.path_parameters[place] = known[place] or case.path_parameters[place]
        if mode is GenerationMode.POSITIVE and operation.path.endswith("/mix"):
            case.body["gains"] = dict(zip(("vocals", "drums", "bass"), case.body["gains"].values(), strict=False))
        _check(case)

    return ask


def _check(case: Any) -> None:
    answer = case.call(timeout=30)
    assert answer.status_code < 500 or answer.status_code == 507, answer.text
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert set(error) == {"code", "message"}
        assert error["code"] not in ("error", "")
        assert error["message"].isprintable(), error


@pytest.mark.parametrize("name", ["two\nlines", "\u2028", "\ud800", "\x1b[31m", "\x00"])
@pytest.mark.parametrize("where", ["gains", "track", "fader", "format"])
def test_a_refusal_is_one_line_whatever_it_names(client: Any, keys: list[str], name: str, where: str) -> None:
    wishes: dict[str, Any] = {
        "gains": {"gains": {name: {}}},
        "track": {"gains": {name: {"pan": 2}}},
        "fader": {"gains": {"vocals": name}},
        "format": {"gains": {"vocals": {}}, "format": name},
    }
    answer = client.post(f"separations/{keys[0]}/mix", wishes[where])
    assert answer.status in (404, 422)
    assert answer.json["error"]["message"].isprintable()
