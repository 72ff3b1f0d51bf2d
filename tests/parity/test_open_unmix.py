"""OpenUnmix against the package openunmix 1.3.0: the names of its weights, and what it made of random ones.

The files are written by `tests/data/make_open_unmix.py`: three small networks in the package's own format, 341 frames
(more than one window of the Wiener filter) of a mixture with a moment of silence, and its estimates in float32.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from auralflow.audio.types import Audio
from auralflow.models.open_unmix import SPEC, OpenUnmix, OpenUnmixConfig
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.separation.engine import Separator
from auralflow.separation.segments import Segmentation

DATA = Path(__file__).parents[1] / "data"
FILES = DATA / "open_unmix_1_3_0"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    bundle = tmp_path_factory.mktemp("open_unmix") / "bundle"
    convert_checkpoint(FILES, bundle)
    return load_bundle(bundle)


def test_whole_pipeline_from_its_files_to_its_stems(model: nn.Module) -> None:
    estimates = Separator(model).separate(Audio(np.load(FILES / "mixture.npy"), 8000))
    expected = np.load(FILES / "estimates.npy")
    found = np.stack([estimate.samples for estimate in estimates.values()])
    assert list(estimates) == ["vocals", "drums", "other"]
    assert np.linalg.norm(expected) > 1
    for stem, reference in zip(found, expected, strict=True):
        assert np.linalg.norm(stem - reference) < 1e-5 * np.linalg.norm(reference)


def test_the_filter_and_its_windows_are_part_of_it(model: nn.Module) -> None:
    """Without them the agreement above is gone: it is not the masks alone."""
    mixture, expected = (torch.from_numpy(np.load(FILES / name)) for name in ("mixture.npy", "estimates.npy"))
    for changes in ({"n_wiener_iterations": 0}, {"n_wiener_iterations": 2}, {"wiener_frames": 0}):
        other = OpenUnmix(model.spec, dataclasses.replace(model.config, **changes))
        other.load_state_dict(model.state_dict())
        with torch.inference_mode():
            error = (other.eval()(mixture[None])[0] - expected).norm() / expected.norm()
        assert error > 1e-3, changes


def test_a_long_song_in_segments_is_the_song_at_once(model: nn.Module) -> None:
    """SDR above 50 dB, as segments begin where windows of the filter do; elsewhere it is lower."""
    mixture = np.tile(np.load(FILES / "mixture.npy"), 11)
    with torch.inference_mode():
        whole = model(torch.from_numpy(mixture)[None])[0].numpy()
    errors = []
    for changes in ({}, {"grid_samples": 1, "overlap": 0.45}):
        other = OpenUnmix(dataclasses.replace(model.spec, **changes), model.config)
        other.load_state_dict(model.state_dict())
        is_aligned = Segmentation.of(other.spec).hop_samples % (300 * 16) == 0
        assert is_aligned == (not changes)
        estimates = Separator(other).separate(Audio(mixture, 8000)).values()
        found = np.stack([estimate.samples for estimate in estimates])
        errors.append([np.linalg.norm(f - w) / np.linalg.norm(w) for f, w in zip(found, whole, strict=True)])
    assert max(errors[0]) < 10 ** (-50 / 20) < min(errors[1])


def test_keys_and_shapes_at_the_published_size() -> None:
    listed = {}
    for line in (DATA / "keys" / "open_unmix.txt").read_text().splitlines():
        key, *shape = line.split()
        listed[key] = tuple(map(int, shape))
    assert listed["fc1.weight"] == (512, 2 * 1487)
    with torch.device("meta"):
        state = OpenUnmix(SPEC, OpenUnmixConfig()).state_dict()
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {
        f"target_models.{stem}.{key}": shape for stem in SPEC.stems for key, shape in listed.items()
    }
