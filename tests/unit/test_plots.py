"""Pictures have the right axes: time, frequency and level are where they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auralflow.audio.types import Audio
from auralflow.plots import find_envelope, find_levels, plot_scores, plot_stems, save_figure

pytest.importorskip("matplotlib")


def test_a_full_scale_tone_reads_0_db_at_its_frequency() -> None:
    hz = 46 * 44100 / 2048  # on a bin, where the window loses nothing
    tone = np.sin(2 * np.pi * hz * np.arange(44100 * 3) / 44100)[None]
    level_db, times_s, edges_hz = find_levels(Audio(tone, 44100))
    column = level_db[:, level_db.shape[1] // 2]
    half_a_bin_hz = 44100 / 2048 / 2
    assert edges_hz[column.argmax()] - half_a_bin_hz <= hz <= edges_hz[column.argmax() + 1] + half_a_bin_hz
    assert column.max() == pytest.approx(0, abs=0.05)
    assert times_s[-1] == pytest.approx(3, abs=0.05)


def test_a_click_is_at_its_time_in_both_pictures() -> None:
    samples = np.zeros((1, 44100 * 10), np.float32)
    samples[0, 44100 * 7] = 0.8
    low, high = find_envelope(samples, 1200)
    assert high.argmax() / len(high) * 10 == pytest.approx(7, abs=0.02)
    assert high.max() == pytest.approx(0.8)
    assert low.min() == 0
    level_db, times_s, _ = find_levels(Audio(samples, 44100))
    assert times_s[level_db.mean(0).argmax()] == pytest.approx(7, abs=0.05)


@pytest.mark.parametrize("n_samples", [0, 1, 1000])
def test_short_sounds_can_be_drawn(tmp_path: Path, n_samples: int) -> None:
    figure = plot_stems(
        {"a": Audio(np.zeros((2, n_samples)), 8000), "b": Audio(np.zeros((1, n_samples)), 8000)}, "title"
    )
    assert len(figure.axes) == 5
    for name in ("picture.png", "picture.svg"):
        save_figure(figure, tmp_path / "new" / name)
        assert (tmp_path / "new" / name).stat().st_size > 1000


@pytest.mark.parametrize("label", ["", "sdr"])
def test_long_names_and_labels_stay_inside_a_picture_of_scores(label: str) -> None:
    figure = plot_scores({"a very long name of a stem, longer than any": [1.0, 2.0, np.nan], "b": [np.inf]}, label)
    drawn_in = figure.get_tightbbox()
    assert min(drawn_in.x0, drawn_in.y0) >= 0
    assert (drawn_in.max <= figure.get_size_inches()).all()
