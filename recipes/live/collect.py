"""Lay out the singing and the drums of a folder of songs and voices as sounds to train on, by links.

python recipes/live/collect.py DATA OUT

DATA has `songs/<song>/<stem>.ogg` and `vocals/<voice>/*.ogg`, as its README lists them. Of the songs only singing and
drums are used, and none of those that choose or test models (4 to 7); of each voice the first minutes, so that none
drowns the others.
"""

from __future__ import annotations

import sys
from pathlib import Path

SONGS = ("1_hydrogen", "2_lithium", "3_sodium", "mdn_multitrack")
VOICES = (
    "scottpoid",
    "dorodoro",
    "erithacus",
    "yuki",
    "berklee_female_solo",
    "berklee_male_solo",
    "berklee_female_group",
    "berklee_male_group",
)
N_FILES = 3


def main(data: Path, out: Path) -> None:
    """Make `out/train/vocals` and `out/train/drums`."""
    for stem in ("vocals", "drums"):
        folder = out / "train" / stem
        folder.mkdir(parents=True, exist_ok=True)
        for song in SONGS:
            link(data / "songs" / song / f"{stem}.ogg", folder / f"{song}.ogg")
    for voice in VOICES:
        for file in sorted((data / "vocals" / voice).glob("*.ogg"))[:N_FILES]:
            link(file, out / "train" / "vocals" / f"{voice}-{file.name}")


def link(source: Path, target: Path) -> None:
    """A link, where there is something to link to."""
    if source.is_file() and not target.exists():
        target.symlink_to(source.resolve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
