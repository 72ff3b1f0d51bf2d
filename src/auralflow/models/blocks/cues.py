"""What a spectrogram tells of its sources without any training: steadiness, repetition, place in the stereo image.

Shape:
    magnitudes `[batch, freq, frame]`, spectrograms `[batch, channel, freq, frame]`; shares are between 0 and 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional as F

TINY = 1e-12


def loudness(spectrogram: Complex[Tensor, "batch channel freq frame"]) -> Float[Tensor, "batch freq frame"]:
    """Magnitude of all channels together: root of their mean power."""
    return spectrogram.abs().square().mean(1).sqrt()


def wiener_share(
    wanted: Float[Tensor, "batch freq frame"], unwanted: Float[Tensor, "batch freq frame"]
) -> Float[Tensor, "batch freq frame"]:
    """Share of the power that is wanted; 0 where there is neither."""
    return wanted.square() / (wanted.square() + unwanted.square() + TINY)


def repeating_part(
    magnitude: Float[Tensor, "batch freq frame"], n_similar: int, min_distance_frames: int
) -> Float[Tensor, "batch freq frame"]:
    """What each frame has in common with the frames most like it: REPET-SIM (Rafii and Pardo 2012).

    For every frame the `n_similar` frames of greatest cosine similarity are sought, each a peak of the similarity and
    no two of them closer than `min_distance_frames`. Their median, at most the frame itself, is the repeating part.
    """
    if magnitude.shape[-1] == 0:
        return magnitude
    return torch.stack([_repeating_part(item, n_similar, min_distance_frames) for item in magnitude])


def _repeating_part(magnitude: Tensor, n_similar: int, min_distance: int) -> Tensor:
    frames = magnitude.t().contiguous()
    unit = frames / (frames.norm(dim=1, keepdim=True) + TINY)
    similarity = unit @ unit.t()
    peaks = F.max_pool1d(similarity[None], 2 * min_distance + 1, 1, min_distance)[0]
    similarity = torch.where(similarity >= peaks, similarity, similarity.new_full((), -1.0))
    values, nearest = similarity.topk(min(n_similar, len(frames)), dim=1)
    is_peak = values >= 0
    # Missing neighbours become +inf and -inf by turns, so that they leave the median where it is.
    ranks = torch.arange(nearest.shape[1], device=frames.device) % 2 == 0
    filler = torch.where(ranks, float("inf"), float("-inf")).to(frames)[:, None]
    model = torch.empty_like(frames)
    for begin in range(0, len(frames), 64):  # the neighbours of all frames at once would take a gigabyte
        piece = slice(begin, begin + 64)
        near = torch.where(is_peak[piece, :, None], frames[nearest[piece]], filler)
        model[piece] = near.median(dim=1).values.clamp(min=0)
    return torch.minimum(model, frames).t()


def centre_share(
    spectrogram: Complex[Tensor, "batch channel freq frame"], n_bins: int = 1, n_frames: int = 2
) -> Float[Tensor, "batch freq frame"]:
    """How alike the channels are around each bin: 1 in the middle, 0 at a side or out of phase.

    The similarity of Avendano and Jot (2004, "A frequency-domain approach to multichannel upmix"), with its sign:
    `Re <L R*> / (<|L|^2 + |R|^2> / 2)`, averaged over the neighbouring bins and frames. One channel is all middle.
    """
    if spectrogram.shape[1] != 2:
        return torch.ones_like(spectrogram[:, 0].real)
    left, right = spectrogram[:, 0], spectrogram[:, 1]
    shared = _smooth((left * right.conj()).real, n_bins, n_frames)
    power = _smooth((left.abs().square() + right.abs().square()) / 2, n_bins, n_frames)
    return (shared / (power + TINY)).clamp(0, 1)


def below(cutoff_hz: float, width_hz: float, n_freqs: int, sample_rate: int, like: Tensor) -> Float[Tensor, "freq 1"]:
    """1 below a cut-off frequency, 0 above, with a soft edge."""
    freqs_hz = torch.arange(n_freqs, device=like.device, dtype=like.dtype) * (sample_rate / 2 / (n_freqs - 1))
    return torch.sigmoid((cutoff_hz - freqs_hz) / width_hz)[:, None]


def _smooth(x: Tensor, n_bins: int, n_frames: int) -> Tensor:
    size = (2 * n_bins + 1, 2 * n_frames + 1)
    return F.avg_pool2d(x[:, None], size, 1, (n_bins, n_frames), count_include_pad=False)[:, 0]
