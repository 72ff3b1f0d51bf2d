"""The ten seconds of a song that its report plays and draws, kept beside its scores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auralflow.audio.types import Audio, Samples
from auralflow.evaluation.references import Recording

EXCERPT_S = 10.0
_STEP_S = 1.0


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Ten seconds of a song: what went in, what should have come out, what came out."""

    start_s: float
    mixture: Audio
    targets: dict[str, Audio]
    estimates: dict[str, Audio]

    def residual(self, stem: str) -> Audio:
        """The error: estimate minus target."""
        estimate, target = self.estimates[stem], self.targets[stem]
        return Audio(estimate.samples - target.samples, target.sample_rate)


def find_start(targets: Samples, sample_rate: int) -> int:
    """Where the ten seconds begin in which the stems are liveliest, to a second.

    Each place is judged by the sum over stems of the share of that stem's energy which lies there, so that a quiet stem
    has as much to say as a loud one. The first of equals wins.

    Shape:
        targets: (stem, channel, time)

    Example:
        >>> targets = np.zeros((1, 1, 30_000), np.float32)
        >>> targets[..., 15_000:20_000] = 1.0
        >>> find_start(targets, 1000)
        10000
    """
    step = round(_STEP_S * sample_rate)
    n_steps, n_places = round(EXCERPT_S / _STEP_S), targets.shape[-1] // step
    if n_places <= n_steps:
        return 0
    pieces = targets[..., : n_places * step].reshape(len(targets), -1, n_places, step)
    energy = np.stack([np.einsum("cps,cps->p", stem, stem, dtype=np.float64) for stem in pieces])
    total = energy.sum(1, keepdims=True)
    shares = np.divide(energy, total, out=np.zeros_like(energy), where=total > 0).sum(0)
    # Equal places differ by the rounding of their sums.
    windows = np.convolve(shares, np.ones(n_steps), mode="valid").round(9)
    return int(np.argmax(windows)) * step


def save_excerpt(path: Path, recording: Recording, estimates: Samples) -> None:
    """Write the excerpt of a song, whole or not at all; half precision is far below what is heard or seen."""
    start = find_start(recording.targets, recording.sample_rate)
    window = slice(start, start + round(EXCERPT_S * recording.sample_rate))
    sounds = np.concatenate(
        [recording.mixture[None, :, window], recording.targets[..., window], estimates[..., window]]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            sounds=sounds.astype(np.float16),
            stems=np.array(recording.stems),
            start_s=start / recording.sample_rate,
            sample_rate=recording.sample_rate,
        )
    os.replace(unfinished, path)


def load_excerpt(path: Path) -> Excerpt:
    """The inverse of `save_excerpt`."""
    with np.load(path, allow_pickle=False) as saved:
        sounds, sample_rate = saved["sounds"].astype(np.float32), int(saved["sample_rate"])
        stems, start_s = [str(name) for name in saved["stems"]], float(saved["start_s"])
    audio = [Audio(sound, sample_rate) for sound in sounds]
    n = len(stems)
    targets, estimates = audio[1 : 1 + n], audio[1 + n :]
    return Excerpt(start_s, audio[0], dict(zip(stems, targets, strict=True)), dict(zip(stems, estimates, strict=True)))
