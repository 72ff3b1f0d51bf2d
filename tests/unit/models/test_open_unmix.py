"""Open-Unmix: its size, what its networks hear, when the filter runs, stems that are asked for, segments, learning."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.dsp.stft import STFTConfig, istft
from auralflow.errors import ConfigError, ShapeError, UnknownNameError
from auralflow.models.open_unmix import SPEC, TINY, OpenUnmix, OpenUnmixConfig, TargetNetwork
from auralflow.separation.segments import Segmentation
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
NO_FILTER = dataclasses.replace(TINY, n_wiener_iterations=0)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: OpenUnmixConfig = TINY, spec: ModelSpec = SMALL_SPEC) -> OpenUnmix:
    """Weights that make masks of 0 to 2, which change with the music."""
    torch.manual_seed(0)
    model = OpenUnmix(spec, config).double().eval()
    with torch.no_grad():
        for network in model.target_models.values():
            network.fc3.weight.mul_(3)
            network.output_mean.uniform_(0, 1)
    return model


def _count(config: OpenUnmixConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in OpenUnmix(SPEC, config).parameters())


def test_size_is_that_of_the_docstring() -> None:
    assert _count(OpenUnmixConfig()) == 4 * 8_893_348


def test_masks_come_from_the_lowest_bins_and_hold_for_all() -> None:
    """What lies above them is masked, but not heard."""
    model = _build(dataclasses.replace(NO_FILTER, n_heard_freqs=40))
    network = model.target_models["vocals"]
    magnitudes = _noise(2, 30, 2, 129).abs()
    louder = magnitudes.clone()
    louder[..., 40:] *= 10
    assert torch.equal(network(magnitudes), network(louder))
    louder[..., 39] *= 10
    assert (network(magnitudes) - network(louder))[..., 100].abs().max() > 1e-6


def test_input_is_shifted_before_it_is_scaled() -> None:
    """So that the published `input_mean` is minus the mean, and `input_scale` one over the deviation."""
    network = _build().target_models["vocals"]
    magnitudes = _noise(1, 30, 2, 129).abs()
    expected = network(3 * (magnitudes - 0.5))
    with torch.no_grad():
        network.input_mean.fill_(-0.5)
        network.input_scale.fill_(3)
    torch.testing.assert_close(network(magnitudes), expected, rtol=1e-12, atol=0)


def test_masks_are_never_negative_and_scaled_after_the_last_norm() -> None:
    network = _build().target_models["vocals"]
    magnitudes = _noise(1, 30, 2, 129).abs()
    with torch.no_grad():
        network.output_scale.zero_()
        network.output_mean.copy_(torch.linspace(-1, 1, 129))
        masks = network(magnitudes)
    torch.testing.assert_close(masks, torch.linspace(-1, 1, 129).double().relu().expand_as(masks))


@pytest.mark.parametrize("is_bidirectional", [True, False])
def test_the_lstm_hears_what_comes_later_only_where_it_runs_both_ways(is_bidirectional: bool) -> None:
    config = dataclasses.replace(NO_FILTER, is_bidirectional=is_bidirectional)
    network = _build(config).target_models["vocals"]
    magnitudes = _noise(1, 30, 2, 129).abs()
    later = magnitudes.clone()
    later[:, 20:] *= 2
    change = (network(magnitudes) - network(later))[:, :20].abs().max()
    assert (change > 1e-6) == is_bidirectional


def test_without_the_filter_stems_are_the_masked_mixture() -> None:
    model, mixture = _build(NO_FILTER), _noise(2, 2, 3000)
    estimate = model.estimate(mixture)
    masked = estimate.masks * model.transform(mixture).unsqueeze(1)
    torch.testing.assert_close(estimate.stems, istft(masked, TINY.stft, 3000), rtol=0, atol=1e-12)
    assert estimate.masks.shape == (2, 2, 2, 129, 47)
    assert estimate.masks.std() > 0.1


def test_the_filter_runs_at_inference_only() -> None:
    plain, filtered = (
        _build(dataclasses.replace(NO_FILTER, dropout=0.0)),
        _build(dataclasses.replace(TINY, dropout=0.0)),
    )
    mixture = _noise(2, 2, 3000)
    assert (plain(mixture) - filtered(mixture)).abs().max() > 1e-3
    assert torch.equal(plain.train()(mixture), filtered.train()(mixture))


def test_filtered_stems_sum_to_the_mixture() -> None:
    """As far as the filter's loading lets them, and where a mask is not zero."""
    mixture, errors = 100 * _noise(1, 2, 3000), []
    for model in map(_build, (TINY, NO_FILTER)):
        with torch.no_grad():
            for network in model.target_models.values():
                network.output_mean.fill_(2)
            errors.append(model(mixture).sum(1) - mixture)
    filtered, masked = errors
    assert filtered.norm() < 0.01 * mixture.norm() < masked.norm()


def test_soft_masks_sum_to_one() -> None:
    config = dataclasses.replace(NO_FILTER, is_soft_mask=True)
    masks, plain = (_build(c).estimate(_noise(1, 2, 3000)).masks for c in (config, NO_FILTER))
    heard = plain.sum(1) > 1e-3
    torch.testing.assert_close(masks.sum(1)[heard], torch.ones_like(masks.sum(1)[heard]), rtol=0, atol=1e-5)
    assert (masks >= 0).all()


@pytest.mark.parametrize(("config", "n_runs"), [(NO_FILTER, 1), (TINY, 2)])
def test_only_the_networks_that_are_needed_run(config: OpenUnmixConfig, n_runs: int) -> None:
    model, mixture = _build(config), _noise(1, 2, 3000)
    runs: list[TargetNetwork] = []
    for network in model.target_models.values():
        network.register_forward_hook(lambda network, *_: runs.append(network))
    part = model.select(["rest"])
    stems = part(mixture)
    assert len(runs) == n_runs
    assert part.spec.stems == ("rest",)
    torch.testing.assert_close(stems, model(mixture)[:, 1:], rtol=0, atol=1e-12)
    assert model.spec.stems == ("vocals", "rest")
    with pytest.raises(UnknownNameError, match="stem"):
        model.select(["drums"])


def test_a_stem_may_be_called_like_a_method() -> None:
    spec = dataclasses.replace(SMALL_SPEC, stems=("keys", "values", "other"))
    model = _build(spec=spec)
    assert model(_noise(1, 2, 500)).shape == (1, 3, 2, 500)
    assert "target_models.keys.fc1.weight" in model.state_dict()
    assert model.train().training


def test_silence_beside_music_stays_silent_and_harmless() -> None:
    mixture = _noise(2, 2, 3000)
    mixture[0] = 0
    mixture.requires_grad_()
    model = _build(NO_FILTER)
    stems = model(mixture)
    assert (stems[0] == 0).all()
    assert (stems[1] != 0).any()
    stems.square().sum().backward()
    assert mixture.grad.isfinite().all()


def test_segments_begin_where_windows_of_the_filter_do() -> None:
    """What is used of a segment lies in whole windows, away from its ends; a song of 20 s is one segment."""
    cut = Segmentation.of(SPEC)
    window = OpenUnmixConfig().wiener_frames * OpenUnmixConfig().stft.hop_samples
    assert cut.grid_samples == cut.context_samples == window
    assert cut.hop_samples == 8 * window
    assert cut.ramp_samples == SPEC.sample_rate // 2
    assert cut.segment_samples == 10 * window + cut.ramp_samples
    assert cut.segment_samples >= 20 * SPEC.sample_rate


def test_autocast_gives_float32_near_the_exact_stems(
    half_precision_error: Callable[[nn.Module, Tensor], float],
) -> None:
    model = _build(NO_FILTER).float()
    mixture = _noise(1, 2, 3000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-3


def test_forty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(4000, 2)
    model = OpenUnmix(SMALL_SPEC, dataclasses.replace(TINY, n_hidden=16, dropout=0.0))
    assert overfit(model, targets, 40, 0.02) < 0.1


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


def test_rejects_a_filter_for_a_single_stem() -> None:
    spec = dataclasses.replace(SMALL_SPEC, stems=("vocals",))
    with pytest.raises(ConfigError, match=r"config\.n_wiener_iterations: expected 0 for a single stem"):
        OpenUnmix(spec, TINY)
    assert OpenUnmix(spec, NO_FILTER).eval()(torch.zeros(1, 2, 100)).shape == (1, 1, 2, 100)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("n_hidden: 0", "config.n_hidden"),
        ("n_hidden: 3", "config.n_hidden"),
        ("n_layers: 0", "config.n_layers"),
        ("n_heard_freqs: 0", "config.n_heard_freqs"),
        ("dropout: 1.0", "config.dropout"),
        ("n_wiener_iterations: -1", "config.n_wiener_iterations"),
        ("wiener_frames: -1", "config.wiener_frames"),
        ("stft: {n_fft: 7}", "stft.n_fft"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(OpenUnmixConfig, text)


def test_other_transforms_need_no_other_setting() -> None:
    config = OpenUnmixConfig(STFTConfig(256, 64, edges="reflect"), n_hidden=4)
    assert _build(config).target_models["vocals"].input_mean.shape == (129,)
