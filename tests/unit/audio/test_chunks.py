"""Chunks from anywhere in a file are those samples of the whole file, and what cannot be read is named."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from auralflow.audio.chunks import ChunkReader
from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import read_audio
from auralflow.audio.types import Audio, Samples
from auralflow.audio.write import write_audio
from auralflow.errors import AudioError

SAMPLE_RATE = 48_000
N_SAMPLES = 100_003
FORMATS = {
    "wav16": OutputFormat("wav", "int16"),
    "wav24": OutputFormat("wav", "int24"),
    "wav32f": OutputFormat("wav", "float32"),
    "flac16": OutputFormat("flac", "int16"),
    "flac24": OutputFormat("flac", "int24"),
    "mp3": OutputFormat("mp3"),
    "ogg": OutputFormat("ogg"),
    "opus": OutputFormat("opus", bitrate_kbps=192),
    "m4a": OutputFormat("m4a", bitrate_kbps=256),
}
# Both ends, a sample alone, beside block and frame edges (1024, 1152, 4096), more than a second (MP3 warms up) inside.
PLACES = [(0, 1), (1, 4801), (1023, 2), (4095, 4097), (57_601, 1153), (70_001, 3), (83_111, 16_892), (100_002, 1)]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, noise: Callable[..., Samples]) -> Write:
    """Write noise in a format, by the format's name."""

    def make(name: str, file_name: str = "sound", *, seed: int = 0) -> Path:
        path = tmp_path / f"{file_name}{FORMATS[name].suffix}"
        write_audio(path, Audio(noise(2, N_SAMPLES, seed), SAMPLE_RATE), output_format=FORMATS[name])
        return path

    return make


@pytest.fixture
def ramps(tmp_path: Path) -> list[Path]:
    """Files whose samples say where they are: sample k of file i is (1000 i + k) / 2^15."""
    paths = [tmp_path / f"{index}.wav" for index in range(5)]
    for index, path in enumerate(paths):
        soundfile.write(path, (1000 * index + np.arange(1000)).astype(np.int16), 8000, subtype="PCM_16")
    return paths


def read(
    path: Path, start: int, n_samples: int, reader: ChunkReader | None = None, sample_rate: int = SAMPLE_RATE
) -> Samples:
    return (reader or ChunkReader()).read(path, sample_rate=sample_rate, start=start, n_samples=n_samples)


def read_ramp(reader: ChunkReader, path: Path, start: int, n_samples: int = 3) -> list[int]:
    chunk = read(path, start, n_samples, reader, 8000)
    return [round(value) for value in (2**15 * chunk[0]).tolist()]


def places_of(index: int, start: int) -> list[int]:
    return [1000 * index + start + k for k in range(3)]


@pytest.mark.parametrize("name", FORMATS)
def test_chunks_are_those_of_the_whole_file(write: Write, name: str) -> None:
    path, reader = write(name), ChunkReader()
    whole = read_audio(path).samples
    assert whole.shape == (2, N_SAMPLES)
    for start, n_samples in [*PLACES, *reversed(PLACES)]:
        chunk = read(path, start, n_samples, reader)
        assert chunk.dtype == np.float32
        np.testing.assert_array_equal(chunk, whole[:, start : start + n_samples])


@pytest.mark.parametrize(
    ("file_name", "kind", "subtype"),
    [
        ("x.wav", "WAV", "PCM_U8"),
        ("x.wav", "WAV", "PCM_32"),
        ("x.wav", "WAV", "DOUBLE"),
        ("x.wav", "WAV", "ALAW"),
        ("x.aif", "AIFF", "PCM_24"),
        ("x.w64", "W64", "PCM_16"),
        ("x.wav", "WAV", "MS_ADPCM"),  # libsndfile decodes it a bit differently
        ("x.wav", "OGG", "VORBIS"),  # the name is wrong
    ],
)
def test_rare_formats(tmp_path: Path, noise: Callable[..., Samples], file_name: str, kind: str, subtype: str) -> None:
    path = tmp_path / file_name
    soundfile.write(path, noise(2, 9000).T, 8000, format=kind, subtype=subtype)
    np.testing.assert_array_equal(read(path, 1235, 777, sample_rate=8000), read_audio(path).samples[:, 1235:2012])


def test_a_wav_whose_recorder_was_switched_off(tmp_path: Path, ramps: list[Path]) -> None:
    """Its header says that it holds no samples; what lists data sets counts them, so they are to be had."""
    content = bytearray(ramps[2].read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    ramps[2].write_bytes(content)
    assert read_ramp(ChunkReader(), ramps[2], 500) == places_of(2, 500)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_a_name_that_is_no_text(tmp_path: Path, ramps: list[Path]) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"))
    ramps[1].rename(path)
    assert read_ramp(ChunkReader(), path, 7) == places_of(1, 7)
    with pytest.raises(AudioError, match=r"udcff\.wav.*expected 9 samples from sample 995, got 5"):
        read_ramp(ChunkReader(), path, 995, 9)


def refused(path: Path, start: int, n_samples: int, reader: ChunkReader | None = None, reason: str = ": ") -> None:
    with pytest.raises(AudioError, match=reason) as caught:
        read(path, start, n_samples, reader)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["wav16", "flac16", "mp3", "ogg", "opus"])
def test_a_truncated_file(write: Write, name: str) -> None:
    path = write(name)
    whole = read_audio(path).samples
    os.truncate(path, path.stat().st_size // 2)
    reader = ChunkReader()
    np.testing.assert_array_equal(read(path, 999, 9000, reader), whole[:, 999:9999])
    refused(path, 20_000, 60_000, reader)  # across the end
    refused(path, 70_000, 1000, reader)
    np.testing.assert_array_equal(read(path, 999, 9000, reader), whole[:, 999:9999])


def test_a_truncated_m4a_has_lost_its_index(write: Write) -> None:
    path = write("m4a")
    os.truncate(path, path.stat().st_size // 2)
    refused(path, 0, 1000, reason="truncated or damaged")


@pytest.mark.parametrize("name", ["flac16", "flac24", "mp3", "m4a", "opus"])
def test_damage_in_the_middle(write: Write, name: str) -> None:
    """What stands before is whole; a chunk across the damage is refused, with no silence in its place."""
    path = write(name)
    whole = read_audio(path).samples
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 2, len(content) * 6 // 10)
    content[middle] = np.random.default_rng(0).bytes(middle.stop - middle.start)
    path.write_bytes(content)
    np.testing.assert_array_equal(read(path, 999, 9000), whole[:, 999:9999])
    refused(path, 35_000, 35_000)


@pytest.mark.parametrize("suffix", [".wav", ".wave"])
def test_samples_that_are_no_numbers(write: Write, suffix: str) -> None:
    """Both in a file that is kept open and in one that is opened for each chunk."""
    path = write("wav32f")
    content = bytearray(path.read_bytes())
    content[-8:] = np.array([np.nan, np.inf], np.float32).tobytes()
    path = path.rename(path.with_suffix(suffix))
    path.write_bytes(content)
    assert np.isfinite(read(path, N_SAMPLES - 9, 8)).all()
    refused(path, N_SAMPLES - 9, 9, reason="NaN or infinite")


def test_a_file_that_becomes_shorter_while_it_is_open(write: Write) -> None:
    path, reader = write("wav16"), ChunkReader()
    read(path, N_SAMPLES - 10, 10, reader)
    os.truncate(path, path.stat().st_size - 8)
    refused(path, N_SAMPLES - 10, 10, reader, "expected 10 samples from sample 99993, got 8")


@pytest.mark.parametrize("name", ["wav16", "flac16", "mp3"])
def test_a_file_replaced_by_a_shorter_one(write: Write, name: str) -> None:
    path = write(name)
    short = path.with_name(f"short{path.suffix}")
    output_format = FORMATS[name]
    write_audio(short, Audio(np.zeros((2, 30_000), np.float32), SAMPLE_RATE), output_format=output_format)
    short.replace(path)
    refused(path, N_SAMPLES - 10, 10)


@pytest.mark.parametrize("name", ["wav16", "flac16", "mp3", "ogg"])
def test_a_file_of_another_rate(write: Write, name: str) -> None:
    path = write(name)
    with pytest.raises(AudioError, match="expected 44100 Hz as when the data set was listed, got 48000"):
        read(path, 0, 10, sample_rate=44_100)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_no_such_file_no_audio_and_no_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    refused(path, 0, 10, reason="no such file")
    path.write_bytes(b"")
    refused(path, 0, 10, reason="empty")
    path.write_text("these are words")
    refused(path, 0, 10, reason="expected audio")
    path.unlink()
    path.mkdir()
    refused(path, 0, 10, reason="folder")


def test_a_deleted_file_that_comes_back(ramps: list[Path]) -> None:
    reader, content = ChunkReader(n_open=1), ramps[0].read_bytes()
    read_ramp(reader, ramps[0], 0)
    read_ramp(reader, ramps[1], 0)  # closes the first
    ramps[0].unlink()
    refused(ramps[0], 0, 3, reader, "no such file")
    ramps[0].write_bytes(content)
    assert read_ramp(reader, ramps[0], 5) == places_of(0, 5)


@pytest.mark.parametrize(("n_open", "expected"), [(1, 1), (3, 3), (9, 5)])
def test_no_more_files_are_open_than_allowed(ramps: list[Path], n_open: int, expected: int) -> None:
    reader, process = ChunkReader(n_open), psutil.Process()
    names = {str(path) for path in ramps}
    for start in (0, 400, 77):
        for index, path in enumerate(ramps):
            assert read_ramp(reader, path, start) == places_of(index, start)
            assert len(names & {file.path for file in process.open_files()}) <= n_open
    assert len(names & {file.path for file in process.open_files()}) == expected


def test_the_file_that_was_used_last_stays_open(ramps: list[Path]) -> None:
    reader, process = ChunkReader(n_open=2), psutil.Process()
    for index in (0, 1, 0, 2):
        read_ramp(reader, ramps[index], 0)
    assert {str(ramps[0]), str(ramps[2])} <= {file.path for file in process.open_files()}


def _read_many(reader: ChunkReader, paths: list[Path], seed: int, answer: Connection) -> None:
    random = np.random.default_rng(seed)
    places = [(int(random.integers(5)), int(random.integers(997))) for _ in range(300)]
    answer.send(sum(read_ramp(reader, paths[index], start) != places_of(index, start) for index, start in places))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_processes_do_not_disturb_each_other(ramps: list[Path]) -> None:
    """An open file that is shared has one position: a seek of the one process would move the other's."""
    reader = ChunkReader()
    for path in ramps:
        read_ramp(reader, path, 0)
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(3)]
    children = [
        context.Process(target=_read_many, args=(reader, ramps, seed, pipe[1])) for seed, pipe in enumerate(pipes)
    ]
    for child in children:
        child.start()
    of_parent, to_parent = context.Pipe(duplex=False)
    _read_many(reader, ramps, 9, to_parent)
    assert [pipe[0].recv() if pipe[0].poll(20) else None for pipe in [*pipes, (of_parent, to_parent)]] == [0, 0, 0, 0]
    for child in children:
        child.join(20)
    assert read_ramp(reader, ramps[3], 3) == places_of(3, 3)


def test_pickles_without_its_files(ramps: list[Path]) -> None:
    reader = ChunkReader(n_open=2)
    read_ramp(reader, ramps[0], 0)
    twin = pickle.loads(pickle.dumps(reader))
    for index, path in enumerate(ramps):
        assert read_ramp(twin, path, 11) == places_of(index, 11)
    names = {str(path) for path in ramps[1:]}
    assert len(names & {file.path for file in psutil.Process().open_files()}) == 2
    assert read_ramp(reader, ramps[0], 9) == places_of(0, 9)
