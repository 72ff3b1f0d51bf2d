"""`auralflow test` and `auralflow compare` on real files: every number, every bad input, every way to be stopped."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
import torch

from auralflow import api
from auralflow.cli import main
from auralflow.errors import AudioError, Cancelled, ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.events import EvaluationEvents, SongEvent
from auralflow.evaluation.excerpt import load_excerpt
from auralflow.evaluation.report import Report
from auralflow.evaluation.run import evaluate
from auralflow.metrics import load_metric
from auralflow.separation.manifest import own_folder
from auralflow.separation.progress import CancelToken

SAMPLE_RATE = 8000
STEMS = ("bass", "vocals")
MODELS = Path(__file__).parents[1] / "models"
HALF_DB = 20 * math.log10(2)
"""The SDR of half a target as its estimate."""

Sounds = dict[str, np.ndarray]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")  # whatever the terminal has, words of a table stay on one line


def write_sounds(
    folder: Path | str, sounds: Sounds, *, sample_rate: int = SAMPLE_RATE, stems: Sequence[str] = ()
) -> None:
    """Write files that hold these very floats."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in stems or sounds:
        soundfile.write(Path(folder, f"{name}.wav"), sounds[name].T, sample_rate, subtype="FLOAT")


def write_song(
    folder: Path | str,
    seed: int = 0,
    *,
    stems: Sequence[str] = STEMS,
    seconds: float = 2.0,
    sample_rate: int = SAMPLE_RATE,
) -> Sounds:
    """A song of noise in stereo; gives its sounds, the mixture among them."""
    random = np.random.default_rng(seed)
    shape = (2, round(seconds * sample_rate))
    sounds: Sounds = {
        stem: (0.1 * (n + 1) * random.uniform(-1, 1, shape)).astype(np.float32) for n, stem in enumerate(stems)
    }
    sounds["mixture"] = np.sum(list(sounds.values()), axis=0, dtype=np.float32)
    write_sounds(folder, sounds, sample_rate=sample_rate)
    return sounds


def scale(sounds: Sounds, factor: float = 0.5) -> Sounds:
    """Quieter estimates of the stems."""
    return {name: (factor * samples).astype(np.float32) for name, samples in sounds.items() if name != "mixture"}


@pytest.fixture
def three_songs() -> dict[str, Sounds]:
    """In the test split of the folder `data`."""
    return {f"test/song {n}": write_song(f"data/test/song {n}", n) for n in range(3)}


def words_of(*words: str, metrics: str = "sdr", system: str = "mixture") -> list[str]:
    """A command line that writes no page."""
    return ["test", system, "data", "--plain", "--layout", "musdb_hq", "--metrics", metrics, *words]


def run_api(
    system: str = "mixture",
    out: str = "scores",
    *,
    metrics: str = "sdr",
    heard: list[SongEvent] | None = None,
    **more: Any,
) -> Report:
    """Score without a page."""
    events = EvaluationEvents(song=(heard if heard is not None else []).append)
    # Which layout it is takes longer to find out than to score so little.
    return api.test(system, "data", out=out, metrics=metrics, plain=True, report=events, layout="musdb_hq", **more)


def kinds(heard: list[SongEvent]) -> dict[str, str]:
    """How each song ended."""
    return {event.name: event.kind for event in heard if event.kind in ("done", "failed", "skipped")}


def read_json(path: Path | str) -> Any:
    """JSON as everybody else reads it, too."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(Path(path).read_text(), parse_constant=refuse)


def read_csv(path: Path | str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


# Numbers


def test_every_file_holds_the_scores_of_the_metrics(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    names = ["sdr", "windowed_sdr", "l1_freq", "residual_loudness"]
    assert main(words_of("--frames", metrics=",".join(names))) == 0
    out = Path("evaluation/mixture")
    scores, table, frames = read_json(out / "scores.json"), read_csv(out / "scores.csv"), read_csv(out / "frames.csv")
    assert sorted(path.name for path in out.iterdir()) == [".auralflow", "frames.csv", "scores.csv", "scores.json"]
    assert [song["name"] for song in scores["songs"]] == list(three_songs)
    for song in scores["songs"]:
        sounds = three_songs[song["name"]]
        targets = torch.from_numpy(np.stack([sounds[stem] for stem in STEMS]))
        estimates = torch.from_numpy(sounds["mixture"]).expand_as(targets)
        expected: dict[str, torch.Tensor] = {}
        for name in names:
            expected |= load_metric(name).function(estimates, targets, sample_rate=SAMPLE_RATE)
        for n, stem in enumerate(STEMS):
            found = song["stems"][stem]
            row = next(r for r in table if (r["song"], r["stem"]) == (song["name"], stem))
            for column, values in expected.items():
                value = float(np.median(values[n])) if values.ndim == 2 else values[n].item()
                assert found["scores"][column] == value
                assert float(row[column]) == pytest.approx(value, abs=5e-7)
            windows = expected["windowed_sdr"][n].tolist()
            assert found["frames"]["windowed_sdr"] == windows
            rows = [r for r in frames if (r["song"], r["stem"]) == (song["name"], stem)]
            assert [r["start_s"] for r in rows] == ["0", "1"]
            assert [float(r["windowed_sdr"]) for r in rows] == pytest.approx(windows, abs=5e-7)
            assert found["counts"] == {"n_frames": 2, "n_used": 2, "n_own_silence": 0, "n_others_silence": 0}
    summary = scores["summary"]["sdr"]["stems"]["bass"]["interval"]
    assert summary["value"] == pytest.approx(np.mean([s["stems"]["bass"]["scores"]["sdr"] for s in scores["songs"]]))

    shown, told = capsys.readouterr()
    assert f"{summary['value']:.2f} [" in shown
    assert "3 songs scored, in " in shown
    assert all(str(out / name) in shown for name in ("scores.json", "scores.csv", "frames.csv"))
    assert "baseline mixture on 3 songs of data" in told
    assert all(line in told.splitlines() for line in scores["protocol"]["lines"])


def test_bss_eval_runs_in_the_whole_and_is_what_its_function_gives() -> None:
    sounds = write_song("data/song", seconds=2.5)
    targets = np.stack([sounds[stem] for stem in STEMS])[:, :1]
    write_sounds("data/song", {name: samples[:1] for name, samples in sounds.items()})
    report = run_api("oracle_irm", metrics="bss_eval_v4", frames=True)
    (song,) = read_json("scores/scores.json")["songs"]
    estimates = report_estimates("oracle_irm", sounds["mixture"][:1], targets)
    expected = load_metric("bss_eval_v4").function(estimates, torch.from_numpy(targets), sample_rate=SAMPLE_RATE)
    for column, values in expected.items():
        for n, stem in enumerate(STEMS):
            assert song["stems"][stem]["frames"][column] == pytest.approx(values[n].tolist(), abs=1e-9)
            assert report.songs[0].stems[stem].scores[column] == pytest.approx(values[n].median().item(), abs=2)
    assert report.protocol.framewise == ("v4_sdr", "v4_isr", "v4_sir", "v4_sar")


def report_estimates(baseline: str, mixture: np.ndarray, targets: np.ndarray) -> torch.Tensor:
    """What a baseline gives."""
    from auralflow.evaluation.baselines import BASELINES

    return BASELINES[baseline](torch.from_numpy(mixture), torch.from_numpy(targets))


@pytest.mark.parametrize("place", ["{split}/{song}", "{song}", "{song}/mixture"])
def test_a_folder_of_estimates_in_every_layout(three_songs: dict[str, Sounds], place: str) -> None:
    for name, sounds in three_songs.items():
        split, song = name.split("/")
        write_sounds(Path("mine", place.format(split=split, song=song)), scale(sounds))
    report = run_api("mine")
    assert (report.system.kind, report.system.name, report.failed) == ("estimates", "mine", ())
    values = [stem.scores["sdr"] for song in report.songs for stem in song.stems.values()]
    assert values == pytest.approx([HALF_DB] * 6, abs=1e-4)


def test_a_model_scores_as_what_it_writes() -> None:
    """Whether `separate` writes its estimates and they are scored as files, or the model is scored at once."""
    sounds = write_song("data/test/song", stems=("bass", "drums", "other", "vocals"), seconds=1.0)
    write_sounds("mixtures/test/song", sounds, stems=("mixture",))
    words = ["--model", "classic", "--stems", "vocals,bass", "--format", "wav32f", "--out", "mine", "--quiet"]
    assert main(["separate", "mixtures", *words]) == 0
    assert Path("mine/test/song/mixture/vocals.wav").is_file()
    stored = run_api("mine", "a", metrics="sdr,si_sdr")
    direct = run_api("classic", "b", metrics="sdr,si_sdr", stems="vocals,bass")
    for stem in ("vocals", "bass"):
        expected = direct.songs[0].stems[stem].scores
        assert stored.songs[0].stems[stem].scores == pytest.approx(expected, abs=1e-3)
        assert -60 < expected["sdr"] < 30
    assert api.compare("a", "b").result.overall.difference.value == pytest.approx(0, abs=1e-3)


def test_what_is_scored_does_not_change_the_score(capsys: Capture) -> None:
    """Of a stem called `other`, that would take in all that nobody asks for; and of a mask, that needs its rivals."""
    write_song("data/song", stems=("bass", "drums", "other", "vocals"))
    for system in ("mixture", "oracle_irm"):
        every = run_api(system, "every").songs[0].stems["other"].scores["sdr"]
        assert run_api(system, "one", stems="other").songs[0].stems["other"].scores["sdr"] == pytest.approx(every)
        assert every < 15


def test_the_sum_of_stems_can_stand_in_for_the_mixture() -> None:
    sounds = write_song("data/song")
    write_sounds("data/song", {"mixture": scale({"x": sounds["mixture"]})["x"]})
    published, summed = run_api(out="a"), run_api(out="b", mixture="sum")
    targets = np.stack([sounds[stem] for stem in STEMS])
    expected = load_metric("sdr").function(
        torch.from_numpy(sounds["mixture"]).expand(2, -1, -1), torch.from_numpy(targets), sample_rate=SAMPLE_RATE
    )["sdr"]
    found = [summed.songs[0].stems[stem].scores["sdr"] for stem in STEMS]
    assert found == pytest.approx(expected.tolist(), abs=1e-4)
    assert published.songs[0].stems["bass"].scores["sdr"] != pytest.approx(found[0], abs=0.5)
    assert (published.protocol.mixture, summed.protocol.mixture) == ("published", "sum")


# Bad input


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """A folder of estimates in which each song but one has something wrong."""
    root = tmp_path_factory.mktemp("spoilt")
    data, mine = root / "data/test", root / "mine"
    names = ("good", "long", "short", "longer", "slow", "fewer", "absent", "broken", "mono", "identical", "silent")
    songs = {name: write_song(data / name, seed) for seed, name in enumerate((*names, "quiet", "lacking"))}
    halves = {name: scale(sounds) for name, sounds in songs.items()}
    halves["long"]["bass"] = np.pad(halves["long"]["bass"], ((0, 0), (0, 800)), constant_values=0.5)
    halves["short"]["bass"] = halves["short"]["bass"][:, :-800]
    halves["longer"]["bass"] = np.pad(halves["longer"]["bass"], ((0, 0), (0, 801)))
    halves["broken"]["vocals"][0, 5] = np.nan
    halves["mono"]["bass"] = halves["mono"]["bass"].mean(0, keepdims=True)
    halves["identical"]["bass"] = songs["identical"]["bass"]
    halves["quiet"]["vocals"] = 0 * halves["quiet"]["vocals"]
    del halves["fewer"]["vocals"], halves["absent"]
    for name, sounds in halves.items():
        write_sounds(mine / name, sounds, sample_rate=16000 if name == "slow" else SAMPLE_RATE)
    write_sounds(data / "silent", {"vocals": 0 * songs["silent"]["vocals"]})
    (data / "lacking/vocals.wav").unlink()
    before = Path.cwd()
    os.chdir(root)
    try:
        yield run_api("mine", metrics="sdr,windowed_sdr", frames=True)
    finally:
        os.chdir(before)


def test_what_cannot_be_scored_is_told_and_all_else_is_scored(spoilt: Report) -> None:
    reasons = {failure.name.removeprefix("test/"): failure.reason for failure in spoilt.failed}
    expected = {
        "longer": "expected 16000 samples, as the song has, got 16801: 801 samples (0.100 s) too long",
        "slow": "expected 8000 Hz, as the song has, got 16000 Hz; resample it",
        "fewer": "expected an estimate of vocals, found bass",
        "absent": "test/absent: expected estimates in mine/test/absent, found none",
        "broken": "vocals.wav: has 1 samples that are NaN or infinite",
        "mono": "expected 2 channels, as the song has, got 1; --channels mono scores the mean over channels",
    }
    assert set(reasons) == set(expected)
    for name, told in expected.items():
        assert told in reasons[name]
        assert "\n" not in reasons[name]
    scored = ["good", "identical", "lacking", "long", "quiet", "short", "silent"]
    assert [song.name.removeprefix("test/") for song in spoilt.songs] == scored
    assert spoilt.exit_code == 1
    for song in spoilt.songs:
        if song.name.removeprefix("test/") in ("good", "long", "lacking"):
            assert song.stems["bass"].scores["sdr"] == pytest.approx(HALF_DB, abs=1e-4)


def _find(spoilt: Report, name: str) -> dict[str, Any]:
    songs = read_json(spoilt.out.absolute() / "scores.json")["songs"]
    found: dict[str, Any] = next(song for song in songs if song["name"] == f"test/{name}")
    return found


@pytest.fixture
def _there(spoilt: Report, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """In the folder of the spoilt songs."""
    identity = Path(spoilt.system.identity)
    monkeypatch.chdir(identity.parent)


@pytest.mark.usefixtures("_there")
def test_a_tenth_of_a_second_is_made_to_fit_with_a_note(spoilt: Report) -> None:
    assert _find(spoilt, "long")["notes"] == ["bass.wav: 800 samples (0.100 s) too long, cut at its end"]
    short = _find(spoilt, "short")
    assert short["notes"] == ["bass.wav: 800 samples (0.100 s) too short, padded with silence at its end"]
    # Of energy 1 the error is 1/4 where there is an estimate, and all of it in the last twentieth.
    expected = 10 * math.log10(1 / (0.25 * 19 / 20 + 1 / 20))
    assert short["stems"]["bass"]["scores"]["sdr"] == pytest.approx(expected, abs=0.1)


@pytest.mark.usefixtures("_there")
def test_a_silent_target_is_counted_and_leaves_the_other_stems_their_scores(spoilt: Report) -> None:
    stems = _find(spoilt, "silent")["stems"]
    assert stems["vocals"]["scores"] == {"sdr": None, "windowed_sdr": None}
    assert stems["vocals"]["not_finite"] == {"sdr": "nan", "windowed_sdr": "nan"}
    assert stems["vocals"]["flags"] == ["silent target"]
    assert stems["vocals"]["counts"]["n_own_silence"] == 2
    assert stems["bass"]["scores"]["windowed_sdr"] == pytest.approx(HALF_DB, abs=1e-4)
    assert stems["bass"]["counts"]["n_used"] == 2
    vocals = spoilt.summaries["sdr"].stems["vocals"]
    assert (vocals.songs.n_nan, vocals.songs.n_finite) == (1, 5)
    # Five songs of 6.02 dB but for one silent estimate, whose SDR is 0 dB.
    assert vocals.interval.value == pytest.approx(HALF_DB * 4 / 5, abs=1e-4)


@pytest.mark.usefixtures("_there")
def test_a_silent_estimate_is_flagged_and_scored_where_it_can_be(spoilt: Report) -> None:
    vocals = _find(spoilt, "quiet")["stems"]["vocals"]
    assert vocals["flags"] == ["silent estimate"]
    assert vocals["scores"]["sdr"] == pytest.approx(0, abs=1e-4)
    assert vocals["not_finite"] == {"windowed_sdr": "nan"}


@pytest.mark.usefixtures("_there")
def test_an_identical_estimate_is_null_with_a_flag(spoilt: Report) -> None:
    bass = _find(spoilt, "identical")["stems"]["bass"]
    assert bass["flags"] == ["identical"]
    assert bass["scores"] == {"sdr": None, "windowed_sdr": None}
    assert bass["not_finite"] == {"sdr": "inf", "windowed_sdr": "inf"}
    assert bass["infinite_frames"] == {"windowed_sdr": {"inf": [0, 1]}}
    assert spoilt.summaries["sdr"].stems["bass"].songs.n_plus_infinite == 1
    rows = read_csv("scores/scores.csv")
    assert [row["sdr"] for row in rows if row["flags"] == "identical"] == ["inf"]


@pytest.mark.usefixtures("_there")
def test_a_stem_that_a_song_lacks_leaves_its_set(spoilt: Report) -> None:
    song = _find(spoilt, "lacking")
    assert (list(song["stems"]), song["absent"]) == (["bass"], ["vocals"])
    assert "a stem that a song lacks leaves the set for that song" in spoilt.protocol.lines()[1]


@pytest.mark.usefixtures("_there")
def test_the_screen_tells_what_no_average_holds(spoilt: Report, capsys: Capture) -> None:
    assert main(["test", "mine", "data", "--plain", "--metrics", "sdr,windowed_sdr", "--out", "scores"]) == 1
    out, err = capsys.readouterr()
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    assert "note: bass: 1 with an estimate identical to the target" in notes
    assert "note: vocals: 1 songs have no such stem, 1 with silent target, 1 with silent estimate" in notes
    assert any(line.startswith("note: test/long: bass.wav: 800 samples") for line in notes)
    assert "0 songs scored, 7 scored before (--overwrite scores them again), 6 failed, in" in out
    complaints = [line for line in err.splitlines() if line.startswith("auralflow: error: ")]
    assert len(complaints) == 6
    assert all("test/" in line or "mine/" in line for line in complaints)


@pytest.mark.usefixtures("_there")
def test_mono_estimates_are_scored_against_the_mean_over_channels(spoilt: Report) -> None:
    report = run_api("mine", "mono scores", channels="mono")
    (song,) = [song for song in report.songs if song.name == "test/mono"]
    assert song.channels == 1
    assert song.stems["bass"].scores["sdr"] == pytest.approx(HALF_DB, abs=1e-4)
    assert len(report.failed) == 5


def test_no_song_that_can_be_scored_is_an_error_of_one_line(capsys: Capture) -> None:
    for n in range(3):
        sounds = write_song(f"data/song {n}", n)
        write_sounds(f"mine/song {n}", scale(sounds), sample_rate=16000)
    assert main(words_of("--quiet", "--out", "scores", system="mine")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("auralflow: error: no song could be scored: mine/song 0/bass.wav: expected 8000 Hz")
    assert line.endswith("; and so for 2 more")
    assert not Path("scores/scores.json").exists()
    with pytest.raises(AudioError, match="no song could be scored"):
        run_api("mine")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["test", "oracle_imr", "data"], "'oracle_imr': did you mean 'oracle_irm'?"),
        (["test", "mixture", "data", "--metrics", "sdr,si_snr"], "unknown metric 'si_snr': did you mean 's"),
        (["test", "mixture", "data", "--stems", "vocal"], "unknown stem 'vocal': did you mean 'vocals'?"),
        (["test", "mixture", "data", "--stems", "none"], "stems: expected at least one, got none"),
        (["test", "mixture", "data", "--metrics", ","], "metrics: expected at least one, got none"),
        (["test", "mixture", "data", "--split", "valid"], "data has test; there is no 'valid' in it"),
        (["test", "mixture", "data", "--split", "tset"], "unknown split 'tset': did you mean 'test'?"),
        (["test", "mixture", "data", "--workers", "-1"], "workers: expected 1 or more, got -1"),
        (["test", "mixture", "data", "--songs", "-1"], "songs: expected 1 or more, got -1"),
        (["test", "mixture", "nowhere"], "nowhere: no such data set"),
        (["test", "mixture", "loops"], "expected songs with their stems, got sounds that do not belong together"),
        (["test", "loops", "data"], "loops: expected a model's bundle or estimates such as"),
        (
            ["test", str(MODELS / "pass_through.py"), "data"],
            "no song of data has a stem 'drums'; choose others with --stems",
        ),
        (["test", "classic", "data", "--stems", "vocals", "--device", "cuda:99"], "cuda"),
        (["compare", "nowhere", "data"], "expected what 'auralflow test' has written"),
    ],
)
def test_a_request_that_cannot_be_met_is_told_in_one_line(words: list[str], told: str, capsys: Capture) -> None:
    write_song("data/test/song", seconds=0.1)
    for stem in STEMS:
        sounds = write_song("unused", stems=(f"{stem} loop",), seconds=0.1)
        write_sounds(f"loops/{stem}", sounds, stems=(f"{stem} loop",))
    more = ["--plain", "--out", "scores"] if words[0] == "test" else []
    assert main([*words, *more, "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("auralflow: error: ")
    assert told in line
    assert not Path("scores/scores.json").exists()


def test_a_name_of_any_bytes_is_a_song_like_others() -> None:
    if sys.platform != "linux":
        pytest.skip("names are text here")
    write_song("data/plain")
    os.rename(b"data/plain", b"data/caf\xe9")
    report = run_api(workers=None)
    assert [song.name for song in report.songs] == ["caf\udce9"]
    assert b"caf\xe9" in Path("scores/scores.csv").read_bytes()
    heard: list[SongEvent] = []
    run_api(heard=heard)
    assert set(kinds(heard).values()) == {"skipped"}


def test_a_mono_mixture_of_stereo_stems_is_separated() -> None:
    sounds = write_song("data/song")
    write_sounds("data/song", {"mixture": sounds["mixture"].mean(0, keepdims=True)})
    assert run_api("oracle_irm").failed == ()


# What the screen and a program get


def test_json_is_one_strict_object(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    write_sounds("data/test/song 1", {"bass": 0 * three_songs["test/song 1"]["bass"]})
    assert main(words_of("--json", "--out", "scores")) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (found["command"], found["exit_code"]) == ("test", 0)
    assert found["result"]["files"] == ["scores/scores.json", "scores/scores.csv"]
    assert found["result"] | {"files": None} == read_json("scores/scores.json") | {"files": None}


@pytest.mark.parametrize("columns", ["80", "120"])
def test_numbers_are_whole_in_a_narrow_window(
    three_songs: dict[str, Sounds], columns: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for folder, sounds in three_songs.items():
        write_sounds(Path("data", folder), {"drums": sounds["bass"], "other": sounds["vocals"]})
    assert main(words_of("--out", "scores", metrics="sdr,residual_loudness")) == 0
    assert main(["compare", "scores", "scores"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= int(columns)


def test_quiet_is_quiet(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    assert main(words_of("--quiet", "--out", "scores")) == 0
    assert capsys.readouterr() == ("", "")
    assert Path("scores/scores.csv").is_file()


# Again


def test_what_is_scored_is_not_scored_again(three_songs: dict[str, Sounds]) -> None:
    heard: list[SongEvent] = []
    first = run_api(heard=heard)
    assert kinds(heard) == dict.fromkeys(three_songs, "done")
    before = Path("scores/scores.json").read_bytes()
    heard.clear()
    again = run_api(heard=heard)
    assert [(event.kind, event.name, event.n_total) for event in heard] == [("skipped", n, 3) for n in three_songs]
    assert again.n_skipped == 3
    assert first.scores("sdr") == again.scores("sdr")
    assert Path("scores/scores.json").read_bytes() == before
    heard.clear()
    run_api(heard=heard, overwrite=True)
    assert kinds(heard) == dict.fromkeys(three_songs, "done")


def test_only_what_changed_is_scored_again(three_songs: dict[str, Sounds]) -> None:
    for name, sounds in three_songs.items():
        write_sounds(Path("mine", name), scale(sounds))
    run_api("mine")
    write_sounds("mine/test/song 1", scale(three_songs["test/song 1"], 0.75))
    os.utime("data/test/song 2/bass.wav", ns=(1, 1))
    heard: list[SongEvent] = []
    report = run_api("mine", heard=heard)
    assert kinds(heard) == {"test/song 0": "skipped", "test/song 1": "done", "test/song 2": "done"}
    assert report.songs[1].stems["bass"].scores["sdr"] == pytest.approx(20 * math.log10(4), abs=1e-4)
    heard.clear()
    run_api("mine", heard=heard, songs=2)
    assert kinds(heard) == {"test/song 0": "skipped", "test/song 1": "skipped"}


@pytest.mark.parametrize("change", [{"metrics": "snr"}, {"channels": "mono"}, {"stems": "bass"}, {"mixture": "sum"}])
def test_other_settings_are_other_scores(three_songs: dict[str, Sounds], change: dict[str, str]) -> None:
    heard: list[SongEvent] = []
    run_api()
    run_api(heard=heard, **change)
    assert kinds(heard) == dict.fromkeys(three_songs, "done")
    fresh = run_api(out="fresh", **change)
    assert read_json("scores/scores.json")["summary"] == read_json("fresh/scores.json")["summary"]
    assert fresh.n_skipped == 0


def test_what_failed_is_tried_again(three_songs: dict[str, Sounds]) -> None:
    for name, sounds in three_songs.items():
        write_sounds(Path("mine", name), scale(sounds))
    Path("mine/test/song 0/bass.wav").rename("bass.wav")
    heard: list[SongEvent] = []
    assert run_api("mine", heard=heard).exit_code == 1
    assert kinds(heard) == {"test/song 0": "failed", "test/song 1": "done", "test/song 2": "done"}
    Path("bass.wav").rename("mine/test/song 0/bass.wav")
    heard.clear()
    assert run_api("mine", heard=heard).exit_code == 0
    assert kinds(heard) == {"test/song 0": "done", "test/song 1": "skipped", "test/song 2": "skipped"}


def test_a_torn_line_costs_its_song(three_songs: dict[str, Sounds]) -> None:
    run_api()
    before = Path("scores/scores.json").read_bytes()
    journal = Path("scores/.auralflow/songs.jsonl")
    journal.write_bytes(journal.read_bytes()[:-50])
    heard: list[SongEvent] = []
    run_api(heard=heard)
    assert kinds(heard) == {"test/song 0": "skipped", "test/song 1": "skipped", "test/song 2": "done"}
    assert _without_times(before) == _without_times(Path("scores/scores.json").read_bytes())


def _without_times(content: bytes) -> Any:
    values = json.loads(content)
    for song in values["songs"]:
        del song["seconds"]
    return values


def test_a_stopped_run_keeps_what_it_has_scored(three_songs: dict[str, Sounds]) -> None:
    token = CancelToken()

    def stop(event: SongEvent) -> None:
        if event.kind == "done":
            token.cancel()

    with pytest.raises(Cancelled):
        api.test(
            "mixture", "data", out="scores", metrics="sdr", plain=True, cancel=token, report=EvaluationEvents(song=stop)
        )
    assert not Path("scores/scores.json").exists()
    heard: list[SongEvent] = []
    run_api(heard=heard)
    assert kinds(heard) == {"test/song 0": "skipped", "test/song 1": "done", "test/song 2": "done"}


def test_a_song_that_was_stopped_in_the_middle_has_not_failed(three_songs: dict[str, Sounds]) -> None:
    """Not even the last one, after which nobody would ask whether to stop."""
    token = CancelToken()
    heard: list[SongEvent] = []

    def stop(event: SongEvent) -> None:
        heard.append(event)
        if event.name == "test/song 2" and event.kind == "progress":
            token.cancel()

    with pytest.raises(Cancelled):
        evaluate(
            EvaluationConfig("mixture", "data", metrics=("sdr",), layout="musdb_hq"),
            Path("scores"),
            events=EvaluationEvents(song=stop),
            cancel=token,
        )
    assert kinds(heard) == {"test/song 0": "done", "test/song 1": "done"}


MODEL = """
import os, signal
from dataclasses import dataclass
import torch
from torch import nn
from auralflow.spec import ModelSpec

SPEC = ModelSpec(stems=("vocals", "bass"), sample_rate=8000, channels=2, segment_samples=32000)

@dataclass(frozen=True)
class {name}Config:
    pass

class {name}(nn.Module):
    def __init__(self, spec, config):
        super().__init__()
        self.spec, self.config, self.n_calls = spec, config, 0

    def forward(self, mixture):
        self.n_calls += 1
        {body}
        return torch.stack([0.5 * mixture, 0.25 * mixture], dim=1)
"""


def write_model(name: str, body: str) -> str:
    """A model file in the current folder."""
    path = Path(f"{name.lower()}.py").absolute()
    path.write_text(MODEL.format(name=name, body=body))
    return str(path)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_stops_within_a_song_and_says_what_is_kept(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    Path("pressed").touch()
    body = "if self.n_calls == 2 and os.path.exists('pressed'): os.kill(os.getpid(), signal.SIGINT)"
    model = write_model("Stops", body)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        assert main(words_of("--out", "scores", system=model)) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    out, err = capsys.readouterr()
    assert err.splitlines()[-1] == (
        "auralflow: error: stopped on request; 1 songs are scored, the same command goes on from there"
    )
    assert out == ""
    Path("pressed").unlink()
    heard: list[SongEvent] = []
    run_api(model, heard=heard)
    assert kinds(heard) == {"test/song 0": "skipped", "test/song 1": "done", "test/song 2": "done"}


def test_a_model_that_throws_or_gives_no_number_costs_its_song(three_songs: dict[str, Sounds]) -> None:
    write_song("data/test/song 3", 3)
    model = write_model(
        "Throws",
        "if self.n_calls == 2: raise RuntimeError('two\\n lines')\n        "
        "if self.n_calls == 3: mixture = mixture / 0 * 0",
    )
    heard: list[SongEvent] = []
    report = run_api(model, heard=heard)
    assert list(kinds(heard).values()) == ["done", "failed", "failed", "done"]
    assert [failure.reason for failure in report.failed] == [
        "test/song 1: RuntimeError: two lines",
        "expected finite samples from the model, got NaN or infinity; its weights may be damaged",
    ]


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_kill_in_the_middle_and_run_again() -> None:
    model = str(MODELS / "slow.py")
    for n in range(4):
        write_song(f"data/song {n}", n, stems=("vocals", "other"), sample_rate=44100, seconds=1.0)
    words = ["test", model, "data", "--out", "scores", "--plain", "--metrics", "sdr,windowed_sdr", "--quiet"]
    script = f"import sys; from auralflow.cli import main; sys.exit(main({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    journal = Path("scores/.auralflow/songs.jsonl")
    limit = time.monotonic() + 120
    while not (journal.exists() and journal.read_bytes().count(b"\n")):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    n_kept = journal.read_bytes().count(b"\n")
    assert 1 <= n_kept < 4
    heard: list[SongEvent] = []
    report = run_api(model, metrics="sdr,windowed_sdr", heard=heard)
    assert list(kinds(heard).values()) == ["skipped"] * n_kept + ["done"] * (4 - n_kept)
    assert len(report.songs) == 4
    # The pass-through gives the mixture as vocals.
    for n, song in enumerate(report.songs):
        sounds = {s: soundfile.read(f"data/song {n}/{s}.wav", dtype="float32")[0] for s in ("vocals", "other")}
        error = np.square(sounds["other"], dtype=np.float64).sum()
        expected = 10 * np.log10(np.square(sounds["vocals"], dtype=np.float64).sum() / error)
        assert song.stems["vocals"].scores["sdr"] == pytest.approx(expected, abs=1e-3)


# Many processes


def test_workers_give_the_very_same_scores_and_a_crash_costs_its_song() -> None:
    model = str(MODELS / "crashes.py")
    for n in range(4):
        write_song(f"data/song {n}", n, stems=("vocals", "other"), sample_rate=44100, seconds=1.3)
    here = run_api(model, "here", metrics="sdr,windowed_sdr,multi_stft")
    sounds = write_song("data/song 4", 4, stems=("vocals", "other"), sample_rate=44100, seconds=1.3)
    sounds["mixture"][:, 0] = 0.95
    write_sounds("data/song 4", sounds, sample_rate=44100, stems=("mixture",))
    heard: list[SongEvent] = []
    report = run_api(model, "there", metrics="sdr,windowed_sdr,multi_stft", workers=2, heard=heard)
    assert [failure.name for failure in report.failed] == ["song 4"]
    assert report.failed[0].reason == "its worker process ended with exit code 7, twice; not tried again"
    assert [event.kind for event in heard if event.name == "song 4" and event.kind != "progress"] == [
        "started",
        "retried",
        "started",
        "failed",
    ]
    assert repr([song.stems for song in report.songs]) == repr([song.stems for song in here.songs])
    assert report.exit_code == 1
    heard.clear()
    journal = Path("there/.auralflow/songs.jsonl")
    assert journal.read_bytes().count(b"\n") == 4


def test_two_runs_do_not_share_a_folder(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    with own_folder(Path("scores")):
        assert main(words_of("--out", "scores")) == 2
    assert "another auralflow job writes there" in capsys.readouterr().err


# Excerpts


def _config(**more: Any) -> EvaluationConfig:
    return EvaluationConfig("mine", "data", metrics=("sdr",), layout="musdb_hq", **more)


def _excerpts() -> list[str]:
    """The files."""
    return sorted(path.name for path in Path("scores/.auralflow/excerpts").glob("*"))


@pytest.fixture
def eight_songs() -> dict[str, Sounds]:
    """And estimates of them, the better the further down the list."""
    songs = {f"song {n}": write_song(f"data/song {n}", n, seconds=0.5) for n in range(8)}
    for n, (name, sounds) in enumerate(songs.items()):
        write_sounds(Path("mine", name), scale(sounds, 0.1 + 0.1 * n))
    return songs


def test_sounds_are_kept_of_the_best_and_the_worst_songs(eight_songs: dict[str, Sounds]) -> None:
    report = evaluate(_config(), Path("scores"))
    assert list(report.excerpts) == ["song 0", "song 1", "song 2", "song 5", "song 6", "song 7"]
    assert _excerpts() == sorted(path.name for path in report.excerpts.values())
    for n in (0, 7):
        excerpt = load_excerpt(report.excerpts[f"song {n}"])
        sounds = eight_songs[f"song {n}"]
        np.testing.assert_allclose(excerpt.mixture.samples, sounds["mixture"], atol=1e-3)
        np.testing.assert_allclose(excerpt.targets["bass"].samples, sounds["bass"], atol=1e-3)
        np.testing.assert_allclose(excerpt.estimates["bass"].samples, (0.1 + 0.1 * n) * sounds["bass"], atol=1e-3)
    assert evaluate(_config(), Path("plain"), with_excerpts=False).excerpts == {}
    assert not Path("plain/.auralflow/excerpts").exists()


def test_a_song_to_show_whose_sounds_are_lost_is_done_again(eight_songs: dict[str, Sounds]) -> None:
    report = evaluate(_config(), Path("scores"))
    report.excerpts["song 6"].unlink()
    heard: list[SongEvent] = []
    again = evaluate(_config(), Path("scores"), events=EvaluationEvents(song=heard.append))
    assert [name for name, kind in kinds(heard).items() if kind == "done"] == ["song 6"]
    assert again.excerpts == report.excerpts
    # Seven songs without the best: the fourth worst becomes the third best.
    heard.clear()
    evaluate(_config(max_songs=7), Path("scores"), events=EvaluationEvents(song=heard.append))
    assert [name for name, kind in kinds(heard).items() if kind == "done"] == ["song 4"]


def test_sounds_of_a_run_that_was_stopped_are_not_taken_for_those_of_another(eight_songs: dict[str, Sounds]) -> None:
    """One scores both stems, the other was stopped after it had begun with one of them."""
    evaluate(_config(), Path("scores"))
    token = CancelToken()

    def stop(event: SongEvent) -> None:
        if event.kind == "progress" and event.fraction == 1.0:
            token.cancel()

    with pytest.raises(Cancelled):
        evaluate(_config(stems=("bass",)), Path("scores"), events=EvaluationEvents(song=stop), cancel=token)
    report = evaluate(_config(), Path("scores"))
    assert len(report.excerpts) == 6
    assert _excerpts() == sorted(path.name for path in report.excerpts.values())
    assert all(set(load_excerpt(path).targets) == set(STEMS) for path in report.excerpts.values())


def test_sounds_are_those_of_the_scores(eight_songs: dict[str, Sounds]) -> None:
    """Also when estimates were scored anew in the meantime, by a run that keeps no sounds."""
    evaluate(_config(), Path("scores"))
    write_sounds("mine/song 0", scale(eight_songs["song 0"], 0.05))
    evaluate(_config(), Path("scores"), with_excerpts=False)
    report = evaluate(_config(), Path("scores"))
    excerpt = load_excerpt(report.excerpts["song 0"])
    np.testing.assert_allclose(excerpt.estimates["bass"].samples, 0.05 * eight_songs["song 0"]["bass"], atol=1e-3)


# Two systems


def _score_two(n_songs: int) -> None:
    for n in range(n_songs):
        sounds = write_song(f"data/song {n}", n, seconds=0.5)
        write_sounds(f"mine/song {n}", scale(sounds, 0.8 + 0.005 * n))
        write_sounds(f"theirs/song {n}", scale(sounds, 0.7))
    for system in ("mine", "theirs"):
        run_api(system, f"scores of {system}", metrics="sdr,multi_stft")


def test_two_systems_are_compared_on_the_screen_and_as_json(capsys: Capture) -> None:
    _score_two(8)
    assert main(["compare", "scores of mine", "scores of theirs"]) == 0
    out, err = capsys.readouterr()
    assert "A: mine   B: theirs   score: sdr (higher is better)" in out
    assert [line.split()[0] for line in out.splitlines() if "A better" in line] == ["bass", "vocals", "overall"]
    assert "differences with 95 % intervals" in err
    assert "no difference" not in err
    assert main(["compare", "scores of theirs", "scores of mine/scores.json", "--score", "multi_stft", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["result"]
    assert (found["higher_is_better"], found["result"]["overall"]["verdict"]) == (False, "B better")
    assert found["result"]["stems"]["bass"]["n_won_b"] == 8


@pytest.mark.parametrize(("alpha", "n_least"), [("0.05", 6), ("0.25", None), ("0.01", 8)])
def test_too_few_songs_are_said_to_be_too_few(alpha: str, n_least: int | None, capsys: Capture) -> None:
    """Four songs have no p value below 2/16."""
    _score_two(4)
    assert main(["compare", "scores of mine", "scores of theirs", "--alpha", alpha]) == 0
    out, err = capsys.readouterr()
    told = [line for line in err.splitlines() if "no difference can be shown at all" in line]
    assert told == (
        [f"with fewer than {n_least} songs no difference can be shown at all, however large"] * bool(n_least)
    )
    assert ("A better" in out) == (n_least is None)
    assert ("no difference shown" in out) == (n_least is not None)


def test_scores_on_other_terms_are_not_compared(three_songs: dict[str, Sounds], capsys: Capture) -> None:
    run_api(out="a")
    run_api(out="b", channels="mono")
    assert main(["compare", "a", "b"]) == 2
    assert "protocol: A and B were scored in different ways" in (err := capsys.readouterr().err)
    assert err.rstrip().endswith("channels: all and mono")
    run_api(out="c", songs=2)
    with pytest.raises(ConfigError, match="max_songs: None and 2"):
        api.compare("a", "c")
    assert main(["compare", "a", "a", "--score", "sdt"]) == 2
    assert "unknown score 'sdt': did you mean 'sdr'?" in capsys.readouterr().err
