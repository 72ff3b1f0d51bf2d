"""The L1-frequency score: its formula with `torch.stft`, its ends, its edges."""

from __future__ import annotations

import torch

from auralflow.metrics.l1_freq import l1_freq


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_is_the_published_formula() -> None:
    """`torch.stft` with no window and its own padding, over channels at once, stem by stem."""
    targets, estimates = _noise(2, 2, 9000), _noise(2, 2, 9000, seed=1)
    scores = l1_freq(estimates, targets, sample_rate=44100)["l1_freq"]
    for stem in range(2):
        magnitudes = [
            torch.stft(part[stem], 2048, 1024, window=torch.ones(2048), return_complex=True).abs()
            for part in (estimates, targets)
        ]
        expected = 100 / (1 + 10 * torch.nn.functional.l1_loss(*magnitudes))
        torch.testing.assert_close(scores[stem], expected)


def test_phase_plays_no_part_and_level_does() -> None:
    targets = _noise(1, 2, 9000)
    assert l1_freq(-targets, targets, sample_rate=44100)["l1_freq"].item() == 100
    loud, quiet = (l1_freq(0.9 * gain * targets, gain * targets, sample_rate=44100)["l1_freq"] for gain in (1.0, 0.1))
    assert quiet > loud


def test_too_short_to_mirror() -> None:
    for n_samples, is_nan in ((1024, True), (1025, False)):
        targets = _noise(2, 1, n_samples)
        assert l1_freq(targets, targets, sample_rate=44100)["l1_freq"].isnan().tolist() == [is_nan, is_nan]
