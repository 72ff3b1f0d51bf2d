"""SDR of whole songs, each with what chance of its passages may do: for test sets of a song or two.

python recipes/small_4stem/within_songs.py small_data/real_test mixture classic default oracle_irm --stems vocals,drums

Prints, for each song and stem, `10 log10(sum |s|^2 / sum |s - e|^2)` over the whole song and its 95 % interval. Ten
seconds at a time are drawn from the song, which is closed to a ring, until they are as long as the song; their energies
are summed before the ratio is taken. Such an interval speaks of that song, and of no other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Samples
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.plan import make_plan
from auralflow.evaluation.references import read_recording
from auralflow.evaluation.statistics.blocks import draw_places
from auralflow.evaluation.systems import open_system

_BLOCK_S = 10
_N_DRAWS = 2000

Energies = npt.NDArray[np.float64]


def main() -> None:
    """Print a row for each song, stem and system."""
    parser = argparse.ArgumentParser(description="SDR of whole songs, with intervals within each")
    parser.add_argument("data", type=Path, help="folder of songs in stems")
    parser.add_argument("systems", nargs="+", help="models and baselines")
    parser.add_argument("--stems", default="vocals,drums", help="stems to score")
    arguments = parser.parse_args()
    print("| song | stem | system | SDR, dB | 95 % |\n|---|---|---|---|---|")
    for system in arguments.systems:
        config = EvaluationConfig(
            system, str(arguments.data), mixture="sum", stems=tuple(arguments.stems.split(",")), metrics=("sdr",)
        )
        for row in score_system(config):
            print(row, flush=True)


def score_system(config: EvaluationConfig) -> list[str]:
    """Rows of one system."""
    plan, rows = make_plan(config), []
    system = open_system(plan.system, config)
    for reference in plan.references:
        recording = read_recording(reference)
        estimates = system.estimate(reference, recording, lambda fraction: None).samples
        for stem, target, estimate in zip(recording.stems, recording.targets, estimates, strict=True):
            signal, error = (energies(sound, recording.sample_rate) for sound in (target, target - estimate))
            low, high = interval_db(signal, error)
            value = decibels(signal.sum(), error.sum())
            rows.append(f"| {reference.name} | {stem} | {plan.system.name} | {value:.2f} | {low:.1f} to {high:.1f} |")
    return rows


def energies(sound: Samples, sample_rate: int) -> Energies:
    """Of each second, shape (second); what is left of the last one is its own."""
    starts = np.arange(0, sound.shape[1], sample_rate)
    squares = np.square(sound, dtype=np.float64).sum(0)
    return np.asarray(np.add.reduceat(squares, starts))


def interval_db(signal: Energies, error: Energies, seed: int = 0) -> tuple[float, float]:
    """From the 2.5th to the 97.5th percentile of songs that are put together of blocks of this one."""
    places = draw_places(len(signal), _BLOCK_S, _N_DRAWS, np.random.default_rng(seed))
    low, high = np.quantile(decibels(signal[places].sum(1), error[places].sum(1)), (0.025, 0.975))
    return float(low), float(high)


def decibels(signal: npt.ArrayLike, error: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Ratio of two energies."""
    return np.asarray(10 * np.log10((np.asarray(signal) + 1e-12) / (np.asarray(error) + 1e-12)))


if __name__ == "__main__":
    main()
