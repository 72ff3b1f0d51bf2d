"""Half precision is used where it was measured to be faithful, and refused with the reason elsewhere."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from auralflow.spec import ModelSpec
from auralflow.speed import precision
from auralflow.speed.precision import half_precision_sdr, make_test_signal, refuse_half

SPEC = ModelSpec(("all",), 8000, 2, segment_samples=4000)
CPU = torch.device("cpu")


class Product(nn.Module):
    """The mixture times a matrix, which autocast computes in bfloat16, and a constant that hides part of its error."""

    def __init__(self, offset: float = 0.0) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4000, 4000, generator=torch.Generator().manual_seed(0)) / 64)
        self.offset, self.n_calls = offset, 0

    def forward(self, mixture: Tensor) -> Tensor:
        self.n_calls += 1
        return (mixture @ self.matrix + self.offset)[:, None]


@pytest.fixture(autouse=True)
def _any_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_half_precision", lambda device: True)


def test_sdr_is_that_of_rounding_to_bfloat16() -> None:
    """Eight bits of mantissa leave errors of 2**-9 at most, about 2**-9 / sqrt(3) in the mean: 51 dB for a product of
    rounded factors whose sum is rounded again, within a few dB."""
    assert 46 < half_precision_sdr(Product(), SPEC, CPU) < 60


def test_what_is_faithful_is_used_and_measured_once() -> None:
    model = Product()
    assert refuse_half(model, SPEC, CPU) is None
    assert model.n_calls == 2
    assert refuse_half(model, SPEC, CPU) is None
    assert model.n_calls == 2


def test_other_weights_are_measured_anew() -> None:
    model = Product()
    refuse_half(model, SPEC, CPU)
    with torch.no_grad():
        model.matrix[0, 0] += 1
    refuse_half(model, SPEC, CPU)
    assert model.n_calls == 4


def test_what_is_not_faithful_is_refused_with_the_number() -> None:
    """A large constant, taken away again: bfloat16 rounds it to steps greater than the sound."""

    class Fragile(Product):
        def forward(self, mixture: Tensor) -> Tensor:
            return ((mixture @ self.matrix) + 300.0).to(mixture.dtype)[:, None] - 300.0

    told = refuse_half(Fragile(), SPEC, CPU)
    assert told is not None
    assert "45" in told
    assert "computed in 32" in told


def test_numbers_that_overflow_are_refused() -> None:
    class Overflows(Product):
        def forward(self, mixture: Tensor) -> Tensor:
            stems = super().forward(mixture)
            return stems if stems.dtype == torch.float32 else stems * math.inf

    assert half_precision_sdr(Overflows(), SPEC, CPU) == -math.inf


def test_equal_output_has_no_error() -> None:
    class Through(nn.Module):
        def forward(self, mixture: Tensor) -> Tensor:
            return mixture[:, None]

    assert half_precision_sdr(Through(), SPEC, CPU) == math.inf


def test_a_damaged_note_is_measured_again(tmp_path: object) -> None:
    model = Product()
    refuse_half(model, SPEC, CPU)
    (note,) = (precision.cache_folder() / "speed").iterdir()
    note.write_text("no json")
    assert refuse_half(model, SPEC, CPU) is None
    assert model.n_calls == 4


def test_a_device_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_half_precision", lambda device: False)
    assert "no 16-bit arithmetic" in (refuse_half(Product(), SPEC, CPU) or "")


def test_the_signal_is_loud_finite_and_always_the_same() -> None:
    signal = make_test_signal(SPEC)
    assert signal.shape == (1, 2, 4000)
    assert torch.equal(signal, make_test_signal(SPEC))
    assert 0.05 < signal.square().mean().sqrt() < 0.5
    assert signal.abs().max() < 1.5
    assert not torch.equal(signal[:, 0], signal[:, 1])
