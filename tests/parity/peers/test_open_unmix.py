"""OpenUnmix beside the package openunmix 1.3.0: its files of random weights, its loader, its whole pipeline.

Needs the environment that `benchmarks/peers/make_env.sh` makes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from auralflow.audio.types import Audio
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.models.open_unmix import OpenUnmix, OpenUnmixConfig
from auralflow.pretrained.convert.open_unmix import convert
from auralflow.separation.engine import Separator

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = ROOT / "tests" / "data" / "make_open_unmix.py"
KEYS = ROOT / "tests" / "data" / "keys" / "open_unmix.txt"
SMALL = ("--n-fft", "256", "--hop", "64", "--hidden", "16", "--rate", "8000")

pytestmark = [pytest.mark.peers, pytest.mark.skipif(not PYTHON.exists(), reason="needs benchmarks/peers/make_env.sh")]

Array = NDArray[np.float32]


def _run(*arguments: object) -> None:
    subprocess.run([PYTHON, SCRIPT, *map(str, arguments)], check=True)


def _separate(folder: Path, mixture: Array, *options: str) -> Array:
    """What the package makes of it."""
    np.save(folder / "mixture.npy", mixture)
    _run("separate", folder, folder / "mixture.npy", folder / "estimates.npy", *options)
    estimates: Array = np.load(folder / "estimates.npy")
    return estimates


def _open(folder: Path, **changes: object) -> OpenUnmix:
    converted = convert(folder)
    config = OpenUnmixConfig(**{**vars(converted.members[0].config), **changes})
    model = OpenUnmix(converted.spec, config)
    model.load_state_dict(converted.members[0].state)
    return model


def _stems(model: OpenUnmix, mixture: Array, **options: object) -> Array:
    estimates = Separator(model, **options).separate(Audio(mixture, model.spec.sample_rate))
    return np.stack([estimate.samples for estimate in estimates.values()])


def _song(duration_s: float, sample_rate: int) -> Array:
    return mix_stems(render_song(SongConfig(seed=5, duration_s=duration_s, sample_rate=sample_rate)))


def _errors(found: Array, expected: Array) -> list[float]:
    """Relative, for each stem."""
    return [float(np.linalg.norm(f - e) / np.linalg.norm(e)) for f, e in zip(found, expected, strict=True)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights at the published size."""
    folder = tmp_path_factory.mktemp("umx")
    _run("weights", folder)
    return folder


def test_twenty_seconds_at_the_published_size(published: Path, record_property: Callable[[str, object], None]) -> None:
    mixture = _song(20.0, 44100)
    errors = _errors(_stems(_open(published), mixture), _separate(published, mixture))
    record_property("relative errors", errors)
    assert max(errors) < 1e-4


def test_a_minute_in_segments_is_the_song_at_once(
    published: Path, record_property: Callable[[str, object], None]
) -> None:
    mixture = _song(60.0, 44100)
    errors = _errors(_stems(_open(published), mixture), _separate(published, mixture))
    record_property("SDR", [-20 * np.log10(error) for error in errors])
    assert max(errors) < 10 ** (-50 / 20)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (("--niter", "0"), {"n_wiener_iterations": 0}),
        (("--niter", "2"), {"n_wiener_iterations": 2}),
        (("--window", "0"), {"wiener_frames": 0}),
        (("--window", "77"), {"wiener_frames": 77}),
        (("--softmask",), {"is_soft_mask": True}),
        (("--softmask", "--niter", "0"), {"is_soft_mask": True, "n_wiener_iterations": 0}),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_options(tmp_path: Path, channels: int, options: tuple[str, ...], changes: dict[str, object]) -> None:
    _run("weights", tmp_path, *SMALL, "--channels", channels)
    mixture = _song(5.0, 8000)[:channels]
    expected = _separate(tmp_path, mixture, *options)
    assert max(_errors(_stems(_open(tmp_path, **changes), mixture), expected)) < 1e-4


def test_both_in_double_precision_agree_to_rounding(tmp_path: Path) -> None:
    """What is left above is the package's single precision."""
    import torch

    _run("weights", tmp_path, *SMALL)
    mixture = _song(5.0, 8000)
    expected = _separate(tmp_path, mixture, "--double")
    with torch.inference_mode():
        found = _open(tmp_path).double().eval()(torch.from_numpy(mixture)[None].double())[0].numpy()
    assert max(_errors(found, expected)) < 1e-6


def test_committed_keys_are_those_of_the_package(tmp_path: Path) -> None:
    _run("keys", tmp_path / "keys.txt")
    assert (tmp_path / "keys.txt").read_text() == KEYS.read_text()
