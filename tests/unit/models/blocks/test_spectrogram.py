"""The spectrogram wrapper, shown with networks whose right answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from auralflow.dsp.phase import PhaseConfig, wiener_em
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError, ShapeError, UnknownNameError
from auralflow.models.blocks.spectrogram import BinAffine, SpectrogramMaskModel
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("low", "high", "nothing"), sample_rate=8000, channels=2, segment_samples=8000)
CONFIG = STFTConfig(n_fft=128, hop_samples=32)
LENGTHS = [0, 1, 31, 32, 127, 999, 4001]


class LowHighNothing(nn.Module):
    """Bins below a corner, the rest, and nothing; keeps what it was given, to be looked at."""

    def forward(self, features: Tensor) -> Tensor:
        self.features = features
        low = torch.zeros_like(features)
        low[:, :, :20] = 1
        return torch.stack([low, 1 - low, torch.zeros_like(low)], dim=1)


class Scaled(nn.Module):
    """Masks that depend on level, through one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.1, 0.2, -0.3]).reshape(3, 1, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return features.unsqueeze(1) * self.weight


def _mixture(n_samples: int = 2000, seed: int = 0) -> Tensor:
    return torch.randn(3, 2, n_samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_samples", LENGTHS)
@pytest.mark.parametrize("stride", [(1, 1), (4, 8), (64, 3)])
def test_masks_that_sum_to_one_return_the_mixture(n_samples: int, stride: tuple[int, int]) -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing(), stride=stride)
    mixture = _mixture(n_samples)
    stems = model(mixture)
    assert stems.shape == (3, 3, 2, n_samples)
    torch.testing.assert_close(stems.sum(1), mixture, rtol=0, atol=1e-5)
    assert (stems[:, 2] == 0).all()
    assert model.network.features.shape[-2] % stride[0] == 0
    assert model.network.features.shape[-1] % stride[1] == 0


def test_a_low_and_a_high_tone_are_told_apart() -> None:
    time = torch.arange(4000) / 8000
    low, high = torch.sin(2 * torch.pi * 500 * time), torch.sin(2 * torch.pi * 2500 * time)
    stems = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing())((low + high).expand(1, 2, -1))
    inner = slice(200, -200)
    torch.testing.assert_close(stems[0, 0, 0, inner], low[inner], rtol=0, atol=1e-3)
    torch.testing.assert_close(stems[0, 1, 1, inner], high[inner], rtol=0, atol=1e-3)


def test_the_network_sees_the_magnitude_padded_with_zeros() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing(), stride=(16, 16))
    mixture = _mixture()
    model(mixture)
    magnitude = stft(mixture, CONFIG).abs()
    seen = model.network.features
    assert seen.shape == (3, 2, 80, 64)
    torch.testing.assert_close(seen[:, :, :65, : magnitude.shape[-1]], magnitude)
    assert (seen[:, :, 65:] == 0).all()
    assert (seen[:, :, :, magnitude.shape[-1] :] == 0).all()


def test_log_scale_and_normalisation_come_before_the_network() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing(), scale="log", normalise=True)
    with torch.no_grad():
        model.normalise_input.gain.fill_(2)
        model.normalise_input.shift[0, 7] = 5
    mixture = _mixture()
    model(mixture)
    expected = 2 * stft(mixture, CONFIG).abs().log1p()
    expected[:, :, 7] += 5
    torch.testing.assert_close(model.network.features, expected)


def test_normalisation_is_the_identity_at_first() -> None:
    plain = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid")
    normalised = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid", normalise=True)
    torch.testing.assert_close(normalised(_mixture()), plain(_mixture()))
    features = torch.randn(2, 2, 65, 4)
    assert torch.equal(BinAffine((1, 65, 1))(features), features)


def test_each_stem_has_a_shift_of_its_own_at_the_output() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="softmax", normalise=True)
    with torch.no_grad():
        model.normalise_output.shift[1, 0, 30] = 1000
    masks = model.estimate(_mixture()).masks
    torch.testing.assert_close(masks[:, 1, :, 30], torch.ones_like(masks[:, 1, :, 30]))
    assert masks[:, 1, :, 31].max() < 1


def test_relu_masks_start_alive() -> None:
    """Where the network says nothing the mask is one, not a ReLU that no gradient gets through."""

    class Nothing(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.zeros(features.shape[0], 3, *features.shape[1:])

    model = SpectrogramMaskModel(SPEC, CONFIG, Nothing(), activation="relu", normalise=True)
    torch.testing.assert_close(model(_mixture())[:, 0], _mixture(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["none", "sigmoid", "relu", "softmax"])
def test_masks_stay_in_the_range_of_their_activation(activation: str) -> None:
    estimate = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation=activation).estimate(_mixture())
    raw = Scaled()(stft(_mixture(), CONFIG).abs())
    expected = {"none": raw, "sigmoid": raw.sigmoid(), "relu": raw.clamp(min=0), "softmax": raw.softmax(1)}
    torch.testing.assert_close(estimate.masks, expected[activation])
    if activation == "softmax":
        torch.testing.assert_close(estimate.stems.sum(1), _mixture(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["none", "sigmoid", "relu", "softmax"])
def test_every_parameter_of_the_wrapper_learns(activation: str) -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation=activation, scale="log", normalise=True)
    model(_mixture()).square().sum().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())


def test_estimate_tells_what_it_knows() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid")
    mixture = _mixture()
    estimate = model.estimate(mixture)
    assert estimate.mixture is mixture
    torch.testing.assert_close(model(mixture), estimate.stems)
    masked = estimate.masks * estimate.transform(mixture).unsqueeze(1)
    torch.testing.assert_close(istft(masked, CONFIG, 2000), estimate.stems)
    assert estimate.latent is None


def test_a_latent_beside_the_masks_reaches_the_estimate() -> None:
    class WithLatent(LowHighNothing):
        def forward(self, features: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            return super().forward(features), (torch.zeros(3, 4), torch.ones(3, 4))

    latent = SpectrogramMaskModel(SPEC, CONFIG, WithLatent()).estimate(_mixture()).latent
    assert torch.equal(latent[1], torch.ones(3, 4))


def test_complex_domain() -> None:
    """A complex mask of i^k turns the phase of every bin, which no real mask can do."""

    class QuarterTurns(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            assert features.is_complex()
            turns = torch.tensor([1, 1j, -1]).reshape(1, 3, 1, 1, 1)
            return turns.expand(features.shape[0], 3, *features.shape[1:])

    time = torch.arange(4000) / 8000
    mixture = torch.cos(2 * torch.pi * 1000 * time).expand(1, 2, -1)
    stems = SpectrogramMaskModel(SPEC, CONFIG, QuarterTurns(), domain="complex", stride=(8, 8))(mixture)
    inner = slice(200, -200)
    torch.testing.assert_close(stems[:, 0], mixture, rtol=0, atol=1e-5)
    quarter = -torch.sin(2 * torch.pi * 1000 * time)
    torch.testing.assert_close(stems[0, 1, 0, inner], quarter[inner], rtol=0, atol=1e-3)
    torch.testing.assert_close(stems[:, 2], -mixture, rtol=0, atol=1e-5)


def test_real_masks_do_in_the_complex_domain() -> None:
    class Halves(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.full((features.shape[0], 3, *features.shape[1:]), 0.5)

    stems = SpectrogramMaskModel(SPEC, CONFIG, Halves(), domain="complex")(_mixture())
    torch.testing.assert_close(stems[:, 0], 0.5 * _mixture(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["mixture", "griffin_lim", "wiener"])
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_silence_is_exactly_silent_and_length_is_kept(method: str, n_samples: int) -> None:
    phase = PhaseConfig(method, n_griffin_lim_iterations=2)
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid", phase=phase).eval()
    assert torch.equal(model(torch.zeros(1, 2, n_samples)), torch.zeros(1, 3, 2, n_samples))
    assert model(_mixture(n_samples)).isfinite().all()


def test_wiener_stems_sum_to_the_mixture_in_eval_mode_only() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid", phase=PhaseConfig("wiener"))
    plain = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid")
    mixture = _mixture()
    torch.testing.assert_close(model.train()(mixture), plain(mixture))
    estimate = model.eval().estimate(mixture)
    torch.testing.assert_close(estimate.stems.sum(1), mixture, rtol=0, atol=1e-5)
    spectrogram = stft(mixture, CONFIG)
    expected = wiener_em(estimate.masks * spectrogram.unsqueeze(1), spectrogram, 1)
    torch.testing.assert_close(estimate.stems, istft(expected, CONFIG, 2000))


def test_griffin_lim_works_in_eval_mode_only() -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid", phase=PhaseConfig("griffin_lim"))
    plain = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="sigmoid")
    torch.testing.assert_close(model.train()(_mixture()), plain(_mixture()))
    assert (model.eval()(_mixture()) - plain(_mixture())).abs().max() > 0.01


@pytest.mark.parametrize("method", ["mixture", "griffin_lim", "wiener"])
@pytest.mark.parametrize("stems", [("high",), ("nothing", "low"), ("low", "high", "nothing")])
def test_selected_stems_equal_those_of_the_whole(method: str, stems: tuple[str, ...]) -> None:
    phase = PhaseConfig(method, n_griffin_lim_iterations=2)
    model = SpectrogramMaskModel(SPEC, CONFIG, Scaled(), activation="softmax", phase=phase).eval()
    part = model.select(stems)
    assert part.spec.stems == stems
    assert model.spec is SPEC
    places = [SPEC.stems.index(stem) for stem in stems]
    whole, chosen = model.estimate(_mixture()), part.estimate(_mixture())
    torch.testing.assert_close(chosen.stems, whole.stems[:, places], rtol=0, atol=1e-6)
    torch.testing.assert_close(chosen.masks, whole.masks[:, places])
    assert torch.equal(part.select(stems[-1:])(_mixture()), chosen.stems[:, -1:])
    assert next(part.parameters()) is next(model.parameters())


def test_selecting_an_unknown_stem_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'high'"):
        SpectrogramMaskModel(SPEC, CONFIG, Scaled()).select(["hihg"])


def test_one_stem_keeps_its_axis_and_double_precision_stays() -> None:
    class Half(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.full_like(features, 0.5).unsqueeze(1)

    model = SpectrogramMaskModel(ModelSpec(("all",), 8000, 1, 8000), CONFIG, Half())
    stems = model(_mixture()[:, :1].double())
    assert stems.shape == (3, 1, 1, 2000)
    assert stems.dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_transforms_in_single(dtype: torch.dtype) -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing(), scale="log", normalise=True).to(dtype)
    mixture = _mixture().to(dtype)
    estimate = model.estimate(mixture)
    assert estimate.stems.dtype == dtype
    assert model.network.features.dtype == dtype
    torch.testing.assert_close(estimate.stems.sum(1), mixture, rtol=0.02, atol=0.02)


def test_autocast_runs_the_network_in_half_and_the_transform_in_single() -> None:
    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(2, 6, 1)

        def forward(self, features: Tensor) -> Tensor:
            return self.convolution(features).unflatten(1, (3, 2))

    torch.manual_seed(0)
    model = SpectrogramMaskModel(SPEC, CONFIG, Mixer(), activation="sigmoid")
    exact = model.estimate(_mixture())
    with torch.autocast("cpu", torch.bfloat16):
        fast = model.estimate(_mixture())
    assert fast.masks.dtype == fast.stems.dtype == torch.float32
    torch.testing.assert_close(fast.stems, exact.stems, rtol=0, atol=0.05)
    assert not torch.equal(fast.stems, exact.stems)


def test_rejects_a_mixture_of_other_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SpectrogramMaskModel(SPEC, CONFIG, LowHighNothing())
    with pytest.raises(ShapeError, match=r"expected a mixture of shape \(batch, 2, time\), got \(1, 1, 100\)"):
        model(torch.zeros(1, 1, 100))
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ShapeError, match="expected a mixture"):
        model(torch.zeros(2, 100))


def test_rejects_masks_of_another_shape() -> None:
    class NoStemAxis(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return features

    with pytest.raises(ShapeError, match="expected masks"):
        SpectrogramMaskModel(SPEC, CONFIG, NoStemAxis())(_mixture())
    with pytest.raises(ShapeError, match="expected masks"):
        SpectrogramMaskModel(ModelSpec(("a", "b"), 8000, 2, 8000), CONFIG, LowHighNothing())(_mixture())


def test_rejects_options_that_exclude_each_other() -> None:
    for options in ({"scale": "log"}, {"normalise": True}, {"activation": "sigmoid"}):
        with pytest.raises(ConfigError, match="domain"):
            SpectrogramMaskModel(SPEC, CONFIG, Scaled(), domain="complex", **options)
    with pytest.raises(ConfigError, match="softmax"):
        SpectrogramMaskModel(ModelSpec(("all",), 8000, 1, 8000), CONFIG, Scaled(), activation="softmax")
