"""The fast ways of Hybrid Demucs' layers against the layers written down as they are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from auralflow.models.blocks import demucs_inference
from auralflow.models.blocks.demucs_inference import add_gated, convolve_gated, deconvolve_rows, squeeze_frames
from auralflow.models.blocks.demucs_residual import ResidualBranch


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _branch(width: int, n_inner: int, depth: int = 3, **memory: bool) -> ResidualBranch:
    torch.manual_seed(0)
    branch = ResidualBranch(width, n_inner, depth, 0.5, **memory).eval()
    for parameter in branch.parameters():
        nn.init.normal_(parameter, std=0.5)
    return branch


@pytest.mark.parametrize("shape", [(2, 8, 5, 40), (1, 8, 40), (2, 8, 700), (1, 8, 1, 1), (3, 8, 2, 1)])
@pytest.mark.parametrize("piece", [2**19, 1000])
def test_branch_is_the_same_in_pieces_of_any_size(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], piece: int
) -> None:
    monkeypatch.setattr(demucs_inference, "_PIECE", piece)
    branch, features = _branch(8, 3), _noise(*shape)
    given = features.clone()
    with torch.inference_mode():
        fast = branch(features)
    torch.testing.assert_close(fast, branch(features).detach(), rtol=1e-5, atol=1e-5)
    assert torch.equal(features, given)


def test_branch_with_memory_is_the_same() -> None:
    branch, features = _branch(8, 4, has_lstm=True, has_attention=True), _noise(2, 8, 3, 60)
    with torch.inference_mode():
        fast = branch(features)
    torch.testing.assert_close(fast, branch(features).detach(), rtol=1e-5, atol=1e-5)


def test_a_large_constant_leaves_the_variance_exact() -> None:
    """The mean square minus the squared mean would be nothing but rounding here."""
    expand, norm = nn.Conv1d(2, 8, 1), nn.GroupNorm(1, 8)
    nn.init.ones_(expand.weight)
    inner = 0.01 * _noise(1, 2, 50) + 100
    features, scale = torch.zeros(1, 4, 1, 50), torch.ones(4)
    exact = nn.functional.glu(norm.double()(expand.double()(inner.double())), dim=1)
    with torch.inference_mode():
        fast = add_gated(features, inner, expand.float(), norm.float(), scale).squeeze(2)
    torch.testing.assert_close(fast.double(), exact.detach(), rtol=0, atol=5e-3)


def test_long_rows_that_are_silent_for_the_most_part_stay_exact() -> None:
    """A sum of 100,000 products in single precision would be off by 1e-5."""
    branch = _branch(8, 3, depth=1)
    features = _noise(1, 8, 100_000)
    features[..., 20_000:] = 0
    with torch.inference_mode():
        fast = branch(features)
    exact = branch.double()(features.double()).detach()
    assert (fast - exact).abs().max() < 1e-6 * exact.abs().max()


@pytest.mark.parametrize(("kernel", "stride"), [(8, 4), (4, 4), (6, 2), (3, 1)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_transposed_convolution_is_the_same(kernel: int, stride: int, has_bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(5, 3, (kernel, 1), (stride, 1), bias=has_bias)
    features = _noise(2, 5, 7, 11)
    torch.testing.assert_close(deconvolve_rows(features, layer), layer(features), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("n_frames", [1, 2, 4, 5, 40])
@pytest.mark.parametrize("has_bias", [True, False])
def test_three_taps_as_one_product_are_the_same(dilation: int, n_frames: int, has_bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Conv1d(8, 3, 3, dilation=dilation, padding=dilation, bias=has_bias)
    features = _noise(2, 8, 5, n_frames)
    with torch.inference_mode():
        fast = squeeze_frames(features, layer)
    rows = layer(features.transpose(1, 2).flatten(0, 1)).unflatten(0, (2, 5)).transpose(1, 2)
    torch.testing.assert_close(fast, rows.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 8, 5, 300), (1, 8, 700), (1, 8, 1, 1)])
@pytest.mark.parametrize("piece", [2**19, 1000])
def test_gated_convolution_of_one_tap_is_the_same_in_pieces(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], piece: int
) -> None:
    monkeypatch.setattr(demucs_inference, "_PIECE", piece)
    torch.manual_seed(0)
    layer = (nn.Conv2d if len(shape) == 4 else nn.Conv1d)(8, 12, 1)
    features = _noise(*shape)
    given = features.clone()
    with torch.inference_mode():
        fast = convolve_gated(features, layer)
    torch.testing.assert_close(fast, nn.functional.glu(layer(features), dim=1).detach(), rtol=1e-5, atol=1e-6)
    assert torch.equal(features, given)


def test_in_half_precision_convolutions_stay_what_they_are() -> None:
    """Parts that are rounded before they are added would double the error."""
    taps, gates, features = nn.Conv1d(8, 3, 3, padding=1), nn.Conv2d(8, 12, 1), _noise(1, 8, 5, 40)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        squeezed = torch.conv2d(features, taps.weight.unsqueeze(2), taps.bias, padding=(0, 1))
        assert torch.equal(squeeze_frames(features, taps), squeezed)
        assert torch.equal(convolve_gated(features, gates), nn.functional.glu(gates(features), dim=1))
