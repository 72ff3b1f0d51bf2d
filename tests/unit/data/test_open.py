"""Which layout a folder has: told by names, the same on every run, overridden by the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.data.open import open_dataset
from auralflow.errors import AudioError, ConfigError, UnknownNameError


@pytest.fixture
def write(tmp_path: Path, write_wav: Callable[..., Path]) -> Callable[..., Path]:
    def write(*names: str) -> Path:
        for name in names:
            write_wav(tmp_path / "data" / name, seconds=0.01)
        return tmp_path / "data"

    return write


SONGS = [
    ["train/a/vocals.wav", "train/a/mixture.wav"],
    ["a/vocals.wav", "b/vocals.wav"],
    ["a/mix.wav", "a/kazoo.wav"],
    ["album/a/drums.wav", "album/b/drums.wav"],
    ["vocals.wav", "drums.wav"],
    # Unknown stems, but shared by songs.
    ["a/kick.wav", "a/snare.wav", "b/kick.wav", "b/hat.wav"],
    ["album/a/kick.wav", "album/b/kick.wav"],
    # Songs that are called like stems.
    ["Bass/vocals.wav", "Bass/bass.wav", "Guitar/vocals.wav", "Guitar/mixture.wav"],
]
STEMS = [
    ["vocals/a.wav", "drums/b.wav"],
    ["train/Vocals/a.wav", "test/Vocals/b.wav"],
    ["drums/deep/er/b.wav", "drums/kick.wav"],
    # Files are called like their stem, or like their song.
    ["vocals/vocals.wav", "drums/drums.wav"],
    ["vocals/song 1.wav", "drums/song 1.wav"],
    # Unknown stems: nothing shared, or nothing but numbers.
    ["808/boom.wav", "zither/pling.wav"],
    ["808/001.wav", "zither/001.wav"],
    ["mixture/song.wav", "vocals/song.wav"],
]
UNCLEAR = [
    ["kazoo/a.wav", "kazoo/b.wav"],
    ["vocals/a.wav", "song/drums.wav"],
    ["Bass/vocals.wav", "Bass/kazoo.wav", "b/vocals.wav"],
]
NEITHER: list[list[str]] = [["a.wav", "b.wav"], [".hidden/vocals.wav"]]


@pytest.mark.parametrize(
    ("files", "expected"), [(files, "MusdbHQ") for files in SONGS] + [(files, "StemFolders") for files in STEMS]
)
def test_songs_and_stems_are_told_apart(write: Callable[..., Path], files: list[str], expected: str) -> None:
    dataset = open_dataset(write(*files))
    assert type(dataset).__name__ == expected
    assert dataset.list_tracks()


@pytest.mark.parametrize("files", UNCLEAR)
def test_what_may_be_both_is_left_to_the_user(write: Callable[..., Path], files: list[str]) -> None:
    root = write(*files)
    with pytest.raises(ConfigError, match=r"^layout: .*data may be musdb_hq or stem_folders; say which"):
        open_dataset(root)
    assert type(open_dataset(root, "musdb_hq")).__name__ == "MusdbHQ"
    assert open_dataset(root, "stem_folders").ARE_SONGS is False


@pytest.mark.parametrize("files", NEITHER)
def test_what_is_neither_is_refused_with_what_was_looked_for(write: Callable[..., Path], files: list[str]) -> None:
    with pytest.raises(AudioError, match=r"recognised none\. manifest: A `.csv`.*musdb_hq: .*stem_folders: ") as caught:
        open_dataset(write(*files))
    assert "\n" not in str(caught.value)


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone: no such data set; expected a folder or a manifest") as caught:
        open_dataset(tmp_path / "gone")
    assert "\n" not in str(caught.value)
    with pytest.raises(AudioError, match="no such data set"):
        open_dataset(tmp_path / "gone", "musdb_hq")


def test_an_unknown_layout(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'musdb_hq'"):
        open_dataset(tmp_path, "musdb-hq")


def test_a_named_layout_that_does_not_fit(write: Callable[..., Path], tmp_path: Path) -> None:
    file = tmp_path / "song.xyz"
    file.touch()
    for layout in ("musdb_hq", "musdb_stems", "stem_folders"):
        with pytest.raises(AudioError, match=r"song\.xyz: cannot be listed"):
            open_dataset(file, layout).list_tracks()
    with pytest.raises(ConfigError, match="expected a manifest"):
        open_dataset(write("a/vocals.wav"), "manifest").list_tracks()


OWN = """
from pathlib import Path
from auralflow.data.track import Track, find_sound

class MyLayout:
    ARE_SONGS = True
    def __init__(self, root: Path) -> None:
        self.root = root
    @staticmethod
    def recognises(root: Path) -> bool:
        return True
    def list_tracks(self):
        paths = sorted(self.root.glob("*_vocals.wav"))
        return {"unsplit": tuple(Track(path.name, {"vocals": find_sound(path)}) for path in paths)}
"""


def test_a_layout_of_ones_own(write: Callable[..., Path], tmp_path: Path) -> None:
    root = write("a_vocals.wav", "a_drums.wav")
    (tmp_path / "my_layout.py").write_text(OWN)
    dataset = open_dataset(root, str(tmp_path / "my_layout.py"))
    assert [track.name for track in dataset.list_tracks()["unsplit"]] == ["a_vocals.wav"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN.replace("ARE_SONGS = True", ""), r"lacks ARE_SONGS; see 'Add a data set in one file'"),
        ("def broken(root): ...", "lacks ARE_SONGS, recognises, list_tracks"),
        ("x = 1", "expected a class or function named like the file"),
    ],
)
def test_a_layout_of_ones_own_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text.replace("MyLayout", "Broken"))
    with pytest.raises(ConfigError, match=message):
        open_dataset(tmp_path, str(path))


def test_a_folder_without_audio_says_just_that(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "notes.txt").write_text("none here")
    with pytest.raises(AudioError, match=r"found no audio files in it$"):
        open_dataset(tmp_path)
