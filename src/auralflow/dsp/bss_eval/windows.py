"""Windows of BSS Eval: where they lie, which of them count, and the one ratio that needs no filters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from auralflow.dsp.threads import spread
from auralflow.errors import AudioError


def windowed_sdr(
    estimates: Float[Tensor, "stem channel time"],
    targets: Float[Tensor, "stem channel time"],
    *,
    window_samples: int,
    hop_samples: int,
) -> Float[Tensor, "stem frame"]:
    """The SDR of BSS Eval in each window, `10 log10(|s|^2 / |s - e|^2)` over channels and time; in dB, float64.

    Equal to `bss_eval(...)["sdr"]`, silence rule included, at a small part of its cost.

    Shape:
        `[stem, channel, time]` twice to `[stem, frame]`.

    Raises:
        AudioError: a whole target or estimate is silent.

    Example:
        >>> targets = torch.ones(2, 1, 300)
        >>> windowed_sdr(0.9 * targets, targets, window_samples=100, hop_samples=100).round(decimals=3).tolist()
        [[20.0, 20.0, 20.0], [20.0, 20.0, 20.0]]
    """
    frames = list(cut(targets.shape[-1], window_samples, hop_samples))
    is_scored = scored_frames(estimates, targets, frames)
    ratios = torch.full((targets.shape[0], len(frames)), torch.nan, dtype=torch.float64, device=targets.device)

    def score(index: int) -> Float[Tensor, "stem"]:
        pairs = zip(targets[..., frames[index]], estimates[..., frames[index]], strict=True)
        return decibels(*torch.stack([_energies(*pair) for pair in pairs], dim=1))

    scored = is_scored.nonzero().flatten().tolist()
    for index, found in zip(scored, spread(score, scored), strict=True):
        ratios[:, index] = found
    return ratios


def cut(n_samples: int, window_samples: int, hop_samples: int) -> Iterator[slice]:
    """Whole windows only: what is left at the end belongs to none. Audio no longer than a window is one window."""
    if n_samples <= window_samples:
        yield slice(0, n_samples)
        return
    for start in range(0, n_samples - window_samples + 1, hop_samples):
        yield slice(start, start + window_samples)


def scored_frames(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], frames: list[slice]
) -> Bool[Tensor, "frame"]:
    """The windows in which no target and no estimate is silent; the others have no score, for no stem.

    That is the rule of museval, without which the numbers could not be compared.

    Raises:
        AudioError: a whole target or estimate is silent.
    """
    for kind, waveforms in (("target", targets), ("estimate", estimates)):
        for stem, waveform in enumerate(waveforms):
            if not sounds(waveform):
                raise AudioError(
                    f"BSS Eval: expected sound in every stem, but the {kind} of stem {stem} is silent throughout "
                    "(its channels sum to zero): leave that stem out of the set"
                )
    return sounding_frames(estimates, targets, frames).all(0)


def sounding_frames(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], frames: list[slice]
) -> Bool[Tensor, "stem frame"]:
    """The windows in which target and estimate of a stem itself sound.

    Example:
        >>> targets = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]])
        >>> sounding_frames(targets, targets, list(cut(4, 2, 2))).tolist()
        [[False, True]]
    """
    pairs = list(zip(targets, estimates, strict=True))
    found = [[sounds(target[:, f]) and sounds(estimate[:, f]) for f in frames] for target, estimate in pairs]
    return torch.tensor(found, dtype=torch.bool).reshape(len(pairs), len(frames))


def sounds(waveform: Float[Tensor, "channel time"]) -> bool:
    """Whether BSS Eval hears anything: channels that sum to zero in every sample, as exact opposites do, are silent."""
    # Most signals sound at once, which spares the sum over the rest.
    return any(bool(part.double().sum(0).any()) for part in torch.split(waveform, _PART_SAMPLES, dim=-1))


def decibels(signal: Float[Tensor, "*axes"], distortion: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """`10 log10(signal / distortion)`; infinite where there is no distortion, whatever the signal is."""
    return torch.where(distortion == 0, torch.inf, 10 * (signal / distortion).log10())


_PART_SAMPLES = 4096


def _energies(target: Float[Tensor, "channel time"], estimate: Float[Tensor, "channel time"]) -> Float[Tensor, "2"]:
    """Of the target and of the error, in float64; in pieces that stay in the cache of a core."""
    total = target.new_zeros(2, dtype=torch.float64)
    for channel in zip(target, estimate, strict=True):
        for t, e in zip(*(part.split(_PIECE_SAMPLES) for part in channel), strict=True):
            wanted = t.double()
            error = wanted - e
            total += torch.stack([wanted.dot(wanted), error.dot(error)])
    return total


_PIECE_SAMPLES = 2**15
