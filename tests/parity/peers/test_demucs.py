"""Whole songs through published sizes of demucs 4.1.0 and through ours: the same random weights, the same stems.

Networks are saved in the package's own formats and read by our converter; segments, overlap and normalisation are ours.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from auralflow.audio.types import Audio
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.separation.engine import Separator

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = ROOT / "tests" / "data" / "make_demucs.py"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not PYTHON.exists(), reason="needs benchmarks/peers/make_env.sh"),
]


def _run(*arguments: object) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([PYTHON, SCRIPT, *map(str, arguments)], check=True, capture_output=True, env=environment)


def _render() -> NDArray[np.float32]:
    """Twenty seconds, with noise as of 16 bits: in digital silence our stems are silent, and theirs are not."""
    song = mix_stems(render_song(SongConfig(seed=11, duration_s=20.0)))
    noise = np.random.default_rng(0).uniform(-1, 1, song.shape) * 2**-16
    return (song + noise).astype(np.float32)


@pytest.mark.parametrize("name", ["htdemucs", "htdemucs_6s", "hdemucs"])
def test_stems_of_a_song_are_those_of_the_package(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    mixture = _render()
    np.save(tmp_path / "mixture.npy", mixture)
    _run("weights", name, tmp_path / "weights")
    (source,) = (tmp_path / "weights").iterdir()
    _run("separate", source, tmp_path / "mixture.npy", tmp_path / "estimates.npy")
    convert_checkpoint(source, tmp_path / "bundle")
    model = load_bundle(tmp_path / "bundle")
    stems = Separator(model).separate(Audio(mixture, 44100))
    for stem, expected in zip(model.spec.stems, np.load(tmp_path / "estimates.npy"), strict=True):
        error = np.linalg.norm(stems[stem].samples - expected) / np.linalg.norm(expected)
        record_property(f"relative error of {stem}", float(error))
        assert error < 1e-5
