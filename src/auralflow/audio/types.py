"""Audio at the doors of the package: samples with their rate, and what a file says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from auralflow.errors import AudioError, ShapeError
from auralflow.spec import MAX_CHANNELS

Samples = npt.NDArray[np.float32]
"""Float samples, nominal range -1 to 1, axes (channel, time)."""

Depth = Literal["uint8", "int16", "int24", "int32", "float32", "float64"]
"""How a file stores one sample."""


@dataclass(frozen=True, eq=False)
class Audio:
    """Samples and their rate.

    Shape:
        samples: (channel, time), float32, nominal range -1 to 1. Anything that numpy can convert is
        accepted, a torch tensor on the CPU too.

    Raises:
        ShapeError: not two axes, or more than 32 channels (swapped axes).
        AudioError: the sample rate is not positive.

    Example:
        >>> Audio(np.zeros((2, 44100)), 44100).duration_s
        1.0
    """

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim != 2:
            raise ShapeError(f"expected samples of shape (channel, time), got {samples.shape}; mono is (1, time)")
        if samples.shape[0] > MAX_CHANNELS:
            raise ShapeError(
                f"expected (channel, time) with at most {MAX_CHANNELS} channels, got {samples.shape}; transpose it?"
            )
        if self.sample_rate <= 0:
            raise AudioError(f"expected a positive sample rate, got {self.sample_rate}")
        object.__setattr__(self, "samples", samples)

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def n_samples(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of its audio, read without decoding."""

    path: Path
    container: str
    """Short name of the file format: wav, flac, aiff, mp3, ogg, m4a, mp4, mkv, ..."""
    codec: str
    """FFmpeg's name of the codec: pcm_s16le, flac, mp3, vorbis, opus, aac, alac, ..."""
    sample_rate: int
    channels: int
    n_samples: int | None
    """Length that the container states (exact or nearly so); None where it states none."""
    depth: Depth | None
    """Stored depth; None for lossy codecs."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags with lower-case names (title, artist, album, track, date, genre, comment, ...)."""
    cover: bytes | None = None
    """Cover picture (JPEG or PNG bytes)."""
    n_streams: int = 1
    """Audio streams in the file (5 in a `.stem.mp4`)."""

    @property
    def is_lossy(self) -> bool:
        return self.depth is None

    @property
    def duration_s(self) -> float | None:
        return None if self.n_samples is None else self.n_samples / self.sample_rate
