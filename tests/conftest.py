"""Shared pieces: the pass-through model and quick audio files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from auralflow.models import models
from auralflow.spec import ModelSpec

pytest_plugins = ["tests.s3"]

# Scripts that make what tests compare with; they need other packages.
collect_ignore_glob = ["data/*.py", "parity/peers/roformers_*.py"]

PASS_THROUGH = Path(__file__).parent / "models" / "pass_through.py"
TWO_LAYERS = Path(__file__).parent / "models" / "two_layers.py"

# pytest-xdist runs a process per core; more threads than cores spin and wait for each other, in sub-processes too.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: pytest-xdist deals the list out in equal parts, and who is ready takes what others have left.

    Tests of one file stay together, for the sake of what they share.
    """
    n_parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if "e2e" in item.path.parts]
    short = [item for item in items if "e2e" not in item.path.parts]
    files = sorted({item.path for item in long})
    size = -(-len(short) // n_parts)
    items[:] = [
        item
        for part in range(n_parts)
        for item in (*(i for i in long if files.index(i.path) % n_parts == part), *short[part * size :][:size])
    ]


@pytest.fixture
def pass_through_path() -> str:
    """A model file for `--model`."""
    return str(PASS_THROUGH)


@pytest.fixture
def two_layers_path() -> str:
    """A model file that trains in a second."""
    return str(TWO_LAYERS)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder for each test. Not from `mktemp`, which looks through all that it has made before: 5 ms a test."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing a test trusts or keeps stays on the machine, and nothing is downloaded by accident."""
    folder = next(_homes)
    for name in ("HOME", "CACHE"):
        (folder / name.lower()).mkdir(parents=True)
        monkeypatch.setenv(f"AURALFLOW_{name}", str(folder / name.lower()))
    monkeypatch.setenv("AURALFLOW_OFFLINE", "1")


@pytest.fixture
def pass_through() -> Callable[..., nn.Module]:
    """Build the pass-through model with any spec."""

    def build(**changes: object) -> nn.Module:
        fields: dict[str, object] = {
            "stems": ("vocals", "drums", "bass", "other"),
            "sample_rate": 44100,
            "channels": 2,
            "segment_samples": 44100,
            "context_samples": 2048,
        }
        model_class = models.load(str(PASS_THROUGH))
        model: nn.Module = model_class(ModelSpec(**(fields | changes)), None)  # type: ignore[arg-type]
        return model

    return build


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Seeded noise of shape (channel, time), well inside full scale."""

    def make(channels: int, n_samples: int, seed: int = 0) -> np.ndarray:
        generator = np.random.default_rng(seed)
        return generator.uniform(-0.5, 0.5, (channels, n_samples)).astype(np.float32)

    return make


@pytest.fixture
def write_wav(noise: Callable[..., np.ndarray]) -> Callable[..., Path]:
    """Write a WAV file of seeded noise."""

    def write(
        path: Path,
        seconds: float = 0.5,
        channels: int = 2,
        sample_rate: int = 44100,
        subtype: str = "PCM_16",
        seed: int = 0,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = noise(channels, round(seconds * sample_rate), seed)
        soundfile.write(path, samples.T, sample_rate, subtype=subtype)
        return path

    return write
