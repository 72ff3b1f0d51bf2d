"""What a data set lists: tracks, and where the sound of each stem is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from auralflow.audio.probe import probe
from auralflow.audio.read import AudioReader

Split = Literal["train", "valid", "test", "unsplit"]
"""`unsplit`: the folder does not say; see `auralflow.data.split`."""
SPLITS: tuple[Split, ...] = ("train", "valid", "test", "unsplit")


@dataclass(frozen=True)
class Sound:
    """An audio stream in a file."""

    path: Path
    sample_rate: int
    channels: int
    n_samples: int
    """Length of every channel."""
    stream: int = 0
    """Which of the file's audio streams."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def version(self) -> tuple[object, ...]:
        """What changes when the sound does: path, size and time of change of its file, and the stream.

        Raises:
            OSError: the file is gone.
        """
        status = self.path.stat()
        return (str(self.path.resolve()), status.st_size, status.st_mtime_ns, self.stream)


@dataclass(frozen=True)
class Track:
    """A song, or a lone sound of one stem."""

    name: str
    """Unique within its data set; relative to the root where it is a path."""
    stems: Mapping[str, Sound] = field(hash=False)
    """By name; none of them is the mixture."""
    mixture: Sound | None = None
    """The published mixture, if there is one: for testing. Training sums the stems."""

    @property
    def duration_s(self) -> float:
        """Of its longest stem."""
        return max(sound.duration_s for sound in self.stems.values())


class Dataset(Protocol):
    """What a file of `auralflow.data.datasets` defines."""

    ARE_SONGS: bool
    """Whether the stems of a track belong together. If not, every mixture is drawn from unrelated sounds."""

    def __init__(self, root: Path) -> None: ...

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether the root looks like this layout; cheap, never raises."""
        ...

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Tracks by split, sorted by name; splits without tracks are left out.

        Raises:
            AudioError: a file cannot be read as audio, or nothing was found.
            ConfigError: the layout contradicts itself.
        """
        ...


def find_sound(path: Path, stream: int = 0) -> Sound:
    """Look at a file's header; where it does not tell the length, the file is decoded.

    Raises:
        AudioError: the file is not usable audio.
    """
    info = probe(path, stream)
    n_samples = info.n_samples
    if n_samples is None:
        with AudioReader(path, stream=stream) as reader:
            n_samples = sum(block.shape[1] for block in reader)
    return Sound(path, info.sample_rate, info.channels, n_samples, stream)
