"""Open a file with one of FFmpeg's demuxers so that no other file can be read."""

from __future__ import annotations

import errno
import io
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn, TypeVar

import av
from av.container import InputContainer

from auralflow.audio._headers import has_several_edits
from auralflow.audio._sniff import Format, is_text, sniff
from auralflow.errors import AudioError

File = TypeVar("File")

KNOWN_FORMATS = "wav, w64, aiff, flac, mp3, ogg, opus, m4a, aac, mp4, mov, mkv and webm"

_CODECS = (
    *(f"pcm_{name}" for name in ("u8", "s8", "alaw", "mulaw")),
    *(f"pcm_{name}{end}" for name in ("s16", "s24", "s32", "f32", "f64") for end in ("le", "be")),
    *("pcm_s8_planar", "pcm_s16le_planar", "pcm_s24le_planar", "pcm_s32le_planar", "pcm_s16be_planar"),
    *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
    *("flac", "alac", "truehd", "mlp"),
    *("mp3float", "mp2float", "mp1float", "aac", "vorbis", "opus", "ac3", "eac3", "dca"),
)
"""FFmpeg's names of the decoders that may run."""

_BUFFER_BYTES = 65_536


def shown(path: Path) -> str:
    """A path as it goes into a one-line message."""
    text = str(path)
    return text if text.isprintable() else repr(text)


class _Source(io.FileIO):
    """A file for FFmpeg, which seeks to places that do not exist where a damaged file says so."""

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return super().seek(offset, whence)
        except OSError:
            # A code of C, because PyAV prints the traceback of a second exception to the standard error.
            return -errno.EINVAL


@contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, Format]]:
    """Open a file and name its format.

    Raises:
        AudioError: there is no such file, it is empty or no regular file, or its format is not an accepted one.
    """
    with _open(path, open) as file:
        found = sniff(file)
        if found is None:
            what = "this is a text file" if is_text(file) else "its content is none of the known formats"
            raise AudioError(f"{shown(path)}: expected audio ({KNOWN_FORMATS}), {what}")
        yield file, found


@contextmanager
def open_container(path: Path, file: BinaryIO, found: Format) -> Iterator[InputContainer]:
    """Demux a file of a known format.

    FFmpeg gets an open file of its own instead of its name, one demuxer, a list of decoders, and a refusal for every
    other file that a container might point to (QuickTime data references).

    Raises:
        AudioError: the header does not read as what the first bytes promised, or the file points to other files.
    """

    def refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
        raise AudioError(f"{shown(path)}: it points to another file, which is not followed; export it self-contained")

    options = {
        "codec_whitelist": ",".join(_CODECS),
        "protocol_whitelist": "file",
        # Without this FFmpeg reads up to 2500 packets of a WAV in search of disguised DTS.
        "max_probe_packets": "1",
    }
    if found.demuxer == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
        if not has_several_edits(file):
            # The advanced reading drops last packets where a coarse edit duration was rounded down.
            options["advanced_editlist"] = "0"
    with _open(path, _Source) as source:
        try:
            container = av.open(
                source,
                mode="r",
                format=found.demuxer,
                container_options=options,
                metadata_errors="replace",
                buffer_size=_BUFFER_BYTES,
                io_open=refuse,
            )
        except (av.FFmpegError, OSError) as error:
            raise AudioError(
                f"{shown(path)}: begins like {found.container} but does not read as such ({error.strerror}); "
                "it may be truncated or damaged"
            ) from None
        with container:
            yield container


def is_accepted(codec_name: str) -> bool:
    """Whether a decoder, by FFmpeg's name, may run."""
    return codec_name in _CODECS


def _open(path: Path, opener: Callable[[Path, Literal["rb"]], File]) -> File:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f"{shown(path)}: expected an audio file, this is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{shown(path)}: expected an audio file, this is a device, pipe or socket")
        if not status.st_size:
            raise AudioError(f"{shown(path)}: the file is empty (0 bytes); was it copied or downloaded completely?")
        return opener(path, "rb")
    except FileNotFoundError:
        raise AudioError(f"{shown(path)}: no such file") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{shown(path)}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None
