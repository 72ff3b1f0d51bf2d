"""A model as a system: each song goes through the separation engine, as it would for a user."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from auralflow.audio.types import Audio
from auralflow.evaluation.references import Recording, Reference
from auralflow.evaluation.systems.system import Estimates
from auralflow.separation.build import build_separator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.outputs import plan_outputs


class ModelSystem:
    """A model.

    Args:
        config: which one, and how it separates.

    Raises:
        AuralflowError: the model cannot be loaded, or its device is not there.
    """

    def __init__(self, config: SeparationConfig) -> None:
        self._separator = build_separator(config)

    def estimate(self, reference: Reference, recording: Recording, beat: Callable[[float], None]) -> Estimates:
        plan = plan_outputs(self._separator.spec.stems, recording.stems)
        separated = np.empty_like(recording.targets)
        notes: list[str] = []
        self._separator.separate_into(
            separated,
            Audio(recording.mixture, recording.sample_rate),
            outputs=plan,
            progress=lambda progress: beat(progress.fraction),
            warn=notes.append,
        )
        return Estimates(separated, tuple(notes))
