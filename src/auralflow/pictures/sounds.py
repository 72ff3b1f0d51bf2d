"""Sketches of sound files, and of an estimate beside its target. Files are read as streams."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from auralflow.audio.read import AudioReader
from auralflow.audio.types import Samples
from auralflow.errors import AudioError
from auralflow.plots import FrequencyScale, Sketch, Sketcher


@dataclass(frozen=True)
class View:
    """Which part of a sound is drawn, and how."""

    scale: FrequencyScale = "log"
    start_s: float = 0.0
    duration_s: float | None = None
    """None for all."""

    def open(self, path: Path) -> AudioReader:
        """The part of a file."""
        return AudioReader(path, start_s=self.start_s, duration_s=self.duration_s)

    def sketcher(self, reader: AudioReader) -> Sketcher:
        """An empty sketch for a part."""
        stated = reader.info.n_samples
        limit = math.inf if self.duration_s is None else self.duration_s * reader.sample_rate
        n_samples = None if stated is None else int(min(limit, stated - self.start_s * reader.sample_rate))
        return Sketcher(reader.sample_rate, reader.channels, n_samples, self.scale)


def sketch_file(path: Path, view: View) -> tuple[Sketch, list[str]]:
    """The sketch of a file, and what is wrong with it.

    Raises:
        AudioError: the file is not usable audio.
    """
    with view.open(path) as reader:
        sketcher = view.sketcher(reader)
        for block in reader:
            sketcher.add(block)
        return sketcher.finish(), reader.warnings


@dataclass(frozen=True)
class PairSketch:
    """An estimate beside its target."""

    estimate: Sketch
    target: Sketch
    difference: Sketch
    """The estimate minus the target."""
    sdr_db: float
    """Of the estimate, over all of it: infinite where the two are equal, NaN where the target is silent."""
    warnings: Sequence[str]


def sketch_pair(estimate: Path, target: Path, view: View) -> PairSketch:
    """The sketches of an estimate, its target, and their difference.

    Raises:
        AudioError: a file is not usable audio, or they differ in length, sample rate or channels.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(view.open(path)) for path in (estimate, target)]
        _check_alike(*readers)
        sketchers = [view.sketcher(readers[1]) for _ in range(3)]
        target_power = difference_power = 0.0
        for one, other in zip_longest(*readers):
            if one is None or other is None or one.shape != other.shape:
                raise _lengths_differ(*readers)
            for sketcher, block in zip(sketchers, (one, other, one - other), strict=True):
                sketcher.add(block)
            target_power += _power(other)
            difference_power += _power(one - other)
        warnings = [f"{reader.info.path.name}: {text}" for reader in readers for text in reader.warnings]
        one, other, difference = (sketcher.finish() for sketcher in sketchers)
        return PairSketch(one, other, difference, _ratio_db(target_power, difference_power), warnings)


def _check_alike(estimate: AudioReader, target: AudioReader) -> None:
    for name, unit in (("sample_rate", "Hz"), ("channels", "channels")):
        got, expected = getattr(estimate, name), getattr(target, name)
        if got != expected:
            raise AudioError(
                f"{estimate.info.path}: expected {expected} {unit} as its target {target.info.path} has, got {got}"
            )


def _lengths_differ(estimate: AudioReader, target: AudioReader) -> AudioError:
    for reader in (estimate, target):
        for _ in reader:
            pass
    return AudioError(
        f"{estimate.info.path}: expected {target.n_read} samples as its target {target.info.path} has, got "
        f"{estimate.n_read}: their lengths differ; --for compares a part"
    )


def _power(block: Samples) -> float:
    flat = block.ravel().astype(np.float64)
    return float(flat @ flat)


def _ratio_db(target: float, difference: float) -> float:
    """As `auralflow.dsp.ratios.sdr`."""
    if target == 0:
        return math.nan
    return math.inf if difference == 0 else 10 * math.log10(target / difference)
