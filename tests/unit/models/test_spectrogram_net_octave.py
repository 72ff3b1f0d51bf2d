"""The octave net: its size, what its masks promise, what it hears around a frame, and that it learns."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.compressed_spectrum import CompressedSpectrum
from auralflow.models.spectrogram_net_octave import (
    SPEC,
    TINY,
    OctaveNetwork,
    SpectrogramNetOctave,
    SpectrogramNetOctaveConfig,
)
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(spec: ModelSpec = SMALL_SPEC, config: SpectrogramNetOctaveConfig = TINY) -> SpectrogramNetOctave:
    torch.manual_seed(0)
    return SpectrogramNetOctave(spec, config).double().eval()


def test_default_size() -> None:
    model = SpectrogramNetOctave(SPEC, SpectrogramNetOctaveConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_954_432


def test_stems_sum_to_the_mixture() -> None:
    mixture = _noise(1, 2, 3001)
    torch.testing.assert_close(_build()(mixture).sum(1), mixture)


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_stems_follow_the_level_and_masks_do_not(gain: float) -> None:
    model, mixture = _build(), _noise(1, 2, 9001)
    torch.testing.assert_close(model(gain * mixture), gain * model(mixture), rtol=1e-5, atol=1e-6 * gain)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("stems", [("vocals",), ("a", "b", "c")])
def test_masks_lie_between_none_and_all_for_any_stems_and_channels(channels: int, stems: tuple[str, ...]) -> None:
    masks = _build(ModelSpec(stems, 8000, channels, 8000)).estimate(_noise(2, channels, 3000)).masks
    assert masks is not None
    assert masks.min() >= 0
    assert masks.max() <= 1
    if len(stems) > 1:
        torch.testing.assert_close(masks.sum(1), torch.ones_like(masks[:, 0]))


def test_channels_have_masks_of_their_own() -> None:
    masks = _build().estimate(_noise(1, 2, 3000)).masks
    assert masks is not None
    assert (masks[:, :, 0] - masks[:, :, 1]).abs().max() > 1e-3


def test_a_group_hears_its_frames_before_and_after_and_silence_beyond() -> None:
    network = OctaveNetwork(SMALL_SPEC, SpectrogramNetOctaveConfig(STFTConfig(256, 64), n_fine=32, n_around=1))
    features = torch.rand(1, 5, network.bands.n_groups, network.bands.n_seen)
    around = network._look_around(features).unflatten(-1, (-1, 3))
    torch.testing.assert_close(around[..., 1], features)
    torch.testing.assert_close(around[:, 1:, ..., 0], features[:, :-1])
    torch.testing.assert_close(around[:, :-1, ..., 2], features[:, 1:])
    silent = network.bands.group(torch.zeros(1, 1, network.bands.n_views, 64), torch.ones(1, 1))
    torch.testing.assert_close(around[:, 0, ..., 0], silent[:, 0])


def test_later_frames_change_earlier_masks() -> None:
    """Unlike its causal sibling it knows what comes."""
    model, mixture = _build(), _noise(1, 2, 8000)
    changed = mixture.clone()
    changed[..., 6000:] *= -0.5
    one, other = (model.estimate(sound).masks for sound in (mixture, changed))
    assert one is not None
    assert other is not None
    assert (one[..., 10] - other[..., 10]).abs().max() > 1e-6


def test_a_trained_network_is_grown_by_paths_that_change_next_to_nothing_at_first() -> None:
    plain, grown = (_build(config=dataclasses.replace(TINY, n_dual_paths=number)) for number in (0, 2))
    missing, unknown = grown.load_state_dict(plain.state_dict(), strict=False)
    assert missing
    assert not unknown
    mixture = _noise(1, 2, 3000)
    change = grown(mixture) - plain(mixture)
    assert 0 < change.square().mean() < 1e-4 * plain(mixture).square().mean()


def test_paths_let_groups_and_frames_hear_each_other() -> None:
    """Without the wide layers, which hear everything, a change of one group in one frame reaches all others."""
    network = cast(OctaveNetwork, _build().network)
    for parameter in network.paths.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    features = _noise(1, 6, network.bands.n_groups, 2 * TINY.n_local)
    changed = features.clone()
    changed[0, 2, 1] *= -1
    difference = (network.paths(changed) - network.paths(features)).abs().amax(-1)
    assert difference.min() > 0


def test_learns_a_low_and_a_high_stem() -> None:
    torch.manual_seed(0)
    model = SpectrogramNetOctave(SMALL_SPEC, TINY)
    time_s = torch.arange(4000) / 8000
    low, high = (torch.sin(2 * torch.pi * hz * time_s) for hz in (200.0, 2500.0))
    targets = torch.stack([low, high])[None, :, None].repeat(2, 1, 2, 1) * torch.rand(2, 2, 1, 1).add(0.5)
    optimizer, loss = torch.optim.Adam(model.parameters(), 1e-2), CompressedSpectrum()
    values = []
    for _ in range(40):
        estimate: Estimate = model.estimate(targets.sum(1))
        value = loss(estimate, targets)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.1 * values[0]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"n_hidden": 7}, "n_hidden"),
        ({"n_local": 0}, "n_local"),
        ({"n_layers": 0}, "n_layers"),
        ({"n_dual_paths": -1}, "n_dual_paths"),
        ({"n_around": -1}, "n_around"),
        ({"dropout": 1.0}, "dropout"),
        ({"n_fine": 24}, "n_fine"),
        ({"n_fine": 512, "stft": STFTConfig(768, 192)}, "n_fft"),
    ],
)
def test_sizes_that_cannot_be_are_refused(options: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        SpectrogramNetOctaveConfig(**options)  # type: ignore[arg-type]
