"""Files and folders become pictures; what cannot be drawn costs only itself."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow import api, cli
from auralflow.errors import AudioError, AuralflowError, ConfigError, MissingExtraError, OutputError, UnknownNameError
from auralflow.evaluation.compare import read_scores
from auralflow.pictures.draw import draw
from auralflow.pictures.sounds import View, sketch_file, sketch_pair
from auralflow.pictures.subjects import MAX_ROWS, Subject, find_subjects
from auralflow.training.curves import read_curves
from auralflow.training.folder import RunFolder

pytest.importorskip("matplotlib")

RATE = 8000


def write(path: Path, seconds: float = 0.5, channels: int = 1, rate: int = RATE, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), channels))
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_metrics(run: Path) -> Path:
    rows = ["step,name,value", "10,train/loss,0.5", "20,train/loss,0.25", "20,epoch/train_loss,0.375"]
    rows += ["20,epoch/valid_loss,0.3", "20,valid_sdr_db/vocals,1.5", "20,epoch/data_wait,0.1", "30,train/lo"]
    (run / "logs").mkdir(parents=True)
    (run / "logs" / "metrics.csv").write_text("\n".join(rows))
    return run


# Sounds


def test_the_difference_of_equal_files_is_silence(here: Path) -> None:
    one, other = write(here / "a.wav"), write(here / "b.wav")
    pair = sketch_pair(one, other, View())
    assert pair.difference.low.max() == pair.difference.high.max() == 0
    assert pair.difference.levels.level_db.max() == -120
    assert pair.estimate.levels.level_db.max() > -40
    assert pair.sdr_db == math.inf


def test_the_difference_and_its_sdr_are_those_of_the_samples(here: Path) -> None:
    target = np.random.default_rng(0).uniform(-0.4, 0.4, RATE)
    error = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    soundfile.write("target.wav", target, RATE, subtype="DOUBLE")
    soundfile.write("estimate.wav", target + error, RATE, subtype="DOUBLE")
    pair = sketch_pair(Path("estimate.wav"), Path("target.wav"), View())
    assert pair.sdr_db == pytest.approx(10 * np.log10((target @ target) / (error @ error)), abs=0.01)
    assert pair.difference.high.max() == pytest.approx(0.1, abs=1e-4)
    levels = pair.difference.levels
    column = levels.level_db[:, levels.level_db.shape[1] // 2]
    assert levels.edges_hz[column.argmax()] == pytest.approx(1000, rel=0.02)
    assert column.max() == pytest.approx(-20, abs=0.2)


def test_a_part_is_drawn_alone_and_at_its_time(here: Path) -> None:
    soundfile.write("a.wav", np.concatenate([np.zeros(RATE), np.full(RATE, 0.5), np.zeros(RATE)]), RATE)
    sketch, warnings = sketch_file(Path("a.wav"), View(start_s=1.0, duration_s=1.0))
    assert (sketch.duration_s, warnings) == (1.0, [])
    assert sketch.low.min() == pytest.approx(0.5, abs=1e-3)
    figure, _ = draw(Subject("sound", Path("a.wav"), (Path("a.wav"),)), View(start_s=1.0, duration_s=1.0), None)
    assert figure.axes[0].get_xlim() == (1, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seconds": 0.6}, r"expected 4800 samples .*, got 4000: their lengths differ"),
        ({"rate": 16000}, "expected 16000 Hz"),
        ({"channels": 2}, "expected 2 channels"),
    ],
)
def test_what_does_not_belong_together_is_refused(here: Path, change: dict[str, int], told: str) -> None:
    write(here / "a.wav"), write(here / "b.wav", **change)  # type: ignore[arg-type]
    with pytest.raises(AudioError, match=told):
        api.plot("a.wav", target="b.wav")
    assert not Path("pictures").exists()


# What an input is


def test_sounds_folders_and_pairs_are_found(here: Path) -> None:
    for name in ("est/vocals.wav", "est/drums.wav", "est/noise.wav", "truth/vocals.wav", "truth/drums.flac"):
        write(here / name)
    (here / "est" / "notes.txt").touch()
    assert find_subjects(Path("est/vocals.wav"), None)[0].kind == "sound"
    (folder,) = find_subjects(Path("est"), None)
    assert [path.name for path in folder.sounds] == ["drums.wav", "noise.wav", "vocals.wav"]
    pairs = find_subjects(Path("est"), Path("truth"))
    assert [(one.name, other.name) for one, other in (pair.sounds for pair in pairs)] == [
        ("drums.wav", "drums.flac"),
        ("vocals.wav", "vocals.wav"),
    ]
    assert find_subjects(Path("est/drums.wav"), Path("truth"))[0].sounds[1] == Path("truth/drums.flac")


@pytest.mark.parametrize(
    ("path", "target", "error", "told"),
    [
        ("none.wav", None, AudioError, "no such file or folder"),
        ("est/a.wav", "none.wav", AudioError, "none.wav: no such file or folder"),
        ("empty", None, ConfigError, "found none of them"),
        ("many", None, AudioError, f"holds {MAX_ROWS + 1} sounds"),
        ("est", "many", ConfigError, "nothing to compare: .*0, 1"),
        ("est", "empty", ConfigError, "nothing to compare: .*holds none"),
        ("est", "est/a.wav", ConfigError, "target: 'est' is a folder"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(
    here: Path, path: str, target: str | None, error: type[AuralflowError], told: str
) -> None:
    write(here / "est" / "a.wav"), (here / "empty").mkdir()
    for number in range(MAX_ROWS + 1):
        write(here / "many" / f"{number}.wav", 0.01)
    with pytest.raises(error, match=told) as caught:
        api.plot(path, target=target)
    assert "\n" not in str(caught.value)


# Evaluations and runs


def test_scores_are_drawn_by_stem(here: Path) -> None:
    api.synth_data("songs", songs=3, duration=1.0, rate=RATE)
    api.test("mixture", "songs", split="all", metrics="sdr,si_sdr", plain=True, out="found")
    report = api.plot(["found", "found/scores.json"], score="si_sdr", svg=True)
    assert [picture.kind for picture in report.done] == ["scores", "scores"]
    figure, _ = draw(find_subjects(Path("found"), None)[0], View(), None)
    (axis,) = figure.axes
    assert axis.get_xlabel() == "sdr (higher is better)"
    assert [label.get_text() for label in axis.get_yticklabels()] == list(read_scores(Path("found")).protocol.stems)
    with pytest.raises(UnknownNameError, match="did you mean 'sdr'"):
        api.plot("found", score="sdrr")


def test_curves_are_those_of_the_log(here: Path) -> None:
    curves = read_curves(RunFolder(write_metrics(here / "run")))
    assert curves.step_name == "batch"
    assert curves.loss == {
        "train, each entry": [(10, 0.5), (20, 0.25)],
        "train": [(20, 0.375)],
        "validation": [(20, 0.3)],
    }
    assert curves.sdr_db == {"vocals": [(20, 1.5)]}
    (picture,) = api.plot("run", out="curves.png").done
    assert (picture.kind, picture.path) == ("curves", Path("curves.png"))
    assert find_subjects(Path("run/logs/metrics.csv"), None) == find_subjects(Path("run"), None)


def test_without_a_log_curves_are_those_of_the_epochs(here: Path) -> None:
    run = RunFolder(here / "run")
    history = [
        {"epoch": 1, "train_loss": 0.5, "valid_loss": 0.6, "valid_sdr_db": {"vocals": 1.0, "other": None}},
        {"epoch": 2, "train_loss": 0.4},
    ]
    run.path.mkdir()
    run.train_yaml.touch()
    run.write_scores(history, best_epoch=1)
    curves = read_curves(run)
    assert (curves.step_name, curves.best_step) == ("epoch", 1)
    assert curves.loss == {"train": [(1, 0.5), (2, 0.4)], "validation": [(1, 0.6)]}
    assert curves.sdr_db == {"vocals": [(1, 1.0)]}
    assert api.plot("run").done[0].path == Path("pictures/run.png")


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"best_epoch": 0, "epochs": [{"train_loss": 1}]}), "{}"])
def test_a_damaged_run_is_told(here: Path, text: str) -> None:
    run = RunFolder(here / "run")
    run.path.mkdir()
    run.train_yaml.touch()
    with pytest.raises(ConfigError, match="train it first"):
        read_curves(run)
    run.scores.write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        api.plot("run")


# Where pictures go


def test_one_bad_file_does_not_stop_the_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "a.wav"), write(here / "z.wav")
    (here / "bad.wav").write_bytes(b"no sound at all")
    assert cli.main(["plot", "a.wav", "bad.wav", "missing.wav", "z.wav", "--for", "0.2"]) == 1
    out, err = capsys.readouterr()
    assert out.split() == ["pictures/a.png", "pictures/z.png"]
    assert sorted(path.name for path in Path("pictures").iterdir()) == ["a.png", "z.png"]
    assert err.count("auralflow: error: ") == len(err.splitlines()) == 2
    assert cli.main(["plot", "bad.wav"]) == 2


def test_names_that_would_clash_get_their_folder(here: Path) -> None:
    paths = [write(here / name, 0.01) for name in ("one/v.wav", "two/v.wav", "w.wav", "two/v.flac")]
    report = api.plot([*paths, paths[0]], out="out")
    assert [picture.path.name for picture in report.done] == ["one v.png", "two v 1.png", "w.png", "two v 2.png"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a.wav", "b.wav", "--out", "x.svg"], "2 pictures do not go into one file"),
        (["a.wav", "--out", "x.pdf"], "expected a name that ends in .png or .svg"),
        (["a.wav", "--out", ""], "empty name"),
        (["a.wav", "--for", "0"], "more than 0 seconds"),
        (["a.wav", "--from", "soon"], "expected a time"),
        (["a.wav", "--from", "9"], "expected a start before its end"),
        (["a.wav", "--scale", "melt"], "did you mean 'mel'"),
        (["a.wav", "--out", "a.wav/x.png"], "cannot be written"),
        ([], "INPUT"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    write(here / "a.wav"), write(here / "b.wav")
    assert cli.main(["plot", *words]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in here.iterdir()) == ["a.wav", "b.wav"]


def test_an_input_is_never_overwritten(here: Path) -> None:
    write(here / "a.wav").rename("a.png")
    content = Path("a.png").read_bytes()
    with pytest.raises(OutputError, match="overwrite its input"):
        api.plot("a.png", out=".")
    assert Path("a.png").read_bytes() == content


def test_without_matplotlib_the_extra_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[plots\]'"):
        api.plot("a.wav")


def test_json_says_what_was_drawn(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "a.wav")
    assert cli.main(["plot", "a.wav", "--target", "a.wav", "--out", "b.SVG", "--json"]) == 0
    (picture,) = json.loads(capsys.readouterr().out)["result"]["done"]
    assert picture == {"source": "a.wav", "kind": "comparison", "path": "b.SVG", "notes": []}
    assert "identical to the target" in Path("b.SVG").read_text(encoding="utf-8") or Path("b.SVG").stat().st_size


_MEASURE = """
import pathlib, sys, auralflow
auralflow.plot(sys.argv[1], out=sys.argv[2], target=sys.argv[1])
print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.timeout(1800)
def test_twenty_minutes_take_no_more_memory_than_two(here: Path) -> None:
    """Three sketches of a minute of stereo that were held would be 60 MiB."""

    def measure(minutes: int) -> float:
        minute = (np.random.default_rng(0).uniform(-0.1, 0.1, (60 * 44100, 2)) * 32767).astype(np.int16)
        with soundfile.SoundFile("long.wav", "w", 44100, 2, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
        command = [sys.executable, "-c", _MEASURE, "long.wav", "long.png"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024

    assert measure(20) - measure(2) < 30
