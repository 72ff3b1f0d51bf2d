"""One sound of a track: decode it once, measure it on the way, and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from auralflow.audio.types import Samples
from auralflow.data.blocks import open_sound
from auralflow.data.checks.findings import Finding, Kind, Severity
from auralflow.data.checks.meter import FRAME_S, FULL_SCALE, SILENCE_DB, SoundMeter, to_db
from auralflow.data.track import Sound
from auralflow.errors import AuralflowError

MAX_DC_OFFSET = 1e-3
"""Mean of a channel, as a share of full scale."""
MIN_CORRELATION = -0.95
"""Of left and right; below it one of them is taken for turned over."""
_FRAMES_PER_BLOCK = 16


class CheckedSound:
    """Iterates over a sound's blocks (channel, time), each but the last 1.6 s long; no file makes it raise.

    Args:
        track: name of the track, for the findings.
        stem: which of its sounds this is.
    """

    def __init__(self, track: str, stem: str, sound: Sound) -> None:
        self.stem, self.sound = stem, sound
        self.meter = SoundMeter(sound.sample_rate, sound.channels)
        self.is_whole = True
        """Whether everything could be decoded; complete when the iteration has ended, as are the findings."""
        self.findings: list[Finding] = []
        self._track = track

    def __iter__(self) -> Iterator[Samples]:
        try:
            yield from self._read()
        except AuralflowError as error:
            self._break("unreadable", str(error))
        except Exception as error:  # whatever a file does to a decoder is a finding
            self._break("unreadable", f"{self.sound.path}: {type(error).__name__}: {error}")
        if self.meter.n_samples:
            self._judge()

    def _read(self) -> Iterator[Samples]:
        block_samples = _FRAMES_PER_BLOCK * self.meter.frame_samples
        with open_sound(self.sound, block_samples) as reader:
            for block in reader:
                self.meter.update(block)
                yield block
            for warning in reader.warnings:
                self._break("not_finite" if "NaN" in warning else "damaged", f"{self.sound.path.name}: {warning}")

    def _break(self, kind: Kind, detail: str) -> None:
        self.is_whole = False
        self._add(kind, "error", detail)

    def _judge(self) -> None:
        meter = self.meter
        if meter.n_clips:
            self._add(
                "clipping", "warning", f"{meter.n_clips} runs of 3 or more samples at full scale ({FULL_SCALE:.4f})"
            )
        if meter.dc_offset > MAX_DC_OFFSET:
            self._add("dc_offset", "warning", f"mean of {meter.dc_offset:.4f} of full scale; a high-pass removes it")
        if meter.is_silent:
            self._add("silent", "warning", f"no {FRAME_S:g} s of it reach {SILENCE_DB:g} dBFS; {_describe_peak(meter)}")
            return
        if meter.is_mono_in_stereo:
            self._add("mono", "note", "left and right are the same")
        elif (meter.correlation or 0.0) < MIN_CORRELATION:
            self._add(
                "polarity",
                "warning",
                f"left and right have a correlation of {meter.correlation:.2f}; is one turned over?",
            )

    def _add(self, kind: Kind, severity: Severity, detail: str) -> None:
        self.findings.append(Finding(kind, severity, self._track, self.stem, detail))


def _describe_peak(meter: SoundMeter) -> str:
    peak_db = to_db(meter.peak)
    return "all samples are 0" if peak_db is None else f"the highest sample is at {peak_db:.0f} dBFS"
