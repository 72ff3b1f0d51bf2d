"""What a model takes and gives: the one description that the loader, the engine and the card read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from auralflow.errors import ConfigError, UnknownNameError

FORMAT_VERSION = 1
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 192_000
MAX_CHANNELS = 32

_STEM_NAME = re.compile(r"[^\W_][\w -]{0,62}")


@dataclass(frozen=True)
class ModelSpec:
    """The input contract of a model, saved in every bundle.

    Raises:
        ConfigError: a field has a value it cannot have.

    Example:
        >>> spec = ModelSpec(stems=("vocals", "other"), sample_rate=44100, channels=2,
        ...                  segment_samples=44100 * 6)
        >>> spec.segment_s
        6.0
    """

    stems: tuple[str, ...]
    """Names of the stems, in the order of the model's stem axis."""
    sample_rate: int
    """Samples per second of the audio that goes in and comes out."""
    channels: int
    """Channels that go in and come out (1 mono, 2 stereo)."""
    segment_samples: int
    """Length of the pieces in which long audio is separated."""
    context_samples: int = 0
    """Samples at either side of a segment that the model needs to see but cannot answer for."""
    overlap: float | None = None
    """Part of a segment that neighbours share, unless the user says another; None for what the context needs."""
    blend: Literal["trapezoid", "triangle"] = "trapezoid"
    """Weights of neighbours where they overlap: `trapezoid` leaves the context out and fades in half a second,
    `triangle` rises to the middle of the segment and falls from there, as in Demucs."""
    tail: Literal["move", "pad", "short"] = "move"
    """The end of the track, seldom a whole segment: `move` the last segment back to end with the track; or keep to the
    grid and `pad` it, with music before and silence after, or leave it `short`, as models of Demucs want it."""
    grid_samples: int = 1
    """Segments begin at multiples of so many samples, for models whose steps are counted from the track's beginning."""
    normalise: Literal["none", "track"] = "none"
    """`track`: the model expects the whole track shifted and scaled to zero mean, unit deviation."""
    latency_samples: int | None = None
    """Algorithmic latency of a causal model; None for all others."""
    format_version: int = FORMAT_VERSION
    """Version of this description, so that old bundles load for ever."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stems", tuple(self.stems))
        self._check_stems()
        _check_range("sample_rate", self.sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
        _check_range("channels", self.channels, 1, MAX_CHANNELS)
        _check_range("segment_samples", self.segment_samples, 1, None)
        _check_range("context_samples", self.context_samples, 0, (self.segment_samples - 1) // 2)
        _check_range("grid_samples", self.grid_samples, 1, self.segment_samples)
        _check_choice("normalise", self.normalise, ("none", "track"))
        _check_choice("blend", self.blend, ("trapezoid", "triangle"))
        _check_choice("tail", self.tail, ("move", "pad", "short"))
        if self.blend == "triangle" and self.context_samples:
            raise ConfigError("spec.blend: 'triangle' leaves no context out; expected context_samples 0")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ConfigError(f"spec.overlap: expected a fraction from 0 to below 1, got {self.overlap!r}")
        if self.latency_samples is not None:
            _check_range("latency_samples", self.latency_samples, 0, None)
            if self.normalise == "track":
                raise ConfigError("spec.normalise: expected 'none' for a causal model, as a stream's end is not known")
        if self.format_version != FORMAT_VERSION:
            raise ConfigError(
                f"spec.format_version: this auralflow reads version {FORMAT_VERSION}, "
                f"got {self.format_version!r}; upgrade auralflow"
            )

    @property
    def segment_s(self) -> float:
        """Length of a segment in seconds."""
        return self.segment_samples / self.sample_rate

    def places_of(self, stems: Sequence[str]) -> tuple[int, ...]:
        """Where stems stand on the model's stem axis.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        for stem in stems:
            if stem not in self.stems:
                raise UnknownNameError("stem", stem, self.stems)
        return tuple(self.stems.index(stem) for stem in stems)

    def with_stems(self, stems: Sequence[str]) -> ModelSpec:
        """The same contract for some of the stems; raises as `places_of` does."""
        return replace(self, stems=tuple(self.stems[place] for place in self.places_of(stems)))

    def _check_stems(self) -> None:
        if not self.stems:
            raise ConfigError("spec.stems: expected at least one stem name, got none")
        if len(set(self.stems)) != len(self.stems):
            raise ConfigError(f"spec.stems: a name stands twice in {list(self.stems)}")
        for stem in self.stems:
            check_stem_name(stem, "spec.stems")


def check_stem_name(name: str, key: str) -> None:
    """Refuse a stem name that could not safely be part of a file name.

    Raises:
        ConfigError: the name is empty, too long, or holds other characters than letters, digits,
            space, `-` and `_`.
    """
    if not isinstance(name, str) or not _STEM_NAME.fullmatch(name):
        raise ConfigError(f"{key}: expected a name of 1 to 63 letters, digits, ' ', '-' or '_', got {name!r}")


def _check_range(field: str, value: int, low: int, high: int | None) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        bounds = f"{low} to {high}" if high is not None else f"{low} or more"
        raise ConfigError(f"spec.{field}: expected a whole number, {bounds}, got {value!r}")


def _check_choice(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"spec.{field}: expected {' or '.join(map(repr, known))}, got {value!r}")
