"""A chunk as the model takes it: that place of the whole sound, at the model's rate and in its channels."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.audio.read import read_audio
from auralflow.audio.resample import Resampler
from auralflow.audio.types import Samples
from auralflow.data.channels import check_channels, fit_channels
from auralflow.data.reader import SoundReader
from auralflow.data.track import Sound, find_sound
from auralflow.errors import AudioError, ConfigError

DEVIATION = 1e-5


@pytest.fixture
def write(tmp_path: Path, noise: Callable[..., Samples]) -> Callable[..., Sound]:
    """Write a float WAV of loud noise."""

    def make(sample_rate: int, n_samples: int, channels: int = 1) -> Sound:
        path = tmp_path / "noise.wav"
        soundfile.write(path, 2 * noise(channels, n_samples).T, sample_rate, subtype="FLOAT")
        return find_sound(path)

    return make


def resampled(sound: Sound, sample_rate: int) -> Samples:
    """The whole file, converted in one piece."""
    resampler = Resampler(sound.sample_rate, sample_rate, sound.channels)
    return np.concatenate([resampler.process(read_audio(sound.path).samples), resampler.flush()], axis=1)


def cut(whole: Samples, start: int, n_samples: int) -> Samples:
    """A slice, with zeros beyond the end."""
    part = whole[:, start : start + n_samples]
    return np.pad(part, ((0, 0), (0, n_samples - part.shape[1])))


@pytest.mark.parametrize(
    ("rate_in", "rate_out"),
    [
        (48_000, 44_100),
        (44_100, 48_000),
        (8000, 16_000),
        (44_100, 16_000),
        (16_000, 11_025),
        (48_000, 8000),
        (192_000, 8000),  # the filter is as long as 24 times the ratio of 1
        (8000, 192_000),
        (44_101, 48_000),  # no tick in common but the whole second
    ],
)
def test_any_place_is_that_of_the_whole_file_resampled(
    write: Callable[..., Sound], rate_in: int, rate_out: int
) -> None:
    sound, reader = write(rate_in, round(1.3 * rate_in) + 7), SoundReader(rate_out, 1)
    whole = resampled(sound, rate_out)
    n_all = whole.shape[1]
    assert reader.length(sound) == n_all
    random = np.random.default_rng(0)
    anywhere = [(int(random.integers(n_all)), int(random.integers(1, n_all // 4))) for _ in range(8)]
    edges = [(0, 1), (0, 999), (1, 1000), (n_all - 1, 1), (n_all - 1000, 1000), (n_all - 1001, 1000), (0, n_all)]
    for start, n_samples in [*anywhere, *edges]:
        chunk = reader.read(sound, start, n_samples)
        assert chunk.dtype == np.float32
        assert np.abs(chunk - cut(whole, start, n_samples)).max() < DEVIATION, (start, n_samples)


@pytest.mark.parametrize("rate_out", [8000, 11_025, 8001])
@pytest.mark.parametrize("n_samples", [1, 2, 37, 1025])
def test_sounds_shorter_than_the_filter(write: Callable[..., Sound], rate_out: int, n_samples: int) -> None:
    sound, reader = write(8000, n_samples), SoundReader(rate_out, 1)
    whole = resampled(sound, rate_out)
    for start in {0, 1, n_samples // 2, n_samples}:
        deviation = np.abs(reader.read(sound, start, n_samples + 9) - cut(whole, start, n_samples + 9))
        assert deviation.max() < DEVIATION


@pytest.mark.parametrize("rate_out", [8000, 12_000])
def test_zeros_beyond_the_end(write: Callable[..., Sound], rate_out: int) -> None:
    sound, reader = write(8000, 1000), SoundReader(rate_out, 2)
    n_all = reader.length(sound)
    chunk = reader.read(sound, n_all - 50, 80)
    assert chunk.shape == (2, 80)
    assert (chunk[:, 50:] == 0).all()
    assert np.count_nonzero(chunk[:, :50]) == 100
    for start in (n_all, n_all + 1, 10**9):
        assert not reader.read(sound, start, 80).any()


def test_chunks_may_be_written_into(write: Callable[..., Sound]) -> None:
    sound, reader = write(8000, 1000), SoundReader(8000, 2)
    first = reader.read(sound, 5, 100)
    kept = first.copy()
    first *= 0
    np.testing.assert_array_equal(reader.read(sound, 5, 100), kept)


@pytest.mark.parametrize("rate_out", [8000, 16_000])
@pytest.mark.parametrize(("channels", "wanted"), [(1, 1), (1, 2), (2, 1), (2, 2), (6, 1), (1, 6), (6, 6)])
def test_channels(write: Callable[..., Sound], rate_out: int, channels: int, wanted: int) -> None:
    sound = write(8000, 1500, channels)
    whole = resampled(sound, rate_out) if rate_out != 8000 else read_audio(sound.path).samples
    expected = whole if channels == wanted else np.broadcast_to(whole.mean(axis=0), (wanted, whole.shape[1]))
    chunk = SoundReader(rate_out, wanted).read(sound, 700, 300)
    np.testing.assert_allclose(chunk, expected[:, 700:1000], atol=DEVIATION)


@pytest.mark.parametrize(("channels", "wanted"), [(2, 6), (6, 2), (3, 2)])
def test_channels_that_do_not_fit(channels: int, wanted: int) -> None:
    with pytest.raises(ConfigError, match=rf"song\.wav: expected {wanted} channels.*or 1, got {channels}; convert"):
        check_channels(Sound(Path("song.wav"), 8000, channels, 9), wanted)


@pytest.mark.parametrize(("channels", "wanted"), [(1, 1), (1, 6), (6, 1), (2, 2)])
def test_channels_that_fit(channels: int, wanted: int) -> None:
    check_channels(Sound(Path("song.wav"), 8000, channels, 9), wanted)
    assert fit_channels(np.ones((channels, 4), np.float32), wanted).tolist() == [[1.0] * 4] * wanted


def test_the_mean_of_channels_is_exact_where_it_can_be() -> None:
    assert fit_channels(np.array([[0.5, -1.0], [0.25, 1.0]], np.float32), 1).tolist() == [[0.375, 0.0]]


@pytest.mark.parametrize("rate_out", [8000, 16_000])
def test_a_file_that_has_become_shorter(write: Callable[..., Sound], rate_out: int) -> None:
    sound = write(8000, 9000)
    soundfile.write(sound.path, np.zeros(4000), 8000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"noise\.wav: expected"):
        SoundReader(rate_out, 1).read(sound, 6000, 2000)


def test_a_pickled_reader_reads_on(write: Callable[..., Sound]) -> None:
    sound, reader = write(8000, 3000), SoundReader(12_000, 2)
    chunk = reader.read(sound, 800, 500)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader)).read(sound, 800, 500), chunk)
