"""Files, folders and patterns become a stable list of audio files."""

from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.errors import AudioError
from auralflow.separation.discover import find_sources


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in ("b.wav", "a.FLAC", "x/c.mp3", "x/y/d.m4a", "x/notes.txt", ".hidden.wav", ".git/e.wav", "x/cover.jpg",
                 "out/f.wav", "old/.auralflow/lock", "old/g.wav"):  # fmt: skip
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "music"


def _names(inputs: list[Path | str], out: Path) -> list[tuple[str, str]]:
    return [(s.path.name, s.folder.as_posix()) for s in find_sources(inputs, out)]


def test_a_folder_is_walked_and_its_folders_kept(music: Path) -> None:
    assert _names([music], music / "out") == [("a.FLAC", "."), ("b.wav", "."), ("c.mp3", "x"), ("d.m4a", "x/y")]


def test_outputs_of_another_job_can_still_be_named(music: Path) -> None:
    assert _names([music / "old"], music / "out") == [("g.wav", ".")]


def test_patterns(music: Path) -> None:
    out = music / "out"
    assert _names([f"{music}/x/*.mp3"], out) == [("c.mp3", ".")]
    assert _names([f"{music}/**/*.m4a"], out) == [("d.m4a", "x/y")]
    assert _names([f"{music}/*/*.*"], out) == [("g.wav", "old"), ("c.mp3", "x")]


def test_a_named_file_is_taken_whatever_its_suffix_and_only_once(music: Path) -> None:
    assert _names([music / "x/notes.txt", music / "b.wav", music / "b.wav"], music / "out") == [
        ("notes.txt", "."),
        ("b.wav", "."),
    ]


def test_a_name_with_brackets_is_a_name_first(music: Path) -> None:
    path = music / "song [live].wav"
    path.write_bytes(b"x")
    assert _names([path], music / "out") == [("song [live].wav", ".")]


def test_what_is_not_there_is_named(music: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
        find_sources([music / "nope.wav"], music / "out")
    with pytest.raises(AudioError, match="no audio files"):
        find_sources([f"{music}/*.opus"], music / "out")
