"""Channel layouts, the round trip through a model's rate, and the sample queue."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.audio.layout import ChannelLayout
from auralflow.audio.ops import Conform, Fifo, Restore


def test_layouts_group_channels() -> None:
    assert ChannelLayout(2, 2).groups == [(0, 1)]
    assert ChannelLayout(1, 2).groups == [(0,)]
    assert ChannelLayout(6, 2).groups == [(0, 1), (2,), (3,), (4,), (5,)]
    assert ChannelLayout(2, 1).groups == [(0,), (1,)]
    assert ChannelLayout(6, 6).groups == [(0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize("file_channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("model_channels", [1, 2])
def test_join_is_the_inverse_of_split(file_channels: int, model_channels: int) -> None:
    block = np.random.default_rng(0).standard_normal((file_channels, 100)).astype(np.float32)
    layout = ChannelLayout(file_channels, model_channels)
    groups = layout.split(block)
    assert groups.shape == (len(layout.groups), model_channels, 100)
    np.testing.assert_array_equal(layout.join(groups), block)
    np.testing.assert_array_equal(layout.join(np.stack([groups, groups])), np.stack([block, block]))


def test_mono_estimates_are_averaged() -> None:
    estimates = np.stack([np.full(10, 1.0, np.float32), np.full(10, 3.0, np.float32)])[None]
    np.testing.assert_array_equal(ChannelLayout(1, 2).join(estimates), np.full((1, 10), 2.0))


@pytest.mark.parametrize("file_rate", [8_000, 22_050, 48_000, 96_000])
def test_round_trip_is_transparent_up_to_four_fifths_of_the_band(file_rate: int) -> None:
    """A tone at 0.79 of the lower Nyquist frequency, where a plain round trip loses 60 to 80 dB."""
    hz = 0.79 * min(file_rate, 44_100) / 2
    tone = (np.sin(2 * np.pi * hz * np.arange(file_rate) / file_rate) * np.hanning(file_rate))[None].astype(np.float32)
    layout = ChannelLayout(1, 1)
    conform, restore = Conform(file_rate, 44_100, layout), Restore(file_rate, 44_100, layout, 1)
    pieces = [conform.process(tone[:, i : i + 5000]) for i in range(0, file_rate, 5000)] + [conform.flush()]
    got = np.concatenate([restore.process(p[None]) for p in pieces] + [restore.flush()], axis=-1)[0, 0, :file_rate]
    error_db = 10 * np.log10(np.sum(tone**2) / np.sum((tone[0] - got) ** 2))
    assert error_db > 100


def test_fifo_keeps_order_and_count() -> None:
    fifo, signal = Fifo(), np.arange(100, dtype=np.float32)[None]
    for start, end in [(0, 7), (7, 7), (7, 60), (60, 100)]:
        fifo.push(signal[:, start:end])
    np.testing.assert_array_equal(fifo.peek(10), signal[:, :10])
    got = [fifo.pop(n) for n in (3, 50, 1, 46)]
    np.testing.assert_array_equal(np.concatenate(got, axis=1), signal)
    assert fifo.n_samples == 0
