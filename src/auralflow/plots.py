"""Pictures: waveform and spectrogram of stems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Audio, Samples
from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import import_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Floats = npt.NDArray[np.floating]

RANGE_DB = (-90.0, -10.0)
"""Of the colours of a spectrogram, in dB of full scale."""
_N_COLUMNS = 1200
"""More columns than a picture has pixels would only cost time."""
_N_ROWS = 240
_LOWEST_HZ = 40.0
_MARKS_HZ = (100, 1000, 10_000)


def plot_stems(sounds: Mapping[str, Audio], title: str = "") -> Figure:
    """A row for each sound: its waveform, and its spectrogram on a logarithmic frequency axis.

    The level is in dB of full scale: a sine of amplitude 1 reads 0 dB.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).

    Example:
        >>> figure = plot_stems({"vocals": Audio(np.zeros((2, 44100)), 44100)})  # doctest: +SKIP
        >>> figure.savefig("stems.png")  # doctest: +SKIP
    """
    import_extra("matplotlib", "plots")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 2.2 * len(sounds)), layout="constrained")
    axes = figure.subplots(len(sounds), 2, squeeze=False, sharex=True, width_ratios=[2, 3])
    for (name, audio), (left, right) in zip(sounds.items(), axes, strict=True):
        _draw_waveform(left, audio, name)
        image = _draw_spectrogram(right, audio)
    figure.colorbar(image, ax=axes[:, 1], label="dB of full scale", pad=0.01)
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    figure.suptitle(title)
    return figure


def plot_scores(scores: Mapping[str, Sequence[float]], label: str) -> Figure:
    """The distribution of scores over songs: for each stem a dot for each song, a line at the median, a box around the
    middle half. What is not finite is left out.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).

    Example:
        >>> figure = plot_scores({"vocals": [5.1, 6.3, 5.7]}, "sdr")  # doctest: +SKIP
    """
    import_extra("matplotlib", "plots")
    from matplotlib.figure import Figure

    figure = Figure()
    axis = _add_rows(figure, list(scores), 0.5 if label else 0.3)
    for row, values in enumerate(scores.values()):
        finite = np.array([value for value in values if np.isfinite(value)])
        if not len(finite):
            continue
        low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75))
        axis.fill_between([low, high], row - 0.3, row + 0.3, color="tab:blue", alpha=0.15, linewidth=0)
        axis.plot([middle, middle], [row - 0.3, row + 0.3], color="tab:blue", linewidth=2)
        # Dots that would lie on each other are spread by a fixed pattern.
        spread = (np.arange(len(finite)) * 0.618 % 1 - 0.5) * 0.4
        axis.plot(finite, row + spread, ".", color="tab:blue", markersize=4, alpha=0.8)
    axis.set(ylim=(len(scores) - 0.5, -0.5), xlabel=label)
    axis.grid(axis="x", alpha=0.3)
    return figure


def _add_rows(figure: Figure, names: Sequence[str], below_in: float) -> Axes:
    """An axis with a row for each name, with room for them on its left and for its own labels below, in inches."""
    # Measured by hand, since an automatic layout draws everything twice.
    left_in = 0.2 + max(map(_measure_in, names), default=0.0)
    rows_in = 0.4 * max(2, len(names))
    width_in, height_in = left_in + 4.4, rows_in + below_in + 0.1
    figure.set_size_inches(width_in, height_in)
    axis = figure.add_axes((left_in / width_in, below_in / height_in, 4.2 / width_in, rows_in / height_in))
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(left=False)
    axis.spines[["left", "top", "right"]].set_visible(False)
    return axis


@cache
def _measure_in(name: str) -> float:
    """How wide a name is on an axis, in inches."""
    from matplotlib import rcParams
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), name, size=rcParams["font.size"]).get_extents().width / 72)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG or SVG, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_waveform(axis: Axes, audio: Audio, name: str) -> None:
    """The range of the samples in each column, all channels together."""
    low, high = find_envelope(audio.samples, _N_COLUMNS)
    times_s = np.linspace(0, audio.duration_s, len(low))
    axis.fill_between(times_s, low, high, linewidth=0.4, alpha=0.9)
    axis.set(ylim=(-1, 1), ylabel=name, xlim=(0, max(audio.duration_s, 1e-3)))


def find_envelope(samples: Samples, n_columns: int) -> tuple[Samples, Samples]:
    """The lowest and the highest sample of each column of a picture; there are no more columns than samples.

    Shape:
        samples: (channel, time)
        both: (column,)
    """
    n_samples = samples.shape[-1]
    edges = np.linspace(0, n_samples, min(n_columns, n_samples), endpoint=False, dtype=int)
    if not len(edges):
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    return np.minimum.reduceat(samples.min(0), edges), np.maximum.reduceat(samples.max(0), edges)


def _draw_spectrogram(axis: Axes, audio: Audio) -> AxesImage:
    level_db, times_s, edges_hz = find_levels(audio)
    # As an image of equally high rows: drawn cell by cell it would take a hundred times as long.
    extent = (times_s[0], times_s[-1], 0.0, float(_N_ROWS))
    low, high = RANGE_DB
    image = axis.imshow(level_db, vmin=low, vmax=high, cmap="magma", aspect="auto", origin="lower", extent=extent)
    marks = place_marks(edges_hz)
    axis.set_yticks([_N_ROWS * height for height in marks.values()], [f"{hz}" for hz in marks])
    axis.set_ylabel("Hz")
    return image


def place_marks(edges_hz: Floats) -> dict[int, float]:
    """Round frequencies in Hz, and at which part of a spectrogram's height they are."""
    heights = np.linspace(0, 1, len(edges_hz))
    return {hz: float(np.interp(hz, edges_hz, heights)) for hz in _MARKS_HZ if hz < edges_hz[-1]}


def find_levels(audio: Audio) -> tuple[Floats, Floats, Floats]:
    """A spectrogram: level (row, frame) in dB of full scale, and the edges of frames in seconds and of rows in Hz.

    Rows are as high as each other on a logarithmic axis, and have the loudest of the bins in them; where bins are
    wider, several rows share one.
    """
    import torch

    config = STFTConfig(2048, max(512, min(1024, audio.n_samples // _N_COLUMNS)))
    spectrum = stft(torch.from_numpy(audio.samples.mean(0)), config)
    stride = max(1, spectrum.shape[-1] // _N_COLUMNS)
    magnitude = spectrum[:, ::stride].abs().numpy() / (config.n_fft / 4)
    edges_hz = np.geomspace(_LOWEST_HZ, audio.sample_rate / 2, _N_ROWS + 1)
    bins = np.minimum(np.round(edges_hz * config.n_fft / audio.sample_rate).astype(int), config.n_freqs - 1)
    rows = np.maximum.reduceat(magnitude, bins[:-1], axis=0)
    times_s = (np.arange(magnitude.shape[1] + 1) - 0.5) * config.hop_samples * stride / audio.sample_rate
    return 20 * np.log10(np.maximum(rows, 1e-6)), times_s, edges_hz
