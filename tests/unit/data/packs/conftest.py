"""A data set of all kinds of files, and its pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from auralflow.audio.formats import OutputFormat
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio

RATE = 8000
FORMATS = {
    "vocals": OutputFormat("wav", "int16"),
    "drums": OutputFormat("flac", "int24"),
    "bass": OutputFormat("wav", "float32"),
    "other": OutputFormat("m4a", bitrate_kbps=256),
    "mixture": OutputFormat("flac", "int16"),
}


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, random = tmp_path_factory.mktemp("packs") / "songs", np.random.default_rng(0)
    for number, split in enumerate(("train", "train", "train", "valid", "test")):
        for place, (stem, kind) in enumerate(FORMATS.items()):
            rate, channels = (RATE if number else 12_000), (1 if stem == "drums" else 2)
            path = root / split / f"Søng {number}" / f"{stem}{kind.suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = random.uniform(-0.2, 0.2, (channels, 3 * rate + 100 * number + place)).astype(np.float32)
            write_audio(path, Audio(samples, rate), output_format=kind)
    return root


@pytest.fixture
def songs(_made: Path, tmp_path: Path) -> Path:
    """Five songs in three splits; one rate is another, one stem is mono, and no two sounds are equal."""
    return Path(shutil.copytree(_made, tmp_path / "songs"))
