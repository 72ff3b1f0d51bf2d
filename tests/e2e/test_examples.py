"""The examples run, and show what they say."""

from __future__ import annotations

import io
import json
import re
import runpy
import statistics
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from auralflow import Audio, Separator, load_model

EXAMPLES = Path(__file__).parents[2] / "examples"
MY_MODEL = str(EXAMPLES / "my_model.py")


def run(name: str, *words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", [name, *words])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("model", [None, MY_MODEL])
def test_arrays(model: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = () if model is None else ("--model", model)
    out = run("separate_arrays.py", *words, monkeypatch=monkeypatch, capsys=capsys)
    assert "100% done, 8.0 s of audio" in out
    assert out.count("(2, 352800)") == len(load_model(model or "default").spec.stems)
    error = re.search(r"vocals \+ minus = the mixture, to (\S+)", out)
    assert error is not None
    assert float(error[1]) < 1e-6


@pytest.mark.parametrize("model", [None, MY_MODEL])
def test_blocks(model: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = () if model is None else ("--model", model)
    out = run("stream_blocks.py", "--seconds", "9", *words, monkeypatch=monkeypatch, capsys=capsys)
    assert "432000 samples in and out" in out
    times = [float(text) for text in re.findall(r"([\d.]+) s are through", out)]
    assert len(times) > 2
    assert times[0] < 4.0
    assert times[-1] == 9.0


def test_live_is_the_separator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16-bit sound through a pipe, against the same in memory; a torn frame at the end is left out."""
    samples = np.random.default_rng(0).integers(-9000, 9000, (6007, 2)).astype("<i2")
    source, sink = io.BytesIO(samples.tobytes() + b"x"), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=source))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=sink))
    monkeypatch.setattr(sys, "argv", ["live.py", "--stem", "drums", "--block", "441"])
    runpy.run_path(str(EXAMPLES / "live.py"), run_name="__main__")
    mixture = Audio(np.ascontiguousarray((samples.T / 32768).astype(np.float32)), 44100)
    expected = Separator(load_model("live"), device="cpu").separate(mixture)["drums"].samples
    got = np.frombuffer(sink.getvalue(), "<i2").reshape(-1, 2).T
    assert got.shape == (2, 6007)
    assert np.abs(got - 32768 * expected).max() < 1


@pytest.mark.parametrize("n_samples", [0, 1, 999, 44100 * 7 + 7])
def test_the_stems_of_my_model_sum_to_the_song(n_samples: int) -> None:
    """Softmax masks sum to one in every bin, and the STFT and the windows are linear."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, n_samples)).astype(np.float32)
    stems = Separator(load_model(MY_MODEL)).separate(Audio(samples, 44100))
    assert np.abs(stems["vocals"].samples + stems["other"].samples - samples).max(initial=0) < 1e-5


@pytest.mark.timeout(900)
@pytest.mark.parametrize("model", ["spectrogram_net_simple", pytest.param("waveform_unet", marks=pytest.mark.slow)])
def test_training_from_nothing_learns_to_separate(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than 3 dB over the model that it began with, and 1 dB over what a volume knob could do."""
    out = run("train_from_nothing.py", "--out", str(tmp_path), "--model", model, monkeypatch=monkeypatch, capsys=capsys)
    scores = json.loads((tmp_path / f"{model}.json").read_text())
    mean = {name: statistics.mean(stems.values()) for name, stems in scores.items()}
    assert mean["trained"] > mean["untrained"] + 3.0, out
    assert mean["trained"] > mean["volume knob"] + 1.0, out
    assert sorted(path.stem for path in (tmp_path / "separated" / "mixture").iterdir()) == sorted(scores["trained"])
