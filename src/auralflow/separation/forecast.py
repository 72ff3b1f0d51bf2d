"""Say what a job would do, without doing it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from auralflow.audio.formats import OutputFormat, check_format, choose_format
from auralflow.audio.probe import probe
from auralflow.errors import AudioError, OutputError
from auralflow.separation.folders import Job

_BYTES = {"int16": 2, "int24": 3, "float32": 4}


@dataclass(frozen=True)
class Forecast:
    """What a job would read and write."""

    files: tuple[Path, ...]
    unusable: tuple[tuple[Path, str], ...]
    """Files that would fail, with the reason."""
    n_outputs: int
    """Files that would be written."""
    duration_s: float
    """Seconds of audio to separate, as far as the files state it."""
    output_bytes: int
    """Size of the outputs, at most (FLAC is counted as PCM)."""
    free_bytes: int
    """Free on the disk of the output folder."""

    @property
    def fits(self) -> bool:
        return self.output_bytes <= self.free_bytes


def forecast(job: Job) -> Forecast:
    """Probe every input of a job and add up."""
    usable: list[Path] = []
    unusable: list[tuple[Path, str]] = []
    duration_s, n_bytes, n_outputs = 0.0, 0.0, 0
    for source in job.sources:
        try:
            info = probe(source.path)
            chosen = choose_format(job.config.format, info)
            check_format(chosen, sample_rate=info.sample_rate, channels=info.channels)
        except (AudioError, OutputError) as error:
            unusable.append((source.path, str(error)))
            continue
        usable.append(source.path)
        seconds = max(0.0, min((info.duration_s or 0.0) - job.config.from_s, job.config.for_s or float("inf")))
        n_files = 1 if chosen.container == "stem.mp4" else len(job.plan.names)
        n_sounds = len(job.plan.names) + 1 if chosen.container == "stem.mp4" else len(job.plan.names)
        duration_s += seconds
        n_outputs += n_files
        n_bytes += seconds * n_sounds * bytes_per_second(chosen, info.sample_rate, info.channels)
    return Forecast(tuple(usable), tuple(unusable), n_outputs, duration_s, round(n_bytes), _free(job.out))


def bytes_per_second(chosen: OutputFormat, sample_rate: int, channels: int) -> float:
    """Of one output, at most."""
    if chosen.depth is None:
        return (chosen.bitrate_kbps or 320) * 125.0
    return float(sample_rate * channels * _BYTES[chosen.depth])


def _free(out: Path) -> int:
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    return shutil.disk_usage(existing).free
