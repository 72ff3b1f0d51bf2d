"""Columns hold the maxima of a stream, whatever its blocks are."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.audio.types import Audio
from auralflow.dsp.stft import stft
from auralflow.plots import find_levels, sketch_audio
from auralflow.plots.columns import Columns
from auralflow.plots.levels import LevelMeter, choose_frames
from auralflow.plots.sketch import Sketcher


@pytest.mark.parametrize("n_items", [0, 1, 7, 8, 9, 100, 1001])
@pytest.mark.parametrize("block", [1, 3, 64, 5000])
def test_every_column_is_the_maximum_of_its_items(n_items: int, block: int) -> None:
    items = np.random.default_rng(n_items).standard_normal((2, n_items)).astype(np.float32)
    columns = Columns(2, n_columns=4)
    for start in range(0, n_items, block):
        columns.add(items[:, start : start + block])
    width = columns.width
    expected = [items[:, start : start + width].max(1) for start in range(0, n_items, width)]
    assert np.array_equal(columns.values, np.array(expected).reshape(-1, 2).T)
    assert columns.values.shape[1] <= 8
    assert n_items < 8 or columns.values.shape[1] >= 4


@pytest.mark.parametrize("n_samples", [1, 500, 2048, 30_001])
def test_a_stream_in_blocks_gives_the_levels_of_the_whole(n_samples: int) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (2, n_samples)).astype(np.float32)
    whole = find_levels(Audio(samples, 8000))
    meter = LevelMeter(8000, 2, n_samples)
    for start in range(0, n_samples, 777):
        meter.add(samples[:, start : start + 777])
    blocks = meter.find_levels()
    assert np.allclose(blocks.level_db, whole.level_db, atol=1e-3)
    assert np.array_equal(blocks.times_s, whole.times_s)


def test_levels_are_those_of_the_stft() -> None:
    """Of a sound that is short enough to have a column for each frame."""
    import torch

    samples = np.random.default_rng(0).uniform(-1, 1, (1, 20_000)).astype(np.float32)
    config = choose_frames(8000, 20_000)
    magnitude = stft(torch.from_numpy(samples[0]), config).abs().numpy() / (config.n_fft / 4)
    levels = find_levels(Audio(samples, 8000))
    assert levels.level_db.shape[1] == config.n_frames(20_000)
    assert 10 ** (levels.level_db.max(0) / 20) == pytest.approx(magnitude[3:].max(0), rel=1e-3)


def test_what_is_long_is_seen_whole_in_few_columns() -> None:
    """One click in a minute of silence, and nobody told how long it will be."""
    sketcher = Sketcher(8000, 1)
    for block in range(60):
        samples = np.zeros((1, 8000), np.float32)
        if block == 41:
            samples[0, 4000] = -0.7
        sketcher.add(samples)
    sketch = sketcher.finish()
    assert 1200 <= len(sketch.low) < 2400
    assert sketch.low.min() == pytest.approx(-0.7)
    assert (sketch.low.argmin() + 0.5) * sketch.column_s == pytest.approx(41.5, abs=sketch.column_s)
    levels = sketch.levels
    assert 1200 <= levels.level_db.shape[1] < 2400
    assert levels.times_s[levels.level_db.mean(0).argmax()] == pytest.approx(41.5, abs=0.1)
    assert sketch.duration_s == 60


def test_what_is_out_of_phase_is_seen() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert sketch_audio(Audio(np.stack([tone, -tone]), 8000)).levels.level_db.max() == pytest.approx(0, abs=0.1)
