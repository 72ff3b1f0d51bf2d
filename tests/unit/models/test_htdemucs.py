"""Hybrid Transformer Demucs: sizes, what it fills up, its transformer. What it shares is in test_hdemucs.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.config import from_yaml
from auralflow.errors import ConfigError
from auralflow.models.htdemucs import SPEC, TINY, HTDemucs, HTDemucsConfig
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=1000)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: HTDemucsConfig = TINY) -> HTDemucs:
    torch.manual_seed(0)
    model = HTDemucs(SMALL_SPEC, config).double().eval()
    for name, parameter in model.named_parameters():
        if name.endswith("scale"):
            nn.init.constant_(parameter, 0.5)
    return model


@pytest.mark.parametrize(("stems", "width", "size"), [(4, 512, 41_984_456), (6, 0, 27_414_996)])
def test_sizes_are_those_of_the_published_weights(stems: int, width: int, size: int) -> None:
    """In half precision 84 and 55 MB."""
    spec = dataclasses.replace(SPEC, stems=(*SPEC.stems, "guitar", "piano")[:stems])
    with torch.device("meta"):
        model = HTDemucs(spec, HTDemucsConfig(transformer_width=width, rescale=0.0))
    assert sum(parameter.numel() for parameter in model.parameters()) == size


def test_segment_is_seven_point_eight_seconds() -> None:
    assert SPEC.segment_s == 7.8


def test_shorter_mixtures_are_filled_up_at_inference_alone() -> None:
    model = _build(dataclasses.replace(TINY, is_filled_up=True, dropout=0.0))
    plain = _build(dataclasses.replace(TINY, dropout=0.0))
    mixture = _noise(1, 2, 700)
    filled = F.pad(mixture, (0, 300))
    torch.testing.assert_close(model(mixture), plain(filled)[..., :700])
    assert (model(mixture) - plain(mixture)).abs().max() > 1e-4
    assert torch.equal(model.train()(mixture), plain.train()(mixture))


@pytest.mark.parametrize("n_samples", [1000, 1300])
def test_others_are_computed_as_they_are(n_samples: int) -> None:
    model = _build(dataclasses.replace(TINY, is_filled_up=True))
    assert torch.equal(model(_noise(1, 2, n_samples)), _build()(_noise(1, 2, n_samples)))


def test_a_part_fills_up_as_the_whole_does() -> None:
    model = _build(dataclasses.replace(TINY, is_filled_up=True))
    mixture = _noise(1, 2, 700)
    torch.testing.assert_close(model.select(["rest"])(mixture), model(mixture)[:, 1:])


@pytest.mark.parametrize("width", [0, 16])
def test_transformer_may_be_as_wide_as_its_level(width: int) -> None:
    model = _build(dataclasses.replace(TINY, transformer_width=width))
    has_change = any(key.startswith("channel_upsampler") for key in model.state_dict())
    assert has_change == (width > 0)
    assert model(_noise(1, 2, 500)).shape == (1, 2, 2, 500)


def test_twenty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(600, 1)
    model = HTDemucs(SMALL_SPEC, dataclasses.replace(TINY, width=12, dropout=0.0))
    assert overfit(model, targets, 20, 0.01) < 0.2


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("depth: 5", "config.depth: expected fewer levels"),
        ("n_layers: 0", "config.n_layers"),
        ("n_heads: 0", "config.n_heads"),
        ("n_heads: 7", r"config.transformer_width: expected a multiple of 4 and of n_heads \(7\), got 512"),
        ("transformer_width: 18", "config.transformer_width"),
        ("transformer_width: -4", "config.transformer_width"),
        ("dropout: 1.0", "config.dropout"),
        ("expansion: 0.5", "config.expansion"),
        ("width: 0", "config.width"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(HTDemucsConfig, text)
