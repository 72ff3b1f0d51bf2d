"""What every system has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from auralflow.audio.types import Samples
from auralflow.evaluation.references import Recording, Reference

Kind = Literal["model", "baseline", "estimates"]


@dataclass(frozen=True)
class SystemDescription:
    """What can be said of a system before it is asked for anything."""

    kind: Kind
    name: str
    """For people, and for the folder of its scores."""
    identity: str
    """Changes whenever its estimates may; the files of a folder of estimates are looked at as well."""
    stems: tuple[str, ...] | None
    """Stems it can give; None: whatever the data has."""


@dataclass(frozen=True, eq=False)
class Estimates:
    """What a system gave for a song."""

    samples: Samples
    """(stem, channel, time), as the recording's targets."""
    notes: tuple[str, ...] = ()
    """What was done to make them fit."""


class System(Protocol):
    """A way to separate the songs of a test set."""

    def estimate(self, reference: Reference, recording: Recording, beat: Callable[[float], None]) -> Estimates:
        """Estimates of the recording's stems.

        Args:
            beat: takes the fraction done.

        Raises:
            AuralflowError: there are none for this song, for a reason that costs no other song.
        """
        ...
