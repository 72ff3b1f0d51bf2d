"""How many songs tell two models apart, and what a median over frames hides: the study of docs/reliability.md.

    python benchmarks/reliability.py FOLDER            renders, trains and scores into FOLDER, prints the tables

Everything is made here from seeds: 120 rendered songs to score, others to train on, and one small network that is saved
after every epoch. The two models are its last two epochs; A is the better one. What is in FOLDER already is not made
again.
"""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auralflow.api import configure, synth_data, test, train
from auralflow.audio.read import read_audio
from auralflow.evaluation.compare import SavedScores, read_scores
from auralflow.evaluation.statistics import compare, score_song, songs_needed
from auralflow.speed.process import tune_process
from auralflow.training.epochs import EpochEnd
from auralflow.training.run import TrainEvents

RATE, SONG_S, N_SONGS, N_TRAIN, N_EPOCHS = 16000, 20.0, 120, 40, 8
WANTED_DB = 0.3
SIZES = (5, 10, 20, 40, 80)
N_SETS = 400
"""Test sets drawn of each size."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
NETWORK = [
    "spec.sample_rate=16000",
    "spec.segment_samples=32000",
    "spec.context_samples=2000",
    "config.stft={n_fft: 512, hop_samples: 128}",
    "config.unet={widths: [16, 24, 32, 48], n_frame_levels: 2}",
    "data.n_samples=160",
    "data.cache=pcm",
    f"trainer.max_epochs={N_EPOCHS}",
    "trainer.channels_last=true",
    "optimizer.learning_rate=2e-3",
    "scheduler.name=constant",
    "valid.max_songs=1",
    "log.tensorboard=false",
]
Table = NDArray[np.float64]


def main() -> None:
    """Read the arguments, make what is missing, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    tune_process()
    epochs = train_epochs(folder)[-2:]
    b, a = sorted((score(folder, str(epoch), epoch.name) for epoch in epochs), key=mean_sdr)
    print_pair(a, b)
    print_power(a, b)
    print_hidden(folder, a, score(folder, "mixture", "mixture"))


# What is compared


def train_epochs(folder: Path) -> list[Path]:
    """The model as it is after each epoch, as bundles."""
    synth_data(folder / "train", songs=N_TRAIN, duration=SONG_S, rate=RATE, seed=1)
    synth_data(folder / "test", songs=N_SONGS, duration=SONG_S, rate=RATE, seed=2)
    run = folder / "run"
    epochs = [folder / f"epoch_{number}" for number in range(1, N_EPOCHS + 1)]
    if all(epoch.is_dir() for epoch in epochs):
        return epochs
    shutil.rmtree(run, ignore_errors=True)

    def keep(end: EpochEnd) -> None:
        # With rates that stay and hardly any validation every epoch is "best", so that the bundle is its own.
        kept = folder / f"epoch_{end.epoch}"
        kept.mkdir(exist_ok=True)
        for name in ("model.yaml", "weights.safetensors"):
            shutil.copy(run / name, kept / name)

    configure(run, model="spectrogram_net_simple", overrides=[*NETWORK, "valid.min_delta=-1000"])
    train(run, folder / "train", report=TrainEvents(epoch=keep))
    return epochs


def score(folder: Path, system: str, name: str) -> SavedScores:
    """SDR of all songs, whole and in frames."""
    out = folder / "scores" / name
    test(system, folder / "test", split="all", metrics="sdr,windowed_sdr", out=out, frames=True, plain=True, workers=2)
    return read_scores(out)


def mean_sdr(scores: SavedScores) -> float:
    """Over songs and stems."""
    return statistics.mean(v for stems in scores.scores("sdr").values() for v in stems.values() if math.isfinite(v))


# Tables


def print_pair(a: SavedScores, b: SavedScores) -> None:
    """What all songs say of the two, and how far songs are apart in each score."""
    print(f"A: {a.path.parent.name}, B: {b.path.parent.name}; {len(a.songs)} songs of {SONG_S:g} s\n")
    print("| score | stem | A, dB | B, dB | A minus B | sd of songs | sd of differences | songs for 0.3 dB | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    for column in ("sdr", "windowed_sdr"):
        found = compare(a.scores(column), b.scores(column))
        for stem, one in {**found.stems, "mean of stems": found.overall}.items():
            values, differences = song_values(a, b, column, None if stem == "mean of stems" else stem)
            sd = float(differences.std(ddof=1))
            needed = songs_needed(WANTED_DB, sd)
            cells = [column, stem, f"{one.mean_a:.2f}", f"{one.mean_b:.2f}", f"{one.difference.value:+.2f}"]
            cells += [f"{values.std(ddof=1):.2f}", f"{sd:.2f}", str(needed), one.verdict]
            print(f"| {' | '.join(cells)} |")


def song_values(a: SavedScores, b: SavedScores, column: str, stem: str | None) -> tuple[Table, Table]:
    """Scores of A, and A minus B, for songs that both have a finite score of; of a stem or the mean over stems."""
    found = []
    for song, of_a in a.scores(column).items():
        of_b = b.scores(column)[song]
        names = [n for n in of_a if stem in (None, n) and math.isfinite(of_a[n]) and math.isfinite(of_b[n])]
        if names:
            found.append([statistics.mean(scores[n] for n in names) for scores in (of_a, of_b)])
    table = np.array(found)
    return table[:, 0], table[:, 0] - table[:, 1]


def print_power(a: SavedScores, b: SavedScores) -> None:
    """How often a test set of some size shows that A is better."""
    print(f"\nOf {N_SETS} sets drawn without replacement: how often `compare` says *A better* / *B better* overall.\n")
    print("| score | " + " | ".join(f"{size} songs" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for column in ("sdr", "windowed_sdr"):
        cells = []
        for size in SIZES:
            verdicts = [draw_verdict(a, b, column, size, number) for number in range(N_SETS)]
            shares = [100 * verdicts.count(verdict) / N_SETS for verdict in ("A better", "B better")]
            cells.append(f"{shares[0]:.0f} % / {shares[1]:.0f} %")
        print(f"| {column} | {' | '.join(cells)} |", flush=True)


def draw_verdict(a: SavedScores, b: SavedScores, column: str, size: int, seed: int) -> str:
    """Of the overall comparison on some of the songs."""
    songs = np.random.default_rng(seed).choice(sorted(a.scores(column)), size, replace=False)
    parts = ({song: scores.scores(column)[song] for song in songs} for scores in (a, b))
    return compare(*parts, n_draws=500).overall.verdict


def print_hidden(folder: Path, a: SavedScores, mixture: SavedScores) -> None:
    """What becomes of the averages when the model fails in a share of the seconds and gives the mixture instead."""
    print("\nSeconds in which the estimate is replaced by the mixture, chosen at random; mean over stems and songs.\n")
    print(
        "| seconds that fail | cSDR: median of frames, then songs | mean of frames, then songs | uSDR: mean of songs |"
    )
    print("|---|---|---|---|")
    for share in SHARES:
        medians, means, wholes = damaged_averages(folder, a, mixture, share)
        print(f"| {100 * share:.0f} % | {medians:.2f} | {means:.2f} | {wholes:.2f} |")
    counts = [stem.counts for song in a.songs for stem in song.stems.values() if stem.counts is not None]
    n_frames, n_lost = (sum(getattr(c, name) for c in counts) for name in ("n_frames", "n_others_silence"))
    n_own = sum(c.n_own_silence for c in counts)
    print(f"\n{n_frames} frames of stems: {100 * n_own / n_frames:.1f} % silent themselves, ", end="")
    print(f"{100 * n_lost / n_frames:.1f} % lost since another stem is silent.")


def damaged_averages(folder: Path, a: SavedScores, mixture: SavedScores, share: float) -> tuple[float, float, float]:
    """Three averages of the SDR, of the seconds that have a score.

    The SDR of the song follows from those of its seconds and the energy of the target in them: it is the ratio of two
    sums, and a second's error has the energy of its target over its ratio.
    """
    random = np.random.default_rng(0)
    medians, means, wholes = [], [], []
    for song, plain in zip(a.songs, mixture.songs, strict=True):
        for name in song.stems:
            good, bad = (np.array(s.stems[name].frames["windowed_sdr"]) for s in (song, plain))
            frames = np.where(random.random(len(good)) < share, bad, good)
            usable = np.isfinite(frames)
            if usable.any():
                energy = measure_energy(folder / "test" / song.name, name)[: len(frames)][usable]
                errors = energy * 10 ** (-frames[usable] / 10)
                medians.append(score_song(frames))
                means.append(float(frames[usable].mean()))
                wholes.append(float(10 * np.log10(energy.sum() / errors.sum())))
    return statistics.median(medians), statistics.mean(means), statistics.mean(wholes)


@cache
def measure_energy(song: Path, stem: str) -> Table:
    """Of each whole second of a stem."""
    samples = read_audio(next(song.glob(f"{stem}.*"))).samples.astype(np.float64)
    n_seconds = samples.shape[1] // RATE
    energy: Table = np.square(samples[:, : n_seconds * RATE]).reshape(len(samples), n_seconds, RATE).sum((0, 2))
    return energy


if __name__ == "__main__":
    main()
