"""The cache gives what the files give, bit for bit, and nothing that is out of date or not complete."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import read_audio
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.audio.types import Audio, Samples
from auralflow.audio.write import write_audio
from auralflow.data.cache import PcmCache
from auralflow.data.reader import SoundReader
from auralflow.data.track import Sound, find_sound
from auralflow.errors import AudioError, OutputError

SAMPLE_RATE = 8000
N_SAMPLES = 9001
FORMATS = {
    "wav16": OutputFormat("wav", "int16"),
    "wav24": OutputFormat("wav", "int24"),
    "wav32f": OutputFormat("wav", "float32"),
    "flac16": OutputFormat("flac", "int16"),
    "flac24": OutputFormat("flac", "int24"),
    "m4a": OutputFormat("m4a", bitrate_kbps=256),
    "mp3": OutputFormat("mp3"),
    "ogg": OutputFormat("ogg"),
}
PLACES = [(0, 1), (1, 4000), (1023, 2), (5555, 3446), (9000, 1), (8990, 40), (9500, 10)]

Write = Callable[..., Sound]


@pytest.fixture
def write(tmp_path: Path, noise: Callable[..., Samples]) -> Write:
    """Write noise in a format."""

    def make(name: str, file_name: str = "sound", channels: int = 2, seed: int = 0, gain: float = 1.0) -> Sound:
        path = tmp_path / "set" / f"{file_name}{FORMATS[name].suffix}"
        path.parent.mkdir(exist_ok=True)
        samples = np.float32(gain) * noise(channels, N_SAMPLES, seed)
        write_audio(path, Audio(samples, SAMPLE_RATE), output_format=FORMATS[name])
        return find_sound(path)

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def build(folder: Path, sounds: Sequence[Sound], sample_rate: int = SAMPLE_RATE, channels: int = 2) -> PcmCache:
    cache = PcmCache(folder, sample_rate, channels)
    cache.build(sounds)
    return cache


def holds(cache: PcmCache, sound: Sound) -> bool:
    return PcmCache(cache.folder, cache.sample_rate, cache.channels).read_into(np.zeros((2, 5), np.float32), sound, 0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", FORMATS)
def test_chunks_are_equal_with_and_without(write: Write, folder: Path, name: str, channels: int) -> None:
    sound = write(name, channels=channels)
    cache = build(folder, [sound])
    assert holds(cache, sound)
    without, with_cache = SoundReader(SAMPLE_RATE, 2), SoundReader(SAMPLE_RATE, 2, cache)
    for start, n_samples in [*PLACES, *reversed(PLACES)]:
        expected = without.read(sound, start, n_samples)
        chunk = with_cache.read(sound, start, n_samples)
        assert chunk.dtype == np.float32
        np.testing.assert_array_equal(chunk, expected)


@pytest.mark.parametrize(
    ("name", "suffix"), [("wav16", ".i16"), ("flac16", ".i16"), ("wav24", ".f32"), ("m4a", ".f32")]
)
def test_sixteen_bits_take_no_more(write: Write, folder: Path, name: str, suffix: str) -> None:
    build(folder, [write(name)])
    (stored,) = folder.iterdir()
    assert stored.suffix == suffix
    assert stored.stat().st_size == 2 * N_SAMPLES * {".i16": 2, ".f32": 4}[suffix]


@pytest.mark.parametrize("level", [1.0, -1.0])
def test_full_scale_and_beyond(tmp_path: Path, folder: Path, level: float) -> None:
    for name, subtype, gain in (("i", "PCM_16", 1.0), ("f", "FLOAT", 3.0)):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.full((50, 2), gain * level), SAMPLE_RATE, subtype=subtype)
        sound = find_sound(path)
        chunk = SoundReader(SAMPLE_RATE, 2, build(folder, [sound])).read(sound, 3, 40)
        np.testing.assert_array_equal(chunk, read_audio(path).samples[:, 3:43])


@pytest.mark.parametrize("sample_rate", [8000, 11_025, 16_000])
@pytest.mark.parametrize(("channels", "wanted"), [(2, 2), (1, 2), (2, 1), (6, 1)])
def test_resampled_and_mixed(write: Write, folder: Path, sample_rate: int, channels: int, wanted: int) -> None:
    sound = write("wav16", channels=channels)
    cache = build(folder, [sound], sample_rate, wanted)
    without, with_cache = SoundReader(sample_rate, wanted), SoundReader(sample_rate, wanted, cache)
    assert cache.read_into(np.zeros((wanted, 1), np.float32), sound, 0)
    n_all = without.length(sound)
    for start, n_samples in [*PLACES, (0, n_all), (n_all - 1, 1), (n_all - 77, 100)]:
        deviation = np.abs(with_cache.read(sound, start, n_samples) - without.read(sound, start, n_samples))
        assert deviation.max() < 1e-5


def test_it_is_the_cache_that_is_read(write: Write, folder: Path) -> None:
    """Overwritten in the cache, the sound is heard as it is there."""
    sound = write("wav16")
    cache = build(folder, [sound])
    (stored,) = folder.iterdir()
    stored.write_bytes(np.arange(2 * N_SAMPLES, dtype="<i2").tobytes())
    assert (
        SoundReader(SAMPLE_RATE, 2, cache).read(sound, 1, 2).tolist()
        == (np.array([[1, 2], [N_SAMPLES + 1, N_SAMPLES + 2]]) / 2**15).tolist()
    )


def test_streams_of_one_file_are_apart(tmp_path: Path, folder: Path) -> None:
    """Stem n of the file has the level n / 10."""
    path = tmp_path / "song.stem.mp4"
    with StemMp4Writer(path, sample_rate=44_100, channels=2, stem_names=("a", "b", "c", "d")) as writer:
        writer.write([np.full((2, 20_000), level / 10, np.float32) for level in range(5)])
    sounds = [find_sound(path, stream) for stream in range(5)]
    cache = build(folder, sounds, 44_100)
    assert len(names(folder)) == 5
    for level, sound in enumerate(sounds):
        chunk = SoundReader(44_100, 2, cache).read(sound, 9000, 2000)
        np.testing.assert_allclose(chunk, level / 10, atol=0.02)
        np.testing.assert_array_equal(chunk, read_audio(path, stream=level).samples[:, 9000:11_000])


def test_building_twice_stores_nothing_the_second_time(write: Write, folder: Path) -> None:
    sounds = [write("wav16", f"{seed}", seed=seed) for seed in range(3)]
    told: list[tuple[int, int]] = []
    cache = PcmCache(folder, SAMPLE_RATE, 2)
    assert cache.build([*sounds, *sounds], lambda *counts: told.append(counts)) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    stored = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    told.clear()
    assert PcmCache(folder, SAMPLE_RATE, 2).build(sounds, lambda *counts: told.append(counts)) == 0
    assert told == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == stored
    assert PcmCache(folder, SAMPLE_RATE, 2).build([*sounds, write("wav16", "new", seed=9)]) == 1


def test_rates_and_channels_lie_side_by_side(write: Write, folder: Path) -> None:
    sound = write("wav16")
    for sample_rate, channels in ((8000, 2), (8000, 1), (16_000, 2)):
        assert PcmCache(folder, sample_rate, channels).build([sound]) == 1
    for sample_rate, channels in ((8000, 2), (8000, 1), (16_000, 2)):
        cache = PcmCache(folder, sample_rate, channels)
        assert cache.build([sound]) == 0
        with_cache, without = SoundReader(sample_rate, channels, cache), SoundReader(sample_rate, channels)
        np.testing.assert_allclose(with_cache.read(sound, 99, 500), without.read(sound, 99, 500), atol=1e-5)


def _rewrite(write: Write, path: Path) -> None:
    status = path.stat()
    write("wav16", seed=1)  # as long as before
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def _touch(write: Write, path: Path) -> None:
    os.utime(path, ns=(1, 1))


def _append(write: Write, path: Path) -> None:
    status = path.stat()
    path.write_bytes(path.read_bytes() + b"junk\4\0\0\0abcd")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [_rewrite, _touch, _append])
def test_a_source_that_has_changed_is_not_served(
    write: Write, folder: Path, change: Callable[[Write, Path], None]
) -> None:
    sound = write("wav16")
    cache = build(folder, [sound])
    change(write, sound.path)
    assert not holds(cache, sound)
    chunk = SoundReader(SAMPLE_RATE, 2, PcmCache(folder, SAMPLE_RATE, 2)).read(sound, 0, 100)
    np.testing.assert_array_equal(chunk, read_audio(sound.path).samples[:, :100])
    assert PcmCache(folder, SAMPLE_RATE, 2).build([sound]) == 1
    assert holds(cache, sound)


def test_a_source_that_changes_while_it_is_read(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decoded is not kept as what the source is now."""
    sound = write("wav16")
    writing = PcmCache._write

    def write_slowly(cache: PcmCache, sound: Sound, path: Path, kind: str) -> None:
        writing(cache, sound, path, kind)
        _rewrite(write, sound.path)

    monkeypatch.setattr(PcmCache, "_write", write_slowly)
    assert not holds(build(folder, [sound]), sound)


def test_a_moved_source_is_not_served_for_another(write: Write, folder: Path) -> None:
    one, other = write("wav16", "one"), write("wav16", "other", seed=1)
    cache = build(folder, [one])
    os.replace(one.path, other.path)
    assert not holds(cache, one)
    assert not holds(cache, find_sound(other.path))


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000:] = np.random.default_rng(0).bytes(len(content) - 1000)
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        *((name, spoil) for name in ("wav16", "flac24", "mp3") for spoil in (_truncate, _empty, Path.unlink)),
        ("flac24", _overwrite),
        ("mp3", _overwrite),
    ],
)
def test_a_damaged_source_is_left_out(write: Write, folder: Path, name: str, spoil: Callable[[Path], None]) -> None:
    sounds = [write("wav16", "first"), write(name, "damaged"), write("wav16", "last", seed=2)]
    spoil(sounds[1].path)
    told: list[tuple[int, int]] = []
    cache = PcmCache(folder, SAMPLE_RATE, 2)
    assert cache.build(sounds, lambda *counts: told.append(counts)) == 2
    assert told[-1] == (3, 3)
    assert [holds(cache, sound) for sound in sounds] == [True, False, True]
    assert len(names(folder)) == 2
    with pytest.raises(AudioError, match="damaged"):
        SoundReader(SAMPLE_RATE, 2, cache).read(sounds[1], 0, N_SAMPLES)


def test_a_source_with_samples_that_are_no_numbers_is_left_out(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.0] * 100), SAMPLE_RATE, subtype="FLOAT")
    cache = PcmCache(folder, SAMPLE_RATE, 2)
    assert cache.build([find_sound(path)]) == 0
    assert names(folder) == []


def test_a_source_that_is_shorter_than_when_it_was_listed_is_left_out(write: Write, folder: Path) -> None:
    sound = dataclasses.replace(write("wav16"), n_samples=N_SAMPLES + 1)
    assert PcmCache(folder, SAMPLE_RATE, 2).build([sound]) == 0
    assert names(folder) == []


@pytest.mark.parametrize("n_bytes", [0, 4, 2 * 2 * N_SAMPLES - 4, 2 * 2 * N_SAMPLES + 4])
def test_a_file_of_another_length_is_not_used(write: Write, folder: Path, n_bytes: int) -> None:
    sound = write("wav16")
    cache = build(folder, [sound])
    (stored,) = folder.iterdir()
    stored.write_bytes(bytes(n_bytes))
    assert not holds(cache, sound)
    assert PcmCache(folder, SAMPLE_RATE, 2).build([sound]) == 1
    assert holds(cache, sound)


def test_what_was_half_written_is_never_used(write: Write, folder: Path) -> None:
    sound = write("wav16")
    cache = build(folder, [sound])
    (stored,) = folder.iterdir()
    stored.rename(folder / ".0123456789abcdef.part")
    assert not holds(cache, sound)
    assert PcmCache(folder, SAMPLE_RATE, 2).build([sound]) == 1
    assert stored.is_file()


def test_a_build_that_is_killed_leaves_nothing_that_is_used(
    write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = [write("wav16"), write("wav16", "other")]

    def stop(cache: PcmCache, sound: Sound, path: Path, kind: str) -> None:
        path.write_bytes(bytes(2 * 2 * N_SAMPLES))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PcmCache, "_write", stop)
        with pytest.raises(KeyboardInterrupt):
            build(folder, sounds)
    assert names(folder) == []
    assert PcmCache(folder, SAMPLE_RATE, 2).build(sounds) == 2


@contextlib.contextmanager
def file_size_limit(n_bytes: int) -> Iterator[None]:
    """Writing beyond `n_bytes` fails as it does on a full disk, with another errno."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line_and_what_is_complete_stays(tmp_path: Path, write: Write, folder: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros((100, 2)), SAMPLE_RATE)
    short, long = find_sound(path), write("wav16")
    with file_size_limit(2000), pytest.raises(OutputError) as caught:
        build(folder, [short, long])
    assert str(caught.value).startswith(f"{folder}: cannot write the cache there: ")
    assert str(caught.value).endswith("; make room, or set data.cache_folder")
    assert len(str(caught.value).splitlines()) == 1
    cache = PcmCache(folder, SAMPLE_RATE, 2)
    assert [holds(cache, sound) for sound in (short, long)] == [True, False]
    assert [name for name in names(folder) if name.startswith(".")] == []
    assert cache.build([short, long]) == 1


@pytest.mark.parametrize("below", ["", "below"])
def test_a_folder_that_cannot_be_made(tmp_path: Path, write: Write, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / below
    with pytest.raises(OutputError, match=r"file.*cannot write the cache there: .*; make room, or set"):
        build(folder, [write("wav16")])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(folder: Path, write: Write) -> None:
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot write the cache there: Permission denied"):
        build(folder, [write("wav16")])


def test_pickles_without_its_maps(write: Write, folder: Path) -> None:
    sound = write("wav16")
    cache = build(folder, [sound])
    reader = SoundReader(SAMPLE_RATE, 2, cache)
    chunk = reader.read(sound, 5, 50)
    content = pickle.dumps(reader)
    assert len(content) < 2000
    np.testing.assert_array_equal(pickle.loads(content).read(sound, 5, 50), chunk)
