"""Which file format a result is written in, and what each format can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from auralflow.audio.types import AudioInfo, Depth
from auralflow.errors import OutputError, UnknownNameError
from auralflow.spec import MAX_CHANNELS

Container = Literal["wav", "flac", "mp3", "ogg", "opus", "m4a", "stem.mp4"]
OutputDepth = Literal["int16", "int24", "float32"]


@dataclass(frozen=True)
class OutputFormat:
    """A container and how it stores samples.

    Example:
        >>> OutputFormat("wav", "int24").suffix
        '.wav'
        >>> OutputFormat("mp3").is_lossy
        True
    """

    container: Container
    """The file format; `ogg` is Vorbis, `m4a` and `stem.mp4` are AAC."""
    depth: OutputDepth | None = None
    """How one sample is stored; None for lossy codecs."""
    bitrate_kbps: int | None = None
    """Bit rate of a stereo pair (a mono file takes half); None for lossless formats and for MP3 and Vorbis, which are
    coded by quality."""

    @property
    def suffix(self) -> str:
        """End of the file name, with its dot."""
        return f".{self.container}"

    @property
    def is_lossy(self) -> bool:
        return self.depth is None

    @property
    def needs_gain(self) -> bool:
        """Whether samples beyond full scale are lost: true for all but float."""
        return self.depth != "float32"


_WAV_DEPTHS: dict[Depth | None, OutputDepth] = {
    "uint8": "int16",
    "int16": "int16",
    "int24": "int24",
    # 32 bits come through the 24-bit significand of float32, which float32 keeps and int24 rounds again.
    "int32": "float32",
    "float32": "float32",
    "float64": "float32",
    None: "int24",
}
_FIXED = {
    "wav16": OutputFormat("wav", "int16"),
    "wav24": OutputFormat("wav", "int24"),
    "wav32f": OutputFormat("wav", "float32"),
    "flac16": OutputFormat("flac", "int16"),
    "flac24": OutputFormat("flac", "int24"),
    "mp3": OutputFormat("mp3"),
    "ogg": OutputFormat("ogg"),
    "opus": OutputFormat("opus", bitrate_kbps=192),
    "m4a": OutputFormat("m4a", bitrate_kbps=256),
    "stem.mp4": OutputFormat("stem.mp4", bitrate_kbps=256),
}
FORMAT_NAMES = ("auto", "wav", "flac", *_FIXED)
"""What a user may ask for: `auto`, `wav` and `flac` follow the depth of the input."""

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# Opus keeps time at 48 kHz whatever it is fed; lower input rates would only hide that. Vorbis has no table.
_LEGAL_RATES: dict[Container, tuple[int, ...]] = {
    "mp3": _MP3_RATES,
    "opus": (48000,),
    "m4a": _AAC_RATES,
    "stem.mp4": _AAC_RATES,
}
_MAX_CHANNELS: dict[Container, int] = {
    "wav": MAX_CHANNELS,
    "flac": 8,
    "mp3": 2,
    "ogg": 8,
    "opus": 8,
    "m4a": 8,
    "stem.mp4": 2,
}


def choose_format(name: str, info: AudioInfo) -> OutputFormat:
    """The format that `name` means for a file like `info`.

    `auto` leaves WAV, W64 and RF64 as WAV and makes FLAC of everything else. `auto`, `wav` and `flac` take the depth of
    the input: 8 bits become 16, lossy input 24, 32-bit integers and float64 become float32 in WAV, and all that is
    deeper than 24 bits becomes 24 in FLAC.

    Raises:
        UnknownNameError: `name` is not in `FORMAT_NAMES`.

    Example:
        >>> from pathlib import Path
        >>> info = AudioInfo(Path("song.mp3"), "mp3", "mp3", 44100, 2, None, None)
        >>> choose_format("auto", info)
        OutputFormat(container='flac', depth='int24', bitrate_kbps=None)
    """
    if name in _FIXED:
        return _FIXED[name]
    if name not in FORMAT_NAMES:
        raise UnknownNameError("format", name, FORMAT_NAMES)
    if name == "auto":
        name = "wav" if info.container in ("wav", "w64", "rf64") else "flac"
    depth = _WAV_DEPTHS[info.depth]
    if name == "wav":
        return OutputFormat("wav", depth)
    return OutputFormat("flac", "int16" if depth == "int16" else "int24")


def legal_sample_rate(output_format: OutputFormat, sample_rate: int) -> int:
    """The rate nearest to `sample_rate` that the codec has, in Hz (of two equally near ones the higher).

    Lossless formats and Vorbis keep every rate.

    Example:
        >>> legal_sample_rate(OutputFormat("mp3"), 96000)
        48000
    """
    rates = _LEGAL_RATES.get(output_format.container)
    if rates is None:
        return sample_rate
    return min(rates, key=lambda legal: (abs(legal - sample_rate), -legal))


def check_format(output_format: OutputFormat, *, sample_rate: int, channels: int) -> None:
    """Refuse what the format cannot hold, before anything is computed.

    Raises:
        OutputError: too many channels, or a rate that a FLAC frame cannot state (above 65535 Hz, not a multiple of 10).
    """
    container = output_format.container
    if not 1 <= channels <= _MAX_CHANNELS[container]:
        able = [name for name, most in _MAX_CHANNELS.items() if channels <= most]
        raise OutputError(
            f"{container} holds 1 to {_MAX_CHANNELS[container]} channels, got {channels}; "
            f"choose another format ({', '.join(able) or 'none holds that many'})"
        )
    if container == "flac" and sample_rate > 65535 and sample_rate % 10:
        raise OutputError(f"flac cannot state a sample rate of {sample_rate} Hz; choose the format wav")
