"""Separate one file: path to stems on disk.

    probe -> decode -> Separator.stream -> spool (float) -> one common gain -> encode -> move into place

Outputs that cannot clip (float WAV) are encoded as they come; all others wait in a spool for the peak of all stems,
which sets their common gain. Everything is written in a work folder and moved into place when all of it is complete.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from auralflow.audio.formats import OutputFormat, check_format, choose_format
from auralflow.audio.probe import probe
from auralflow.audio.read import AudioReader
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.audio.tags import stem_tags
from auralflow.audio.types import AudioInfo, Samples
from auralflow.audio.write import AudioWriter
from auralflow.errors import AudioError, OutputError
from auralflow.separation.base import BaseSeparator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source
from auralflow.separation.names import track_path
from auralflow.separation.outputs import OutputPlan, plan_outputs
from auralflow.separation.progress import CancelToken, ProgressCallback, ProgressMeter, Stopwatch
from auralflow.separation.results import FileResult, OutputFile
from auralflow.separation.spool import Spool

STEM_MP4 = "stem.mp4"


def separate_file(
    separator: BaseSeparator[Any],
    source: Source,
    config: SeparationConfig,
    out: Path,
    work: Path,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    n_threads: int = 1,
    stopwatch: Stopwatch | None = None,
) -> FileResult:
    """Separate a file and write what the settings ask for.

    Args:
        separator: made from the settings' model.
        out: folder of the outputs.
        work: folder for unfinished files, on the same disk as `out`.
        n_threads: encoders that run at once.
        stopwatch: measures the stages.

    Raises:
        AudioError: the file is not usable audio.
        OutputError: the outputs cannot be written.
        Cancelled: the token was cancelled; nothing is left behind.
    """
    info = probe(source.path)
    plan = plan_outputs(separator.spec.stems, config.stems, config.mix, config.residual, config.consistency)
    chosen = choose_format(config.format, info)
    check_format(chosen, sample_rate=info.sample_rate, channels=info.channels)
    paths = _output_paths(source, config, plan, chosen, out)
    n_samples = _expected_samples(info, config)
    _check_space(out, n_samples, info.channels, len(plan.names), chosen)
    with _writing(out), TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        job = _FileJob(
            separator,
            info,
            config,
            plan,
            chosen,
            Path(name),
            n_threads,
            cancel or CancelToken(),
            stopwatch or Stopwatch(),
        )
        n_samples = job.run(ProgressMeter(progress, info.sample_rate, n_samples))
        outputs = _move_into_place(job.written, paths)
    return FileResult(
        source.path,
        outputs,
        n_samples / info.sample_rate,
        info.sample_rate,
        info.channels,
        job.gain_db,
        tuple(dict.fromkeys(job.warnings)),
        dict(job.stopwatch.seconds),
    )


class _FileJob:
    """The state of one file on its way."""

    def __init__(
        self,
        separator: BaseSeparator[Any],
        info: AudioInfo,
        config: SeparationConfig,
        plan: OutputPlan,
        chosen: OutputFormat,
        work: Path,
        n_threads: int,
        cancel: CancelToken,
        stopwatch: Stopwatch,
    ) -> None:
        self.separator, self.info, self.config, self.plan, self.chosen = separator, info, config, plan, chosen
        self.work, self.n_threads, self.cancel = work, n_threads, cancel
        self.stopwatch = stopwatch
        self.warnings: list[str] = []
        self.gain_db = 0.0
        self._written: set[Path] = set()

    @property
    def written(self) -> list[Path]:
        """Complete outputs in the order of the plan; their names are their places in it."""
        return sorted(self._written, key=lambda path: int(path.name.partition(".")[0]))

    def run(self, meter: ProgressMeter) -> int:
        """Separate and encode; gives the number of samples."""
        return self._run_spooled(meter) if self.chosen.needs_gain else self._run_straight(meter)

    def _run_straight(self, meter: ProgressMeter) -> int:
        n_samples = 0
        with ExitStack() as stack:
            writers = [stack.enter_context(self._writer(i)) for i in range(len(self.plan.names))]
            for _, blocks in self._stream():
                with self.stopwatch.measure("encode"):
                    for writer, block in zip(writers, blocks, strict=True):
                        writer.write(block)
                n_samples += blocks[0].shape[-1]
                meter.advance(blocks[0].shape[-1])
        return n_samples

    def _run_spooled(self, meter: ProgressMeter) -> int:
        n_samples = 0
        with_mixture = self.chosen.container == STEM_MP4
        with Spool(self.work, len(self.plan.names) + with_mixture, self.info.channels) as spool:
            for mixture, blocks in self._stream():
                with self.stopwatch.measure("spool"):
                    spool.append([mixture, *blocks] if with_mixture else blocks)
                n_samples += blocks[0].shape[-1]
                meter.advance(blocks[0].shape[-1])
            spool.finish()
            gain = self._common_gain(spool.peak)
            with self.stopwatch.measure("encode"):
                self._encode_stem_mp4(spool, gain) if with_mixture else self._encode(spool, gain)
        return n_samples

    def _stream(self) -> Iterator[tuple[Samples, list[Samples]]]:
        """Blocks of the mixture, and of each output."""
        info, separator = self.info, self.separator
        with self._reader() as reader:
            statistics = separator.measure(reader, info.sample_rate, info.channels) if self._is_normalised else None
        with self._reader() as reader:
            mixtures: list[Samples] = []
            blocks = self._kept(reader, mixtures) if self.chosen.container == STEM_MP4 else reader
            heard = False
            for outputs in separator.stream(
                blocks,
                info.sample_rate,
                info.channels,
                outputs=self.plan,
                statistics=statistics,
                cancel=self.cancel,
                stopwatch=self.stopwatch,
                warn=self.warnings.append,
            ):
                heard = heard or any(block.any() for block in outputs)
                yield _take(mixtures, outputs[0].shape[-1]), outputs
            self.warnings.extend(reader.warnings)
            if reader.n_read == 0:
                raise AudioError(f"{info.path}: holds no audio samples; nothing to separate")
            if not heard:
                self.warnings.append("every output is digital silence")

    @staticmethod
    def _kept(reader: AudioReader, mixtures: list[Samples]) -> Iterator[Samples]:
        for block in reader:
            mixtures.append(block)
            yield block

    @property
    def _is_normalised(self) -> bool:
        return self.separator.spec.normalise == "track"

    def _reader(self) -> AudioReader:
        return AudioReader(self.info.path, start_s=self.config.from_s, duration_s=self.config.for_s)

    def _common_gain(self, peak: float) -> float:
        if peak <= 1.0:
            return 1.0
        self.gain_db = -20 * math.log10(peak)
        self.warnings.append(f"all outputs are lowered by {-self.gain_db:.2f} dB together, or one would have clipped")
        return 1.0 / peak

    def _encode(self, spool: Spool, gain: float) -> None:
        def encode(index: int) -> None:
            with self._writer(index) as writer:
                for block in spool.read(index):
                    self.cancel.check()
                    writer.write(block if gain == 1.0 else block * np.float32(gain))

        with ThreadPoolExecutor(self.n_threads) as pool:
            for _ in pool.map(encode, range(len(self.plan.names))):
                pass

    def _encode_stem_mp4(self, spool: Spool, gain: float) -> None:
        path = self.work / f"0{self.chosen.suffix}"
        self._written.add(path)
        writer = StemMp4Writer(
            path,
            sample_rate=self.info.sample_rate,
            channels=self.info.channels,
            stem_names=self.plan.names,
            tags=stem_tags(self.info.tags, ""),
            cover=self.info.cover,
        )
        with writer:
            for blocks in zip(*(spool.read(i) for i in range(len(self.plan.names) + 1)), strict=True):
                self.cancel.check()
                writer.write([block * np.float32(gain) for block in blocks])
        self.warnings.extend(writer.warnings)

    @contextmanager
    def _writer(self, index: int) -> Iterator[AudioWriter]:
        path = self.work / f"{index}{self.chosen.suffix}"
        writer = AudioWriter(
            path,
            sample_rate=self.info.sample_rate,
            channels=self.info.channels,
            output_format=self.chosen,
            tags=stem_tags(self.info.tags, self.plan.names[index]),
            cover=self.info.cover,
            dither=self.config.dither,
            seed=index,
        )
        self._written.add(path)  # several encoders at once come by here
        with writer:
            yield writer
        self.warnings.extend(writer.warnings)


def _take(blocks: list[Samples], n_samples: int) -> Samples:
    """The oldest samples of a list of blocks, which loses them."""
    if not blocks:
        return np.zeros((0, n_samples), np.float32)
    held = np.concatenate(blocks, axis=-1)
    blocks[:] = [held[:, n_samples:]]
    return held[:, :n_samples]


def _output_paths(
    source: Source, config: SeparationConfig, plan: OutputPlan, chosen: OutputFormat, out: Path
) -> list[tuple[str, Path]]:
    """Name and path of each output; a stem file holds them all and is called like the track."""
    track = source.path.stem
    stems = {track: track} if chosen.container == STEM_MP4 else {name: name for name in plan.names}
    paths = [
        (
            name,
            track_path(
                out,
                source.folder,
                config.name,
                source.path.name,
                stem=stem,
                model=config.model,
                suffix=chosen.suffix,
            ),
        )
        for name, stem in stems.items()
    ]
    for _, path in paths:
        if path.exists() and path.samefile(source.path):
            raise OutputError(f"{path}: this output would overwrite its input; choose another --out or --name")
    return paths


def _expected_samples(info: AudioInfo, config: SeparationConfig) -> int | None:
    if info.n_samples is None:
        return None
    left = info.n_samples - round(config.from_s * info.sample_rate)
    wanted = left if config.for_s is None else round(config.for_s * info.sample_rate)
    return max(0, min(left, wanted))


def _check_space(out: Path, n_samples: int | None, channels: int, n_outputs: int, chosen: OutputFormat) -> None:
    raw = (n_samples or 0) * channels * 4 * n_outputs
    needed = raw * 2 if chosen.needs_gain else raw
    free = shutil.disk_usage(out).free
    if free < needed:
        raise OutputError(
            f"{out}: this file needs up to {needed / 1e6:.0f} MB of disk while it is separated, "
            f"{free / 1e6:.0f} MB are free; make room or choose another --out"
        )


def _move_into_place(written: Sequence[Path], paths: Sequence[tuple[str, Path]]) -> tuple[OutputFile, ...]:
    outputs = []
    for done, (name, path) in zip(written, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        size = done.stat().st_size
        os.replace(done, path)
        outputs.append(OutputFile(name, path, size))
    return tuple(outputs)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Say what the disk said, in one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{out}: cannot write there: {error.strerror or error}; make room or choose another --out"
        ) from error
