"""Plans of the models in the box, wherever a model is taken: files, folders, workers, resuming, evaluation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow import api
from auralflow.cli import main
from auralflow.separation import worker
from auralflow.separation.config import SeparationConfig
from auralflow.separation.results import JobReport
from auralflow.separation.worker import describe_setup

PLANS = Path(__file__).parents[2] / "examples" / "plans"
RATE = 44100
VOICE_HZ = 900


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PLANS / "voice_then_rest.yaml", tmp_path)


def write_song(folder: Path, seconds: float = 3.0) -> dict[str, np.ndarray]:
    """A tone in the middle, another on the left, clicks on the right."""
    t = np.arange(round(seconds * RATE)) / RATE
    clicks = np.zeros(len(t))
    clicks[RATE // 4 :: RATE // 4] = 0.8
    sounds = {
        "vocals": np.stack([0.2 * np.sin(2 * np.pi * VOICE_HZ * t)] * 2, 1),
        "other": np.stack([0.2 * np.sin(2 * np.pi * 313 * t), np.zeros(len(t))], 1),
        "drums": np.stack([np.zeros(len(t)), clicks], 1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, RATE, "FLOAT")
    soundfile.write(folder / "mixture.wav", sum(sounds.values()), RATE, "FLOAT")
    return {name: sound.T for name, sound in sounds.items()}


def read(path: str) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def separate(song: str, out: str, **settings: object) -> JobReport:
    report = api.separate(song, out=out, **{"model": "voice_then_rest.yaml"} | settings)  # type: ignore[arg-type]
    assert isinstance(report, JobReport)
    return report


def level_of_voice(sound: np.ndarray) -> float:
    """Level of the voice's tone in dB, away from the ends."""
    inner = sound[:, RATE // 2 : -RATE // 2]
    tone = np.exp(-2j * np.pi * VOICE_HZ * np.arange(inner.shape[1]) / RATE)
    return float(10 * np.log10((np.abs(inner @ tone) ** 2).sum() / inner.shape[1] ** 2 + 1e-20))


def test_the_second_model_hears_no_voice_any_more(tmp_path: Path) -> None:
    write_song(tmp_path / "song")
    separate("song/mixture.wav", "chain", mix=["karaoke=-vocals"])
    separate("song/mixture.wav", "alone", model="harmonic_percussive")
    stems = {name: read(f"chain/mixture/{name}.wav") for name in ("vocals", "drums", "other", "karaoke")}
    mixture = read("song/mixture.wav")
    # Each model's stems sum to what it heard, so those of the chain sum to the song.
    assert np.abs(stems["vocals"] + stems["drums"] + stems["other"] - mixture).max() < 1e-5
    assert np.abs(stems["drums"] + stems["other"] - stems["karaoke"]).max() < 1e-5
    heard_alone = level_of_voice(read("alone/mixture/harmonic.wav"))
    assert level_of_voice(stems["other"]) < heard_alone - 15
    assert level_of_voice(stems["vocals"]) > heard_alone - 1


def test_a_job_of_a_plan_is_done_until_the_plan_changes(tmp_path: Path) -> None:
    write_song(tmp_path / "song", 1.0)
    settings: dict[str, object] = {"stems": "vocals", "name": "{track}/{model}-{stem}"}
    assert len(separate("song/mixture.wav", "out", **settings).done) == 1
    assert Path("out/mixture/voice_then_rest-vocals.wav").is_file()
    assert len(separate("song/mixture.wav", "out", **settings).skipped) == 1
    plan = Path("voice_then_rest.yaml")
    plan.write_text(plan.read_text().replace("stems: [vocals]\n", "stems: [vocals]\n    augment: [invert]\n", 1))
    again = separate("song/mixture.wav", "out", **settings)
    assert (len(again.done), len(again.skipped)) == (1, 0)


def test_a_worker_takes_a_plan(tmp_path: Path) -> None:
    """What a worker process does with what it is told, without the seconds that a process takes to start."""
    write_song(tmp_path / "song", 1.0)
    config = SeparationConfig(model="voice_then_rest.yaml", stems=("drums",), format="wav")
    (tmp_path / "work").mkdir()
    setup = describe_setup(config, tmp_path / "out", tmp_path / "work")
    (tmp_path / "out").mkdir()
    work = worker.prepare(json.loads(json.dumps(setup | {"n_threads": 1})))
    result = work({"path": "song/mixture.wav", "folder": "."}, lambda fraction: None)
    assert [output["name"] for output in result["outputs"]] == ["drums"]
    assert (tmp_path / "out/mixture/drums.wav").is_file()


def test_a_plan_is_scored_like_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_song(tmp_path / "songs" / "one")
    words = ["test", "voice_then_rest.yaml", "songs", "--split", "all", "--metrics", "sdr", "--plain", "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert Path("evaluation/voice_then_rest/scores.json").is_file()
    assert set(json.dumps(result).split('"')) >= {"vocals", "drums", "other"}


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_song(tmp_path / "song", 0.1)
    for text, message in [
        ("steps: [{model: classic, stems: [guitar]}]", "steps.0.stems.guitar: unknown stem of the model 'guitar'"),
        ("steps: [{model: classic, input: guitar}]", "steps.0.input: unknown sound 'guitar'"),
    ]:
        Path("wrong.yaml").write_text(text)
        assert main(["separate", "song/mixture.wav", "--model", "wrong.yaml"]) == 2
        assert f"error: wrong.yaml: {message}" in capsys.readouterr().err
    assert main(["separate", "song/mixture.wav", "--model", "gone.yaml"]) == 2
    assert "gone.yaml: cannot be read as a plan" in capsys.readouterr().err
