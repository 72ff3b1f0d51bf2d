"""What docs/formats.md says of each format is checked here, on files read back by libsndfile and by FFmpeg."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from auralflow.audio.encoders import wav
from auralflow.audio.formats import OutputFormat
from auralflow.audio.pending import PendingFile
from auralflow.audio.tags import generic_tags
from auralflow.audio.types import Audio
from auralflow.audio.write import AudioWriter, write_audio
from auralflow.errors import AudioError, ConfigError, OutputError, ShapeError

LOSSLESS = [
    OutputFormat("wav", "int16"),
    OutputFormat("wav", "int24"),
    OutputFormat("wav", "float32"),
    OutputFormat("flac", "int16"),
    OutputFormat("flac", "int24"),
]
LOSSY = [
    OutputFormat("mp3"),
    OutputFormat("ogg"),
    OutputFormat("opus", bitrate_kbps=192),
    OutputFormat("m4a", bitrate_kbps=256),
]
FILE_RATES = {"mp3": {96000: 48000}, "opus": dict.fromkeys((8000, 44100, 96000), 48000)}
# Where L R C LFE ... stand in Vorbis, which has L C R ... LFE.
VORBIS_ORDERS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}
SUBTYPES = {"int16": "PCM_16", "int24": "PCM_24", "float32": "FLOAT"}
TAGS = {
    "title": "Für Elise – 愛 (vocals)",
    "artist": "A; B / C",
    "album": "Album",
    "album_artist": "Various",
    "track": "3/12",
    "disc": "1/2",
    "date": "1999-05-01",
    "genre": "Rock",
    "comment": "first line\nsecond = line",
    "composer": "L. v. B.",
    "lyrics": "la la\nla",
    "copyright": "(c) 1999",
    "isrc": "USXX19900001",
    "bpm": "120",
    "mood": "calm",
    "publisher": "Label",
    "musicbrainz_trackid": "b9ad642e-b012-41c7-b72a-42cf4911f9ff",
    "my own tag": "kept",
}
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 300 + b"\xff\xd9"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55") + bytes(range(256)) * 3

format_id = "{0.container}-{0.depth}".format
every_format = pytest.mark.parametrize("output_format", LOSSLESS + LOSSY, ids=format_id)
every_lossless = pytest.mark.parametrize("output_format", LOSSLESS, ids=format_id)
every_lossy = pytest.mark.parametrize("output_format", LOSSY, ids=format_id)


def on_grid(shape: tuple[int, int], depth: str, seed: int = 0) -> np.ndarray:
    """Noise whose samples a file of this depth holds exactly, its extremes among them."""
    generator = np.random.default_rng(seed)
    if depth == "float32":
        return generator.standard_normal(shape).astype(np.float32)
    top = 2 ** (15 if depth == "int16" else 23)
    values = generator.integers(-top, top, shape)
    values[:, :2] = [-top, top - 1][: shape[1]]
    return (values / top).astype(np.float32)


def tones(channels: int, sample_rate: int, n_samples: int) -> np.ndarray:
    """A different tone in each channel, faded at both ends; the fourth is low enough for an LFE channel."""
    frequencies_hz = np.array([1500, 1100, 1900, 60, 2300, 2700, 1300, 900])[:channels]
    time_s = np.arange(n_samples) / sample_rate
    fade = np.minimum(1, np.minimum(time_s, time_s[::-1]) / 0.02)
    return (0.3 * fade * np.sin(2 * np.pi * frequencies_hz[:, None] * time_s)).astype(np.float32)


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Samples (channel, time), as the reference decoder gives them, and their rate."""
    if path.suffix == ".ogg":  # FFmpeg misses the start of an Ogg file that is shorter than a page
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        channels = samples.shape[1]
        return samples.T[VORBIS_ORDERS.get(channels, range(channels))], sample_rate
    return decode_with_ffmpeg(path)


def decode_with_ffmpeg(path: Path) -> tuple[np.ndarray, int]:
    with av.open(path) as container:
        stream = container.streams.audio[0]
        packed = av.AudioResampler(format="flt")
        frames = [part.to_ndarray() for frame in container.decode(stream) for part in packed.resample(frame)]
        n_channels = stream.layout.nb_channels
        samples = np.concatenate([frame.reshape(-1, n_channels) for frame in frames])
        if path.suffix == ".m4a":  # the container tells the length, the last AAC frame is longer
            samples = samples[: stream.duration]
        return samples.T, stream.rate


def read_tags(path: Path) -> tuple[dict[str, str], list[bytes]]:
    """Tags and pictures, as FFmpeg finds them."""
    with av.open(path) as container:
        tags = generic_tags({**container.metadata, **container.streams.audio[0].metadata})
        return tags, [bytes(next(container.demux(stream))) for stream in container.streams.video]


def leftovers(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


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


@every_lossless
@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_lossless_keeps_every_sample_rate_depth_and_length(
    tmp_path: Path, output_format: OutputFormat, sample_rate: int, channels: int
) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    samples = on_grid((channels, 5001), output_format.depth)
    assert write_audio(path, Audio(samples, sample_rate), output_format=output_format) == []

    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.frames) == (sample_rate, channels, 5001)
    assert info.subtype == SUBTYPES[output_format.depth]
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32", always_2d=True)[0].T, samples)
    decoded, decoded_rate = decode(path)
    assert decoded_rate == sample_rate
    np.testing.assert_array_equal(decoded, samples)
    assert leftovers(tmp_path) == []


@every_lossless
@pytest.mark.parametrize("n_samples", [0, 1, 2, 999, 44100])
@pytest.mark.parametrize("tags", [{}, TAGS], ids=["plain", "tagged"])
def test_lossless_keeps_any_length(
    tmp_path: Path, output_format: OutputFormat, n_samples: int, tags: dict[str, str]
) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    samples = on_grid((1, n_samples), output_format.depth)
    write_audio(path, Audio(samples, 44100), output_format=output_format, tags=tags, cover=JPEG if tags else None)
    if n_samples == 0:
        with av.open(path) as container:
            assert (container.streams.audio[0].rate, container.streams.audio[0].layout.nb_channels) == (44100, 1)
            assert sum(frame.samples for frame in container.decode(audio=0)) == 0
        return
    np.testing.assert_array_equal(decode(path)[0], samples)
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32", always_2d=True)[0].T, samples)


@every_lossy
@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_lossy_keeps_content_channels_and_exact_length_at_the_nearest_rate(
    tmp_path: Path, output_format: OutputFormat, sample_rate: int, channels: int
) -> None:
    if output_format.container == "mp3" and channels > 2:
        pytest.skip("MP3 holds two channels; the refusal is tested in test_formats.py")
    path = tmp_path / f"x{output_format.suffix}"
    n_samples = sample_rate // 2 + 1
    warnings = write_audio(
        path, Audio(tones(channels, sample_rate, n_samples), sample_rate), output_format=output_format
    )

    file_rate = FILE_RATES.get(output_format.container, {}).get(sample_rate, sample_rate)
    if file_rate == sample_rate:
        assert warnings == []
    else:
        expected = f"{output_format.container} has no sample rate of {sample_rate} Hz; written at {file_rate} Hz"
        assert warnings == [expected]
    decoded, decoded_rate = decode(path)
    assert decoded_rate == file_rate
    n_expected = (2 * n_samples * file_rate + sample_rate) // (2 * sample_rate)
    assert decoded.shape == (channels, n_expected)
    if output_format.container != "m4a":
        assert soundfile.info(path).frames == n_expected
    # In the right channel, at the right level, and aligned: one sample off leaves at most 23 dB. The LFE channel may be
    # coded coarsely, at 8 kHz hardly at all.
    wanted = tones(channels, file_rate, n_expected)
    ratio_db = 10 * np.log10((wanted**2).sum(1) / ((decoded - wanted) ** 2).sum(1))
    lfe_db = 10 if file_rate >= 44100 else -1
    assert (ratio_db > [24, 24, 24, lfe_db, 24, 24][:channels]).all()
    gain = np.delete((decoded * wanted).sum(1) / (wanted**2).sum(1), slice(3, 4), 0)
    np.testing.assert_allclose(gain, 1, atol=0.01)


@pytest.mark.parametrize(
    ("output_format", "sample_rate"),
    [(LOSSY[0], rate) for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)]
    + [(LOSSY[1], rate) for rate in (8000, 12345, 37000, 65537, 176400, 192000)]
    + [(LOSSY[3], rate) for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)]
    + [(LOSSLESS[0], 88201), (LOSSLESS[3], 65535), (LOSSLESS[4], 176400)],
)
def test_every_rate_of_the_table_is_written_as_such(
    tmp_path: Path, output_format: OutputFormat, sample_rate: int
) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    signal = tones(2, sample_rate, sample_rate // 4)
    assert write_audio(path, Audio(signal, sample_rate), output_format=output_format) == []
    decoded, decoded_rate = decode(path)
    assert decoded_rate == sample_rate
    assert decoded.shape == signal.shape
    assert ((decoded - signal) ** 2).sum() < 0.005 * (signal**2).sum()


@every_lossy
@pytest.mark.parametrize("n_samples", [1, 10, 999, 1152, 5000])
def test_lossy_lengths_are_exact_however_short(tmp_path: Path, output_format: OutputFormat, n_samples: int) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    write_audio(
        path,
        Audio(np.full((2, n_samples), 0.1, np.float32), 48000),
        output_format=output_format,
        tags=TAGS,
        cover=JPEG,
    )
    if output_format.container == "m4a":
        assert decode(path)[0].shape[1] == n_samples
    else:
        assert soundfile.info(path).frames == n_samples
        assert len(soundfile.read(path)[0]) == n_samples


@every_lossy
def test_lossy_takes_no_sound_without_samples_but_for_vorbis(tmp_path: Path, output_format: OutputFormat) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    silence = Audio(np.zeros((2, 0), np.float32), 48000)
    if output_format.container == "ogg":
        write_audio(path, silence, output_format=output_format)
        assert soundfile.info(path).frames == 0
        return
    with pytest.raises(OutputError, match="got no samples; choose wav or flac"):
        write_audio(path, silence, output_format=output_format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output_format", [*LOSSLESS[2:4], *LOSSY[1:]], ids=format_id)
@pytest.mark.parametrize("channels", [3, 4, 5, 7, 8])
def test_surround_channels_come_back_in_their_places(
    tmp_path: Path, output_format: OutputFormat, channels: int
) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    signal = tones(channels, 48000, 72000)
    write_audio(path, Audio(signal, 48000), output_format=output_format)
    decoded, _ = decode_with_ffmpeg(path)
    loudest_hz = np.abs(np.fft.rfft(decoded)).argmax(1) * 48000 / decoded.shape[1]
    np.testing.assert_allclose(loudest_hz, np.abs(np.fft.rfft(signal)).argmax(1) * 48000 / 72000, atol=2)


@every_format
@pytest.mark.parametrize("cover", [JPEG, PNG, None], ids=["jpeg", "png", "none"])
def test_tags_and_cover_come_back(tmp_path: Path, output_format: OutputFormat, cover: bytes | None) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    samples = tones(2, 48000, 24000)
    write_audio(path, Audio(samples, 48000), output_format=output_format, tags=TAGS, cover=cover)
    tags, pictures = read_tags(path)
    assert {name: tags.get(name) for name in TAGS} == TAGS
    assert pictures == ([] if cover is None else [cover])
    added = set(tags) - set(TAGS)
    assert added <= {"encoder", "major_brand", "minor_version", "compatible_brands", "handler_name", "language"}
    if not output_format.is_lossy:
        plain = tmp_path / f"plain{output_format.suffix}"
        write_audio(plain, Audio(samples, 48000), output_format=output_format)
        np.testing.assert_array_equal(decode(path)[0], decode(plain)[0])


def test_mp3_comment_and_lyrics_stand_in_the_frames_that_players_look_at(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    write_audio(path, Audio(tones(1, 48000, 4800), 48000), output_format=LOSSY[0], tags=TAGS)
    head = path.read_bytes()[:4000]
    assert head.startswith(b"ID3\x04\x00\x00")
    assert b"COMM" in head
    assert b"USLT" in head
    assert b"TXXX\x00\x00\x00\x10\x00\x00\x03my own tag\x00kept" in head


def test_m4a_tags_that_are_no_numbers_are_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "x.m4a"
    write_audio(path, Audio(tones(1, 48000, 4800), 48000), output_format=LOSSY[3], tags={"track": "A1", "disc": "one"})
    tags, _ = read_tags(path)
    assert (tags["track"], tags["disc"]) == ("A1", "one")


def test_wav_tags_stand_in_an_info_list_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_audio(path, Audio(on_grid((1, 999), "int16"), 48000), output_format=LOSSLESS[0], tags=TAGS)
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.artist, file.album) == (TAGS["title"], TAGS["artist"], TAGS["album"])


def wav_chunks(data: bytes) -> dict[bytes, bytes]:
    chunks, position = {}, 12
    while position < len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        size = len(data) if size == 2**32 - 1 else size
        chunks[name] = data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    assert position == len(data)
    return chunks


@pytest.mark.parametrize("n_samples", [1, 2, 999])
def test_the_sizes_in_a_wav_file_are_true(tmp_path: Path, n_samples: int) -> None:
    path = tmp_path / "x.wav"
    write_audio(path, Audio(on_grid((1, n_samples), "int24"), 8000), output_format=LOSSLESS[1], tags=TAGS, cover=PNG)
    data = path.read_bytes()
    assert struct.unpack_from("<4sI4s", data) == (b"RIFF", len(data) - 8, b"WAVE")
    chunks = wav_chunks(data)
    assert list(chunks) == [b"JUNK", b"fmt ", b"data", b"LIST", b"id3 "]
    assert len(chunks[b"data"]) == 3 * n_samples


@pytest.mark.parametrize("output_format", LOSSLESS[:3], ids=format_id)
def test_a_wav_file_beyond_4_gib_becomes_rf64(
    tmp_path: Path, output_format: OutputFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav, "RIFF_LIMIT", 4000)
    samples = on_grid((2, 3000), output_format.depth)
    path = tmp_path / "x.wav"
    write_audio(path, Audio(samples, 44100), output_format=output_format, tags=TAGS)
    assert path.read_bytes()[:4] == b"RF64"
    assert soundfile.info(path).format == "RF64"
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0].T, samples)
    np.testing.assert_array_equal(decode(path)[0], samples)


@pytest.mark.parametrize(("depth", "n_bytes"), [("int16", 2), ("int24", 3)])
@pytest.mark.parametrize("tags", [{}, TAGS], ids=["plain", "tagged"])
def test_flac_states_its_length_and_the_md5_of_its_samples(
    tmp_path: Path, depth: str, n_bytes: int, tags: dict[str, str]
) -> None:
    samples = on_grid((2, 44101), depth)
    path = tmp_path / "x.flac"
    write_audio(path, Audio(samples, 44100), output_format=OutputFormat("flac", depth), tags=tags)
    streaminfo = path.read_bytes()[8:42]
    assert int.from_bytes(streaminfo[10:18], "big") & (2**36 - 1) == 44101
    integers = (samples.T.astype(np.float64) * 2 ** (8 * n_bytes - 1)).astype("<i4")
    stored = np.ascontiguousarray(integers).view(np.uint8).reshape(-1, 4)[:, :n_bytes].tobytes()
    assert streaminfo[18:] == hashlib.md5(stored).digest()


def test_flac_has_one_comment_block_and_ends_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    write_audio(path, Audio(on_grid((2, 100), "int16"), 44100), output_format=LOSSLESS[3], tags=TAGS, cover=JPEG)
    data, position, kinds = path.read_bytes(), 4, []
    while True:
        kinds.append(data[position] & 0x7F)
        is_last = data[position] >> 7
        position += 4 + int.from_bytes(data[position + 1 : position + 4], "big")
        if is_last:
            break
    assert kinds == [0, 4, 6, 1]
    assert data[position : position + 2] == b"\xff\xf8"  # the first audio frame


def test_a_cover_that_flac_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="at most 16 MiB"):
        write_audio(
            tmp_path / "x.flac",
            Audio(on_grid((1, 9), "int16"), 44100),
            output_format=LOSSLESS[3],
            cover=JPEG + bytes(2**24),
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cover_size", [None, 1, 255 * 255, 700_000])
def test_ogg_pages_are_numbered_and_have_true_checksums(tmp_path: Path, cover_size: int | None) -> None:
    path = tmp_path / "x.ogg"
    cover = None if cover_size is None else (JPEG * 10)[:cover_size]
    write_audio(path, Audio(tones(2, 44100, 44100), 44100), output_format=LOSSY[1], tags=TAGS, cover=cover)
    data, position, number, flags, is_continued = path.read_bytes(), 0, 0, 0, False
    while position < len(data):
        head = data[position : position + 27]
        assert head[:5] == b"OggS\0"
        flags |= head[5] << 8 * (number == 0)
        assert struct.unpack_from("<I", head, 18) == (number,)
        assert (head[5] & 1 == 1) == is_continued
        n_segments = head[26]
        is_continued = data[position + 26 + n_segments] == 255
        size = 27 + n_segments + sum(data[position + 27 : position + 27 + n_segments])
        page = bytearray(data[position : position + size])
        checksum, page[22:26] = struct.unpack_from("<I", page, 22)[0], bytes(4)
        assert checksum == slow_ogg_checksum(bytes(page))
        position, number = position + size, number + 1
    assert position == len(data)
    assert flags >> 8 == 2  # the first page begins the stream
    assert flags & 4  # the last one ends it


def slow_ogg_checksum(page: bytes) -> int:
    """RFC 3533's CRC, from a table that is made bit by bit."""
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
        table.append(value)
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return value


@every_lossless
def test_the_file_does_not_depend_on_how_the_stream_is_cut(tmp_path: Path, output_format: OutputFormat) -> None:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 70_000)).astype(np.float32)
    written = []
    for name, cuts in (("a", []), ("b", [1, 2, 4095, 40_000]), ("c", [0, 69_999])):
        path = tmp_path / name
        with AudioWriter(path, sample_rate=44100, channels=2, output_format=output_format, dither="tpdf") as writer:
            for block in np.split(samples, cuts, axis=1):
                writer.write(block)
        assert writer.n_written == 70_000
        written.append(decode(path)[0])
    np.testing.assert_array_equal(written[0], written[1])
    np.testing.assert_array_equal(written[0], written[2])


def test_dither_follows_its_seed_and_is_off_by_default(tmp_path: Path) -> None:
    audio = Audio(np.random.default_rng(0).uniform(-0.9, 0.9, (1, 5000)).astype(np.float32), 44100)

    def written(**settings: object) -> np.ndarray:
        write_audio(tmp_path / "x.wav", audio, output_format=LOSSLESS[0], **settings)
        return soundfile.read(tmp_path / "x.wav", dtype="int16")[0]

    plain, first, again, other = (
        written(),
        written(dither="tpdf"),
        written(dither="tpdf"),
        written(dither="tpdf", seed=1),
    )
    np.testing.assert_array_equal(plain, np.rint(audio.samples[0] * 32768))
    np.testing.assert_array_equal(first, again)
    assert (first != plain).any()
    assert (first != other).any()


@every_format
def test_clipped_samples_are_counted_where_they_are_lost(tmp_path: Path, output_format: OutputFormat) -> None:
    samples = tones(1, 48000, 24000)
    samples[0, 1000:1010] = 1.5
    warnings = write_audio(tmp_path / "x", Audio(samples, 48000), output_format=output_format)
    is_integer = output_format.depth in ("int16", "int24")
    assert warnings == (["10 samples were beyond full scale and were clipped"] if is_integer else [])


@every_format
def test_an_exception_inside_leaves_no_file(tmp_path: Path, output_format: OutputFormat) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    settings = {"sample_rate": 48000, "channels": 2, "output_format": output_format, "tags": TAGS}
    with contextlib.suppress(KeyboardInterrupt), AudioWriter(path, **settings) as writer:
        writer.write(tones(2, 48000, 24000))
        assert len(leftovers(tmp_path)) == 1
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@every_format
def test_an_old_file_stays_until_the_new_one_is_complete(tmp_path: Path, output_format: OutputFormat) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    path.write_bytes(b"old")
    settings = {"sample_rate": 48000, "channels": 1, "output_format": output_format}
    with contextlib.suppress(RuntimeError), AudioWriter(path, **settings) as writer:
        writer.write(tones(1, 48000, 24000))
        raise RuntimeError
    assert path.read_bytes() == b"old"
    with AudioWriter(path, **settings) as writer:
        writer.write(tones(1, 48000, 24000))
        assert path.read_bytes() == b"old"
        assert len(leftovers(tmp_path)) == 1
    assert decode(path)[0].shape == (1, 24000)
    assert leftovers(tmp_path) == []


@every_format
@pytest.mark.parametrize("n_bytes", [100, 30_000])
def test_a_full_disk_is_one_line_and_nothing_is_lost(tmp_path: Path, output_format: OutputFormat, n_bytes: int) -> None:
    path = tmp_path / f"x{output_format.suffix}"
    path.write_bytes(b"old")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 96_000)).astype(np.float32)
    with file_size_limit(n_bytes), pytest.raises(OutputError) as caught:
        write_audio(path, Audio(samples, 48000), output_format=output_format, tags=TAGS)
    message = str(caught.value)
    assert message.startswith(f"{path}: expected to write this file, got ")
    assert message.endswith("free some space or choose another folder")
    assert "\n" not in message
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux' /dev/full")
@every_format
def test_no_space_left_is_told_as_such(
    tmp_path: Path, output_format: OutputFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_path = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode: open_path(Path("/dev/full"), "r+b", buffering=0))
    with pytest.raises(OutputError, match="No space left on device"):
        write_audio(tmp_path / "x", Audio(tones(2, 48000, 24000), 48000), output_format=output_format)


@every_format
def test_a_sample_that_is_no_number_leaves_no_file(tmp_path: Path, output_format: OutputFormat) -> None:
    samples = tones(2, 48000, 24000)
    samples[1, 20_000] = np.nan
    with pytest.raises(AudioError, match="NaN"):
        write_audio(tmp_path / "x", Audio(samples, 48000), output_format=output_format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/x.wav", "No such file or directory"),
        ("folder", "a folder has that name"),
        ("file/x.wav", "Not a directory"),
        ("a" * 256, "File name too long"),
        ("line\nbreak/x.wav", "No such file or directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=reason) as caught:
        AudioWriter(tmp_path / place, sample_rate=44100, channels=1, output_format=LOSSLESS[0])
    assert "\n" not in str(caught.value)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            AudioWriter(tmp_path / "x.wav", sample_rate=44100, channels=1, output_format=LOSSLESS[0])
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("output_format", [LOSSLESS[0], LOSSLESS[3], LOSSY[1], LOSSY[3]], ids=format_id)
@pytest.mark.parametrize(
    "name",
    [
        "é" * 125 + ".wave",
        "-x.wav",
        "-",
        "愛 – ’n’ 🎵.flac",
        "a:b.mp3",
        "http:x",
        "100%d.x",
        "tab\tline\n.ogg",
        "con{}$'\".wav",
    ],
)
def test_any_name_the_folder_takes(
    tmp_path: Path, output_format: OutputFormat, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(os.fsencode(name)) <= 255
    write_audio(name, Audio(tones(2, 48000, 2400), 48000), output_format=output_format)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    with (tmp_path / name).open("rb") as file, av.open(file) as container:
        assert container.streams.audio[0].rate == 48000


@pytest.mark.parametrize("block", [np.zeros(5), np.zeros((1, 5)), np.zeros((3, 5)), np.zeros((1, 2, 5))])
def test_a_block_with_other_axes_is_refused(tmp_path: Path, block: np.ndarray) -> None:
    with (
        pytest.raises(ShapeError, match=r"expected a block of shape \(2, time\)"),
        AudioWriter(tmp_path / "x.wav", sample_rate=44100, channels=2, output_format=LOSSLESS[0]) as writer,
    ):
        writer.write(block)


def test_a_stem_file_has_a_writer_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="StemMp4Writer"):
        AudioWriter(tmp_path / "x", sample_rate=44100, channels=2, output_format=OutputFormat("stem.mp4"))


def test_an_interrupt_while_the_encoder_writes_is_not_lost(tmp_path: Path) -> None:
    class Interrupted:
        def write(self, data: bytes) -> int:
            raise KeyboardInterrupt

    pending = PendingFile(tmp_path / "x")
    file, pending.file = pending.file, Interrupted()
    assert pending.write(b"1234") == 4
    assert pending.tell() == 4
    with pytest.raises(KeyboardInterrupt):
        pending.check()
    pending.file = file
    pending.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_checksum_is_that_of_zlib_seen_from_the_other_end() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the reference value of CRC-32
    assert slow_ogg_checksum(b"123456789") == 0x89A1897F  # the same polynomial, not mirrored, nothing inverted
