"""Mel scale, triangular filters and band splits against their definitions in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.bands import BandSplit, hz_to_mel, mel_edges_hz, mel_filterbank, mel_to_hz
from auralflow.errors import ConfigError, ShapeError

SCALES = ["htk", "slaney"]


@pytest.mark.parametrize("scale", SCALES)
def test_mel_and_hz_are_inverse_and_rising(scale: str) -> None:
    frequency_hz = torch.linspace(0, 24000, 4801, dtype=torch.float64)
    mel = hz_to_mel(frequency_hz, scale)
    torch.testing.assert_close(mel_to_hz(mel, scale), frequency_hz)
    assert (mel.diff() > 0).all()
    assert mel[0] == 0


@pytest.mark.parametrize(
    ("scale", "frequency_hz", "mel"),
    [
        ("htk", 700.0, 2595 * math.log10(2)),
        ("htk", 6300.0, 2595.0),
        ("slaney", 500.0, 7.5),
        ("slaney", 1000.0, 15.0),
        ("slaney", 6400.0, 42.0),
        ("slaney", 40960.0, 69.0),
    ],
)
def test_mel_at_known_points(scale: str, frequency_hz: float, mel: float) -> None:
    assert hz_to_mel(torch.tensor(frequency_hz, dtype=torch.float64), scale).item() == pytest.approx(mel, rel=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_edges_are_even_in_mel(scale: str) -> None:
    edges = mel_edges_hz(40, 20.0, 20000.0, scale)
    assert edges[0].item() == pytest.approx(20)
    assert edges[-1].item() == pytest.approx(20000)
    steps = hz_to_mel(edges, scale).diff()
    torch.testing.assert_close(steps, steps.mean().expand(41))


@pytest.mark.parametrize("scale", SCALES)
def test_filters_are_the_triangles_of_the_definition(scale: str) -> None:
    filters = mel_filterbank(12, 512, 16000, low_hz=100.0, high_hz=7000.0, scale=scale, norm="peak")
    edges = mel_edges_hz(12, 100.0, 7000.0, scale).tolist()
    for band in range(12):
        low, apex, high = edges[band : band + 3]
        for freq in range(257):
            hz = freq * 16000 / 512
            if low < hz <= apex:
                expected = (hz - low) / (apex - low)
            elif apex < hz < high:
                expected = (high - hz) / (high - apex)
            else:
                expected = 0.0
            assert filters[band, freq].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_peak_filters_sum_to_one_between_the_first_and_the_last_apex(scale: str) -> None:
    filters = mel_filterbank(20, 4096, 44100, scale=scale, norm="peak")
    edges = mel_edges_hz(20, 0.0, 22050.0, scale)
    bins_hz = torch.arange(2049) * 44100 / 4096
    inner = (bins_hz >= edges[1]) & (bins_hz <= edges[-2])
    torch.testing.assert_close(filters.sum(0)[inner], torch.ones(int(inner.sum())))


@pytest.mark.parametrize("scale", SCALES)
def test_area_filters_have_unit_area(scale: str) -> None:
    filters = mel_filterbank(20, 2**17, 44100, scale=scale, norm="area")
    torch.testing.assert_close(filters.sum(1) * 44100 / 2**17, torch.ones(20), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    "values",
    [
        {"n_bands": 0},
        {"low_hz": -1.0},
        {"high_hz": 4001.0},
        {"low_hz": 500.0, "high_hz": 500.0},
    ],
)
def test_filterbank_rejects_what_cannot_be(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        mel_filterbank(**{"n_bands": 10, "n_fft": 256, "sample_rate": 8000, **values})


def _spectrogram(n_freqs: int) -> torch.Tensor:
    return torch.randn(2, 3, n_freqs, 4, generator=torch.Generator().manual_seed(n_freqs), dtype=torch.complex64)


@pytest.mark.parametrize("widths", [[33], [1] * 33, [4, 4, 25], [30, 1, 2]])
def test_bands_side_by_side_come_back_exactly(widths: list[int]) -> None:
    bands = BandSplit.from_widths(widths)
    spectrogram = _spectrogram(33)
    parts = bands.split(spectrogram)
    assert [part.shape[-2] for part in parts] == widths
    assert torch.equal(bands.merge(parts), spectrogram)
    assert torch.equal(torch.cat(parts, dim=-2), spectrogram)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n_bands", [1, 2, 20, 60, 300])
@pytest.mark.parametrize(("n_fft", "sample_rate"), [(64, 8000), (2048, 44100)])
def test_mel_bands_come_back(scale: str, n_bands: int, n_fft: int, sample_rate: int) -> None:
    bands = BandSplit.mel(n_bands, n_fft, sample_rate, scale)
    spectrogram = _spectrogram(n_fft // 2 + 1)
    parts = bands.split(spectrogram)
    assert len(parts) == n_bands
    torch.testing.assert_close(bands.merge(parts), spectrogram, rtol=0, atol=1e-6)


def test_mel_bands_overlap_and_weigh_by_the_triangles() -> None:
    """Halfway between two apexes both bands count the same; at an apex only its own band counts."""
    bands = BandSplit.mel(20, 2**14, 44100)
    edges = mel_edges_hz(20, 0.0, 22050.0).mul(2**14 / 44100)
    heard = torch.zeros(2**13 + 1)
    start, stop = bands.edges[10]
    heard[start:stop] = bands.weights[10]
    assert heard[int(edges[11].round())] > 0.99
    assert heard[int(((edges[10] + edges[11]) / 2).round())].item() == pytest.approx(0.5, abs=0.02)
    assert bands.edges[11][0] < stop


def test_gradient_reaches_every_bin_once() -> None:
    bands = BandSplit.mel(8, 256, 16000)
    spectrogram = torch.randn(129, 2, requires_grad=True)
    bands.merge(bands.split(spectrogram)).sum().backward()
    torch.testing.assert_close(spectrogram.grad, torch.ones(129, 2))


@pytest.mark.parametrize("widths", [[], [3, 0], [4, -1]])
def test_rejects_bad_widths(widths: list[int]) -> None:
    with pytest.raises(ConfigError, match="widths"):
        BandSplit.from_widths(widths)


@pytest.mark.parametrize(
    "edges",
    [((0, 2), (3, 5)), ((0, 3), (2, 5)), ((1, 5),), ((0, 5), (4, 4))],
    ids=["gap", "counted twice", "first bin left out", "empty"],
)
def test_rejects_bands_that_do_not_share_every_bin_out(edges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ConfigError, match="bands"):
        BandSplit(edges, tuple(torch.ones(stop - start) for start, stop in edges))


def test_rejects_other_shapes() -> None:
    bands = BandSplit.from_widths([4, 4])
    with pytest.raises(ShapeError, match="expected 8 bins"):
        bands.split(torch.zeros(9, 2))
    with pytest.raises(ShapeError, match="bands of"):
        bands.merge([torch.zeros(4, 2), torch.zeros(3, 2)])
