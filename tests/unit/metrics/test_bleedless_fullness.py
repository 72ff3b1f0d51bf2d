"""Bleedless and fullness: the formula with `torch.stft` all at once, and errors of one kind that touch one score."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp.bands import mel_filterbank
from auralflow.metrics.bleedless_fullness import bleedless_fullness


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _score(estimates: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scores = bleedless_fullness(estimates, targets, sample_rate=44100)
    return scores["bleedless"], scores["fullness"]


def test_is_the_published_formula() -> None:
    """The largest value, from which 80 dB are kept, is that of all channels; one of them is nearly silent here."""
    targets, estimates = _noise(2, 2, 12000), _noise(2, 2, 12000, seed=1)
    targets[0, 1] *= 1e-6
    scores = torch.stack(_score(estimates, targets), -1)
    for stem in range(2):
        levels = []
        for part in (estimates, targets):
            window = torch.hann_window(4096)
            spectra = torch.stft(part[stem], 4096, 1024, window=window, pad_mode="constant", return_complex=True)
            level = 20 * torch.matmul(mel_filterbank(512, 4096, 44100), spectra.abs()).clamp(min=1e-10).log10()
            levels.append(level.clamp(min=level.max() - 80))
        difference = levels[0] - levels[1]
        expected = [100 / (1 + part.mean()) for part in (difference[difference > 0], -difference[difference < 0])]
        torch.testing.assert_close(scores[stem], torch.stack(expected))


@pytest.mark.parametrize(("gain", "hurt"), [(2.0, 0), (0.5, 1)])
def test_an_error_of_one_kind_lowers_one_score(gain: float, hurt: int) -> None:
    """A gain of 6.02 dB either way: 100 / 7.02 in one, 100 in the other."""
    targets = _noise(1, 2, 12000)
    scores = _score(gain * targets, targets)
    assert scores[hurt].item() == pytest.approx(100 / 7.0206, abs=0.01)
    assert scores[1 - hurt].item() == 100


def test_a_band_too_much_is_bleed_and_a_band_too_few_is_missing() -> None:
    noise, band = _noise(1, 2, 12000), torch.fft.rfft(_noise(1, 2, 12000, seed=1))
    band[..., :3000] = 0
    more = noise + 10 * torch.fft.irfft(band)
    bleedless, fullness = _score(more, noise)
    assert bleedless < 15 < 60 < fullness
    bleedless, fullness = _score(noise, more)
    assert fullness < 15 < 60 < bleedless
