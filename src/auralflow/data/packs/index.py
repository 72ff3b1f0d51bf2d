"""What a pack holds: its tracks, and where the pieces of each sound lie."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Depth
from auralflow.data.datasets._folders import MIXTURE
from auralflow.data.track import SPLITS, Sound, Split, Track
from auralflow.errors import AudioError
from auralflow.storage.address import Address, Place

INDEX_NAME = "pack.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class PackedSound(Sound):
    """A sound in pieces. Its path is that of its shard, its stream the number of its first piece there."""

    shard: Place = field(default_factory=Path, compare=False)
    piece_samples: int = field(default=1, compare=False)
    """Length of every piece but the last."""
    pieces: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64), compare=False, repr=False)
    """(piece, 3): offset in the shard, bytes, CRC-32 of them."""
    depth: Depth | None = field(default=None, compare=False)
    """Of what was packed."""

    @property
    def version(self) -> tuple[object, ...]:
        return (str(self.shard), self.stream, *self.pieces[:, 2].tolist())


@dataclass(frozen=True)
class SoundEntry:
    """A sound as the index has it."""

    sample_rate: int
    channels: int
    n_samples: int
    piece_samples: int
    depth: Depth | None
    pieces: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class TrackEntry:
    """A track as the index has it; the mixture is among the sounds."""

    name: str
    sounds: Mapping[str, SoundEntry]


@dataclass(frozen=True)
class ShardEntry:
    """A shard as the index has it."""

    name: str
    split: Split
    size_bytes: int
    tracks: tuple[TrackEntry, ...]


def write_index(are_songs: bool, shards: Sequence[ShardEntry]) -> bytes:
    """The content of `pack.json`."""
    values = {"format_version": FORMAT_VERSION, "are_songs": are_songs, "shards": [describe(shard) for shard in shards]}
    return to_json(values)


def to_json(values: Mapping[str, Any]) -> bytes:
    """An object of JSON; names of files may be any bytes."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogateescape")


def from_json(content: bytes) -> Any:
    """The inverse of `to_json`.

    Raises:
        ValueError: it is none.
    """
    return json.loads(content.decode("utf-8", "surrogateescape"))


def read_index(root: Place, content: bytes) -> tuple[bool, tuple[ShardEntry, ...]]:
    """Whether the tracks are songs, and the shards.

    Raises:
        AudioError: this is no index, or one of a later version.
    """
    try:
        values = from_json(content)
        version = values["format_version"]
        if version != FORMAT_VERSION:
            raise AudioError(f"{root}: a pack of format {version}, expected {FORMAT_VERSION}; update auralflow")
        return bool(values["are_songs"]), tuple(map(read_shard, values["shards"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AudioError(f"{root}: {INDEX_NAME} is damaged ({error}); run 'auralflow data pack' again") from None


def describe(shard: ShardEntry) -> dict[str, Any]:
    """A shard in plain containers."""
    return {
        "name": shard.name,
        "split": shard.split,
        "size_bytes": shard.size_bytes,
        "tracks": [
            {"name": track.name, "sounds": {stem: vars(sound) for stem, sound in track.sounds.items()}}
            for track in shard.tracks
        ],
    }


def read_shard(values: Mapping[str, Any]) -> ShardEntry:
    """The inverse of `describe`.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    name, split = values["name"], values["split"]
    if split not in SPLITS or Path(name).name != name:
        raise ValueError(f"a shard '{name}' in a split '{split}'")
    tracks = tuple(
        TrackEntry(track["name"], {stem: _read_sound(sound) for stem, sound in track["sounds"].items()})
        for track in values["tracks"]
    )
    return ShardEntry(name, split, int(values["size_bytes"]), tracks)


def _read_sound(values: Mapping[str, Any]) -> SoundEntry:
    sound = SoundEntry(
        **{**values, "pieces": tuple((int(at), int(size), int(crc)) for at, size, crc in values["pieces"])}
    )
    if sound.depth is not None and sound.depth not in get_args(Depth):
        raise ValueError(f"a depth '{sound.depth}'")
    if min(sound.sample_rate, sound.channels, sound.piece_samples) < 1:
        raise ValueError("a sound without rate, channels or pieces")
    if -(-sound.n_samples // sound.piece_samples) != len(sound.pieces):
        raise ValueError(f"{len(sound.pieces)} pieces for {sound.n_samples} samples")
    return sound


def all_sounds(track: Track) -> dict[str, Sound]:
    """Stems and mixture of a track, sorted by name."""
    mixture = {MIXTURE: track.mixture} if track.mixture else {}
    return dict(sorted({**track.stems, **mixture}.items()))


def make_tracks(root: Place, shards: Sequence[ShardEntry]) -> dict[Split, tuple[Track, ...]]:
    """Tracks by split, sorted by name."""
    tracks: dict[Split, list[Track]] = {split: [] for split in SPLITS}
    for shard in shards:
        place, n_before = root / shard.name, 0
        for track in shard.tracks:
            sounds: dict[str, Sound] = {}
            for stem, entry in track.sounds.items():
                sounds[stem] = _make_sound(place, n_before, entry)
                n_before += len(entry.pieces)
            mixture = sounds.pop(MIXTURE, None)
            tracks[shard.split].append(Track(track.name, sounds, mixture))
    return {split: tuple(sorted(found, key=lambda track: track.name)) for split, found in tracks.items() if found}


def _make_sound(place: Place, stream: int, entry: SoundEntry) -> PackedSound:
    return PackedSound(
        Path(place.url) if isinstance(place, Address) else place,
        entry.sample_rate,
        entry.channels,
        entry.n_samples,
        stream,
        shard=place,
        piece_samples=entry.piece_samples,
        pieces=np.array(entry.pieces, np.int64).reshape(-1, 3),
        depth=entry.depth,
    )
