"""Windows of BSS Eval: where they lie, which of them count, and the one ratio that needs no filters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from auralflow.errors import AudioError

Waveforms = Float[Tensor, "stem channel time"]


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
    n_window = min(window_samples, targets.shape[-1])
    parts = []
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        block = slice(frames[first].start, frames[min(first + _FRAMES_AT_ONCE, len(frames)) - 1].stop)
        target, estimate = targets[..., block], estimates[..., block]
        parts.append(decibels(*(_energies(part, n_window, hop_samples) for part in (target, target - estimate))))
    return torch.where(is_scored.to(targets.device), torch.cat(parts, dim=1), torch.nan)


_FRAMES_AT_ONCE = 8


def _energies(waveforms: Waveforms, n_window: int, hop_samples: int) -> Float[Tensor, "stem frame"]:
    """Of every window, float64."""
    windows = waveforms.unfold(-1, n_window, hop_samples)
    # Pieces so short lose nothing in single precision, where sums are several times as fast as in double.
    n_pieced = n_window - n_window % _PIECE
    pieces = torch.linalg.vector_norm(windows[..., :n_pieced].unflatten(-1, (-1, _PIECE)), dim=-1)
    rest = torch.linalg.vector_norm(windows[..., n_pieced:], dim=-1, keepdim=True)
    energies: Tensor = torch.cat([pieces, rest], dim=-1).double().square().sum((1, 3))
    return energies


_PIECE = 441


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
    sounding = [_probe(waveforms, frames) for waveforms in (targets, estimates)]
    for waveforms, found in zip((targets, estimates), sounding, strict=True):
        for stem, frame in (~found).nonzero().tolist():
            found[stem, frame] = sounds(waveforms[stem][:, frames[frame]])
    return sounding[0] & sounding[1]


def _probe(waveforms: Waveforms, frames: list[slice]) -> Bool[Tensor, "stem frame"]:
    """Whether the first samples of each frame sound already; mostly they do, which spares a look at the rest."""
    n_probed = min(_N_PROBED, frames[0].stop - frames[0].start)
    places = torch.tensor([frame.start for frame in frames])[:, None] + torch.arange(n_probed)
    found: Tensor = waveforms[..., places.to(waveforms.device)].double().sum(1).any(-1).cpu()
    return found


_N_PROBED = 64


def sounds(waveform: Float[Tensor, "channel time"]) -> bool:
    """Whether BSS Eval hears anything: channels that sum to zero in every sample, as exact opposites do, are silent."""
    # Most signals sound at once, which spares the sum over the rest.
    starts = range(0, waveform.shape[-1], _PART_SAMPLES)
    return any(bool(waveform[:, start : start + _PART_SAMPLES].double().sum(0).any()) for start in starts)


def decibels(signal: Float[Tensor, "*axes"], distortion: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """`10 log10(signal / distortion)`; infinite where there is no distortion, whatever the signal is."""
    return torch.where(distortion == 0, torch.inf, 10 * (signal / distortion).log10())


_PART_SAMPLES = 4096
