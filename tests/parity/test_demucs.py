"""Both Demucs networks against files and outputs of the package demucs 4.1.0, made by tests/data/make_demucs.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from auralflow.audio.types import Audio
from auralflow.models import hdemucs, htdemucs
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.separation.engine import Separator

DATA = Path(__file__).parents[1] / "data"
FILES = DATA / "demucs_4_1_0"
SIX = (*htdemucs.SPEC.stems, "guitar", "piano")


@pytest.mark.parametrize("source", ["small_bag.yaml", next(FILES.glob("2badcafe-*.th")).name])
def test_song_through_the_whole_pipeline(source: str, tmp_path: Path) -> None:
    """Conversion, normalisation, segments (the last is filled up or short), the networks, the bag, overlap-add."""
    name = "bag" if source.endswith(".yaml") else "h"
    expected = np.load(FILES / f"estimates_{name}.npy")
    convert_checkpoint(FILES / source, tmp_path / "bundle")
    model = load_bundle(tmp_path / "bundle")
    mixture = Audio(np.load(FILES / "mixture.npy").astype(np.float32), 8000)
    assert mixture.n_samples > model.spec.segment_samples
    stems = Separator(model).separate(mixture)
    for stem, estimate in zip(model.spec.stems, expected, strict=True):
        error = np.linalg.norm(stems[stem].samples - estimate) / np.linalg.norm(estimate)
        assert error < 2e-6, (stem, error)


@pytest.mark.parametrize("name", ["htdemucs", "htdemucs_6s", "hdemucs"])
def test_keys_and_shapes_at_the_published_sizes(name: str) -> None:
    lines = (DATA / "keys" / f"{name}.txt").read_text().splitlines()
    expected = {key: tuple(map(int, shape)) for key, *shape in map(str.split, lines)}
    assert {key: tuple(tensor.shape) for key, tensor in _build(name).state_dict().items()} == expected


def _build(name: str) -> nn.Module:
    with torch.device("meta"):
        if name == "hdemucs":
            return hdemucs.HDemucs(hdemucs.SPEC, hdemucs.HDemucsConfig(rescale=0.0))
        if name == "htdemucs":
            return htdemucs.HTDemucs(htdemucs.SPEC, htdemucs.HTDemucsConfig(rescale=0.0))
        spec = dataclasses.replace(htdemucs.SPEC, stems=SIX)
        return htdemucs.HTDemucs(spec, htdemucs.HTDemucsConfig(transformer_width=0, rescale=0.0))
