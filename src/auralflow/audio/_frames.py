"""Frame headers of MPEG audio (ISO 11172-3, 13818-3) and of ADTS AAC (ISO 13818-7): a chain of them tells the format.

Neither format has magic bytes. A header holds 11 or 12 bits of sync word and states the length of its own frame, so
three frames in a row that agree are no accident, while text and pictures give none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SEARCH_BYTES = 65_536
_SURE_FRAMES = 3
_HEADER_BYTES = 7

_BITRATES_KBPS = {
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES_HZ = (44_100, 48_000, 32_000)
_ADTS_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


@dataclass(frozen=True)
class FrameHeader:
    """What one frame header says."""

    n_bytes: int
    """Length of the frame, header included."""
    n_samples: int
    """Samples per channel in the frame."""
    kind: tuple[int, ...]
    """What all frames of a stream share: version, layer, rate."""
    xing_offset: int = 0
    """Where an encoder's Xing or Info tag would begin (MPEG layer III)."""


ParseHeader = Callable[[bytes], "FrameHeader | None"]


def parse_mpeg(header: bytes) -> FrameHeader | None:
    """Read an MPEG-1, 2 or 2.5 header of layer II or III; None when it is none (free format is not taken)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or bitrate in (0, 15) or rate == 3:
        return None
    is_mpeg1 = version == 3
    sample_rate = _MPEG_RATES_HZ[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits_per_s = _BITRATES_KBPS[1 if is_mpeg1 else 2, layer][bitrate - 1] * 1000
    n_samples = 576 if layer == 3 and not is_mpeg1 else 1152
    is_mono = header[3] >> 6 == 3
    side_bytes = (17 if is_mono else 32) if is_mpeg1 else (9 if is_mono else 17)
    n_bytes = n_samples // 8 * bits_per_s // sample_rate + padding
    return FrameHeader(n_bytes, n_samples, (version, layer, sample_rate), 4 + side_bytes)


def parse_adts(header: bytes) -> FrameHeader | None:
    """Read an ADTS header of AAC; None when it is none."""
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    rate = header[2] >> 2 & 15
    n_bytes = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if rate >= len(_ADTS_RATES_HZ) or n_bytes <= _HEADER_BYTES:
        return None
    return FrameHeader(
        n_bytes, 1024 * (1 + (header[6] & 3)), (header[1] >> 3 & 1, header[2] >> 6, _ADTS_RATES_HZ[rate])
    )


def find_first_frame(file: BinaryIO, offset: int, parse: ParseHeader) -> int | None:
    """Byte position of the first frame at or after `offset` that starts a chain of frames; None without one.

    The chain must be three frames long, or reach the end of the file (the last of several frames may be cut off).
    """
    file.seek(offset)
    head = file.read(_SEARCH_BYTES)
    at = head.find(b"\xff")
    while at >= 0:
        if parse(head[at : at + _HEADER_BYTES]) and _is_chain(file, offset + at, parse):
            return offset + at
        at = head.find(b"\xff", at + 1)
    return None


def count_samples(file: BinaryIO, first: int, parse: ParseHeader, sample_rate: int) -> int:
    """Samples per channel, at `sample_rate`, in all frames from byte `first` to the end of the file.

    The rate is the decoder's, which in HE-AAC is twice that of the headers.
    """
    return sum(header.n_samples * sample_rate // header.kind[-1] for header in _frames(file, first, parse))


def states_length(file: BinaryIO, first: int) -> bool:
    """Whether the first MPEG frame holds a Xing, Info or VBRI tag that gives the number of frames."""
    file.seek(first)
    frame = file.read(4096)
    header = parse_mpeg(frame)
    if header is None:
        return False
    tag = frame[header.xing_offset : header.xing_offset + 12]
    if tag[:4] in (b"Xing", b"Info"):
        return bool(tag[7] & 1) and tag[8:12] > b"\0\0\0\0"
    return frame[36:40] == b"VBRI"


def _is_chain(file: BinaryIO, first: int, parse: ParseHeader) -> bool:
    end = file.seek(0, 2)
    at, kind = first, None
    for n_frames in range(_SURE_FRAMES):
        file.seek(at)
        raw = file.read(_HEADER_BYTES)
        if n_frames and (at == end or raw[:3] == b"TAG" or raw == b"APETAGE"):
            return True
        header = parse(raw)
        if header is None or kind not in (None, header.kind):
            return n_frames > 1 and at > end
        kind, at = header.kind, at + header.n_bytes
    return True


def _frames(file: BinaryIO, at: int, parse: ParseHeader) -> Iterator[FrameHeader]:
    while True:
        file.seek(at)
        raw = file.read(_HEADER_BYTES)
        if len(raw) < _HEADER_BYTES:
            return
        header = parse(raw)
        if header is None:
            resumed = find_first_frame(file, at + 1, parse)
            if resumed is None:
                return
            at = resumed
            continue
        yield header
        at += header.n_bytes
