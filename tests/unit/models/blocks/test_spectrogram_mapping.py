"""Models that draw spectrograms: nothing around the network changes the sound."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ShapeError, UnknownNameError
from auralflow.models.blocks.spectrogram_mapping import SpectrogramMappingModel
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("a", "b", "c"), 8000, 2, segment_samples=8000)


@dataclasses.dataclass(frozen=True)
class Config:
    stft: STFTConfig
    step: int = 1

    def padded_samples(self, n_samples: int) -> int:
        hops = -(-n_samples // self.stft.hop_samples)
        return (hops + -hops % self.step) * self.stft.hop_samples


class Shares(nn.Module):
    """One, two and three times the mixture."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Linear(3, 1, bias=False)
        nn.init.constant_(self.parts.weight, 1.0)

    def forward(self, spectrogram: Tensor) -> Tensor:
        weights = self.parts(torch.tril(torch.ones(3, 3, dtype=spectrogram.dtype))).flatten()
        return spectrogram.unsqueeze(1) * weights.reshape(1, 3, 1, 1, 1, 1)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _build(edges: str = "reflect", window: str = "hann", step: int = 1) -> SpectrogramMappingModel:
    stft = STFTConfig(n_fft=64, hop_samples=16, edges=edges, window=window)
    return SpectrogramMappingModel(SPEC, Config(stft, step), Shares()).double()


@pytest.mark.parametrize("window", ["hann", "rectangle"])
@pytest.mark.parametrize("edges", ["zero", "reflect"])
@pytest.mark.parametrize("step", [1, 5])
@pytest.mark.parametrize("n_samples", [0, 1, 15, 16, 17, 500])
def test_gives_back_what_the_network_does(window: str, edges: str, step: int, n_samples: int) -> None:
    mixture = _noise(2, 2, n_samples)
    stems = _build(edges, window, step)(mixture)
    torch.testing.assert_close(stems, mixture.unsqueeze(1) * torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1))


def test_selection_and_selection_of_it() -> None:
    mixture = _noise(1, 2, 100)
    part = _build().select(("c", "a"))
    torch.testing.assert_close(part(mixture), torch.stack([3 * mixture, mixture], dim=1))
    torch.testing.assert_close(part.select(("a",))(mixture), mixture.unsqueeze(1))
    with pytest.raises(UnknownNameError, match="'d'"):
        part.select(("d",))


def test_parts_stand_at_the_root_and_only_there() -> None:
    model = _build()
    assert list(model.state_dict()) == ["parts.weight"]
    assert [name for name, _ in model.named_parameters(remove_duplicate=False)] == ["parts.weight"]


@pytest.mark.parametrize("make", [lambda model: model, copy.deepcopy], ids=["itself", "copy"])
def test_a_part_that_is_replaced_is_replaced_in_the_network(make) -> None:
    mixture, original = _noise(1, 2, 100), _build()
    model = make(original)
    model.parts = nn.Linear(3, 1, bias=False).double()
    nn.init.constant_(model.parts.weight, 2.0)
    torch.testing.assert_close(model(mixture)[:, 0], 2 * mixture)
    if model is not original:
        torch.testing.assert_close(original(mixture)[:, 0], mixture)


def test_half_precision_comes_back_as_it_came() -> None:
    mixture = _noise(1, 2, 100).bfloat16()
    stems = _build().bfloat16()(mixture)
    assert stems.dtype == torch.bfloat16
    torch.testing.assert_close(stems[:, 0], mixture, rtol=0.02, atol=0.02)


def test_transform_is_that_of_the_network() -> None:
    estimate = _build(edges="zero").estimate(_noise(1, 2, 100))
    assert estimate.masks is None
    assert estimate.transform is not None
    assert estimate.transform(estimate.stems).shape == (1, 3, 2, 33, 8)


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))
