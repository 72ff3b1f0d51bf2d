"""The waveform U-Net: lengths, levels, how far it hears, its initial weights, and that it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.waveform_unet import SPEC, TINY, WaveformUNet, WaveformUNetConfig
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
LOCAL = dataclasses.replace(TINY, n_lstm_layers=0, normalise=False)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: WaveformUNetConfig = TINY, spec: ModelSpec = SMALL_SPEC) -> WaveformUNet:
    torch.manual_seed(0)
    return WaveformUNet(spec, config).double().eval()


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """pytest puts type checks around every function; torch.compile cannot trace them, and they hide our own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def _count(config: WaveformUNetConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in WaveformUNet(SPEC, config).parameters())


def test_default_size_is_that_of_the_docstring() -> None:
    assert _count(WaveformUNetConfig()) == 9_003_336


def test_paper_size() -> None:
    """Défossez et al., 64 channels: 1014 MiB of float32."""
    paper = WaveformUNetConfig(width=64, depth=6, n_hidden=2048)
    assert _count(paper) * 4 / 2**20 == pytest.approx(1014, abs=1)


@pytest.mark.parametrize("config", [TINY, WaveformUNetConfig(width=2, depth=2, kernel=7, stride=3, n_lstm_layers=0)])
def test_valid_length_is_the_least_that_every_level_divides(config: WaveformUNetConfig) -> None:
    """By trial: convolutions without padding, there and back."""

    def comes_back(n_samples: int) -> bool:
        n = n_samples
        for _ in range(config.depth):
            if n < config.kernel or (n - config.kernel) % config.stride:
                return False
            n = (n - config.kernel) // config.stride + 1
        return True

    valid = [n for n in range(3000) if comes_back(n)]
    for n_samples in (0, 1, 100, *valid[:4], *(n + 1 for n in valid[:4])):
        assert config.valid_samples(n_samples) == min(n for n in valid if n >= n_samples)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 169, 170, 171, 1000])
def test_any_length_is_kept(n_samples: int) -> None:
    stems = _build()(_noise(2, 2, n_samples))
    assert stems.shape == (2, 2, 2, n_samples)
    assert stems.isfinite().all()


@pytest.mark.parametrize("gain", [1e-4, 100.0])
def test_stems_follow_the_level_of_the_mixture(gain: float) -> None:
    mixture = _noise(3, 2, 1000)
    model = _build()
    gains = torch.tensor([gain, 1.0, 2.0]).double().reshape(3, 1, 1)
    torch.testing.assert_close(model(gains * mixture), gains.unsqueeze(1) * model(mixture), rtol=1e-9, atol=0)
    plain = _build(dataclasses.replace(TINY, normalise=False))
    assert (plain(gain * mixture) - gain * plain(mixture)).abs().max() > 1e-3 * gain


def test_silence_beside_music_stays_silent_and_harmless() -> None:
    mixture = _noise(2, 2, 1000)
    mixture[0] = 0
    mixture.requires_grad_()
    model = _build().train()
    stems = model(mixture)
    assert (stems[0] == 0).all()
    assert (stems[1] != 0).any()
    stems.square().sum().backward()
    assert mixture.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_channels_that_cancel_are_not_taken_for_silence() -> None:
    """The level is that of the channels, not of their mean."""
    one = _noise(1, 1, 1000)
    assert _build()(torch.cat([one, -one], dim=1)).abs().max() > 1e-3


@pytest.mark.parametrize(
    "config", [dataclasses.replace(LOCAL, depth=2), dataclasses.replace(LOCAL, depth=2, kernel=5, stride=2, context=5)]
)
def test_reach_is_as_stated(config: WaveformUNetConfig) -> None:
    """Gradient of an output sample, for all places of it in a frame of the bottom: as far as stated and no further."""
    reach, model = config.reach_samples, _build(config)
    back_seen, ahead_seen = [], []
    for place in range(reach + 50, reach + 50 + config.stride**config.depth):
        mixture = _noise(1, 2, 2 * reach + 150).requires_grad_()
        model(mixture)[..., place].sum().backward()
        heard = mixture.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
        back_seen.append(place - int(heard.min()))
        ahead_seen.append(int(heard.max()) - place)
    assert max(back_seen) == max(ahead_seen) == reach


def test_default_context_holds_the_reach_of_the_convolutions() -> None:
    assert WaveformUNetConfig().reach_samples == 3751
    assert SPEC.context_samples > 3751


def test_lstm_hears_beyond_the_reach_of_the_convolutions() -> None:
    mixture = _noise(1, 2, 3000)
    changed = mixture.clone()
    changed[..., -1000:] *= -0.5
    heard = []
    for config in (LOCAL, dataclasses.replace(LOCAL, n_lstm_layers=1)):
        model = _build(config)
        heard.append((model(changed) - model(mixture))[..., :1000].abs().max())
    assert heard[0] == 0
    assert heard[1] > 0


def test_shift_by_the_stride_of_all_levels_shifts_the_stems() -> None:
    """Away from the ends: there the padding stays where it is."""
    model, reach = _build(LOCAL), LOCAL.reach_samples
    shift = 2 * LOCAL.stride**LOCAL.depth
    mixture = _noise(1, 2, 4 * reach)
    stems, shifted = model(mixture), model(mixture.roll(shift, dims=-1))
    inside = slice(reach + shift, -reach)
    torch.testing.assert_close(shifted[..., inside], stems.roll(shift, dims=-1)[..., inside], rtol=0, atol=1e-12)
    assert (model(mixture.roll(1, dims=-1)).roll(-1, dims=-1) - stems)[..., inside].abs().max() > 1e-3


def test_frames_stand_on_one_grid_whatever_the_length() -> None:
    """What comes later changes nothing that is out of its reach, its length included."""
    model, mixture = _build(LOCAL), _noise(1, 2, 3000)
    for n_samples in (2000, 2001, 2345):
        inside = slice(None, n_samples - LOCAL.reach_samples)
        torch.testing.assert_close(
            model(mixture[..., :n_samples])[..., inside], model(mixture)[..., inside], rtol=0, atol=1e-12
        )


def test_every_sample_is_in_as_many_frames() -> None:
    """With all weights one and no gates, a constant goes through each level as a constant, up to the ends."""
    config = dataclasses.replace(LOCAL, depth=2, context=1, glu=False)
    model = _build(config)
    for name, parameter in model.named_parameters():
        nn.init.constant_(parameter, float(name.endswith("weight")))
    n_padded = config.valid_samples(1000 + 2 * config.edge_samples)
    stems = model._convolve(torch.ones(1, 2, n_padded, dtype=torch.float64))
    inside = stems[..., config.edge_samples : config.edge_samples + 1000]
    assert (inside == inside[..., :1]).all()
    assert stems[0, 0, config.edge_samples - 1] != inside[0, 0, 0]


def test_skips_carry_what_the_bottom_does_not() -> None:
    """With the way through the deepest level silenced, the first level still lets the mixture through."""
    model = _build(dataclasses.replace(LOCAL, depth=2))
    for parameter in model.up[0].parameters():
        nn.init.zeros_(parameter)
    one, other = model(_noise(1, 2, 400)), model(_noise(1, 2, 400, seed=1))
    assert (one - other).abs().max() > 1e-3


def test_rescaling_goes_half_way_to_the_reference() -> None:
    """In decibels: the new root mean square is the geometric mean of the old one and the reference."""
    plain, rescaled = (_build(dataclasses.replace(TINY, rescale=rescale)) for rescale in (0.0, 0.1))
    for before, after in zip(plain.modules(), rescaled.modules(), strict=True):
        if isinstance(before, nn.Conv1d | nn.ConvTranspose1d):
            old, new = (layer.weight.square().mean().sqrt() for layer in (before, after))
            torch.testing.assert_close(new, (old * 0.1).sqrt(), rtol=1e-6, atol=0)
            torch.testing.assert_close(after.bias / before.bias, (new / old).expand_as(after.bias), rtol=1e-5, atol=0)
        elif isinstance(before, nn.LSTM):
            assert torch.equal(before.weight_hh_l0, after.weight_hh_l0)


@pytest.mark.parametrize("glu", [True, False])
@pytest.mark.parametrize("n_lstm_layers", [0, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_variant_trains_all_its_parameters(glu: bool, n_lstm_layers: int, channels: int) -> None:
    config = dataclasses.replace(TINY, width=8, glu=glu, n_lstm_layers=n_lstm_layers)
    model = _build(config, ModelSpec(("a", "b", "c"), 8000, channels, 8000))
    stems = model(_noise(2, channels, 3000))
    assert stems.shape == (2, 3, channels, 3000)
    stems.square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())


def test_autocast_gives_float32_near_the_exact_stems(
    half_precision_error: Callable[[nn.Module, Tensor], float],
) -> None:
    model = _build().float()
    mixture = _noise(1, 2, 3000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-3


@pytest.mark.usefixtures("_without_shape_checks")
def test_is_one_graph_for_any_length() -> None:
    """Without the LSTM, which torch.compile leaves to its own kernel."""
    model = _build(dataclasses.replace(TINY, n_lstm_layers=0))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for n_samples in (400, 401, 333):
        mixture = _noise(1, 2, n_samples)
        torch.testing.assert_close(compiled(mixture), model(mixture))


def test_thirty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(4000, 2)
    model = WaveformUNet(SMALL_SPEC, dataclasses.replace(TINY, width=16))
    assert overfit(model, targets, 30, 0.01) < 0.1


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("width: 0", "config.width"),
        ("depth: 0", "config.depth"),
        ("stride: 9", "config.stride"),
        ("context: 2", "config.context"),
        ("growth: 0.5", "config.growth"),
        ("n_lstm_layers: -1", "config.n_lstm_layers"),
        ("rescale: -0.1", "config.rescale"),
        ("n_hidden: 0", "config.n_hidden"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(WaveformUNetConfig, text)
