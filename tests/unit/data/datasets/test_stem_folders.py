"""Folders of unrelated sounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.data.datasets.stem_folders import StemFolders
from auralflow.errors import AudioError, ConfigError


@pytest.fixture
def write(tmp_path: Path, write_wav: Callable[..., Path]) -> Callable[..., None]:
    def write(*names: str) -> None:
        for name in names:
            write_wav(tmp_path / name, seconds=0.01)

    return write


def listed(root: Path) -> dict[str, list[tuple[str, str]]]:
    by_split = StemFolders(root).list_tracks()
    return {split: [(track.name, *track.stems) for track in tracks] for split, tracks in by_split.items()}


def test_each_file_is_a_track_with_one_stem(tmp_path: Path, write: Callable[..., None]) -> None:
    write("Vocals/b.wav", "Vocals/b.flac", "drums/kits/70s/ä (1).wav", "drums/1.wav")
    assert listed(tmp_path) == {
        "unsplit": [
            ("Vocals/b.flac", "vocals"),
            ("Vocals/b.wav", "vocals"),
            ("drums/1.wav", "drums"),
            ("drums/kits/70s/ä (1).wav", "drums"),
        ]
    }
    assert StemFolders.ARE_SONGS is False


def test_below_the_splits(tmp_path: Path, write: Callable[..., None]) -> None:
    write("train/vocals/a.wav", "train/808/b.wav", "valid/vocals/c.wav")
    assert listed(tmp_path) == {
        "train": [("train/808/b.wav", "808"), ("train/vocals/a.wav", "vocals")],
        "valid": [("valid/vocals/c.wav", "vocals")],
    }


def test_mixtures_are_passed_over(tmp_path: Path, write: Callable[..., None]) -> None:
    write("vocals/song.wav", "Mixture/song.wav", "mix/song.wav")
    assert listed(tmp_path) == {"unsplit": [("vocals/song.wav", "vocals")]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["vocals/a.wav", "b.wav"], r"b\.wav: expected it in the folder of a stem, such as \S+vocals"),
        (["train/vocals/a.wav", "train/b.wav"], r"train.b\.wav: expected it in the folder of a stem"),
        (["train/vocals/a.wav", "drums/b.wav"], r"drums: expected audio in the folders train, valid and test only"),
    ],
)
def test_sounds_in_no_folder_of_a_stem(
    tmp_path: Path, write: Callable[..., None], files: list[str], message: str
) -> None:
    write(*files)
    with pytest.raises(ConfigError, match=message):
        listed(tmp_path)


def test_damaged_and_missing_files(tmp_path: Path, write: Callable[..., None]) -> None:
    with pytest.raises(AudioError, match="found none"):
        listed(tmp_path)
    write("vocals/a.wav")
    (tmp_path / "vocals" / "b.wav").write_text("this is a text")
    with pytest.raises(AudioError, match=r"b\.wav: expected audio .* this is a text file"):
        listed(tmp_path)
