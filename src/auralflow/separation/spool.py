"""Keep float outputs on disk until their common gain is known.

One gain for all stems needs the peak of all of them, which is known at the end. Blocks are appended as they come and
read back once, so memory does not grow with the song.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from auralflow.audio.types import Samples


class Spool:
    """Float blocks of several outputs, one file each, in a folder of our own.

    Shape:
        blocks (channel, time)
    """

    def __init__(self, folder: Path, n_outputs: int, channels: int) -> None:
        self._paths = [folder / f"{index}.f32" for index in range(n_outputs)]
        self._files: list[BinaryIO] = [path.open("wb") for path in self._paths]
        self._lengths: list[int] = []
        self._channels = channels
        self.peak = 0.0

    def append(self, blocks: Sequence[Samples]) -> None:
        """Add one block of each output, all of one length."""
        self._lengths.append(int(blocks[0].shape[-1]))
        for file, block in zip(self._files, blocks, strict=True):
            self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))
            file.write(np.ascontiguousarray(block).data)

    def finish(self) -> None:
        """Everything was appended."""
        for file in self._files:
            file.close()

    def read(self, index: int) -> Iterator[Samples]:
        """The blocks of one output; its file is removed at the end."""
        path = self._paths[index]
        with path.open("rb") as file:
            for length in self._lengths:
                block = np.fromfile(file, np.float32, self._channels * length)
                yield block.reshape(self._channels, length)
        path.unlink()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()
        for path in self._paths:
            path.unlink(missing_ok=True)
