from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from auralflow.audio.mp4_boxes import append_child, child_boxes, file_boxes, find_box, make_box
from auralflow.audio.stem_mp4 import StemMp4Writer, read_stem_names
from auralflow.audio.tags import generic_tags
from auralflow.errors import AudioError, OutputError, ShapeError

NAMES = ("Vocals", "Drums", "Bass – 低音", "Other")
FREQUENCIES_HZ = (500, 900, 1300, 1700)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 30 + b"\xff\xd9"
TAGS = {"title": "Song", "artist": "Nina", "track": "3/12", "isrc": "USXX19900001", "my own tag": "kept"}


def five_sounds(sample_rate: int, n_samples: int, channels: int = 2) -> list[np.ndarray]:
    """The sum of four tones, and the tones; right is half as loud as left."""
    time_s = np.arange(n_samples) / sample_rate
    fade = np.minimum(1, np.minimum(time_s, time_s[::-1]) / 0.02)
    level = np.array([[0.2], [0.1]])[:channels]
    stems = [(level * fade * np.sin(2 * np.pi * hz * time_s)).astype(np.float32) for hz in FREQUENCIES_HZ]
    return [np.sum(stems, axis=0), *stems]


def write(
    path: Path, sounds: list[np.ndarray], sample_rate: int = 44100, n_block: int = 4097, **more: object
) -> list[str]:
    settings = {"sample_rate": sample_rate, "channels": sounds[0].shape[0], "stem_names": NAMES} | more
    with StemMp4Writer(path, **settings) as writer:
        for start in range(0, sounds[0].shape[1], n_block):
            writer.write([sound[:, start : start + n_block] for sound in sounds])
    assert writer.n_written == sounds[0].shape[1]
    return writer.warnings


def decode(path: Path) -> list[np.ndarray]:
    """All streams, cut to the length that the file states."""
    sounds = []
    with av.open(path) as container:
        n_streams = len(container.streams.audio)
    for index in range(n_streams):
        with av.open(path) as container:
            stream = container.streams.audio[index]
            frames = [frame.to_ndarray() for frame in container.decode(stream)]
            assert stream.time_base.denominator == stream.rate
            sounds.append(np.concatenate(frames, axis=1)[:, : stream.duration])
    return sounds


def ratio_db(sound: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10((wanted**2).sum() / ((sound - wanted) ** 2).sum()))


@pytest.mark.parametrize(("sample_rate", "n_samples"), [(44100, 44101), (48000, 1), (48000, 1025), (96000, 50_000)])
def test_five_streams_decode_to_mixture_and_stems_at_exact_length(
    tmp_path: Path, sample_rate: int, n_samples: int
) -> None:
    path = tmp_path / "x.stem.mp4"
    sounds = five_sounds(sample_rate, n_samples)
    assert write(path, sounds, sample_rate) == []
    decoded = decode(path)
    assert [sound.shape for sound in decoded] == [(2, n_samples)] * 5
    if n_samples > 40_000:
        assert all(ratio_db(sound, wanted) > 24 for sound, wanted in zip(decoded, sounds, strict=True))
        # What one stem holds is not in another.
        assert ratio_db(decoded[1], sounds[2]) < 0
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_only_the_mixture_is_played_by_default(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    write(path, five_sounds(44100, 5000))
    with av.open(path) as container:
        defaults = [bool(stream.disposition & stream.disposition.default) for stream in container.streams.audio]
        assert defaults == [True, False, False, False, False]
        assert [s.metadata["handler_name"] for s in container.streams.audio] == ["mixture", *NAMES]
        assert {s.layout.name for s in container.streams.audio} == {"stereo"}


def test_the_stem_box_holds_names_colours_and_mastering(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    write(path, five_sounds(44100, 5000))
    assert read_stem_names(path) == list(NAMES)
    content = json.loads(find_box(path.read_bytes(), [b"moov", b"udta", b"stem"]))
    assert content["version"] == 1
    assert [sorted(stem) for stem in content["stems"]] == [["color", "name"]] * 4
    assert len({stem["color"] for stem in content["stems"]}) == 4
    assert set(content["mastering_dsp"]) == {"compressor", "limiter"}


def walk(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Names of all boxes below the containers that matter; fails where sizes do not add up."""
    position = start
    for box in child_boxes(data, start, end):
        assert box.start == position
        yield box.name
        if box.name in (b"moov", b"udta", b"trak", b"mdia", b"minf", b"stbl", b"ilst"):
            yield from walk(data, box.body, box.end)
        elif box.name == b"meta":
            yield from walk(data, box.body + 4, box.end)
        position = box.end
    assert position == end


def test_all_box_sizes_add_up(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    write(path, five_sounds(44100, 5000), tags=TAGS, cover=JPEG)
    data = path.read_bytes()
    names = list(walk(data, 0, len(data)))
    assert names.count(b"moov") == names.count(b"udta") == names.count(b"stem") == names.count(b"ilst") == 1
    assert names.count(b"trak") == 5


def test_tags_and_cover_come_back(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    write(path, five_sounds(44100, 5000), tags=TAGS, cover=JPEG)
    with av.open(path) as container:
        tags = generic_tags(container.metadata)
        assert {name: tags.get(name) for name in TAGS} == TAGS
        assert [bytes(next(container.demux(stream))) for stream in container.streams.video] == [JPEG]


def test_mono_is_duplicated_to_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    sounds = five_sounds(44100, 44100, channels=1)
    write(path, sounds)
    for sound, wanted in zip(decode(path), sounds, strict=True):
        assert ratio_db(sound, np.vstack([wanted, wanted])) > 24


def test_a_rate_that_aac_lacks_becomes_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    warnings = write(path, five_sounds(192_000, 100_001), 192_000)
    assert warnings == ["stem.mp4 has no sample rate of 192000 Hz; written at 96000 Hz"]
    decoded = decode(path)
    assert [sound.shape for sound in decoded] == [(2, 50_001)] * 5
    assert ratio_db(decoded[3], five_sounds(96_000, 50_001)[3]) > 24


@pytest.mark.parametrize("names", [(), NAMES[:3], (*NAMES, "Piano")])
def test_other_than_four_stems_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(OutputError, match=f"exactly four stems, got {len(names)}"):
        StemMp4Writer(tmp_path / "x", sample_rate=44100, channels=2, stem_names=names)
    assert list(tmp_path.iterdir()) == []


def test_surround_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds 1 to 2 channels, got 6"):
        StemMp4Writer(tmp_path / "x", sample_rate=44100, channels=6, stem_names=NAMES)


@pytest.mark.parametrize("shapes", [[(2, 9)] * 4, [(2, 9)] * 4 + [(2, 8)], [(1, 9)] * 5, [(9,)] * 5])
def test_blocks_of_other_shapes_are_refused(tmp_path: Path, shapes: list[tuple[int, ...]]) -> None:
    writer = StemMp4Writer(tmp_path / "x", sample_rate=44100, channels=2, stem_names=NAMES)
    with pytest.raises(ShapeError, match="expected five blocks"):
        writer.write([np.zeros(shape, np.float32) for shape in shapes])
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_no_samples_and_bad_samples_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be empty"):
        write(tmp_path / "x", [np.zeros((2, 0), np.float32)] * 5)
    with pytest.raises(AudioError, match="NaN"):
        write(tmp_path / "x", [np.full((2, 9), np.nan, np.float32)] * 5)
    assert list(tmp_path.iterdir()) == []


def test_an_exception_inside_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.stem.mp4"
    path.write_bytes(b"old")
    with (
        contextlib.suppress(KeyboardInterrupt),
        StemMp4Writer(path, sample_rate=44100, channels=2, stem_names=NAMES) as writer,
    ):
        writer.write(five_sounds(44100, 44100))
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("n_bytes", [100, 20_000])
def test_a_full_disk_is_one_line_and_nothing_is_lost(tmp_path: Path, n_bytes: int) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.stem.mp4"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        with pytest.raises(OutputError, match="expected to write this file, got"):
            write(path, five_sounds(44100, 44100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF1234WAVE",
        make_box(b"ftyp", b"isom"),
        make_box(b"moov", make_box(b"udta", make_box(b"stem", b"no json"))),
        make_box(b"moov", make_box(b"udta", make_box(b"stem", b'{"stems": 3}'))),
        struct.pack(">I4s", 5000, b"moov") + make_box(b"udta", b""),
    ],
)
def test_names_of_what_is_no_stem_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.stem.mp4"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="expected") as caught:
        read_stem_names(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(AudioError, match="No such file"):
        read_stem_names(tmp_path / "missing")


def test_a_child_is_appended_in_place_and_its_parents_grow() -> None:
    meta = make_box(b"meta", bytes(4) + make_box(b"hdlr", b"1234") + make_box(b"ilst", b""))
    data = make_box(b"free", b"before") + make_box(b"moov", make_box(b"udta", meta) + make_box(b"trak", b"after"))
    child = make_box(b"covr", b"picture")
    grown = append_child(data, (b"moov", b"udta", b"meta", b"ilst"), child)
    assert len(grown) == len(data) + len(child)
    assert find_box(grown, (b"moov", b"udta", b"meta", b"ilst")) == child
    assert find_box(grown, (b"moov", b"trak")) == b"after"
    assert find_box(grown, (b"moov", b"udta", b"meta", b"hdlr")) == b"1234"
    assert find_box(grown, (b"moov", b"nope")) is None


def test_missing_parents_are_made() -> None:
    grown = append_child(make_box(b"moov", b""), (b"moov", b"udta", b"meta", b"ilst"), b"")
    assert find_box(grown, (b"moov", b"udta", b"meta", b"ilst")) == b""


def test_64_bit_and_open_ended_sizes_are_read(tmp_path: Path) -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"12345"
    open_ended = struct.pack(">I4s", 0, b"moov") + make_box(b"udta", b"x")
    path = tmp_path / "x"
    path.write_bytes(large + open_ended)
    with path.open("rb") as file:
        boxes = list(file_boxes(file))
    assert [(box.name, box.end - box.body) for box in boxes] == [(b"mdat", 5), (b"moov", 9)]
    assert find_box(large + open_ended, [b"moov", b"udta"]) == b"x"
