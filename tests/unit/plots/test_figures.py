"""Pictures have the right axes: time, frequency and level are where they should be, and say their units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auralflow.audio.types import Audio
from auralflow.dsp.bands import hz_to_mel
from auralflow.errors import OutputError
from auralflow.plots import (
    FrequencyScale,
    Line,
    find_envelope,
    find_levels,
    place_marks,
    plot_curves,
    plot_scores,
    plot_stems,
    save_figure,
)

pytest.importorskip("matplotlib")

SCALES: tuple[FrequencyScale, ...] = ("log", "mel")


@pytest.mark.parametrize("sample_rate", [8000, 44100, 96000])
@pytest.mark.parametrize("scale", SCALES)
def test_a_full_scale_tone_reads_0_db_at_its_frequency(scale: FrequencyScale, sample_rate: int) -> None:
    n_fft = {8000: 512, 44100: 2048, 96000: 4096}[sample_rate]
    bin_hz = sample_rate / n_fft
    hz = 46 * bin_hz  # on a bin, where the window loses nothing
    tone = np.sin(2 * np.pi * hz * np.arange(sample_rate * 3) / sample_rate)[None]
    level_db, times_s, edges_hz = find_levels(Audio(tone, sample_rate), scale)
    column = level_db[:, level_db.shape[1] // 2]
    assert edges_hz[column.argmax()] - bin_hz / 2 <= hz <= edges_hz[column.argmax() + 1] + bin_hz / 2
    assert column.max() == pytest.approx(0, abs=0.05)
    assert times_s[-1] == pytest.approx(3, abs=0.05)


def test_rows_are_as_high_as_each_other_on_their_scale() -> None:
    audio = Audio(np.zeros((1, 100)), 44100)
    octaves = np.diff(np.log2(find_levels(audio, "log").edges_hz))
    assert octaves == pytest.approx(octaves.mean())
    import torch

    edges_hz = find_levels(audio, "mel").edges_hz
    mels = np.diff(hz_to_mel(torch.from_numpy(edges_hz)).numpy())
    assert mels == pytest.approx(mels.mean())
    assert (edges_hz[0], edges_hz[-1]) == pytest.approx((0, 22050))


def test_marks_stand_where_a_tone_of_their_frequency_is() -> None:
    for scale in SCALES:
        tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)[None]
        levels = find_levels(Audio(tone, 44100), scale)
        rows = levels.level_db[:, levels.level_db.shape[1] // 2]
        loud = np.flatnonzero(rows > rows.max() - 0.1)
        assert loud[0] - 1 <= place_marks(levels.edges_hz)[1000] * len(rows) <= loud[-1] + 2


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
    for name, head in (("picture.png", b"\x89PNG\r\n\x1a\n"), ("picture.svg", b"<?xml")):
        save_figure(figure, tmp_path / "new" / name)
        content = (tmp_path / "new" / name).read_bytes()
        assert content.startswith(head)
        assert len(content) > 1000


@pytest.mark.parametrize("scale", SCALES)
def test_axes_say_what_they_are_and_their_units(scale: FrequencyScale) -> None:
    figure = plot_stems({"x": Audio(np.zeros((1, 8000)), 8000)}, scale=scale)
    wave, spectrogram, colours = figure.axes
    assert wave.get_ylabel() == "amplitude\n(full scale = 1)"
    assert wave.get_xlabel() == spectrogram.get_xlabel() == "time (s)"
    assert spectrogram.get_ylabel().startswith("frequency (Hz")
    assert ("mel" in spectrogram.get_ylabel()) == (scale == "mel")
    assert colours.get_ylabel() == "level (dB of full scale)"
    assert wave.get_title(loc="left") == "x"
    assert "1000" in [label.get_text() for label in spectrogram.get_yticklabels()]
    assert wave.get_xlim() == (0, 1)


def test_long_times_are_minutes_and_seconds() -> None:
    figure = plot_stems({"x": Audio(np.zeros((1, 8000 * 200)), 8000)})
    assert figure.axes[0].get_xlabel() == "time (min:s)"
    assert figure.axes[0].xaxis.get_major_formatter()(125.0) == "2:05"


@pytest.mark.parametrize("name", ["$\\frac$", "$a$ $b", "\udcff\x07\n", "歌", "<b>&"])
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / "a.svg", tmp_path / "a.png"):
        save_figure(plot_stems({name: Audio(np.zeros((1, 10)), 8000)}, name), path)
        save_figure(plot_scores({name: [1.0]}, name, name), path)
        save_figure(plot_curves({name: {name: Line([1], [1.0])}}, name, name), path)


@pytest.mark.parametrize("label", ["", "sdr"])
@pytest.mark.parametrize("title", ["", "a system"])
def test_long_names_and_labels_stay_inside_a_picture_of_scores(label: str, title: str) -> None:
    scores = {"a very long name of a stem, longer than any": [1.0, 2.0, np.nan], "b": [np.inf]}
    figure = plot_scores(scores, label, title)
    drawn_in = figure.get_tightbbox()
    assert min(drawn_in.x0, drawn_in.y0) >= 0
    assert (drawn_in.max <= figure.get_size_inches()).all()


def test_curves_are_the_values_at_their_steps() -> None:
    lines = {"train": Line([1, 2, 3], [3.0, 2.0, np.nan]), "validation": Line([2], [2.5])}
    figure = plot_curves({"loss": lines, "SDR (dB)": {"vocals": Line([2], [4.0])}}, "epoch", "my run", best_step=2)
    loss, sdr = figure.axes
    assert [line.get_xdata().tolist() for line in loss.lines[:2]] == [[1, 2, 3], [2]]
    assert (loss.get_ylabel(), sdr.get_ylabel(), sdr.get_xlabel()) == ("loss", "SDR (dB)", "epoch")
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "validation", "best"]


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save_figure(plot_scores({"vocals": [1.0, 2.0]}, "sdr"), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="folder"):
        save_figure(plot_scores({"a": [1.0]}, ""), tmp_path / "folder.png")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        save_figure(plot_scores({"a": [1.0]}, ""), tmp_path / "file" / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]
