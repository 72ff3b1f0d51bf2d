"""A sample of the files of a job, and what it says of all of them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auralflow.errors import AudioError, OutputError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.forecast import forecast_file
from auralflow.separation.outputs import OutputPlan
from auralflow.storage.address import Address, Place
from auralflow.storage.store import Store


@dataclass(frozen=True)
class Probed:
    """What the header of a file says."""

    place: Place
    duration_s: float
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class Sample:
    """Files that were opened."""

    n_files: int
    """Files of the job."""
    usable: tuple[Probed, ...]
    n_unusable: int


def draw_sample(places: Iterable[Place], n_wanted: int, seed: int) -> tuple[int, list[Place]]:
    """How many there are, and some of them, each with the same chance, without a list of all (reservoir sampling).

    Example:
        >>> n_files, drawn = draw_sample([Path(f"{number}.wav") for number in range(1000)], 3, seed=0)
        >>> n_files, len(drawn)
        (1000, 3)
    """
    chance, drawn, n_files = random.Random(seed), list[Place](), 0
    for place in places:
        n_files += 1
        if len(drawn) < n_wanted:
            drawn.append(place)
        elif (index := chance.randrange(n_files)) < n_wanted:
            drawn[index] = place
    return n_files, drawn


def probe_sample(n_files: int, drawn: Iterable[Place], config: SeparationConfig, plan: OutputPlan) -> Sample:
    """Open every drawn file.

    Raises:
        AudioError: none of them is usable.
    """
    usable, n_unusable, reason = [], 0, ""
    for place in drawn:
        try:
            usable.append(_probe(place, config, plan))
        except (AudioError, OutputError) as error:
            n_unusable, reason = n_unusable + 1, str(error)
    if not usable:
        raise AudioError(f"none of {n_unusable} files that were opened is usable, the last: {reason}")
    return Sample(n_files, tuple(usable), n_unusable)


def _probe(place: Place, config: SeparationConfig, plan: OutputPlan) -> Probed:
    with _here(place) as path:
        found = forecast_file(path, config, plan)
        return Probed(place, found.duration_s, path.stat().st_size, round(found.output_bytes))


@contextmanager
def _here(place: Place) -> Iterator[Path]:
    if isinstance(place, Path):
        yield place
        return
    assert isinstance(place, Address)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / place.name
        Store(place).fetch(path)
        yield path
