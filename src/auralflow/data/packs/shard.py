"""Write a shard: tracks in pieces, as members of a tar file.

    000012-00003.json             name and split of the track, where the piece begins
    000012-00003.vocals.flac      the piece of each stem

All members of a piece have one name up to the first dot, which is how WebDataset knows what belongs together. Nothing
in a shard depends on when, where or by whom it was written.
"""

from __future__ import annotations

import tarfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from auralflow.audio.in_memory import LosslessFormat, choose_lossless, encode_lossless
from auralflow.audio.pending import PendingFile
from auralflow.data.blocks import open_sound, stored_depth
from auralflow.data.packs.index import SoundEntry, TrackEntry, all_sounds, to_json
from auralflow.data.track import Sound, Split, Track
from auralflow.errors import AudioError


class ShardFile:
    """A tar file that grows by members, and that can be cut back; it appears under its name when it is complete.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = PendingFile(path)

    @property
    def size(self) -> int:
        return self._file.tell()

    def add(self, name: str, data: bytes) -> int:
        """Write a member; returns where its content begins."""
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._file.write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        begin = self.size
        self._file.write(data)
        self._file.write(b"\0" * (-len(data) % tarfile.BLOCKSIZE))
        self._file.check()
        return begin

    def cut(self, size: int) -> None:
        """Go back to what it was when it had this size."""
        self._file.truncate(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._file.discard()
            return
        self._file.write(b"\0" * 2 * tarfile.BLOCKSIZE)
        self._file.commit()


def pack_track(
    shard: ShardFile, number: int, split: Split, track: Track, piece_s: float, wanted: LosslessFormat
) -> TrackEntry:
    """Decode the sounds of a track side by side, and write them piece by piece.

    Args:
        number: of the track in the pack.

    Raises:
        AudioError: a sound cannot be read as a whole; nothing of the track stays in the shard.
        OutputError: the shard cannot be written.
    """
    before = shard.size
    try:
        return _pack(shard, number, split, track, piece_s, wanted)
    except AudioError:
        shard.cut(before)
        raise


def _pack(
    shard: ShardFile, number: int, split: Split, track: Track, piece_s: float, wanted: LosslessFormat
) -> TrackEntry:
    with ExitStack() as stack:
        packed = {stem: _Packed(sound, piece_s, stack) for stem, sound in all_sounds(track).items()}
        for piece in range(max(source.n_pieces for source in packed.values())):
            key = f"{number:06d}-{piece:05d}"
            told = {"name": track.name, "split": split, "start_s": piece * piece_s}
            shard.add(f"{key}.json", to_json(told))
            for stem, source in packed.items():
                if piece < source.n_pieces:
                    source.write_next(shard, f"{key}.{stem}", wanted)
        return TrackEntry(track.name, {stem: source.finish() for stem, source in packed.items()})


class _Packed:
    """A sound on its way into a shard."""

    def __init__(self, sound: Sound, piece_s: float, stack: ExitStack) -> None:
        self.sound = sound
        self._piece_samples = max(1, round(piece_s * sound.sample_rate))
        self._depth = stored_depth(sound)
        self._reader = open_sound(sound, self._piece_samples)
        stack.enter_context(self._reader)
        self._pieces: list[tuple[int, int, int]] = []

    @property
    def n_pieces(self) -> int:
        return -(-self.sound.n_samples // self._piece_samples)

    def write_next(self, shard: ShardFile, name: str, wanted: LosslessFormat) -> None:
        sound, n_before = self.sound, len(self._pieces) * self._piece_samples
        samples = next(self._reader, None)
        n_expected = min(self._piece_samples, sound.n_samples - n_before)
        if samples is None or samples.shape[1] != n_expected:
            n_read = 0 if samples is None else samples.shape[1]
            raise AudioError(f"{sound.path}: expected {sound.n_samples} samples, got {n_before + n_read}")
        data = encode_lossless(samples, sound.sample_rate, self._depth, wanted)
        begin = shard.add(f"{name}.{choose_lossless(self._depth, sound.channels, wanted)}", data)
        self._pieces.append((begin, len(data), zlib.crc32(data)))

    def finish(self) -> SoundEntry:
        if next(self._reader, None) is not None:
            raise AudioError(f"{self.sound.path}: is longer than the {self.sound.n_samples} samples that it says")
        for warning in self._reader.warnings:
            raise AudioError(f"{self.sound.path}: {warning}")
        return SoundEntry(
            self.sound.sample_rate,
            self.sound.channels,
            self.sound.n_samples,
            self._piece_samples,
            self._depth,
            tuple(self._pieces),
        )
