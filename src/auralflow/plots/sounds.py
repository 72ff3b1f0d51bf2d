"""Sounds: a row for each, with its waveform and its spectrogram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from auralflow.audio.types import Audio
from auralflow.plots.figures import open_figure, plain
from auralflow.plots.frequency import FINE_MARKS_HZ, FrequencyScale, place_marks
from auralflow.plots.levels import RANGE_DB
from auralflow.plots.sketch import Sketch, sketch_audio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_LONG_S = 180.0
"""From here on the time is in minutes and seconds."""


def plot_stems(sounds: Mapping[str, Audio], title: str = "", scale: FrequencyScale = "log") -> Figure:
    """A row for each sound: its waveform, and its spectrogram on a logarithmic or mel frequency axis.

    The level is in dB of full scale: a sine of amplitude 1 reads 0 dB.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).

    Example:
        >>> figure = plot_stems({"vocals": Audio(np.zeros((2, 44100)), 44100)})  # doctest: +SKIP
        >>> figure.savefig("stems.png")  # doctest: +SKIP
    """
    return plot_sketches({name: sketch_audio(audio, scale) for name, audio in sounds.items()}, title, scale)


def plot_sketches(
    sketches: Mapping[str, Sketch], title: str = "", scale: FrequencyScale = "log", start_s: float = 0.0
) -> Figure:
    """As `plot_stems`, of what was sketched from streams.

    Args:
        scale: of the sketches.
        start_s: time of their first sample.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).
    """
    figure = open_figure()
    figure.set_size_inches(14, 0.4 + 2.2 * len(sketches))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(sketches), 2, squeeze=False, sharex=True, width_ratios=[2, 3])
    end_s = max(sketch.duration_s for sketch in sketches.values())
    peak = max(1.0, *(float(max(-sketch.low.min(), sketch.high.max())) for sketch in sketches.values()))
    for (name, sketch), (left, right) in zip(sketches.items(), axes, strict=True):
        _draw_waveform(left, sketch, start_s, peak)
        left.set_title(plain(name), loc="left", fontsize="medium")
        image = _draw_spectrogram(right, sketch, scale, start_s)
    figure.colorbar(image, ax=axes[:, 1], label="level (dB of full scale)", pad=0.01)
    _mark_times(axes[-1], start_s, start_s + max(end_s, 1e-3))
    figure.suptitle(plain(title))
    return figure


def _draw_waveform(axis: Axes, sketch: Sketch, start_s: float, peak: float) -> None:
    """Between the lowest and the highest sample of each column."""
    times_s = start_s + np.arange(len(sketch.low) + 1) * sketch.column_s
    low, high = (np.append(ends, ends[-1:]) for ends in (sketch.low, sketch.high))
    axis.fill_between(times_s, low, high, step="post", linewidth=0.4, edgecolor="tab:blue", alpha=0.9)
    axis.set(ylim=(-peak, peak), ylabel="amplitude\n(full scale = 1)")


def _draw_spectrogram(axis: Axes, sketch: Sketch, scale: FrequencyScale, start_s: float) -> AxesImage:
    level_db, times_s, edges_hz = sketch.levels
    # As an image of equally high rows: drawn cell by cell it would take a hundred times as long.
    n_rows = len(level_db)
    extent = (start_s + times_s[0], start_s + times_s[-1], 0.0, float(n_rows))
    low, high = RANGE_DB
    image = axis.imshow(level_db, vmin=low, vmax=high, cmap="magma", aspect="auto", origin="lower", extent=extent)
    marks = place_marks(edges_hz, FINE_MARKS_HZ[scale])
    axis.set_yticks([n_rows * height for height in marks.values()], [f"{hz}" for hz in marks])
    axis.tick_params(axis="y", labelsize="small")
    axis.set_ylabel("frequency (Hz)" if scale == "log" else "frequency (Hz, mel)")
    return image


def _mark_times(axes: np.ndarray[tuple[int], np.dtype[np.object_]], start_s: float, end_s: float) -> None:
    from matplotlib.ticker import FuncFormatter

    for axis in axes:
        axis.set_xlim(start_s, end_s)
        axis.set_xlabel("time (s)")
        if end_s > _LONG_S:
            axis.set_xlabel("time (min:s)")
            axis.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: f"{time_s // 60:.0f}:{time_s % 60:02.0f}"))
