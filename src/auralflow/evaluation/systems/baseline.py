"""A baseline as a system: what needs no model, and mostly the targets themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from auralflow.data.track import Sound
from auralflow.evaluation.baselines import BASELINES
from auralflow.evaluation.references import Recording, Reference, check_rate, read_fitted
from auralflow.evaluation.systems.system import Estimates


class BaselineSystem:
    """One of `auralflow.evaluation.baselines`.

    An oracle shares the mixture out among all sounds of a song, whichever of them are scored.
    """

    def __init__(self, name: str) -> None:
        self._name, self._baseline = name, BASELINES[name]

    def estimate(self, reference: Reference, recording: Recording, beat: Callable[[float], None]) -> Estimates:
        notes: list[str] = []
        others = []
        for sound in rivals(self._name, reference):
            check_rate(sound, recording.sample_rate)
            others.append(read_fitted(sound, recording.n_samples, recording.targets.shape[1], notes.append)[None])
        targets = np.concatenate([recording.targets, *others]) if others else recording.targets
        estimates = self._baseline(torch.from_numpy(recording.mixture), torch.from_numpy(targets))
        estimates = estimates[: len(recording.targets)].contiguous()
        beat(1.0)
        return Estimates(estimates.numpy(), tuple(notes))


def rivals(name: str, reference: Reference) -> tuple[Sound, ...]:
    """Sounds that are not scored and that the baseline called so has to know."""
    return () if name == "mixture" else reference.rest
