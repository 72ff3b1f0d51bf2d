"""Stem files: the order of the streams, their names, and files that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from auralflow.audio.read import read_audio
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.data.datasets.musdb_stems import MusdbStems
from auralflow.data.open import open_dataset
from auralflow.errors import AudioError, ConfigError

NAMES = ("Drums", "Bass", "Other", "Vocals")
N_SAMPLES = 20_000


def write(path: Path, stem_names: Sequence[str] = NAMES) -> Path:
    """Stem n is a tone of n kHz; the mixture is their sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(N_SAMPLES) / 44100
    stems = [np.tile(0.2 * np.sin(2000 * np.pi * n * time_s), (2, 1)).astype(np.float32) for n in (1, 2, 3, 4)]
    with StemMp4Writer(path, sample_rate=44100, channels=2, stem_names=stem_names) as writer:
        writer.write([np.sum(stems, axis=0), *stems])
    return path


def write_unnamed(path: Path, n_streams: int) -> Path:
    with av.open(path, "w", format="mp4") as container:
        streams = [container.add_stream("aac", rate=44100, layout="stereo") for _ in range(n_streams)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            frame.sample_rate = 44100
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def loudest_khz(path: Path, stream: int) -> int:
    spectrum = np.abs(np.fft.rfft(read_audio(path, stream=stream).samples[0]))
    return round(np.argmax(spectrum) * 44.1 / N_SAMPLES)


def test_streams_are_the_stems_that_were_written(tmp_path: Path) -> None:
    path = write(tmp_path / "train" / "Nina – Lied Nr. 1.stem.mp4")
    write(tmp_path / "test" / "x" / "b.stem.mp4")
    by_split = MusdbStems(tmp_path).list_tracks()
    assert list(by_split) == ["train", "test"]
    (track,) = by_split["train"]
    assert track.name == "train/Nina – Lied Nr. 1"
    assert by_split["test"][0].name == "test/x/b"
    assert {name: loudest_khz(sound.path, sound.stream) for name, sound in track.stems.items()} == {
        "drums": 1,
        "bass": 2,
        "other": 3,
        "vocals": 4,
    }
    assert {sound.n_samples for sound in track.stems.values()} == {N_SAMPLES}
    assert track.mixture is not None
    assert (track.mixture.path, track.mixture.stream) == (path, 0)


def test_the_names_in_the_file_count(tmp_path: Path) -> None:
    write(tmp_path / "a.stem.mp4", ("Kick", "Vocals", "Pads ", "Bass – 低音"))
    (track,) = MusdbStems(tmp_path).list_tracks()["unsplit"]
    assert {name: sound.stream for name, sound in track.stems.items()} == {
        "kick": 1,
        "vocals": 2,
        "pads": 3,
        "bass – 低音": 4,
    }


def test_a_file_without_names_has_the_stems_of_musdb(tmp_path: Path) -> None:
    write_unnamed(tmp_path / "a.stem.mp4", 5)
    (track,) = MusdbStems(tmp_path).list_tracks()["unsplit"]
    assert {name: sound.stream for name, sound in track.stems.items()} == {
        "drums": 1,
        "bass": 2,
        "other": 3,
        "vocals": 4,
    }


@pytest.mark.parametrize("n_streams", [1, 2, 6])
def test_another_number_of_streams_is_refused(tmp_path: Path, n_streams: int) -> None:
    write_unnamed(tmp_path / "a.stem.mp4", n_streams)
    with pytest.raises(AudioError, match=rf"a\.stem\.mp4: expected a mixture and 4 stems .* got {n_streams} audio"):
        MusdbStems(tmp_path).list_tracks()


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.stem.mp4", ("Synth", "synth", "Bass", "Vocals"))
    with pytest.raises(ConfigError, match=r"a\.stem\.mp4: expected stems of different names, got synth, synth"):
        MusdbStems(tmp_path).list_tracks()


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="expected songs, found none"):
        MusdbStems(tmp_path).list_tracks()
    path = write(tmp_path / "train" / "a.stem.mp4")
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(AudioError, match=r"a\.stem\.mp4"):
        MusdbStems(tmp_path).list_tracks()


def test_songs_beside_the_splits_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train" / "a.stem.mp4")
    write(tmp_path / "b.stem.mp4")
    with pytest.raises(ConfigError, match=r"b\.stem\.mp4: expected audio in the folders train"):
        MusdbStems(tmp_path).list_tracks()


def test_other_audio_is_not_its_business(tmp_path: Path, write_wav: Callable[..., Path]) -> None:
    write(tmp_path / "train" / "a.stem.mp4")
    write_wav(tmp_path / "train" / "a" / "vocals.wav", seconds=0.01)
    assert [track.name for track in MusdbStems(tmp_path).list_tracks()["train"]] == ["train/a"]
    with pytest.raises(ConfigError, match="may be musdb_hq or musdb_stems; say which"):
        open_dataset(tmp_path)
    assert len(open_dataset(tmp_path, "musdb_hq").list_tracks()["train"][0].stems) == 1
