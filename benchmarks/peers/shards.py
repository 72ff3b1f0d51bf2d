"""Chunks per second of a streaming format by its own package; run by benchmarks/packs.py in the peers' environment.

    .venv-peers/bin/python benchmarks/peers/shards.py webdataset SHARDS --seconds 2
    .venv-peers/bin/python benchmarks/peers/shards.py litdata SHARDS --seconds 2 --copy FOLDER

Prints JSON. A chunk is a piece with its four stems, decoded from the audio files in it. LitData reads a copy of the
same pieces in its own format, which the first run writes.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import soundfile
from pace import chunks_per_s, stay_on_one_core


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", choices=["webdataset", "litdata", "litdata_index"])
    parser.add_argument("shards", type=Path)
    parser.add_argument("--copy", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        if arguments.package == "webdataset":
            draw = iterate(functools.partial(open_webdataset, arguments.shards))
        else:
            if not (arguments.copy / "index.json").exists():
                copy_to_litdata(arguments.shards, arguments.copy)
            is_by_index = arguments.package == "litdata_index"
            draw = by_index(arguments.copy) if is_by_index else iterate(functools.partial(open_litdata, arguments.copy))
        stay_on_one_core()
        pace = chunks_per_s(draw, arguments.seconds)
    print(json.dumps({"chunks_per_s": pace}))


def open_webdataset(folder: Path) -> Iterator[dict[str, bytes]]:
    """All pieces, shards in random order, shuffled in a buffer."""
    import webdataset

    names = sorted(str(path) for path in folder.glob("*.tar"))
    return iter(webdataset.WebDataset(names, shardshuffle=len(names)).shuffle(100))


def open_litdata(folder: Path) -> Iterator[dict[str, bytes]]:
    """All pieces in LitData's own random order."""
    from litdata import StreamingDataset

    return iter(StreamingDataset(str(folder), shuffle=True))


def iterate(begin: Callable[[], Iterator[dict[str, bytes]]]) -> Callable[[int], object]:
    """The next piece, and the first again after the last."""
    pieces = begin()

    def draw(number: int) -> object:
        nonlocal pieces
        piece = next(pieces, None)
        if piece is None:
            pieces = begin()
            piece = next(pieces)
        return decode(piece)

    return draw


def by_index(folder: Path) -> Callable[[int], object]:
    """Any piece by its number, a number of its own for each stem, as our drawer mixes stems of several songs."""
    from litdata import StreamingDataset

    data: Any = StreamingDataset(str(folder))
    return lambda number: decode(data[random.randrange(len(data))])


def decode(piece: dict[str, bytes]) -> list[object]:
    """The four stems, channel by channel, as floats."""
    members = [data for name, data in piece.items() if name.endswith(("flac", "wav"))]
    return [soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0].T.copy() for data in members]


def copy_to_litdata(shards: Path, folder: Path) -> None:
    """The same pieces in LitData's format."""
    from litdata import optimize

    n_pieces = sum(1 for _ in read_pieces(shards))
    optimize(
        fn=functools.partial(get_piece, shards), inputs=list(range(n_pieces)), output_dir=str(folder), num_workers=1,
        chunk_bytes="512MB",
    )  # fmt: skip


def read_pieces(shards: Path) -> Iterator[dict[str, bytes]]:
    """In order."""
    import webdataset

    names = sorted(str(path) for path in shards.glob("*.tar"))
    for sample in webdataset.WebDataset(names, shardshuffle=False):
        yield {name: data for name, data in sample.items() if name.endswith(("flac", "wav"))}


@functools.cache
def all_pieces(shards: Path) -> list[dict[str, bytes]]:
    """Few enough to be held."""
    return list(read_pieces(shards))


def get_piece(shards: Path, number: int) -> dict[str, bytes]:
    """For LitData's writer, which asks from a process of its own."""
    return all_pieces(shards)[number]


if __name__ == "__main__":
    main()
