"""Two saved sets of scores: which is better, or why that cannot be said."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auralflow.api import compare
from auralflow.errors import AuralflowError, ConfigError, UnknownNameError
from auralflow.evaluation.protocol import Protocol
from auralflow.evaluation.report import Report
from auralflow.evaluation.results import SongScore
from auralflow.evaluation.write import write_json
from auralflow.metrics import Column

COLUMNS = (Column("sdr", False, True), Column("l1_freq", False, False))
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path, make_report: Callable[..., Report], score_song: Callable[..., SongScore]) -> Save:
    """Write scores of songs, the same number in both columns."""

    def write(name: str, scores: Sequence[float], **changes: Any) -> Path:
        songs = [
            score_song(f"song {n:02}", **{stem: {"sdr": s, "l1_freq": s} for stem in ("vocals", "bass")})
            for n, s in enumerate(scores)
        ]
        (tmp_path / name).mkdir()
        write_json(make_report(songs, COLUMNS, name=name, **changes), tmp_path / name / "scores.json", with_frames=True)
        return tmp_path / name

    return write


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(0).normal(5, 2, 10)


def test_the_better_one_is_found_and_named(save: Save, scores: np.ndarray) -> None:
    a, b = save("mine", scores), save("theirs", scores - 0.5 - 0.02 * np.arange(10))
    found = compare(a, b / "scores.json")
    assert (found.a, found.b, found.score, found.higher_is_better) == ("mine", "theirs", "sdr", True)
    assert {found.result.overall.verdict, *(stem.verdict for stem in found.result.stems.values())} == {"A better"}
    assert found.result.overall.difference.value == pytest.approx(0.59)
    assert found.result.overall.p_value == 2 / 2**10
    assert compare(b, a).result.overall.verdict == "B better"
    assert found.protocol[0] == "songs: test"


def test_lower_is_better_where_the_column_says_so(save: Save, scores: np.ndarray) -> None:
    a, b = save("a", scores), save("b", scores - 0.5 - 0.02 * np.arange(10))
    found = compare(a, b, score="l1_freq")
    assert (found.higher_is_better, found.result.overall.verdict) == (False, "B better")
    assert found.result.overall.n_won_b == 10


def test_no_difference_is_called_so(save: Save, scores: np.ndarray) -> None:
    found = compare(save("a", scores), save("b", scores + 0.5 * (-1) ** np.arange(10)))
    assert found.result.overall.verdict == "no difference shown"
    strict = compare(save("c", scores + 1 + 0.01 * scores), save("d", scores), alpha=0.001)
    assert strict.result.overall.p_value == 2 / 2**10
    assert strict.result.overall.verdict == "no difference shown"


@pytest.mark.parametrize(
    "change", [{"stems": ("vocals",)}, {"channels": "mono"}, {"mixture": "sum"}, {"sample_rates": (44100,)}]
)
def test_another_protocol_is_refused_by_the_name_of_what_differs(
    save: Save, scores: np.ndarray, protocol: Protocol, change: dict[str, Any]
) -> None:
    a, b = save("a", scores), save("b", scores, protocol=replace(protocol, **change))
    with pytest.raises(ConfigError, match=rf"^protocol: .*: {next(iter(change))}: ") as raised:
        compare(a, b)
    assert "\n" not in str(raised.value)


def test_other_songs_are_refused_by_name(save: Save, scores: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="only in A 'song 09' bass, 'song 09' vocals, only in B none"):
        compare(save("a", scores), save("b", scores[:-1]))


def test_songs_of_the_same_names_and_other_lengths_are_other_songs(save: Save, scores: np.ndarray) -> None:
    a, b = save("a", scores), save("b", scores)
    values = json.loads((b / "scores.json").read_text())
    values["songs"][3]["duration_s"] += 1.0
    (b / "scores.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=r"'song 03' has .* s in A and .* s in B"):
        compare(a, b)


def test_a_column_that_is_not_there_gets_a_hint(save: Save, scores: np.ndarray) -> None:
    a = save("a", scores)
    with pytest.raises(UnknownNameError, match=r"unknown score 'l1_frq': did you mean 'l1_freq'\?"):
        compare(a, a, score="l1_frq")


def _break(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((path / "scores.json").read_text())
    change(values)
    (path / "scores.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.pop("format"), "expected what 'auralflow test' has written, got another file"),
        (lambda v: v.update(format_version=2), "is of format 2, expected 1; score again"),
        (lambda v: v.pop("songs"), "is damaged"),
        (lambda v: v.update(songs=["song"]), "is damaged"),
        (lambda v: v.update(songs=None), "is damaged"),
        (lambda v: v.update(protocol=[]), "is damaged"),
        (lambda v: v["protocol"].pop("stems"), "is damaged"),
        (lambda v: v["protocol"].update(channels=3), "is damaged"),
        (lambda v: v.update(summary={"sdr": None}), "is damaged"),
        (lambda v: v["songs"][3].update(stems=[]), "is damaged"),
        (lambda v: v["songs"][3]["stems"]["bass"]["scores"].pop("sdr"), "song 03 has no number for sdr of bass"),
        (lambda v: v["songs"][3]["stems"]["bass"]["scores"].update(sdr="high"), "song 03 has no number for sdr"),
        (lambda v: v["songs"][3]["stems"]["bass"]["scores"].update(sdr=None), "is damaged"),
        (lambda v: v.pop("system"), "is damaged"),
    ],
)
def test_a_file_that_is_damaged_or_anothers_is_refused(
    save: Save, scores: np.ndarray, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    a, b = save("a", scores), save("b", scores)
    _break(b, change)
    with pytest.raises(ConfigError) as raised:
        compare(a, b)
    assert str(raised.value).startswith(f"{b / 'scores.json'}: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{", b"\xff\xfe", b'"scores"', b"song,stem,sdr\n"])
def test_a_file_of_something_else_is_refused(save: Save, scores: np.ndarray, content: bytes) -> None:
    a = save("a", scores)
    (a / "other").write_bytes(content)
    with pytest.raises(ConfigError, match="expected what 'auralflow test' has written"):
        compare(a, a / "other")


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(AuralflowError, match="No such file or directory; expected what 'auralflow test' has"):
            compare(path, path)
