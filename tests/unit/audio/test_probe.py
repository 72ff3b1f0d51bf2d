"""Probing: what a file says of itself, and which files are never handed to FFmpeg at all."""

from __future__ import annotations

import os
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import soundfile

from auralflow.audio.probe import AUDIO_SUFFIXES, MAX_FILE_CHANNELS, probe
from auralflow.errors import AudioError

RATE = 44_100
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"picture" * 20_000 + bytes.fromhex("ffd9")


def noise(n_samples: int, channels: int = 2) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((channels, n_samples)).astype(np.float32)


def encode(path, samples, sample_rate, codec, layout_format, muxer=None, tags=None, cover=None, **options):
    """Write (channel, time) floats with one of FFmpeg's encoders."""
    layout = LAYOUTS[len(samples)]
    with av.open(str(path), "w", format=muxer, options=options) as output:
        output.metadata.update(tags or {})
        stream = output.add_stream(codec, rate=sample_rate)
        stream.codec_context.layout, stream.codec_context.format = layout, layout_format
        stream.codec_context.time_base = Fraction(1, sample_rate)
        if cover is not None:
            picture = output.add_stream("mjpeg")
            picture.width, picture.height, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = picture, 0, 0, True
        stream.codec_context.open()
        if cover is not None:
            output.start_encoding()
            output.mux(packet)
        raw = samples
        if layout_format.startswith("s"):
            raw = (samples * 2.0 ** (int(layout_format[1:3]) - 1)).astype(f"i{int(layout_format[1:3]) // 8}")
        step = stream.codec_context.frame_size or 4096
        for at in range(0, raw.shape[1], step):
            piece = raw[:, at : at + step]
            array = piece if layout_format.endswith("p") else piece.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), format=layout_format, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = sample_rate, at, Fraction(1, sample_rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def riff(channels=2, sample_rate=RATE, bits=16, data=bytes(4000), data_size=None, format_tag=1) -> bytes:
    block = channels * bits // 8
    header = struct.pack(
        "<HHIIHH", format_tag, channels, sample_rate, sample_rate * block & 0xFFFFFFFF, block & 0xFFFF, bits
    )
    size = struct.pack("<I", len(data) if data_size is None else data_size)
    body = b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + size + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("container", "subtype", "container_name", "codec", "depth"),
    [
        ("WAV", "PCM_U8", "wav", "pcm_u8", "uint8"),
        ("WAV", "PCM_16", "wav", "pcm_s16le", "int16"),
        ("WAV", "PCM_24", "wav", "pcm_s24le", "int24"),
        ("WAV", "PCM_32", "wav", "pcm_s32le", "int32"),
        ("WAV", "FLOAT", "wav", "pcm_f32le", "float32"),
        ("WAV", "DOUBLE", "wav", "pcm_f64le", "float64"),
        ("WAV", "ULAW", "wav", "pcm_mulaw", "int16"),
        ("WAVEX", "PCM_24", "wav", "pcm_s24le", "int24"),
        ("RF64", "PCM_16", "wav", "pcm_s16le", "int16"),
        ("W64", "PCM_24", "w64", "pcm_s24le", "int24"),
        ("AIFF", "PCM_16", "aiff", "pcm_s16be", "int16"),
        ("AIFF", "FLOAT", "aiff", "pcm_f32be", "float32"),
        ("FLAC", "PCM_S8", "flac", "flac", "uint8"),
        ("FLAC", "PCM_16", "flac", "flac", "int16"),
        ("FLAC", "PCM_24", "flac", "flac", "int24"),
        ("OGG", "VORBIS", "ogg", "vorbis", None),
        ("MP3", "MPEG_LAYER_III", "mp3", "mp3", None),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_files_of_libsndfile(tmp_path, container, subtype, container_name, codec, depth, channels):
    path = tmp_path / "misleading.m4a"
    soundfile.write(path, noise(12_345, channels).T, RATE, format=container, subtype=subtype)
    info = probe(path)
    assert (info.path, info.container, info.codec, info.depth) == (path, container_name, codec, depth)
    assert (info.sample_rate, info.channels, info.n_samples, info.n_streams) == (RATE, channels, 12_345, 1)
    assert info.is_lossy is (depth is None)


@pytest.mark.parametrize(
    ("suffix", "encoder", "layout_format", "sample_rate", "container", "codec", "depth"),
    [
        ("m4a", "aac", "fltp", 44_100, "m4a", "aac", None),
        ("m4a", "aac", "fltp", 8_000, "m4a", "aac", None),
        ("mp4", "aac", "fltp", 96_000, "mp4", "aac", None),
        ("mov", "pcm_s16le", "s16", 48_000, "mov", "pcm_s16le", "int16"),
        ("m4a", "alac", "s16p", 44_100, "m4a", "alac", "int16"),
        ("m4a", "alac", "s32p", 192_000, "m4a", "alac", "int24"),
        ("mp4", "flac", "s32", 96_000, "mp4", "flac", "int24"),
        ("ogg", "flac", "s16", 44_100, "ogg", "flac", "int16"),
        ("opus", "libopus", "flt", 48_000, "ogg", "opus", None),
        ("mp4", "libopus", "flt", 48_000, "mp4", "opus", None),
        ("mp3", "libmp3lame", "fltp", 44_100, "mp3", "mp3", None),
    ],
)
def test_files_of_ffmpeg_state_their_exact_length(
    tmp_path, suffix, encoder, layout_format, sample_rate, container, codec, depth
):
    path = tmp_path / f"song.{suffix}"
    encode(path, noise(3 * sample_rate + 77), sample_rate, encoder, layout_format)
    info = probe(path)
    assert (info.container, info.codec, info.depth) == (container, codec, depth)
    assert (info.sample_rate, info.channels, info.n_samples) == (sample_rate, 2, 3 * sample_rate + 77)


@pytest.mark.parametrize(
    ("suffix", "encoder", "layout_format"),
    [("mkv", "aac", "fltp"), ("mka", "pcm_s16le", "s16"), ("webm", "libopus", "flt"), ("mkv", "flac", "s16")],
)
def test_matroska_states_its_length_nearly(tmp_path, suffix, encoder, layout_format):
    path = tmp_path / f"song.{suffix}"
    encode(path, noise(100_000), 48_000, encoder, layout_format)
    info = probe(path)
    assert info.container == ("webm" if suffix == "webm" else "mkv")
    assert info.n_samples == pytest.approx(100_000, abs=0.05 * 48_000)


@pytest.mark.parametrize(("encoder", "muxer", "frame"), [("libmp3lame", "mp3", 1152), ("aac", "adts", 1024)])
def test_files_without_a_stated_length_are_counted(tmp_path, encoder, muxer, frame):
    path = tmp_path / "song"
    options = {"write_xing": "0", "id3v2_version": "0"} if muxer == "mp3" else {}
    encode(path, noise(50_000), RATE, encoder, "fltp", muxer, **options)
    with av.open(str(path)) as container:
        n_packets = sum(packet.size > 0 for packet in container.demux())
    assert probe(path).n_samples == n_packets * frame


def test_a_rate_above_48_khz_and_six_channels(tmp_path):
    soundfile.write(tmp_path / "surround.wav", noise(999, 6).T, 96_000, subtype="PCM_24")
    info = probe(tmp_path / "surround.wav")
    assert (info.sample_rate, info.channels, info.n_samples) == (96_000, 6, 999)


@pytest.mark.parametrize(
    ("suffix", "encoder", "layout_format"),
    [("mp3", "libmp3lame", "fltp"), ("flac", "flac", "s16"), ("m4a", "aac", "fltp"), ("opus", "libopus", "flt")],
)
def test_tags_have_lower_case_names_and_leave_out_the_file_itself(tmp_path, suffix, encoder, layout_format):
    path = tmp_path / f"song.{suffix}"
    tags = {"title": "Füße & 星", "artist": "Nobody", "album": "Nothing", "date": "1999", "genre": "Polka"}
    encode(path, noise(48_000), 48_000, encoder, layout_format, tags=tags | {"TRACK": "3/9"})
    found = probe(path).tags
    assert {name: found[name] for name in tags} == tags
    assert found["track"] == "3/9"
    assert not {"encoder", "major_brand", "handler_name"} & set(found)


def test_wav_info_chunk_becomes_tags(tmp_path):
    with soundfile.SoundFile(tmp_path / "song.wav", "w", RATE, 1) as file:
        file.title, file.artist = "Song", "Singer"
        file.write(noise(10, 1).T)
    found = probe(tmp_path / "song.wav").tags
    assert (found["title"], found["artist"]) == ("Song", "Singer")


@pytest.mark.parametrize(
    ("suffix", "encoder", "layout_format"),
    [("mp3", "libmp3lame", "fltp"), ("mp4", "aac", "fltp"), ("flac", "flac", "s16")],
)
def test_cover_comes_back_as_it_went_in(tmp_path, suffix, encoder, layout_format):
    path = tmp_path / f"song.{suffix}"
    encode(path, noise(50_000), RATE, encoder, layout_format, cover=JPEG)
    info = probe(path)
    assert info.cover == JPEG
    assert (info.codec, info.n_streams) == ({"libmp3lame": "mp3"}.get(encoder, encoder), 1)
    assert info.n_samples == 50_000


def test_mp3_behind_a_large_id3_tag_and_stray_bytes(tmp_path):
    encode(tmp_path / "plain.mp3", noise(50_000), RATE, "libmp3lame", "fltp", id3v2_version="0")
    size = 300_000
    head = b"ID3\x04\x00\x00" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + bytes(size)
    (tmp_path / "song.mp3").write_bytes(head + bytes(1000) + (tmp_path / "plain.mp3").read_bytes())
    info = probe(tmp_path / "song.mp3")
    assert (info.container, info.codec, info.sample_rate) == ("mp3", "mp3", RATE)


def test_flac_behind_an_id3_tag(tmp_path):
    soundfile.write(tmp_path / "plain.flac", noise(5_000).T, RATE)
    (tmp_path / "song.flac").write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + (tmp_path / "plain.flac").read_bytes())
    assert probe(tmp_path / "song.flac").n_samples == 5_000


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_wav_of_a_recorder_that_never_wrote_its_length(tmp_path, data_size):
    (tmp_path / "take.wav").write_bytes(riff(data_size=data_size))
    assert probe(tmp_path / "take.wav").n_samples == 1000


def test_truncated_wav_states_what_it_should_hold(tmp_path):
    (tmp_path / "take.wav").write_bytes(riff(data_size=40_000))
    assert probe(tmp_path / "take.wav").n_samples == 10_000


def test_aiff_with_eight_bits(tmp_path):
    soundfile.write(tmp_path / "song.aiff", noise(1001).T, RATE, subtype="PCM_S8")
    info = probe(tmp_path / "song.aiff")
    assert (info.codec, info.depth, info.n_samples) == ("pcm_s8", "uint8", 1001)


def test_big_endian_wav(tmp_path):
    soundfile.write(tmp_path / "song.wav", noise(1000).T, RATE, endian="BIG")
    info = probe(tmp_path / "song.wav")
    assert (info.container, info.depth, info.n_samples) == ("wav", "int16", 1000)


def test_streams_are_counted_and_chosen(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("aac", rate=rate) for rate in (44_100, 48_000)]
        for stream in streams:
            stream.codec_context.layout = "stereo"
        for stream in streams:
            for at in range(0, 20 * 1024, 1024):
                frame = av.AudioFrame.from_ndarray(noise(1024), format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = stream.codec_context.sample_rate, at
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    assert (probe(path).sample_rate, probe(path).n_streams) == (44_100, 2)
    assert probe(path, 1).sample_rate == 48_000
    with pytest.raises(AudioError, match="stream from 0 to 1, got 2"):
        probe(path, 2)


def test_no_file_stays_open(tmp_path):
    path = tmp_path / "song.flac"
    soundfile.write(path, noise(5_000).T, RATE)
    probe(path)
    (tmp_path / "broken.flac").write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(AudioError):
        probe(tmp_path / "broken.flac")
    assert not [file.path for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))]


def test_suffixes():
    assert {".wav", ".flac", ".mp3", ".opus", ".m4a", ".mp4", ".mkv", ".aiff"} <= AUDIO_SUFFIXES
    assert not {".txt", ".jpg", ".json", ".m3u8", ""} & AUDIO_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in AUDIO_SUFFIXES)


def refused(path: Path, says: str) -> None:
    with pytest.raises(AudioError) as caught:
        probe(path)
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert path.name.isprintable() is (path.name in message)


def test_missing_file(tmp_path):
    refused(tmp_path / "none.wav", "no such file")


def test_folder(tmp_path):
    (tmp_path / "album.wav").mkdir()
    refused(tmp_path / "album.wav", "this is a folder")


def test_empty_file(tmp_path):
    (tmp_path / "song.wav").touch()
    refused(tmp_path / "song.wav", "empty (0 bytes)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "song.wav")
    refused(tmp_path / "song.wav", "pipe")


def test_a_name_that_cannot_exist():
    refused(Path("a\0b.wav"), "cannot be opened")
    refused(Path("x" * 5000), "cannot be opened")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_a_line_break_in_the_name_stays_out_of_the_message(tmp_path):
    refused(tmp_path / "a\nb.wav", "no such file")


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "m4a"])
def test_text_renamed(tmp_path, suffix):
    (tmp_path / f"song.{suffix}").write_text("This is not a song.\nÄ hm.\n" * 300, encoding="utf-8")
    refused(tmp_path / f"song.{suffix}", "this is a text file")


@pytest.mark.parametrize(
    "content",
    [
        JPEG,
        b"\x89PNG\r\n\x1a\n" + bytes(5000),
        b"PK\x03\x04" + bytes(5000),
        "Unicode is not audio".encode("utf-16") * 100,
        bytes(10_000),
        b"\xff" * 10_000,
        b"\xff\xfb\x90\x00" * 5_000,
        np.random.default_rng(1).bytes(200_000),
        b"RIFF",
        b"ID3",
    ],
)
def test_what_is_no_audio(tmp_path, content):
    (tmp_path / "song.mp3").write_bytes(content)
    refused(tmp_path / "song.mp3", "expected audio")


@pytest.mark.parametrize(
    "magic", [b"fLaC", b"OggS", b"RIFF____WAVE", b"FORM____AIFF", b"\x1a\x45\xdf\xa3", b"____ftypM4A "]
)
def test_magic_bytes_and_nothing_behind_them(tmp_path, magic):
    (tmp_path / "song.x").write_bytes(magic + bytes(3000))
    refused(tmp_path / "song.x", "begins like")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"channels": 0}, "1 to 8 channels, its header says 0"),
        ({"channels": 30, "data": bytes(6000)}, "1 to 8 channels, its header says 30"),
        ({"channels": 9, "data": bytes(1800)}, "its header says 9"),
        ({"sample_rate": 0}, "8000 to 192000 Hz, its header says 0"),
        ({"sample_rate": 7_999}, "its header says 7999"),
        ({"sample_rate": 192_001}, "its header says 192001"),
        ({"sample_rate": 4_000_000_000}, "its header says 4000000000"),
        ({"data": b""}, "holds no audio samples"),
        ({"format_tag": 0x1234}, "codec"),
    ],
)
def test_wav_headers_that_cannot_be(tmp_path, header, says):
    (tmp_path / "song.wav").write_bytes(riff(**header))
    refused(tmp_path / "song.wav", says)


def test_extreme_but_legal_headers(tmp_path):
    for header in ({"channels": MAX_FILE_CHANNELS}, {"sample_rate": 8_000}, {"sample_rate": 192_000}):
        (tmp_path / "song.wav").write_bytes(riff(**header))
        probe(tmp_path / "song.wav")


def test_aiff_without_samples(tmp_path):
    soundfile.write(tmp_path / "song.aiff", noise(0).T, RATE)
    refused(tmp_path / "song.aiff", "holds no audio samples")


def test_video_only(tmp_path):
    with av.open(str(tmp_path / "film.mp4"), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts = i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    refused(tmp_path / "film.mp4", "no audio stream (video only)")


def test_codec_that_is_not_accepted(tmp_path):
    encode(tmp_path / "song.mkv", noise(5_000), RATE, "wavpack", "fltp")
    refused(tmp_path / "song.mkv", "codec (wavpack) is not supported")


LURES = {
    "ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
    "concat": "# list\nfile 'secret.wav'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
    "<Representation><BaseURL>secret.wav</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 96\n",
    "m3u": "secret.wav\n",
    "ffmetadata": ";FFMETADATA1\ntitle=secret\n",
    "subtitles": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
}


@pytest.mark.parametrize("kind", LURES)
@pytest.mark.parametrize("name", ["song.mp3", "song.m3u8", "song.ffconcat", "%03d.png"])
def test_scripts_and_playlists_never_reach_ffmpeg(tmp_path, monkeypatch, kind, name):
    soundfile.write(tmp_path / "secret.wav", noise(5_000).T, RATE)
    soundfile.write(tmp_path / "000.png", noise(5_000).T, RATE, format="WAV")
    (tmp_path / name).write_text(LURES[kind])
    monkeypatch.setattr(av, "open", lambda *_, **__: pytest.fail("FFmpeg was called"))
    refused(tmp_path / name, "this is a text file")


def test_ffmpeg_by_itself_would_follow_a_script(tmp_path):
    """The danger is real: without our choice of demuxer the file below plays another one."""
    soundfile.write(tmp_path / "secret.wav", noise(5_000).T, RATE)
    (tmp_path / "song.mp3").write_text(LURES["ffconcat"])
    with av.open(str(tmp_path / "song.mp3")) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 5_000


def test_a_script_with_audio_behind_it_is_only_audio(tmp_path):
    soundfile.write(tmp_path / "secret.wav", noise(5_000).T, 96_000)
    encode(tmp_path / "plain.mp3", noise(50_000), RATE, "libmp3lame", "fltp", id3v2_version="0")
    (tmp_path / "song.mp3").write_bytes(LURES["ffconcat"].encode() + (tmp_path / "plain.mp3").read_bytes())
    info = probe(tmp_path / "song.mp3")
    assert (info.container, info.codec, info.sample_rate) == ("mp3", "mp3", RATE)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
@pytest.mark.parametrize(
    "name",
    [
        "-",
        "-i",
        "pipe:0",
        "concat:a.flac|b.flac",
        "file:x.flac",
        "data:audio",
        "subfile,,start,0,end,9,,:a.flac",
        "%d.flac",
    ],
)
@pytest.mark.parametrize("container", ["FLAC", "WAV"])
def test_names_are_names_and_never_addresses(tmp_path, monkeypatch, name, container):
    monkeypatch.chdir(tmp_path)
    for other, n_samples in (("a.flac", 1), ("x.flac", 2), ("1.flac", 3)):
        soundfile.write(other, noise(n_samples).T, RATE)
    soundfile.write("right", noise(5_000).T, RATE, format=container)
    Path("right").rename(name)
    assert probe(name).n_samples == 5_000
    assert probe(Path(name)).n_samples == 5_000
