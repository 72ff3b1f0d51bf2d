"""A data set of procedural songs, in the layout of MUSDB18-HQ.

    out/songs.json                                  what each song is
    out/train/0001 funk A minor 104 bpm/            vocals, drums, bass, other, mixture
    out/valid/...  out/test/...

Song k of seed s is the same whatever the number of songs, of processes, or of runs that it took: it is rendered from
`SongConfig(seed=1_000_000 * s + k)`, and its split is told by the place of k in a pattern of twenty: 14 train, 3 valid,
3 test.
Stems and mixture lie on a grid that 24 bits hold, so the stems of a song sum to its mixture without any rounding.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from auralflow.audio.pending import PART_PREFIX, PART_SUFFIX, PendingFile
from auralflow.data.synth import SongConfig
from auralflow.data.synth.plan import draw_plan
from auralflow.data.synth_song import FORMATS, SongFormat, SongProcess, write_song
from auralflow.data.track import SPLITS, Split
from auralflow.errors import ConfigError, OutputError

LIST_NAME = "songs.json"
MIN_SONGS, MAX_SONGS = 3, 999_999
"""Three give each split one; a million would meet the songs of the next seed."""
_VALID, _TEST, _PATTERN = (1, 7, 14), (2, 10, 17), 20
_LOCK_NAME = ".auralflow.lock"


@dataclass(frozen=True)
class SynthSong:
    """One song: where it is, and what was drawn for it."""

    name: str
    """Its folder, seen from the root."""
    split: Split
    seed: int
    """`SongConfig(seed, duration_s, sample_rate)` renders it."""
    duration_s: float
    sample_rate: int
    tempo_bpm: float
    key: str
    style: str
    voice: str
    kit: str
    bass_sound: str
    comping_sound: str

    @property
    def config(self) -> SongConfig:
        return SongConfig(self.seed, self.duration_s, self.sample_rate)


@dataclass(frozen=True)
class SynthReport:
    """What `write_songs` did."""

    out: Path
    songs: tuple[SynthSong, ...]
    """All that were asked for."""
    n_written: int
    """The others were there before."""
    seconds: float


def write_songs(
    out: Path,
    n_songs: int,
    *,
    seed: int = 0,
    duration_s: float = 30.0,
    sample_rate: int = 44_100,
    format: SongFormat = "flac",
    n_workers: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> SynthReport:
    """Render songs into `train`, `valid` and `test`, with a list of them in `songs.json`.

    A song that is there already is left as it is; one appears under its name when all of its files are complete. So
    a run that was stopped is continued by the same call, and a larger `n_songs` adds songs.

    Args:
        out: folder, made when it is not there.
        n_songs: 3 or more, so that each split has one.
        seed: another seed gives other songs.
        duration_s: length of each song in seconds, 1 to 1200.
        sample_rate: in Hz, 8000 to 192000.
        format: flac or wav, both with 24 bits.
        n_workers: processes that render; None for one per core, 1 for none but this one.
        report: called with how many of the songs are there, and how many there will be.

    Raises:
        ConfigError: a value is out of range, or the folder holds other songs.
        OutputError: the disk is full, or the like; or another process writes songs there. What is complete stays.
    """
    started = time.monotonic()
    _check(n_songs, seed, format, n_workers)
    songs = [plan_song(number, seed, duration_s, sample_rate) for number in range(1, n_songs + 1)]
    settings = {"seed": seed, "duration_s": duration_s, "sample_rate": sample_rate, "format": format}
    with _sole_writer(out):
        _write_list(out, settings, songs)
        missing = [song for song in songs if not (out / song.name).is_dir()]
        for n_done in _render(out, missing, format, n_workers or os.cpu_count() or 1):
            if report:
                report(n_songs - len(missing) + n_done, n_songs)
    return SynthReport(out, tuple(songs), len(missing), time.monotonic() - started)


def plan_song(number: int, seed: int = 0, duration_s: float = 30.0, sample_rate: int = 44_100) -> SynthSong:
    """Song `number`, from 1, of a seed.

    Example:
        >>> plan_song(1).name
        'train/0001 pop Ab major 99 bpm'
    """
    config = SongConfig(seed * (MAX_SONGS + 1) + number, duration_s, sample_rate)
    plan, split = draw_plan(config), choose_split(number)
    # A sharp's sign would have to be escaped in addresses.
    title = f"{plan.style} {plan.key.name.replace('#', ' sharp')} {plan.tempo_bpm:.0f} bpm"
    return SynthSong(
        f"{split}/{number:04} {title}",
        split,
        config.seed,
        duration_s,
        sample_rate,
        plan.tempo_bpm,
        plan.key.name,
        plan.style,
        plan.voice,
        plan.kit,
        plan.bass_sound,
        plan.comping_sound,
    )


def choose_split(number: int) -> Split:
    """Where song `number`, from 1, belongs.

    Example:
        >>> [choose_split(number) for number in (1, 2, 3, 4)]
        ['train', 'valid', 'test', 'train']
    """
    place = (number - 1) % _PATTERN
    return "valid" if place in _VALID else "test" if place in _TEST else "train"


def _check(n_songs: int, seed: int, file_format: str, n_workers: int | None) -> None:
    if not MIN_SONGS <= n_songs <= MAX_SONGS:
        raise ConfigError(f"songs: expected {MIN_SONGS} (one for each split) to {MAX_SONGS}, got {n_songs!r}")
    if seed < 0:
        raise ConfigError(f"seed: expected a whole number, 0 or more, got {seed!r}")
    if file_format not in FORMATS:
        raise ConfigError(f"format: expected {' or '.join(FORMATS)}, which hold the songs exactly, got {file_format!r}")
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"n_workers: expected 1 or more, got {n_workers!r}")


@contextmanager
def _sole_writer(out: Path) -> Iterator[None]:
    """Hold the folder's lock; what a run that was killed left unfinished is removed before and after."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / _LOCK_NAME, timeout=0):
            _sweep(out)
            try:
                yield
            finally:
                _sweep(out)
    except Timeout:
        raise OutputError(f"{out}: another process writes songs there; wait for it or choose another folder") from None
    except OSError as error:
        raise OutputError(
            f"{out}: expected a folder to write songs to, got '{error.strerror or error}'; choose another"
        ) from None


def _sweep(out: Path) -> None:
    for unfinished in out.glob(f"*/{PART_PREFIX}*{PART_SUFFIX}"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_list(out: Path, settings: Mapping[str, Any], songs: Sequence[SynthSong]) -> None:
    """Say what the songs are, also those of an earlier call that had more of them.

    Raises:
        ConfigError: the folder holds songs of other settings, or some that are not ours.
    """
    before = _read_list(out)
    if before is None and any((out / split).exists() for split in SPLITS):
        raise ConfigError(f"out: {out} holds a data set without {LIST_NAME}; choose another folder")
    for name, value in settings.items() if before else ():
        if before and before.get(name) != value:
            raise ConfigError(
                f"{name}: {out} holds songs of {before.get(name)!r}, got {value!r}; choose another folder"
            )
    rows = [asdict(song) for song in songs]
    rows += before["songs"][len(rows) :] if before else []
    pending = PendingFile(out / LIST_NAME)
    pending.write((json.dumps({"version": 1, **settings, "songs": rows}, indent=1) + "\n").encode())
    pending.commit()


def _read_list(out: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((out / LIST_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("songs"), list):
        raise ConfigError(f"out: {out / LIST_NAME} is no list of songs; choose another folder")
    return found


def _render(out: Path, songs: Sequence[SynthSong], file_format: SongFormat, n_workers: int) -> Iterator[int]:
    """Write the songs; gives how many are done after each."""
    for song in songs:
        (out / song.name).parent.mkdir(exist_ok=True)
    n_workers = min(n_workers, len(songs))
    if n_workers > 1:
        yield from _render_in_processes(out, songs, file_format, n_workers)
        return
    for n_done, song in enumerate(songs, 1):
        write_song(out / song.name, song.config, file_format)
        yield n_done


def _render_in_processes(
    out: Path, songs: Sequence[SynthSong], file_format: SongFormat, n_workers: int
) -> Iterator[int]:
    """A thread for each process hands it one song after the other."""
    processes = [SongProcess() for _ in range(n_workers)]
    idle: queue.SimpleQueue[SongProcess] = queue.SimpleQueue()
    for process in processes:
        idle.put(process)

    def write(song: SynthSong) -> None:
        process = idle.get()
        try:
            process.write_song(out / song.name, song.config, file_format)
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(n_workers)
    try:
        done = as_completed([pool.submit(write, song) for song in songs])
        for n_done, future in enumerate(done, 1):
            future.result()
            yield n_done
    finally:
        for process in processes:
            process.kill()
        pool.shutdown(cancel_futures=True)
        for process in processes:
            process.close()
