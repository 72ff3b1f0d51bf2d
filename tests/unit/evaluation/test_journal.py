"""What counts as scored: the same song, files and settings, and a line that is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.data.track import find_sound
from auralflow.errors import OutputError
from auralflow.evaluation.journal import SongJournal, fingerprint
from auralflow.evaluation.references import Reference
from auralflow.evaluation.results import SongScore

Score = Callable[..., SongScore]


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    """A song of one stem."""
    soundfile.write(tmp_path / "bass.wav", np.zeros((80, 1)), 8000)
    return Reference("song", {"bass": (find_sound(tmp_path / "bass.wav"),)}, (), (), None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder that a job holds."""
    (tmp_path / "out/.auralflow").mkdir(parents=True)
    return tmp_path / "out"


def test_a_song_is_found_with_the_same_settings_only(out: Path, reference: Reference, score_song: Score) -> None:
    score = score_song("song", bass={"sdr": 1.5})
    journal = SongJournal(out, "settings")
    assert journal.find(reference, []) is None
    journal.add(reference, [], score)
    for again in (journal, SongJournal(out, "settings")):
        assert again.find(reference, []) == score
    assert SongJournal(out, "others").find(reference, []) is None


@pytest.mark.parametrize("change", ["size", "time", "gone", "another estimate"])
def test_a_song_whose_files_changed_is_not_found(
    out: Path, reference: Reference, score_song: Score, change: str
) -> None:
    estimate = out.parent / "estimate.wav"
    estimate.write_bytes(b"sound")
    SongJournal(out, "settings").add(reference, [estimate], score_song("song"))
    assert SongJournal(out, "settings").find(reference, [estimate]) is not None
    files = [estimate]
    if change == "size":
        estimate.write_bytes(b"sounds")
    elif change == "time":
        os.utime(estimate, ns=(1, 1))
    elif change == "gone":
        reference.parts["bass"][0].path.unlink()
    else:
        files = []
    assert SongJournal(out, "settings").find(reference, files) is None


def test_a_file_that_is_gone_twice_proves_nothing(out: Path, reference: Reference, score_song: Score) -> None:
    reference.parts["bass"][0].path.unlink()
    SongJournal(out, "settings").add(reference, [], score_song("song"))
    assert SongJournal(out, "settings").find(reference, []) is None


def test_a_path_is_the_same_from_wherever_it_is_named(
    out: Path, score_song: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(out.parent)
    soundfile.write("bass.wav", np.zeros((80, 1)), 8000)
    here, whole = (
        Reference("song", {"bass": (find_sound(path),)}, (), (), None)
        for path in (Path("bass.wav"), out.parent / "bass.wav")
    )
    SongJournal(out, "settings").add(here, [], score_song("song"))
    assert SongJournal(out, "settings").find(whole, []) is not None


def test_a_torn_line_is_as_if_not_written_and_the_next_is_whole(
    out: Path, reference: Reference, score_song: Score
) -> None:
    path = out / ".auralflow/songs.jsonl"
    SongJournal(out, "settings").add(reference, [], score_song("song", bass={"sdr": 1.0}))
    path.write_bytes(path.read_bytes()[:-20])
    assert SongJournal(out, "settings").find(reference, []) is None
    score = score_song("song", bass={"sdr": 2.0})
    SongJournal(out, "settings").add(reference, [], score)
    assert SongJournal(out, "settings").find(reference, []) == score


def test_the_last_line_of_a_song_counts(out: Path, reference: Reference, score_song: Score) -> None:
    for value in (1.0, 2.0):
        SongJournal(out, "settings").add(reference, [], score_song("song", bass={"sdr": value}))
    found = SongJournal(out, "settings").find(reference, [])
    assert found == score_song("song", bass={"sdr": 2.0})
    assert len((out / ".auralflow/songs.jsonl").read_bytes().splitlines()) == 2


def test_rubbish_is_survived(out: Path, reference: Reference, score_song: Score) -> None:
    (out / ".auralflow/songs.jsonl").write_bytes(b'\xff\x00\n[1]\nnull\n{"song": 3}\n{"song": "song"}\n')
    assert SongJournal(out, "settings").find(reference, []) is None
    SongJournal(out, "settings").add(reference, [], score_song("song"))
    assert SongJournal(out, "settings").find(reference, []) is not None


def test_a_full_disk_is_said_in_one_line(out: Path, reference: Reference, score_song: Score) -> None:
    (out / ".auralflow/songs.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"songs\.jsonl: cannot be written: Is a directory") as raised:
        SongJournal(out, "settings").add(reference, [], score_song("song"))
    assert "\n" not in str(raised.value)


def test_an_excerpt_belongs_to_a_song_and_its_settings(out: Path) -> None:
    """Or a run with other settings that was stopped would leave its sounds to the report of this one."""
    names = ["a", "b", "test/ä/“b”", "caf\udce9"]
    paths = {SongJournal(out, settings).excerpt_path(name) for settings in ("s1", "s2") for name in names}
    assert len(paths) == 8
    assert {path.parent for path in paths} == {out / ".auralflow/excerpts"}


def test_excerpts_are_dropped_by_name_and_by_settings(out: Path) -> None:
    ours, others = SongJournal(out, "ours"), SongJournal(out, "others")
    ours.drop_foreign_excerpts()  # there are none
    paths = [ours.excerpt_path("a"), ours.excerpt_path("b"), others.excerpt_path("a")]
    unfinished = paths[0].with_name(f".{paths[0].name}.part")
    paths[0].parent.mkdir()
    for path in (*paths, unfinished):
        path.write_bytes(b"sound")
    ours.drop_foreign_excerpts()
    assert [path.exists() for path in (*paths, unfinished)] == [True, True, False, False]
    ours.drop_excerpts(["b", "never there"])
    assert [path.exists() for path in paths] == [True, False, False]


def test_a_line_is_plain_json(out: Path, reference: Reference, score_song: Score) -> None:
    SongJournal(out, "settings").add(reference, [], score_song("song", bass={"sdr": float("nan")}))
    (line,) = (out / ".auralflow/songs.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail)["score"]["stems"]["bass"]["scores"] == {"sdr": None}


def test_a_fingerprint_knows_order_of_lists_and_not_of_keys() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
