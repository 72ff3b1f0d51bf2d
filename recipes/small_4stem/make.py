"""Make all data of the model in the box from a folder of free sounds, by one command.

python recipes/small_4stem/make.py DATA OUT --songs 400 --jobs 2

DATA is laid out as its README says: `songs`, `vocals`, `groove_midi`, `instruments`, `loops`. OUT gets

    songs/train, songs/valid        rendered songs in stems; those of `valid` choose between models
    rendered_test/test              rendered songs that are opened once, at the end
    sounds/train/<stem>             recorded stems and sounds, to be mixed with anything
    lows/train/bass                 what is low in recorded songs
    syllables/train/vocals          voices as they were recorded
    real_dev/test, real_test/test   recorded songs to choose by, and to open once, at the end

A song is a function of the seed and its number. What is there already is left as it is, so a run that was ended goes
on. OUT/voices keeps what readers have read and the voices that were taken apart, which takes minutes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from library import CHOIRS, READERS, SPLITS, VOICES, Library, Split
from notes import RATE, STEMS, Sound
from recorded import lay_out_lows, lay_out_songs, lay_out_sounds, lay_out_voices
from song import render_song
from speech import lay_out_speech
from studio import Studio

FOLDERS: dict[Split, str] = {"train": "songs/train", "dev": "songs/valid", "test": "rendered_test/test"}


@dataclass(frozen=True)
class Job:
    """One song to render."""

    data: Path
    out: Path
    split: Split
    number: int
    seed: int
    duration_s: float

    @property
    def folder(self) -> Path:
        """Where its stems go."""
        return self.out / FOLDERS[self.split] / f"{self.split}_{self.number:04d}"


_studios: dict[Split, Studio] = {}


def main() -> None:
    """Lay out what is recorded, then render what is not there yet."""
    parser = argparse.ArgumentParser(description="make the training data of the model in the box")
    parser.add_argument("data", type=Path, help="folder of free sounds")
    parser.add_argument("out", type=Path, help="folder to make or to complete")
    parser.add_argument("--songs", type=int, default=400, help="rendered songs to train on")
    parser.add_argument("--dev", type=int, default=12, help="rendered songs to choose by")
    parser.add_argument("--test", type=int, default=50, help="rendered songs to test by")
    parser.add_argument("--duration", type=float, default=40.0, help="seconds of a rendered song")
    parser.add_argument("--takes", type=int, default=60, help="recordings of each voice that speaks, about 10 s each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()

    lay_out_sounds(arguments.data, arguments.out / "sounds" / "train")
    lay_out_lows(arguments.data, arguments.out / "lows" / "train")
    lay_out_voices(arguments.data, arguments.out / "syllables" / "train", arguments.seed)
    lay_out_songs(arguments.data, arguments.out)
    lay_out_speech(arguments.out / "voices", arguments.takes, arguments.seed)
    counts = {"dev": arguments.dev, "train": arguments.songs, "test": arguments.test}
    jobs = [
        Job(arguments.data, arguments.out, split, number, arguments.seed, arguments.duration)
        for split in ("dev", "train", "test")
        for number in range(counts[split])
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, context, initializer=_begin_process) as pool:
        take_voices_apart(pool, Studio(Library(arguments.data, "train"), arguments.out / "voices"))
        failed = render_all(pool, [job for job in jobs if not job.folder.exists()])
    if failed:
        raise SystemExit(1)


def take_voices_apart(pool: ProcessPoolExecutor, studio: Studio) -> None:
    """Analyse all voices before any song needs one, or several processes would analyse the same."""
    names = {name for names in (*VOICES.values(), CHOIRS) for name in names}
    for part in (sorted(names - set(READERS)), READERS):  # highs of those who read are guessed after those who sing
        for name, bank in zip(part, pool.map(studio.bank, part), strict=True):
            print(f"{name}: a voice around MIDI note {bank.middle_note:.0f}", flush=True)


def render_all(pool: ProcessPoolExecutor, jobs: list[Job]) -> int:
    """Render; a song that fails is named and does not stop the others. Gives the number of those."""
    start_s, failed = time.monotonic(), 0
    futures = {pool.submit(render_job, job): job for job in jobs}
    for n_done, future in enumerate(as_completed(futures), 1):
        error = future.exception()
        failed += error is not None
        if error is not None:
            print(f"{futures[future].folder.name}: {type(error).__name__}: {error}", flush=True)
        pace_s = (time.monotonic() - start_s) / n_done
        if n_done % 10 == 0 or n_done == len(jobs):
            print(f"{n_done} of {len(jobs)} songs, {pace_s:.1f} s each, {failed} failed", flush=True)
    return failed


def render_job(job: Job) -> None:
    """Render one song and write its stems, all or none of them."""
    if job.split not in _studios:
        _studios[job.split] = Studio(Library(job.data, job.split), job.out / "voices")
    sequence = np.random.SeedSequence(job.seed, spawn_key=(SPLITS.index(job.split), job.number))
    stems = render_song(_studios[job.split], np.random.default_rng(sequence), job.duration_s)
    pending = job.folder.with_name(f".{job.folder.name}.{os.getpid()}.part")
    shutil.rmtree(pending, ignore_errors=True)
    pending.mkdir(parents=True)
    for name, stem in _heard(stems):
        soundfile.write(pending / f"{name}.wav", stem.T, RATE, subtype="PCM_16")
    if job.folder.exists():  # another run has made it meanwhile
        shutil.rmtree(pending)
    else:
        pending.rename(job.folder)


def _heard(stems: dict[str, Sound]) -> Iterator[tuple[str, Sound]]:
    """All four: a stem that a song lacks is a file of silence."""
    for name in STEMS:
        yield name, np.clip(stems[name], -1, 1)


def _begin_process() -> None:
    """One thread each; and memory that is freed stays here, for half of the time went into getting it again."""
    import torch

    from auralflow.speed.process import tune_process

    torch.set_num_threads(1)
    tune_process()


if __name__ == "__main__":
    main()
