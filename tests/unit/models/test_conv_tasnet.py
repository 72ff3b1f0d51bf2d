"""Conv-TasNet: its basis, its normalisations, how far it hears, and that it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.blocks.norms import CumulativeNorm, GlobalNorm
from auralflow.models.blocks.temporal import TemporalConvNet
from auralflow.models.conv_tasnet import SPEC, TINY, ConvTasNet, ConvTasNetConfig
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
CAUSAL = dataclasses.replace(TINY, norm="cumulative", causal=True)
LINEAR = dataclasses.replace(TINY, n_filters=40, encoder_activation="none")


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: ConvTasNetConfig = TINY, spec: ModelSpec = SMALL_SPEC) -> ConvTasNet:
    torch.manual_seed(0)
    return ConvTasNet(spec, config).double().eval()


def _without_norms(model: nn.Module) -> nn.Module:
    """What is left is local: statistics over time would let everything hear everything."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, GlobalNorm | CumulativeNorm):
                setattr(module, name, nn.Identity())
    return model


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """pytest puts type checks around every function; torch.compile cannot trace them, and they hide our own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def _count(config: ConvTasNetConfig, spec: ModelSpec) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ConvTasNet(spec, config).parameters())


def test_default_size_is_that_of_the_docstring() -> None:
    assert _count(ConvTasNetConfig(), SPEC) == 5_264_433


def test_paper_size() -> None:
    """Luo and Mesgarani count 5.1 million for two speakers, with a last residual convolution that reaches nothing."""
    config = ConvTasNetConfig(filter_samples=16)
    unused = 512 * 128 + 128
    assert _count(config, ModelSpec(("one", "two"), 8000, 1, 8000)) + unused == pytest.approx(5.1e6, abs=0.05e6)


@pytest.mark.parametrize("n_samples", [0, 1, 7, 8, 9, 16, 333])
def test_pseudo_inverse_decoder_reconstructs_every_length(n_samples: int) -> None:
    """40 filters span the 2 x 16 samples of a frame: their pseudo-inverse gives it back, and each sample is in two."""
    model = _build(LINEAR)
    basis = model.encoder.weight.detach().flatten(1)
    inverse = torch.linalg.pinv(basis).T.reshape_as(model.decoder.weight)
    model.decoder.weight.data.copy_(inverse / 2)
    mixture = _noise(3, 2, n_samples)
    features = model.encode(mixture)
    stems = model.decode(torch.stack([features, 2 * features], dim=1), n_samples)
    torch.testing.assert_close(stems, torch.stack([mixture, 2 * mixture], dim=1), rtol=0, atol=1e-10)


def test_rectified_pairs_of_filters_reconstruct_too() -> None:
    """max(u, 0) - max(-u, 0) = u: a basis with both signs of every filter loses nothing in the ReLU."""
    model = _build(dataclasses.replace(TINY, n_filters=64))
    half = torch.eye(32, dtype=torch.float64).reshape(32, 2, 16)
    model.encoder.weight.data.copy_(torch.cat([half, -half]))
    model.decoder.weight.data.copy_(torch.cat([half, -half]) / 2)
    mixture = _noise(1, 2, 501)
    features = model.encode(mixture)
    assert (features >= 0).all()
    torch.testing.assert_close(model.decode(features.unsqueeze(1), 501)[:, 0], mixture, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", [GlobalNorm, CumulativeNorm])
def test_norms_agree_with_their_definitions(norm: type[nn.Module]) -> None:
    layer = norm(5).double()
    gain, shift = _noise(5, seed=1), _noise(5, seed=2)
    layer.weight.data.copy_(gain.reshape(layer.weight.shape))
    layer.bias.data.copy_(shift.reshape(layer.bias.shape))
    features = 3 + 10 * _noise(2, 5, 40)
    expected = np.empty(features.shape)
    for item, values in enumerate(features.numpy()):
        for frame in range(40):
            heard = values if norm is GlobalNorm else values[:, : frame + 1]
            normal = (values[:, frame] - heard.mean()) / np.sqrt(heard.var() + 1e-8)
            expected[item, :, frame] = gain.numpy() * normal + shift.numpy()
    np.testing.assert_allclose(layer(features).detach().numpy(), expected, rtol=0, atol=1e-7)


def test_cumulative_statistics_are_not_taken_in_half_precision() -> None:
    """Of a mean power of 101 and a squared mean of 100, bfloat16 with its 8 bits would leave no variance of 1."""
    features = (10 + _noise(1, 8, 4000)).bfloat16()
    half = CumulativeNorm(8)(features)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), CumulativeNorm(8).double()(features.double()), rtol=0.01, atol=0.01)


@pytest.mark.parametrize("norm", [GlobalNorm, CumulativeNorm])
def test_norms_of_a_constant_are_finite(norm: type[nn.Module]) -> None:
    features = torch.full((1, 3, 50), 0.1, requires_grad=True)
    normal = norm(3)(features)
    normal.sum().backward()
    assert normal.isfinite().all()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("config", [TINY, dataclasses.replace(TINY, n_skip=0, kernel=5), CAUSAL])
def test_reach_is_as_stated(config: ConvTasNetConfig) -> None:
    """Gradient of an output sample, for all places of it in a hop: it reaches as far as stated and no further."""
    reach, n_samples = config.reach_samples, 2 * config.reach_samples + 200
    ahead = config.filter_samples - 1 if config.causal else reach
    model = _without_norms(_build(config))
    back_seen, ahead_seen = [], []
    for place in range(reach + 50, reach + 50 + config.hop_samples):
        mixture = _noise(1, 2, n_samples).requires_grad_()
        model(mixture)[..., place].sum().backward()
        heard = mixture.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
        back_seen.append(place - int(heard.min()))
        ahead_seen.append(int(heard.max()) - place)
    assert max(back_seen) == reach
    assert max(ahead_seen) == ahead


def test_default_context_is_the_reach() -> None:
    assert SPEC.context_samples == ConvTasNetConfig().reach_samples == 3 * 255 * 40 + 79


def test_shift_by_hops_shifts_the_stems() -> None:
    """Away from the ends: there the padding stays where it is."""
    model = _without_norms(_build())
    shift, reach = 5 * TINY.hop_samples, TINY.reach_samples
    mixture = _noise(1, 2, 3 * reach)
    stems, shifted = model(mixture), model(mixture.roll(shift, dims=-1))
    inside = slice(reach + shift, -reach)
    torch.testing.assert_close(shifted[..., inside], stems.roll(shift, dims=-1)[..., inside], rtol=0, atol=1e-12)
    assert (model(mixture.roll(1, dims=-1)).roll(-1, dims=-1) - stems)[..., inside].abs().max() > 1e-3


def test_stems_follow_the_level_of_the_mixture() -> None:
    """40 dB are nothing to the masks: their statistics divide them out."""
    mixture = _noise(1, 2, 2000)
    for config in (TINY, CAUSAL):
        model = _build(config)
        torch.testing.assert_close(100 * model(mixture / 100), model(mixture), rtol=0, atol=1e-3)
        assert (model(0 * mixture) == 0).all()


def test_relu_masks_amplify_and_sigmoid_masks_do_not() -> None:
    for mask, least, most in (("sigmoid", 0.0, 1.0), ("relu", 0.0, float("inf"))):
        model = _build(dataclasses.replace(TINY, mask=mask))
        model.head[1].bias.data.add_(5)
        masks = model.compute_masks(model.encode(_noise(1, 2, 500)))
        assert masks.shape == (1, 2, 24, 64)
        assert least <= masks.min()
        assert masks.max() <= most
        assert (masks.max() > 1) == (mask == "relu")


def test_causal_model_hears_a_filter_ahead_and_no_more() -> None:
    """A change at sample 1000 may be heard from 1000 - (L - 1) on."""
    mixture = _noise(1, 2, 2000)
    changed = mixture.clone()
    changed[..., 1000:] = _noise(1, 2, 1000, seed=1)
    first = {}
    for config in (TINY, CAUSAL):
        model = _build(config)
        differs = (model(changed) - model(mixture)).abs().amax(dim=(0, 1, 2)) > 0
        first[config.causal] = int(differs.nonzero()[0])
    assert first[False] < 100
    assert first[True] == 1000 // 8 * 8 - 8  # the frame before the one that begins at 1000
    assert 1000 - first[True] <= CAUSAL.filter_samples - 1


def test_no_latency_is_promised_without_a_step() -> None:
    for config in (CAUSAL, TINY):
        with pytest.raises(ConfigError, match=r"spec\.latency_samples: expected None, got 15.*no step"):
            ConvTasNet(dataclasses.replace(SMALL_SPEC, latency_samples=15), config)


@pytest.mark.parametrize("n_skip", [0, 6])
@pytest.mark.parametrize("mask", ["sigmoid", "relu"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_variant_trains_all_its_parameters(n_skip: int, mask: str, channels: int) -> None:
    config = dataclasses.replace(CAUSAL, n_skip=n_skip, mask=mask)
    model = _build(config, ModelSpec(("a", "b", "c"), 8000, channels, 8000))
    stems = model(_noise(2, channels, 3000))
    assert stems.shape == (2, 3, channels, 3000)
    stems.square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())


def test_skips_are_summed() -> None:
    """With all changes zeroed, the output is what each block alone says of the same features."""
    torch.manual_seed(0)
    net = TemporalConvNet(4, 6, 3, kernel=3, n_blocks=2, n_repeats=2, norm="global", causal=False).double()
    for block in net.blocks[:-1]:
        block[-1].weight.data[:4] = 0
        block[-1].bias.data[:4] = 0
    features = _noise(1, 4, 30)
    alone = [block(features)[:, 4:] for block in net.blocks[:-1]] + [net.blocks[-1](features)]
    torch.testing.assert_close(net(features), sum(alone))
    assert [block[4].dilation for block in net.blocks] == [(1,), (2,), (1,), (2,)]


def test_autocast_keeps_the_signal_in_float32() -> None:
    """Only masks are rounded."""
    model = _build().float()
    mixture = _noise(1, 2, 3000).float()
    with torch.autocast("cpu", torch.bfloat16):
        features, stems = model.encode(mixture), model(mixture)
    assert torch.equal(features, model.encode(mixture))
    assert stems.dtype == torch.float32
    exact = model(mixture)
    assert 0 < (stems - exact).square().mean() < 1e-4 * exact.square().mean()


@pytest.mark.usefixtures("_without_shape_checks")
@pytest.mark.parametrize("config", [TINY, pytest.param(CAUSAL, marks=pytest.mark.slow)])
def test_is_one_graph_for_any_length(config: ConvTasNetConfig) -> None:
    model = _build(config)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for n_samples in (400, 401, 333):
        mixture = _noise(1, 2, n_samples)
        torch.testing.assert_close(compiled(mixture), model(mixture))


def test_thirty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(2000, 2)
    model = ConvTasNet(SMALL_SPEC, TINY)
    assert overfit(model, targets, 30, 0.02) < 0.1


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("n_filters: 0", "config.n_filters"),
        ("n_repeats: 0", "config.n_repeats"),
        ("n_skip: -1", "config.n_skip"),
        ("filter_samples: 15", "config.filter_samples"),
        ("filter_samples: 0", "config.filter_samples"),
        ("kernel: 4", "config.kernel"),
        ("causal: true", "config.norm"),
        ("mask: softmax", "mask"),
        ("norm: batch", "norm"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(ConvTasNetConfig, text)


@pytest.mark.usefixtures("_without_shape_checks")
def test_rejects_bad_choices_in_python() -> None:
    for name in ("norm", "mask", "encoder_activation"):
        with pytest.raises(ConfigError, match=rf"config\.{name}: expected .* got 'else'"):
            ConvTasNetConfig(**{name: "else"})
