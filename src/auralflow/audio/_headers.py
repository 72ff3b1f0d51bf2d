"""What FFmpeg rounds, clips or passes over in headers: RIFF formats and data sizes, QuickTime durations and edits."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

_MAX_BOXES = 10_000
_MAX_TABLE_BYTES = 1 << 20
_STREAMED_SIZE = 0x7FFF_F000
"""RIFF writers that do not know the length yet put this or more (sox 0x7ffff..., FFmpeg 0xffffffff)."""


def riff_n_samples(file: BinaryIO) -> int | None:
    """Samples per channel that the header of a WAV, RF64 or W64 file states; None when it states none.

    A length is stated if the data fit into the file, or are cut off; not if a recorder left 0 or a placeholder.
    """
    end = file.seek(0, 2)
    n_bytes, n_frame_bytes = None, 0
    for name, start, size in _riff_chunks(file, end):
        file.seek(start)
        if name == b"ds64":
            n_bytes = int.from_bytes(file.read(16)[8:16], "little")
        elif name == b"fmt ":
            n_frame_bytes = int.from_bytes(file.read(14)[12:14], "little")
        elif name == b"data":
            if n_bytes is None and (start + size <= end or size < _STREAMED_SIZE):
                n_bytes = size
            has_more = n_bytes == 0 and start < end
            return None if n_bytes is None or not n_frame_bytes or has_more else n_bytes // n_frame_bytes
    return None


def riff_layout(file: BinaryIO) -> tuple[int, int] | None:
    """Channels and samples per second in the header of a WAV, RF64 or W64 file; None when it has none."""
    for name, start, size in _riff_chunks(file, file.seek(0, 2)):
        if name == b"fmt " and size >= 8:
            file.seek(start)
            body = file.read(8)
            return int.from_bytes(body[2:4], "little"), int.from_bytes(body[4:8], "little")
    return None


def _riff_chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size of the body of each chunk."""
    file.seek(0)
    magic = file.read(4)
    if magic not in (b"RIFF", b"RF64", b"BW64", b"riff"):
        return
    at, n_head_bytes, align = (40, 24, 8) if magic == b"riff" else (12, 8, 2)
    for _ in range(_MAX_BOXES):
        if at + n_head_bytes > end:
            return
        file.seek(at)
        head = file.read(n_head_bytes)
        # W64 names are GUIDs that begin with the RIFF name, and sizes count the chunk's header.
        size = int.from_bytes(head[16:], "little") - 24 if magic == b"riff" else int.from_bytes(head[4:], "little")
        yield head[:4], at + n_head_bytes, size
        at += n_head_bytes + max(0, -(-size // align) * align)


@dataclass
class _Track:
    """What the boxes of one QuickTime track say of its length."""

    track_id: int = 0
    timescale: int = 0
    duration: int = 0
    edits: list[tuple[int, int]] = field(default_factory=list)
    """(duration in the movie's units, start in the media's units) of each edit that plays something."""


def quicktime_n_samples(file: BinaryIO, track_id: int, sample_rate: int, stated_by_itunes: str | None) -> int | None:
    """Samples per channel that a track of an MP4, M4A or MOV file plays; None when the file states none.

    With T ticks of media, an edit that starts at tick s (the encoder's delay) leaves T - s. The edit has a duration of
    its own, in the movie's often coarse units of u ticks: if it differs by less than u it is the same length rounded,
    otherwise it cuts padding (or more) from the end.

    Args:
        file: the open file.
        track_id: the track's identifier.
        sample_rate: samples per second of the decoded audio.
        stated_by_itunes: value of the tag `iTunSMPB`, in which iTunes writes delay, padding and exact length.
    """
    movie_timescale, tracks = _read_tracks(file)
    track = next((t for t in tracks if t.track_id == track_id), None)
    if track is None or not track.timescale or not track.duration:
        return None
    per_tick = Fraction(sample_rate, track.timescale)
    edits = track.edits
    if not edits:
        exact = _itunes_n_samples(stated_by_itunes)
        return exact if exact is not None else round(track.duration * per_tick)
    unit = Fraction(track.timescale, movie_timescale) if movie_timescale else Fraction(0)
    edited = sum(duration for duration, _ in edits) * unit
    if len(edits) > 1:
        return round(edited * per_tick)
    rest = track.duration - edits[0][1]
    slack = 0 if unit.numerator == 1 else unit  # a unit of 1/k ticks rounds nothing
    is_rounded_rest = not edited or rest - edited <= slack
    return round((rest if is_rounded_rest else edited) * per_tick)


def has_several_edits(file: BinaryIO) -> bool:
    """Whether a track of an MP4, M4A or MOV file plays more than one piece of its media."""
    return any(len(track.edits) > 1 for track in _read_tracks(file)[1])


def _itunes_n_samples(text: str | None) -> int | None:
    fields = (text or "").split()
    try:
        n_samples = int(fields[3], 16) if len(fields) > 3 else 0
    except ValueError:
        return None
    return n_samples or None


def _read_tracks(file: BinaryIO) -> tuple[int, list[_Track]]:
    movie_timescale, tracks = 0, []
    end = file.seek(0, 2)
    for name, start, stop in _boxes(file, 0, end):
        if name != b"moov":
            continue
        for inner, inner_start, inner_stop in _boxes(file, start, stop):
            if inner == b"mvhd":
                movie_timescale = _time_header(_body(file, inner_start, inner_stop))[0]
            elif inner == b"trak":
                tracks.append(_read_track(file, inner_start, inner_stop))
        break
    return movie_timescale, tracks


def _read_track(file: BinaryIO, start: int, stop: int) -> _Track:
    track = _Track()
    for name, inner_start, inner_stop in _boxes(file, start, stop):
        if name == b"tkhd":
            body = _body(file, inner_start, inner_stop)
            at = 20 if body[:1] == b"\1" else 12
            track.track_id = int.from_bytes(body[at : at + 4], "big")
        elif name in (b"edts", b"mdia"):
            for leaf, leaf_start, leaf_stop in _boxes(file, inner_start, inner_stop):
                if leaf == b"mdhd":
                    track.timescale, track.duration = _time_header(_body(file, leaf_start, leaf_stop))
                elif leaf == b"elst":
                    track.edits = _edit_list(_body(file, leaf_start, leaf_stop))
    return track


def _time_header(body: bytes) -> tuple[int, int]:
    """Timescale and duration of an `mvhd` or `mdhd` box; version 1 has 64-bit times."""
    layout = ">20xIQ" if body[:1] == b"\1" else ">12xII"
    if len(body) < struct.calcsize(layout):
        return 0, 0
    timescale, duration = struct.unpack_from(layout, body)
    unknown = (1 << (64 if body[:1] == b"\1" else 32)) - 1
    return timescale, 0 if duration == unknown else duration


def _edit_list(body: bytes) -> list[tuple[int, int]]:
    layout = struct.Struct(">Qq4x" if body[:1] == b"\1" else ">Ii4x")
    count = int.from_bytes(body[4:8], "big")
    n_edits = min(count, max(0, len(body) - 8) // layout.size)
    edits = [layout.unpack_from(body, 8 + i * layout.size) for i in range(n_edits)]
    return [edit for edit in edits if edit[1] >= 0]


def _body(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(min(stop - start, _MAX_TABLE_BYTES))


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the body of each box in a range of the file."""
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        size, body = int.from_bytes(head[:4], "big"), at + 8
        if size == 1 and len(head) == 16:
            size, body = int.from_bytes(head[8:16], "big"), at + 16
        stop = end if size == 0 else at + size
        if stop < body:
            return
        yield head[4:8], body, min(stop, end)
        at = stop
