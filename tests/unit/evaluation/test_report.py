"""Averages of a report, and the files it becomes."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from auralflow.errors import OutputError
from auralflow.evaluation.protocol import Protocol
from auralflow.evaluation.publish import publish
from auralflow.evaluation.report import Report, summarise_songs
from auralflow.evaluation.results import FrameCounts, SongFailure, SongScore, StemScore, decode_song
from auralflow.evaluation.write import replace_file, write_csv, write_frames, write_json
from auralflow.metrics import Column

NAN, INF = math.nan, math.inf
SDR, FRAMES, ERROR = Column("sdr", False, True), Column("v4_sdr", True, True), Column("l1_freq", False, False)
Score = Callable[..., SongScore]
MakeReport = Callable[..., Report]


def _read_json(path: Path) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# Averages


def test_whole_songs_have_a_mean_and_frames_a_median(score_song: Score) -> None:
    songs = [score_song(str(n), bass={"sdr": value, "v4_sdr": value}) for n, value in enumerate([1.0, 2.0, 9.0])]
    found = summarise_songs(songs, ["bass"], [SDR, FRAMES])
    assert [summary.stems["bass"].interval.value for summary in found.values()] == [4.0, 2.0]
    assert [summary.overall.value for summary in found.values()] == [4.0, 2.0]
    assert [summary.stems["bass"].statistic for summary in found.values()] == ["mean", "median"]


def test_what_is_not_finite_is_counted_and_never_averaged_as_zero(score_song: Score) -> None:
    values = [4.0, NAN, INF, 6.0]
    songs = [score_song(str(n), bass={"sdr": value}, vocals={"sdr": 1.0}) for n, value in enumerate(values)]
    found = summarise_songs(songs, ["bass", "vocals"], [SDR])["sdr"]
    bass = found.stems["bass"]
    assert bass.interval.value == 5.0
    assert (bass.songs.n_finite, bass.songs.n_nan, bass.songs.n_plus_infinite) == (2, 1, 1)
    assert found.overall.value == 3.0
    assert found.overall.n_values == 4


def test_a_stem_that_a_song_lacks_is_not_counted(score_song: Score) -> None:
    songs = [score_song("a", bass={"sdr": 4.0}, vocals={"sdr": 2.0}), score_song("b", vocals={"sdr": 8.0})]
    found = summarise_songs(songs, ["vocals", "bass"], [SDR])["sdr"]
    assert (found.stems["bass"].interval.value, found.stems["bass"].songs.n_left_out) == (4.0, 0)
    assert found.overall.value == 4.5  # the mean of 5 and 4, not of three scores


def test_a_stem_without_any_score_has_no_average_and_spoils_none(score_song: Score) -> None:
    songs = [score_song(str(n), vocals={"sdr": 2.0}, bass={"sdr": NAN}) for n in range(3)]
    found = summarise_songs(songs, ["vocals", "bass", "drums"], [SDR])["sdr"]
    assert found.stems["bass"].interval.value is None
    assert found.stems["drums"].interval.value is None
    assert found.overall.value == 2.0


def test_the_exit_code_tells_of_failures(make_report: MakeReport, score_song: Score) -> None:
    songs = [score_song("a", vocals={"sdr": 2.0}, bass={"sdr": 1.0})]
    assert make_report(songs).exit_code == 0
    assert make_report(songs, failed=[SongFailure("b", "broken")]).exit_code == 1
    assert make_report(songs).scores("sdr") == {"a": {"vocals": 2.0, "bass": 1.0}}


# Files


@pytest.fixture
def report(make_report: MakeReport, score_song: Score, protocol: Protocol) -> Report:
    """Of a song with everything that can be awkward, and one without a stem."""
    stem = StemScore(
        {"sdr": NAN, "v4_sdr": 2.0, "l1_freq": 1 / 3},
        {"v4_sdr": (2.0, NAN, INF)},
        FrameCounts(3, 1, 1, 1),
        ("silent target", "identical"),
    )
    other = StemScore({"sdr": INF, "v4_sdr": -1.5, "l1_freq": 0.0}, {"v4_sdr": (-1.5, -INF, -2.0)})
    songs = [score_song('test/a, "b"', vocals=stem, bass=other), score_song("test/c", bass=replace(other, flags=()))]
    framewise = replace(protocol, framewise=("v4_sdr",), window_s=1.0)
    return make_report(songs, [SDR, FRAMES, ERROR], protocol=framewise, failed=[SongFailure("d", "broken")])


def test_json_is_strict_and_complete(report: Report, tmp_path: Path) -> None:
    write_json(report, tmp_path / "scores.json", with_frames=True)
    values = _read_json(tmp_path / "scores.json")
    assert (values["format"], values["format_version"]) == ("auralflow-scores", 1)
    assert values["failed"] == [{"name": "d", "reason": "broken"}]
    assert values["protocol"]["lines"] == report.protocol.lines()
    assert repr(tuple(decode_song(song) for song in values["songs"])) == repr(report.songs)
    vocals = values["songs"][0]["stems"]["vocals"]
    assert (vocals["scores"]["sdr"], vocals["not_finite"]["sdr"]) == (None, "nan")
    summary = values["summary"]["sdr"]
    assert (summary["higher_is_better"], values["summary"]["l1_freq"]["higher_is_better"]) == (True, False)
    assert summary["stems"]["vocals"]["interval"]["value"] is None
    assert summary["stems"]["bass"]["songs"]["n_plus_infinite"] == 2
    write_json(report, tmp_path / "plain.json", with_frames=False)
    assert "frames" not in _read_json(tmp_path / "plain.json")["songs"][0]["stems"]["vocals"]


def test_a_table_has_a_row_for_each_song_and_stem(report: Report, tmp_path: Path) -> None:
    write_csv(report, tmp_path / "scores.csv")
    rows = _read_csv(tmp_path / "scores.csv")
    assert [(row["song"], row["stem"]) for row in rows] == [
        ('test/a, "b"', "vocals"),
        ('test/a, "b"', "bass"),
        ("test/c", "bass"),
    ]
    assert [row["sdr"] for row in rows] == ["nan", "inf", "inf"]
    assert [row["l1_freq"] for row in rows] == ["0.333333", "0.000000", "0.000000"]
    assert [(row["frames"], row["frames_used"]) for row in rows] == [("3", "1"), ("", ""), ("", "")]
    assert [row["flags"] for row in rows] == ["silent target; identical", "", ""]


def test_frames_have_their_time(report: Report, tmp_path: Path) -> None:
    halves = replace(report, protocol=replace(report.protocol, window_s=0.5))
    write_frames(halves, tmp_path / "frames.csv")
    rows = _read_csv(tmp_path / "frames.csv")
    assert list(rows[0]) == ["song", "stem", "start_s", "v4_sdr"]
    assert [(row["start_s"], row["v4_sdr"]) for row in rows[:6]] == [
        ("0", "2.000000"),
        ("0.5", "nan"),
        ("1", "inf"),
        ("0", "-1.500000"),
        ("0.5", "-inf"),
        ("1", "-2.000000"),
    ]
    assert len(rows) == 9


def test_a_name_of_any_bytes_can_be_written(make_report: MakeReport, score_song: Score, tmp_path: Path) -> None:
    """File names on Linux need not be text; the table has the bytes of the folder."""
    name = b"caf\xe9".decode(errors="surrogateescape")
    report = make_report([score_song(name, vocals={"sdr": 1.0}, bass={"sdr": 1.0})])
    write_csv(report, tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes().splitlines()[1].startswith(b"caf\xe9,vocals,")
    write_json(report, tmp_path / "scores.json", with_frames=False)
    assert decode_song(_read_json(tmp_path / "scores.json")["songs"][0]).name == name


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    replace_file(tmp_path / "a.txt", "first")
    replace_file(tmp_path / "a.txt", b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"second"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"folder: cannot be written: .*; choose another --out"):
        replace_file(tmp_path / "folder", "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]


@pytest.mark.parametrize("with_frames", [True, False])
def test_only_what_was_asked_for_is_published(report: Report, tmp_path: Path, with_frames: bool) -> None:
    found = publish(report, with_frames=with_frames, with_page=False)
    names = ["scores.json", "scores.csv"] + ["frames.csv"] * with_frames
    assert [path.name for path in found.files] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    frames = [stem.get("frames") for song in _read_json(found.files[0])["songs"] for stem in song["stems"].values()]
    assert all(frames) == any(frames) == with_frames


def test_no_frames_are_published_of_scores_that_have_none(
    make_report: MakeReport, score_song: Score, tmp_path: Path
) -> None:
    report = make_report([score_song("a", vocals={"sdr": 1.0}, bass={"sdr": np.float64(1.0)})])
    assert [path.name for path in publish(report, with_frames=True, with_page=False).files] == [
        "scores.json",
        "scores.csv",
    ]
