"""SDR of a song with an interval within it: known ratios, and intervals that hold what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.evaluation.config import EvaluationConfig
from within_songs import energies, interval_db, score_system


def test_energies_are_those_of_seconds_and_the_rest_is_not_lost() -> None:
    sound = np.ones((2, 25), np.float32)
    assert energies(sound, 10).tolist() == [20.0, 20.0, 10.0]


def test_a_song_that_is_alike_throughout_has_no_room_for_chance() -> None:
    low, high = interval_db(np.full(95, 4.0), np.full(95, 0.4))
    assert (low, high) == (pytest.approx(10), pytest.approx(10))


def test_the_interval_is_wider_where_passages_differ_for_longer_than_a_block() -> None:
    """The same seconds, mixed or sorted: sorted ones are drawn in blocks that are alike."""
    error = np.repeat([0.1, 1.0], 60)
    mixed = np.random.default_rng(0).permutation(error)
    widths = [high - low for low, high in (interval_db(np.ones(120), seconds) for seconds in (mixed, error))]
    assert widths[1] > 1.5 * widths[0]


def test_the_mixture_of_two_stems_scores_their_ratio(tmp_path: Path) -> None:
    folder = tmp_path / "test" / "song"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).standard_normal((2, 12 * 8000, 2))
    for stem, sound in zip(("vocals", "drums"), (0.2 * noise[0], 0.02 * noise[1]), strict=True):
        soundfile.write(folder / f"{stem}.wav", np.clip(sound, -1, 1), 8000, subtype="FLOAT")
    rows = score_system(EvaluationConfig("mixture", str(tmp_path), stems=("vocals", "drums"), metrics=("sdr",)))
    values = [float(row.split("|")[4]) for row in rows]
    assert values == [pytest.approx(20, abs=0.2), pytest.approx(-20, abs=0.2)]
