"""Through files: what a pass-through model writes is what it read, in every format that promises so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow import AuralflowError, JobReport, read_audio, separate, write_audio
from auralflow.audio.formats import OutputFormat
from auralflow.audio.probe import probe
from auralflow.audio.stem_mp4 import read_stem_names
from auralflow.audio.types import Audio

PASS_THROUGH = str(Path(__file__).parent.parent / "models" / "pass_through.py")
STEPS = {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23, "FLOAT": 0.0}


def _separate(song: Path, **settings: object) -> JobReport:
    report = separate(song, out=song.parent / "out", model=PASS_THROUGH, **settings)  # type: ignore[arg-type]
    assert isinstance(report, JobReport)
    return report


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", "PCM_16"), ("flac", "PCM_24")],
)
@pytest.mark.parametrize("n_samples", [1, 999, 44100 * 3 + 7])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_lossless_files_come_back(tmp_path: Path, container: str, subtype: str, n_samples: int, channels: int) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (n_samples, channels))
    song = tmp_path / f"song.{container}"
    soundfile.write(song, samples, 44100, subtype=subtype)
    result = _separate(song, stems="vocals").done[0]
    output = result.outputs[0].path
    info = soundfile.info(output)
    assert (info.subtype, info.frames, info.channels, info.samplerate) == (subtype, n_samples, channels, 44100)
    assert output.suffix == song.suffix
    difference = np.abs(soundfile.read(output)[0] - soundfile.read(song)[0]).max()
    assert difference < 1e-6


@pytest.mark.parametrize("sample_rate", [8_000, 48_000, 96_000, 192_000])
def test_rate_and_length_are_kept_and_stems_sum_to_the_file(tmp_path: Path, sample_rate: int) -> None:
    samples = np.random.default_rng(0).uniform(-0.2, 0.2, (sample_rate + 7, 2))
    song = tmp_path / "song.wav"
    soundfile.write(song, samples, sample_rate, subtype="PCM_24")
    result = _separate(song, format="wav32f").done[0]
    stems = [soundfile.read(o.path)[0] for o in result.outputs]
    assert all(len(stem) == len(samples) for stem in stems)
    assert np.abs(sum(stems) - soundfile.read(song)[0]).max() < 1e-6


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "m4a"])
def test_lossy_input_gives_24_bit_flac_of_its_length(tmp_path: Path, name: str) -> None:
    time_s = np.arange(44100 * 2) / 44100
    audio = Audio(0.3 * np.sin(2 * np.pi * 440 * time_s)[None].repeat(2, 0), 44100)
    song = tmp_path / f"song.{name}"
    write_audio(song, audio, output_format=OutputFormat(name), tags={"title": "A song", "artist": "Somebody"})  # type: ignore[arg-type]
    result = _separate(song, stems="vocals").done[0]
    info = probe(result.outputs[0].path)
    assert (info.container, info.depth, info.channels) == ("flac", "int24", 2)
    assert info.n_samples == read_audio(song).n_samples
    assert info.tags["artist"] == "Somebody"
    assert info.tags["title"] == "A song (vocals)"


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "m4a"])
def test_lossy_output_on_request(tmp_path: Path, name: str) -> None:
    time_s = np.arange(44100 * 2) / 44100
    soundfile.write(tmp_path / "song.wav", 0.3 * np.sin(2 * np.pi * 440 * time_s)[:, None].repeat(2, 1), 44100)
    result = _separate(tmp_path / "song.wav", stems="vocals", format=name).done[0]
    got = read_audio(result.outputs[0].path)
    assert got.duration_s == pytest.approx(2, abs=1e-3)
    assert np.sqrt(np.mean(got.samples**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    if name == "opus":
        assert any("48000" in w for w in result.warnings)


def test_a_stem_file_holds_the_mixture_and_four_stems(tmp_path: Path) -> None:
    time_s = np.arange(44100 * 2) / 44100
    samples = 0.3 * np.sin(2 * np.pi * 440 * time_s)[:, None].repeat(2, 1)
    soundfile.write(tmp_path / "song.wav", samples, 44100)
    result = _separate(tmp_path / "song.wav", format="stem.mp4").done[0]
    path = tmp_path / "out/song/song.stem.mp4"
    assert [o.path for o in result.outputs] == [path]
    assert read_stem_names(path) == ["vocals", "drums", "bass", "other"]
    assert probe(path).n_streams == 5
    mixture, vocals, drums = (read_audio(path, stream=i) for i in (0, 1, 2))
    assert mixture.n_samples == vocals.n_samples == len(samples)
    inner = slice(5000, -5000)
    assert np.abs(mixture.samples[:, inner] - samples.T[:, inner]).max() < 0.02
    assert np.abs(vocals.samples[:, inner] - samples.T[:, inner]).max() < 0.02
    assert np.abs(drums.samples).max() < 1e-3


@pytest.mark.parametrize("container", ["flac", "mp3"])
def test_what_decodes_of_a_truncated_file_is_separated(tmp_path: Path, container: str) -> None:
    time_s = np.arange(44100 * 4) / 44100
    soundfile.write(tmp_path / f"song.{container}", 0.3 * np.sin(2 * np.pi * 440 * time_s), 44100)
    song = tmp_path / f"song.{container}"
    content = song.read_bytes()
    song.write_bytes(content[: len(content) // 2])
    report = _separate(song, stems="vocals")
    assert report.exit_code == 0
    assert 1 < report.done[0].duration_s < 3
    assert any("ends early" in w for w in report.done[0].warnings)


def test_not_a_number_becomes_silence_and_is_counted(tmp_path: Path) -> None:
    samples = np.full((44100, 2), 0.25, np.float32)
    samples[100, 0], samples[200, 1] = np.nan, np.inf
    soundfile.write(tmp_path / "song.wav", samples, 44100, subtype="FLOAT")
    report = _separate(tmp_path / "song.wav", stems="vocals")
    got = soundfile.read(tmp_path / "out/song/vocals.wav", dtype="float32")[0]
    assert np.isfinite(got).all()
    assert (got[100, 0], got[200, 1], got[300, 0]) == (0, 0, 0.25)
    assert any("2" in w and "NaN" in w for w in report.done[0].warnings)


def test_a_format_that_cannot_hold_the_channels_is_refused_before_the_work(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((1000, 6)), 44100)
    with pytest.raises(AuralflowError, match="mp3"):
        _separate(tmp_path / "song.wav", format="mp3")
