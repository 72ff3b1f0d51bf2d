"""Pictures: waveform and spectrogram of stems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Audio, Samples
from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import import_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.floating]

_FLOOR_DB = -90.0
_N_COLUMNS = 1200
"""More columns than a picture has pixels would only cost time."""


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


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG or SVG, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_waveform(axis: Axes, audio: Audio, name: str) -> None:
    """The range of the samples in each column, all channels together."""
    low, high = _envelope(audio.samples)
    times_s = np.linspace(0, audio.duration_s, len(low))
    axis.fill_between(times_s, low, high, linewidth=0.4, alpha=0.9)
    axis.set(ylim=(-1, 1), ylabel=name, xlim=(0, max(audio.duration_s, 1e-3)))


def _envelope(samples: Samples) -> tuple[Samples, Samples]:
    n_samples = samples.shape[-1]
    edges = np.linspace(0, n_samples, min(_N_COLUMNS, n_samples), endpoint=False, dtype=int)
    if not len(edges):
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    return np.minimum.reduceat(samples.min(0), edges), np.maximum.reduceat(samples.max(0), edges)


def _draw_spectrogram(axis: Axes, audio: Audio) -> QuadMesh:
    level_db, times_s, freqs_hz = _spectrogram_db(audio)
    image = axis.pcolormesh(times_s, freqs_hz, level_db, vmin=_FLOOR_DB, vmax=-10, cmap="magma", shading="nearest")
    axis.set_yscale("log")
    axis.set(ylim=(40, audio.sample_rate / 2), ylabel="Hz")
    return image


def _spectrogram_db(audio: Audio) -> tuple[Floats, Floats, Floats]:
    """Level (freq, frame) in dB of full scale, frame times in seconds, bin frequencies in Hz."""
    import torch

    config = STFTConfig(2048, max(512, min(1024, audio.n_samples // _N_COLUMNS)))
    spectrum = stft(torch.from_numpy(audio.samples.mean(0)), config)
    stride = max(1, spectrum.shape[-1] // _N_COLUMNS)
    magnitude = spectrum[:, ::stride].abs().numpy() / (config.n_fft / 4)
    times_s = np.arange(magnitude.shape[1]) * config.hop_samples * stride / audio.sample_rate
    freqs_hz = np.arange(config.n_freqs) * audio.sample_rate / config.n_fft
    return 20 * np.log10(np.maximum(magnitude, 1e-6)), times_s, freqs_hz
