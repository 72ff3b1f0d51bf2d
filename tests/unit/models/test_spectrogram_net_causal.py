"""The causal net: its bands, its level, what it promises of latency, and that it learns."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.spectrogram_net_causal import SPEC, TINY, SpectrogramNetCausal, SpectrogramNetCausalConfig
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000, latency_samples=255)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(spec: ModelSpec = SMALL_SPEC, config: SpectrogramNetCausalConfig = TINY) -> SpectrogramNetCausal:
    torch.manual_seed(0)
    return SpectrogramNetCausal(spec, config).double().eval()


def test_default_size_and_latency() -> None:
    model = SpectrogramNetCausal(SPEC, SpectrogramNetCausalConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_460_416
    assert SPEC.latency_samples == model.frames.latency_samples == 2047


def test_stems_sum_to_the_mixture() -> None:
    mixture = _noise(1, 2, 3001)
    torch.testing.assert_close(_build()(mixture).sum(1), mixture)


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_stems_follow_the_level_and_masks_do_not(gain: float) -> None:
    model, mixture = _build(), _noise(1, 2, 9001)
    torch.testing.assert_close(model(gain * mixture), gain * model(mixture), rtol=1e-5, atol=1e-6 * gain)


def test_silence_before_the_music_is_no_level() -> None:
    """The first frame of music is as loud as it is, however long it was silent: digital silence does not count."""
    model, mixture = _build(), _noise(1, 2, 2048)
    silence = torch.zeros(1, 2, 640)
    level, _ = model.network._level(torch.tensor([[0.0, 0.0, 4.0]]), torch.zeros(1, 2, model.network.n_past))
    torch.testing.assert_close(level, torch.tensor([[0.0, 0.0, 4.0]]))
    stems = model(torch.cat([silence, mixture], -1))
    assert (stems[..., : 640 - 256] == 0).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stems", [("vocals",), ("a", "b", "c")])
def test_any_number_of_channels_and_stems_streams(channels: int, stems: tuple[str, ...]) -> None:
    model = _build(ModelSpec(stems, 8000, channels, 8000, latency_samples=255))
    mixture = _noise(1, channels, 1500)
    late, _ = model.step(torch.cat([mixture, torch.zeros(1, channels, 255)], -1), model.initial_state())
    torch.testing.assert_close(late[..., 255:], model(mixture))


def test_bands_hold_all_bins_once() -> None:
    network = _build().network
    powers = torch.rand(1, 2, 1, 129)
    pooled = network.bands.pool(powers) * network.bands.widths
    torch.testing.assert_close(pooled.sum(-1), powers[..., :128].sum(-1))
    assert network.bands.pool(powers).shape[-1] == len(network.bands.widths) == 64
    # What all bins of a band have, the band has, and gives back.
    bands = torch.rand(1, 2, 1, 64)
    torch.testing.assert_close(network.bands.pool(network.bands.spread(bands)), bands)


def test_a_choice_of_stems_streams_alike() -> None:
    model, mixture = _build(), _noise(1, 2, 2000)
    part = model.select(("rest",))
    whole, _ = model.step(mixture, model.initial_state())
    chosen, _ = part.step(mixture, part.initial_state())
    torch.testing.assert_close(chosen, whole[:, 1:])


def test_it_learns_to_part_low_from_high() -> None:
    torch.manual_seed(0)
    model = SpectrogramNetCausal(SMALL_SPEC, TINY)
    time_s = torch.arange(3000) / 8000
    targets = torch.stack([torch.sin(2 * torch.pi * f * time_s) for f in (250.0, 2000.0)])
    targets = 0.2 * targets[None, :, None].expand(1, 2, 2, -1)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    errors = []
    for _ in range(20):
        error = (model(targets.sum(1)) - targets).square().mean()
        error.backward()
        optimizer.step()
        optimizer.zero_grad()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.05 * errors[0]


def test_latency_may_be_longer_but_not_shorter_than_a_frame_needs() -> None:
    longer = _build(dataclasses.replace(SMALL_SPEC, latency_samples=300))
    mixture = _noise(1, 2, 900)
    late, _ = longer.step(mixture, longer.initial_state())
    torch.testing.assert_close(late[..., 300:], longer(mixture)[..., :600])
    with pytest.raises(ConfigError, match=r"spec\.latency_samples: expected 255 .*got 254"):
        _build(dataclasses.replace(SMALL_SPEC, latency_samples=254))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_hidden": 0}, "config.n_hidden"),
        ({"n_before": -1}, "config.n_before"),
        ({"n_fine": 24}, "config.n_fine"),
        ({"n_fine": 48}, "config.stft.n_fft: expected 96"),
        ({"stft": STFTConfig(32, 16)}, "config.stft.n_fft: expected 64"),
    ],
)
def test_bad_options_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        dataclasses.replace(TINY, **change)  # type: ignore[arg-type]


def test_other_channels_are_refused() -> None:
    model = _build()
    with pytest.raises(ShapeError, match="expected a mixture of shape"):
        model.step(_noise(1, 3, 100), model.initial_state())
