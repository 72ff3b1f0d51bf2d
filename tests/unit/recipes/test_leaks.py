"""What leaks where: with masks that are known, so is every share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec
from leaks import BANDS_HZ, follow, print_heard, print_missing

RATE = 44100


class _Cut(nn.Module):
    """A fifth of everything to the voice below bin 23 (495 Hz), four fifths above; the rest to the drums."""

    def forward(self, spectrogram: Tensor) -> Tensor:
        voice = torch.full(spectrogram.shape, 0.8)
        voice[:, :, :23] = 0.2
        return torch.stack([voice, 1 - voice], 1)


def _follow() -> tuple[np.ndarray, np.ndarray]:
    """A voice at 1 kHz, drums of half its amplitude at 200 Hz, and what becomes of them."""
    places_s = torch.arange(3 * RATE) / RATE
    voice, drums = (torch.sin(2 * torch.pi * hz * places_s).expand(2, -1) for hz in (1000.0, 200.0))
    spec = ModelSpec(("vocals", "drums"), RATE, 2, segment_samples=RATE)
    return follow(
        SpectrogramMaskModel(spec, STFTConfig(2048, 512), _Cut(), domain="complex"), torch.stack([voice, drums / 2])
    )


def test_each_stem_is_found_with_the_square_of_its_mask() -> None:
    heard, given = _follow()
    shares = heard.sum(-1) / given.sum(-1)
    np.testing.assert_allclose(shares, [[0.64, 0.04], [0.04, 0.64]], atol=0.002)
    assert given[0, 0].sum() / given[0, 1].sum() == pytest.approx(4, rel=0.01)


def test_energy_lies_in_the_band_of_the_tone() -> None:
    _, given = _follow()
    for stem, hz in enumerate((1000, 200)):
        band = int(np.searchsorted(BANDS_HZ, hz)) - 1
        assert given[0, stem, band] / given[0, stem].sum() > 0.99


def test_tables_say_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    heard, given = _follow()
    print_heard(("vocals", "drums"), heard)
    print_missing(("vocals", "drums"), heard, given)
    out = capsys.readouterr().out
    assert "| vocals | all | 98% | 2% |" in out  # 4 x 0.64 beside 0.04
    assert "| drums | 120 to 500 | 0% | 100% |" in out
    assert "| vocals | 1.9 |" in out  # 20 log10(0.8)
