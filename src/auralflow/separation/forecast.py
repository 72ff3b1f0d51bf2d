"""Say what a job would do, without doing it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from auralflow.audio.formats import OutputFormat, check_format, choose_format
from auralflow.audio.probe import probe
from auralflow.errors import AudioError, OutputError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.files import STEM_MP4
from auralflow.separation.folders import Job
from auralflow.separation.outputs import OutputPlan

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


@dataclass(frozen=True)
class FileForecast:
    """What one input would give."""

    path: Path
    n_outputs: int
    """Files that would be written."""
    duration_s: float
    """Seconds of audio to separate, as far as the file states it."""
    output_bytes: float
    """Size of the outputs, at most."""


def forecast(job: Job) -> Forecast:
    """Probe every input of a job and add up."""
    usable: list[FileForecast] = []
    unusable: list[tuple[Path, str]] = []
    for source in job.sources:
        try:
            usable.append(forecast_file(source.path, job.config, job.plan))
        except (AudioError, OutputError) as error:
            unusable.append((source.path, str(error)))
    return Forecast(
        tuple(file.path for file in usable),
        tuple(unusable),
        sum(file.n_outputs for file in usable),
        sum((file.duration_s for file in usable), 0.0),
        round(sum(file.output_bytes for file in usable)),
        _free(job.out),
    )


def forecast_file(path: Path, config: SeparationConfig, plan: OutputPlan) -> FileForecast:
    """Probe one input.

    Raises:
        AudioError: it is not usable audio.
        OutputError: the format cannot hold its outputs.
    """
    info = probe(path)
    chosen = choose_format(config.format, info)
    check_format(chosen, sample_rate=info.sample_rate, channels=info.channels)
    seconds = max(0.0, min((info.duration_s or 0.0) - config.from_s, config.for_s or float("inf")))
    is_one, n_names = chosen.container == STEM_MP4, len(plan.names)
    n_bytes = seconds * (n_names + is_one) * _bytes_per_second(chosen, info.sample_rate, info.channels)
    return FileForecast(path, 1 if is_one else n_names, seconds, n_bytes)


def _bytes_per_second(chosen: OutputFormat, sample_rate: int, channels: int) -> float:
    if chosen.depth is None:
        return (chosen.bitrate_kbps or 320) * 125.0
    return float(sample_rate * channels * _BYTES[chosen.depth])


def _free(out: Path) -> int:
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    return shutil.disk_usage(existing).free
