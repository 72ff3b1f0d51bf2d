"""L1-frequency score: how near the magnitudes of the estimate are to those of the target, from 0 to 100."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.magnitudes import magnitude_blocks
from auralflow.dsp.stft import STFTConfig
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = True
BEST = 100.0
SOURCE = "Solovyev et al., Music-Source-Separation-Training, metric 'l1_freq' (as on MVSEP)"

_CONFIG = STFTConfig(2048, 1024)


def l1_freq(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`100 / (1 + 10 mean ||E| - |S||)`: 100 for equal magnitudes, towards 0 for distant ones.

    `E` and `S` are unscaled STFTs with frames of 2048 samples, a hop of 1024, a rectangular window and the signal
    mirrored at both ends; the mean goes over channels, bins and frames. Nothing is divided by the level of the song:
    the same error scores better in a quiet song, so compare songs with care. The loss `l1_freq` divides.

    NaN where the target is silent, where a sample is no finite number, and for 1024 samples or fewer (too short to
    mirror).

    Shape:
        `[stem, channel, time]` twice to `{"l1_freq": [stem]}`. The sample rate plays no part.

    Example:
        >>> targets = torch.rand(1, 2, 5000)
        >>> l1_freq(-targets, targets, sample_rate=44100)["l1_freq"]
        tensor([100.])
    """
    if targets.shape[-1] <= _CONFIG.n_fft // 2:
        return {"l1_freq": targets.new_full(targets.shape[:1], torch.nan)}
    distances = torch.stack([_mean_distance(*pair) for pair in zip(estimates, targets, strict=True)])
    return {"l1_freq": blank_undefined(100 / (1 + 10 * distances), estimates, targets)}


def _mean_distance(estimate: Float[Tensor, "channel time"], target: Float[Tensor, "channel time"]) -> Float[Tensor, ""]:
    total, n_values = target.new_zeros(()), 0
    pair = (
        magnitude_blocks(waveform, _CONFIG, window="rectangular", padding="reflect") for waveform in (estimate, target)
    )
    for estimated, wanted in zip(*pair, strict=True):
        total = total + (estimated - wanted).abs().sum()
        n_values += wanted.numel()
    return total / n_values
