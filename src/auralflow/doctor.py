"""Find out what works on this machine, by trying it."""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
import torch

from auralflow.audio.formats import FORMAT_NAMES, OutputFormat, choose_format
from auralflow.audio.read import read_audio
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.audio.types import Audio, AudioInfo
from auralflow.audio.write import write_audio
from auralflow.errors import AudioError, AuralflowError, DeviceError, OutputError
from auralflow.pretrained.load import describe_model, load_model
from auralflow.separation.device import DEVICE_NAMES, choose_device, describe_device
from auralflow.separation.engine import Separator

MIN_FREE_BYTES = 200_000_000
"""Less free disk than this is a problem: the stems of one song take about as much."""

WRITTEN_FORMATS = tuple(name for name in FORMAT_NAMES if name not in ("auto", "wav", "flac"))
"""Output formats that do not choose among the others."""

_SAMPLE_RATE = 48_000  # one that every format has
_N_SAMPLES = _SAMPLE_RATE // 2
_MIN_LOSSY_SNR_DB = 20.0
_MAX_LOSSLESS_ERROR = {"int16": 2.0**-15, "int24": 2.0**-23, "float32": 0.0}
_DEVELOPERS = ("dev", "docs")  # extras of those who work on auralflow itself
# Each format that is read, with the demuxer and the decoder of FFmpeg it needs.
_READS = {
    "wav": ("wav", "pcm_s24le"),
    "w64": ("w64", "pcm_f32le"),
    "aiff": ("aiff", "pcm_s16be"),
    "flac": ("flac", "flac"),
    "mp3": ("mp3", "mp3float"),
    "ogg (vorbis)": ("ogg", "vorbis"),
    "opus": ("ogg", "opus"),
    "m4a (aac)": ("mov", "aac"),
    "m4a (alac)": ("mov", "alac"),
    "aac": ("aac", "aac"),
    "mp4": ("mov", "aac"),
    "mkv": ("matroska", "ac3"),
    "webm": ("matroska", "opus"),
}


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str
    """What was found, or what is wrong and what to do."""


@dataclass(frozen=True)
class Health:
    """What `doctor` found out."""

    versions: dict[str, str]
    """Auralflow and the libraries it stands on."""
    platform: str
    device: str
    """Where separation would run, and why."""
    devices: tuple[Check, ...]
    """Kinds of devices; one that is not there is no problem."""
    reads: tuple[Check, ...]
    """Input formats, by the demuxers and decoders of the FFmpeg at hand."""
    writes: tuple[Check, ...]
    """Output formats; half a second was written and read back in each."""
    separation: Check
    """One second through the default model."""
    disks: tuple[Check, ...]
    """Free space where outputs go by default, and for temporary files."""
    extras: tuple[Check, ...]
    """Optional packages; a missing one is no problem."""

    @property
    def problems(self) -> tuple[Check, ...]:
        """What keeps auralflow from working here."""
        checks = (*self.reads, *self.writes, self.separation, *self.disks)
        return tuple(check for check in checks if not check.ok)

    @property
    def exit_code(self) -> int:
        """0 when there are no problems, 1 otherwise."""
        return 1 if self.problems else 0


def examine() -> Health:
    """Try everything that a separation needs."""
    with tempfile.TemporaryDirectory(prefix="auralflow-doctor-") as folder:
        writes = tuple(_try(name, partial(_write_and_read, name, Path(folder))) for name in WRITTEN_FORMATS)
    return Health(
        versions=_versions(),
        platform=f"{platform.platform()}, {torch.get_num_threads()} threads",
        device=describe_device(choose_device("auto"), "auto"),
        devices=tuple(_try(kind, partial(_find_device, kind)) for kind in DEVICE_NAMES if kind != "auto"),
        reads=tuple(_try(name, partial(_find_decoder, *parts)) for name, parts in _READS.items()),
        writes=writes,
        separation=_try("separation", _separate),
        disks=(
            _try("outputs", partial(_measure_disk, Path())),
            _try("temporary files", partial(_measure_disk, Path(tempfile.gettempdir()))),
        ),
        extras=tuple(map(_check_extra, _extras())),
    )


def _try(name: str, test: Callable[[], str]) -> Check:
    """Run one test, which gives what it found; here every failure is a finding, so none may end the examination."""
    try:
        return Check(name, True, test())
    except AuralflowError as error:
        return Check(name, False, str(error))
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def _versions() -> dict[str, str]:
    ffmpeg = getattr(av, "ffmpeg_version_info", None) or ".".join(map(str, av.library_versions["libavcodec"]))
    return {
        "auralflow": version("auralflow"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "av": f"{av.__version__} (FFmpeg {ffmpeg})",
        "soundfile": f"{soundfile.__version__} (libsndfile {soundfile.__libsndfile_version__})",
        "soxr": f"{soxr.__version__} (libsoxr {soxr.__libsoxr_version__})",
    }


def _find_device(kind: str) -> str:
    try:
        return describe_device(choose_device(kind))
    except DeviceError:
        if kind == "cuda" and torch.version.cuda is None and torch.version.hip is None:
            there = (
                ", though an NVIDIA driver is here; install a CUDA build of torch" if shutil.which("nvidia-smi") else ""
            )
            raise DeviceError(f"this torch is built without it{there}") from None
        raise DeviceError("not found") from None


def _find_decoder(demuxer: str, decoder: str) -> str:
    try:
        av.ContainerFormat(demuxer, "r")
        av.Codec(decoder, "r")
    except ValueError:
        raise AudioError(
            f"FFmpeg has no demuxer '{demuxer}' or no decoder '{decoder}'; reinstall the package av"
        ) from None
    return "can be read"


def _write_and_read(name: str, folder: Path) -> str:
    """Write a tone and compare what comes back, sample for sample."""
    output_format = choose_format(name, AudioInfo(Path(), "wav", "", _SAMPLE_RATE, 2, _N_SAMPLES, "int16"))
    path = folder / f"{name}{output_format.suffix}"
    tone = _tone()
    if output_format.container == "stem.mp4":
        with StemMp4Writer(path, sample_rate=_SAMPLE_RATE, channels=2, stem_names=("a", "b", "c", "d")) as writer:
            writer.write([tone.samples] * 5)
    else:
        write_audio(path, tone, output_format=output_format)
    back = read_audio(path)
    if back.samples.shape != tone.samples.shape or back.sample_rate != _SAMPLE_RATE:
        raise AudioError(
            f"expected {tone.samples.shape} at {tone.sample_rate} Hz back, "
            f"got {back.samples.shape} at {back.sample_rate} Hz"
        )
    return _compare(tone, back, output_format)


def _compare(sent: Audio, back: Audio, output_format: OutputFormat) -> str:
    error = back.samples - sent.samples
    if output_format.depth is not None:
        largest = float(np.abs(error).max())
        if largest > _MAX_LOSSLESS_ERROR[output_format.depth]:
            raise AudioError(f"expected the same samples back, one is off by {largest:.1e}")
        return "written and read back without loss"
    snr_db = float(10 * np.log10(np.sum(sent.samples**2) / np.sum(error**2)))
    if not snr_db >= _MIN_LOSSY_SNR_DB:
        raise AudioError(f"expected the tone back with {_MIN_LOSSY_SNR_DB:.0f} dB or more, got {snr_db:.0f} dB")
    return f"written and read back, {snr_db:.0f} dB above its loss"


def _tone() -> Audio:
    """Half a second of 440 and 660 Hz, left and right, faded so that no codec meets an edge."""
    time_s = np.arange(_N_SAMPLES) / _SAMPLE_RATE
    tones = 0.5 * np.sin(2 * np.pi * np.array([[440.0], [660.0]]) * time_s)
    return Audio((tones * np.hanning(_N_SAMPLES)).astype(np.float32), _SAMPLE_RATE)


def _separate() -> str:
    name = describe_model("default").name
    separator = Separator(load_model("default"))
    sample_rate, channels = separator.spec.sample_rate, separator.spec.channels
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (channels, sample_rate)).astype(np.float32)
    started = time.perf_counter()
    stems = separator.separate(Audio(sound, sample_rate))
    elapsed_s = time.perf_counter() - started
    if tuple(stems) != separator.spec.stems or any(s.samples.shape != sound.shape for s in stems.values()):
        raise AudioError(f"expected {', '.join(separator.spec.stems)} of shape {sound.shape} from {name}, got others")
    if not all(np.isfinite(s.samples).all() for s in stems.values()):
        raise AudioError(f"expected finite samples from {name}, got NaN or infinity")
    return f"{name} gave {len(stems)} stems of one second in {elapsed_s:.2f} s on {separator.device}"


def _measure_disk(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free in {folder.absolute()}"
    if free < MIN_FREE_BYTES:
        raise OutputError(f"{text}; the stems of one song take about {MIN_FREE_BYTES / 1e9:.1f} GB")
    return text


def _extras() -> list[str]:
    return [name for name in metadata("auralflow").get_all("Provides-Extra") or () if name not in _DEVELOPERS]


def _check_extra(name: str) -> Check:
    """Whether the packages of an extra are installed, or what installs them."""
    needs = [
        text for text in requires("auralflow") or () if re.search(rf"extra\s*==\s*['\"]{re.escape(name)}['\"]", text)
    ]
    packages = [re.split(r"[^\w.-]", text)[0] for text in needs]
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        return Check(name, False, f"{', '.join(missing)} missing: run  pip install 'auralflow[{name}]'")
    return Check(name, True, ", ".join(packages))


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
