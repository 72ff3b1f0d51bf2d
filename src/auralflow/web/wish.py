"""What a visitor may ask for a song."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from auralflow.audio.formats import FORMAT_NAMES
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.separation.outputs import OutputPlan, plan_outputs

MIXTURE = "mixture"
"""Name of the song itself among the tracks."""


@dataclass(frozen=True)
class Wish:
    """Settings of one separation, a part of those of `auralflow separate`.

    Raises:
        ConfigError, UnknownNameError: a setting has a value it cannot have.
    """

    model: str = "default"
    stems: tuple[str, ...] | None = None
    mix: tuple[str, ...] = ()
    residual: bool = False
    consistency: Literal["none", "sum", "rest"] = "none"
    format: str = "auto"
    dither: Literal["none", "tpdf"] = "none"
    from_s: float | None = None
    for_s: float | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMAT_NAMES:
            raise UnknownNameError("format", self.format, FORMAT_NAMES)
        if self.dither not in ("none", "tpdf"):
            raise UnknownNameError("dither", self.dither, ("none", "tpdf"))
        if self.from_s is not None and not (math.isfinite(self.from_s) and self.from_s >= 0):
            raise ConfigError(f"from_s: expected 0 or more seconds, got {self.from_s}")
        if self.for_s is not None and not (math.isfinite(self.for_s) and self.for_s > 0):
            raise ConfigError(f"for_s: expected more than 0 seconds, got {self.for_s}")

    def plan(self, stems: tuple[str, ...]) -> OutputPlan:
        """The outputs that a model with these stems gives.

        Raises:
            ConfigError, UnknownNameError: stems or mixes that cannot be.
        """
        plan = plan_outputs(stems, self.stems, self.mix, self.residual, self.consistency)
        if MIXTURE in plan.names:
            raise ConfigError(f"mix: '{MIXTURE}' is what the song itself is called; give the mix another name")
        return plan

    def duration_s(self, whole_s: float | None) -> float | None:
        """Seconds to separate of a song of `whole_s`."""
        if whole_s is None:
            return self.for_s
        left = max(0.0, whole_s - (self.from_s or 0.0))
        return left if self.for_s is None else min(left, self.for_s)
