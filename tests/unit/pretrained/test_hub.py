"""A bundle goes to the hub whole, with a page that is true."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from auralflow.errors import CheckpointError, OutputError
from auralflow.pretrained import hub
from auralflow.pretrained.bundle import read_description, save_bundle
from auralflow.pretrained.hub import push_to_hub, write_page
from auralflow.pretrained.load import load_model

BUNDLE = Path(__file__).parents[2] / "data" / "bundle_v1"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was sent."""
    calls: list[dict[str, Any]] = []

    def send(folder: Path, repository: str, files: Any, **rest: Any) -> str:
        calls.append({"folder": folder, "repository": repository, "files": list(files)} | rest)
        return f"https://example.org/{repository}"

    monkeypatch.setattr(hub, "send_folder", send)
    return calls


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))


def read_header(page: str) -> dict[str, Any]:
    opening, header, body = page.split("---\n", 2)
    assert opening == ""
    assert body.startswith("\n# ")
    values: dict[str, Any] = yaml.safe_load(header)
    return values


def test_a_bundle_is_sent_with_its_page(bundle: Path, sent: list[Any]) -> None:
    assert push_to_hub(bundle, "me/voices", licence="mit", private=True) == "https://example.org/me/voices"
    assert sent[0]["files"] == ["README.md", "model.yaml", "weights.safetensors"]
    assert (sent[0]["private"], sent[0]["token"]) == (True, None)
    page = (bundle / "README.md").read_text(encoding="utf-8")
    description = read_description(bundle)
    assert all(stem in page for stem in description.spec.stems)
    assert description.weights_sha256 in page
    assert "hf:me/voices" in page


def test_a_page_of_the_users_own_is_kept(bundle: Path, sent: list[Any]) -> None:
    (bundle / "README.md").write_text("mine")
    push_to_hub(bundle, "me/voices")
    assert (bundle / "README.md").read_text() == "mine"


def test_code_goes_along(tmp_path: Path, sent: list[Any], two_layers_path: str) -> None:
    code = Path(two_layers_path).read_bytes()
    model = load_model(two_layers_path)
    save_bundle(model, tmp_path / "own", architecture="two_layers", config={}, code=code)
    push_to_hub(tmp_path / "own", "me/own")
    assert "two_layers.py" in sent[0]["files"]
    assert "auralflow trust" in (tmp_path / "own" / "README.md").read_text()


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("cc-by-nc-4.0", {"license": "cc-by-nc-4.0"}),
        ("not stated", {"license": "other", "license_name": "not-stated"}),
        ("a: b", {"license": "other", "license_name": "a:-b"}),
    ],
)
def test_the_header_is_what_the_hub_reads(licence: str, expected: dict[str, str]) -> None:
    header = read_header(write_page(read_description(BUNDLE), "me/voices", licence, ("musdb18hq",)))
    assert header["library_name"] == "auralflow"
    assert {key: header[key] for key in expected} == expected
    assert {"audio", "music-source-separation", "spectrogram_net_simple"} <= set(header["tags"])
    assert header["datasets"] == ["musdb18hq"]


def test_what_is_not_whole_is_not_sent(bundle: Path, tmp_path: Path, sent: list[Any]) -> None:
    (bundle / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: missing"):
        push_to_hub(bundle, "me/voices")
    with pytest.raises(CheckpointError, match="expected a model bundle"):
        push_to_hub(tmp_path, "me/voices")
    assert sent == []


def test_a_page_that_cannot_be_written_is_one_line(
    bundle: Path, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(OutputError, match=r"README\.md: cannot be written: Permission denied"):
        push_to_hub(bundle, "me/voices")
