"""Every model with parameters trains through the one door: config, train, bundle, load."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import soundfile
import torch

from auralflow.api import configure, train
from auralflow.config import to_dict
from auralflow.data.synth import SongConfig, render_song
from auralflow.models import models
from auralflow.pretrained.load import load_model
from auralflow.registry import config_class

SAMPLE_RATE = 8000


def _trainable() -> list[str]:
    names = []
    for name in models.names():
        model = models.load(name)
        module = sys.modules[model.__module__]
        if list(model(module.SPEC, getattr(module, "TINY", config_class(model)())).parameters()):
            names.append(name)
    return names


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("songs")
    for number in range(2):
        (root / f"song {number}").mkdir()
        stems = render_song(SongConfig(seed=number, duration_s=2.0, sample_rate=SAMPLE_RATE))
        for name, stem in stems.items():
            soundfile.write(root / f"song {number}" / f"{name}.flac", stem.T, SAMPLE_RATE)
    return root


@pytest.mark.parametrize("name", _trainable())
def test_it_trains(name: str, songs: Path, tmp_path: Path) -> None:
    module = sys.modules[models.load(name).__module__]
    config = [f"config.{key}={value}" for key, value in to_dict(module.TINY).items() if not isinstance(value, dict)]
    config += [
        f"config.{key}.{inner}={text}"
        for key, value in to_dict(module.TINY).items()
        if isinstance(value, dict)
        for inner, text in value.items()
    ]
    overrides = [
        *(word.replace("None", "null") for word in config), f"spec.sample_rate={SAMPLE_RATE}",
        "spec.segment_samples=4000", "spec.context_samples=0", "spec.grid_samples=1", "trainer.max_epochs=1",
        "data.n_samples=4", "data.batch_size=2", "data.n_workers=0", "log.tensorboard=false",
    ]  # fmt: skip
    configure(tmp_path / "run", model=name, stems="vocals,other", overrides=overrides)
    assert train(tmp_path / "run", songs).outcome == "finished"
    model = load_model(str(tmp_path / "run"))
    stems = model(torch.zeros(1, 2, 4000))
    assert stems.shape == (1, 2, 2, 4000)
