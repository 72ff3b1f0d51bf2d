"""A graph without complex numbers computes what the one with them did."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError
from auralflow.export.real_arithmetic import RealModel

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec")  # torch.export, of its own code

MIXTURE = torch.randn(1, 2, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Spectrograms(nn.Module):
    """There and back in both conventions, with frames and hops that share few factors."""

    def forward(self, mixture: Tensor) -> Tensor:
        n_samples = mixture.shape[-1]
        zero, reflect = STFTConfig(48, 20), STFTConfig(64, 16, edges="reflect")
        spectrogram = stft(mixture, zero)
        soft = istft(spectrogram * spectrogram.abs().log1p(), zero, n_samples)
        spectrogram = stft(soft, reflect)
        return istft(torch.where(spectrogram.abs() > 1, spectrogram, 0.0), reflect, n_samples)


class Arithmetic(nn.Module):
    """What models do to complex numbers, one thing after the other."""

    def forward(self, mixture: Tensor) -> Tensor:
        x = torch.fft.rfft(mixture.unfold(-1, 40, 20), norm="ortho")  # batch, channel, frame, freq
        x = x * (0.6 + 0.8j) * (0.6 - 0.8j)
        y = torch.view_as_complex(torch.stack([x.real * 2, x.imag - 1], dim=-1))
        z = torch.complex(x.abs(), x.angle().cos()) * torch.polar(x.abs() + 1, x.angle())
        z = (x * y + z.conj() - 0.5 * x.mean(-1, keepdim=True)) / (y / (y.abs() + 1) + 3) - 1.5
        z = torch.cat([z, x.real.to(torch.complex128)], dim=1)[:, 1:3]
        covariance = torch.einsum("bcft,bdft->bcdt", z, z.conj()) + (z.mT @ z.conj()).mean()
        whole = torch.zeros_like(z)
        whole[..., 3:9, :] += z[..., 2:8, :]
        whole[:, 0] = z[:, 1] ** 2
        flat = torch.view_as_real(whole).flatten(1).mean(-1) + covariance.abs().square().mean()
        return torch.fft.irfft(whole, norm="ortho").flatten(2) + flat


class Unknown(nn.Module):
    def forward(self, mixture: Tensor) -> Tensor:
        return torch.fft.fft(mixture.to(torch.complex64)).abs()


def trace(model: nn.Module) -> ExportedProgram:
    return torch.export.export(model, (MIXTURE,), strict=False)


@pytest.mark.parametrize("model", [Spectrograms(), Arithmetic()])
def test_the_same_in_real_numbers(model: nn.Module) -> None:
    expected = model(MIXTURE)
    assert (RealModel(trace(model))(MIXTURE) - expected).abs().max() < 1e-11 * expected.abs().max()


def test_no_complex_number_is_left() -> None:
    real = RealModel(trace(Spectrograms()))
    real(MIXTURE)
    for node in trace(real).graph.nodes:
        values = node.meta.get("val")
        for value in values if isinstance(values, list | tuple) else [values]:
            assert not (isinstance(value, Tensor) and value.is_complex()), node


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(ConfigError, match=r"the operation aten\.fft_fft\.default on complex numbers"):
        RealModel(trace(Unknown()))(MIXTURE)


def test_small_terms_and_large_groups_are_kept_exact() -> None:
    """What ONNX's tools lose is written so that they cannot: here it only has to be the same."""

    class Norms(nn.Module):
        def forward(self, mixture: Tensor) -> Tensor:
            large = mixture.repeat(1, 2, 150)
            normal = torch.group_norm(large, 2, torch.arange(4.0).double(), torch.ones(4).double())
            return normal / (normal.abs().amax() + 1e-10) + (mixture.abs().sum(-1, keepdim=True) + 1e-10).log()[:, :1]

    expected = Norms()(MIXTURE)
    real = RealModel(trace(Norms()))
    assert (real(MIXTURE) - expected).abs().max() < 1e-11
    graph = str(trace(real).graph)
    assert "new_full" in graph
    assert "group_norm" not in graph
