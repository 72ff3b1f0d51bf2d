"""Songs in folders: what is a song, a stem, a mixture, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.audio.formats import OutputFormat
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio
from auralflow.data.datasets.musdb_hq import MusdbHQ
from auralflow.data.track import SPLITS
from auralflow.errors import AudioError, ConfigError

WriteWav = Callable[..., Path]


@pytest.fixture
def write(write_wav: WriteWav) -> Callable[..., None]:
    def write(root: Path, *names: str) -> None:
        for name in names:
            write_wav(root / name, seconds=0.01)

    return write


def names(root: Path) -> dict[str, list[str]]:
    return {split: [track.name for track in tracks] for split, tracks in MusdbHQ(root).list_tracks().items()}


def test_splits_stems_and_mixture(tmp_path: Path, write_wav: WriteWav) -> None:
    for index, split in enumerate(("train", "valid", "test")):
        write_wav(tmp_path / split / "Nina - Song" / "mixture.wav", seconds=0.02)
        write_wav(tmp_path / split / "Nina - Song" / "vocals.wav", seconds=0.01 * (index + 1), sample_rate=8000)
        write_wav(tmp_path / split / "Nina - Song" / "Lead Guitar.flac", seconds=0.05, channels=1)
    by_split = MusdbHQ(tmp_path).list_tracks()
    assert list(by_split) == ["train", "valid", "test"]
    (track,) = by_split["valid"]
    assert track.name == "valid/Nina - Song"
    assert list(track.stems) == ["lead guitar", "vocals"]
    vocals, guitar = track.stems["vocals"], track.stems["lead guitar"]
    assert (vocals.sample_rate, vocals.channels, vocals.n_samples) == (8000, 2, 160)
    assert (guitar.sample_rate, guitar.channels, guitar.n_samples) == (44100, 1, 2205)
    assert track.mixture is not None
    assert track.mixture.path == tmp_path / "valid" / "Nina - Song" / "mixture.wav"
    assert track.duration_s == pytest.approx(0.05)


def test_every_audio_format_that_is_written_can_be_a_stem(tmp_path: Path, noise: Callable[..., object]) -> None:
    formats = [OutputFormat(name) for name in ("mp3", "ogg")] + [OutputFormat("m4a", None, 256)]
    formats += [OutputFormat("opus", None, 192), OutputFormat("flac", "int16"), OutputFormat("wav", "float32")]
    for chosen in formats:
        path = tmp_path / "song" / f"{chosen.container}{chosen.suffix}"
        path.parent.mkdir(exist_ok=True)
        write_audio(path, Audio(noise(2, 48_000), 48_000), output_format=chosen)
    (track,) = MusdbHQ(tmp_path).list_tracks()["unsplit"]
    assert sorted(track.stems) == ["flac", "m4a", "mp3", "ogg", "opus", "wav"]
    assert {sound.n_samples for sound in track.stems.values()} == {48_000}


def test_a_length_that_the_header_does_not_state_is_counted(tmp_path: Path, write_wav: WriteWav) -> None:
    path = write_wav(tmp_path / "song" / "vocals.wav", seconds=0.5)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"  # as a program writes that streams to a pipe
    path.write_bytes(content)
    (track,) = MusdbHQ(tmp_path).list_tracks()["unsplit"]
    assert track.stems["vocals"].n_samples == 22050


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a/vocals.wav", "b/vocals.wav"], {"unsplit": ["a", "b"]}),
        (["train/a/vocals.wav", "test/b/vocals.wav"], {"train": ["train/a"], "test": ["test/b"]}),
        (["train/album/a/vocals.wav", "train/b/vocals.wav"], {"train": ["train/album/a", "train/b"]}),
        (["test/a/vocals.wav"], {"test": ["test/a"]}),
        # The song is the root itself.
        (["vocals.wav", "drums.wav"], {"unsplit": ["data"]}),
    ],
)
def test_places_of_songs(
    tmp_path: Path, write: Callable[..., None], files: list[str], expected: dict[str, list[str]]
) -> None:
    write(tmp_path / "data", *files)
    assert names(tmp_path / "data") == expected


def test_unusual_names(tmp_path: Path, write: Callable[..., None]) -> None:
    songs = [
        "Sigur Rós – ( )",
        "1. Lied: „Ärger“",
        " space ",
        "dot.ted",
        "ended.",
        "日本語",
        "100% [live] {a}",
        "-rf *",
        "x" * 200,
    ]
    write(tmp_path, *(f"train/{song}/vocals.wav" for song in songs))
    assert names(tmp_path) == {"train": sorted(f"train/{song}" for song in songs)}


def test_names_that_are_no_text(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, "train/a/vocals.wav")
    try:
        (tmp_path / "train" / "a").rename(os.fsdecode(os.fsencode(tmp_path) + b"/train/\xff\xfe"))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    assert names(tmp_path) == {"train": ["train/\udcff\udcfe"]}


@pytest.mark.parametrize("mixture", ["mixture.wav", "mix.flac", "Mix.WAV"])
def test_the_mixture_is_no_stem(tmp_path: Path, write: Callable[..., None], mixture: str) -> None:
    write(tmp_path, f"song/{mixture}", "song/vocals.wav")
    (track,) = MusdbHQ(tmp_path).list_tracks()["unsplit"]
    assert list(track.stems) == ["vocals"]
    assert track.mixture is not None
    assert track.mixture.path.name == mixture


def test_accents_have_one_spelling(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, "a/cafe\u0301.wav", "b/caf\u00e9.wav")
    one, other = MusdbHQ(tmp_path).list_tracks()["unsplit"]
    assert list(one.stems) == list(other.stems) == ["caf\u00e9"]


def test_what_is_no_audio_or_hidden_is_passed_over(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, "train/a/vocals.wav")
    for name in (
        "train/a/._vocals.wav",
        "train/a/cover.jpg",
        "train/a/notes.txt",
        "train/.trash/b/vocals.wav",
        ".c/d.wav",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nothing to hear")
    (tmp_path / "train" / "empty").mkdir()
    (tmp_path / "valid").mkdir()
    (tmp_path / "licence").mkdir()
    assert names(tmp_path) == {"train": ["train/a"]}


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path / "elsewhere", "a/vocals.wav")
    (tmp_path / "data").mkdir()
    try:
        (tmp_path / "data" / "train").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "elsewhere" / "around").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert names(tmp_path / "data") == {"train": ["train/a"]}


def test_a_link_to_nowhere_is_noticed(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, "train/a/vocals.wav")
    try:
        (tmp_path / "train" / "a" / "drums.wav").symlink_to(tmp_path / "gone.wav")
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(AudioError, match=r"drums\.wav: no such file"):
        names(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["train/a/vocals.wav", "train/a/vocals.flac"],
            r"train.a: expected one file for 'vocals', got vocals\.flac and vocals\.wav",
        ),
        (
            ["a/mix.wav", "a/Mixture.wav", "a/vocals.wav"],
            r"expected one file for 'mixture', got Mixture\.wav and mix\.wav",
        ),
        (["train/b/vocals.wav", "train/a/mixture.wav"], r"train.a: expected stems beside the mixture, found none"),
        (
            ["train/a/vocals.wav", "validation/b/vocals.wav"],
            r"validation.b: expected audio in the folders train, valid",
        ),
        (["train/a/vocals.wav", "demo.wav"], r"demo\.wav: expected audio in the folders train, valid and test only"),
        (["train/vocals.wav", "train/a/vocals.wav"], r"train.a: expected no audio in folders inside a song"),
        (
            ["a/vocals.wav", "a/raw/takes/kick.wav"],
            r"takes: expected no audio in folders inside a song, but \S*a holds",
        ),
    ],
)
def test_contradictions_are_named(tmp_path: Path, write: Callable[..., None], files: list[str], message: str) -> None:
    write(tmp_path, *files)
    with pytest.raises(ConfigError, match=message) as caught:
        names(tmp_path)
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "train" / "song").mkdir(parents=True)
    with pytest.raises(AudioError, match="expected songs, found none"):
        names(tmp_path)


def test_the_first_damaged_file_is_named_every_time(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, *(f"train/{song:02}/vocals.wav" for song in range(40)))
    for song in (31, 7, 38):
        (tmp_path / f"train/{song:02}/vocals.wav").write_bytes(b"")
    for _ in range(5):
        with pytest.raises(AudioError, match=r"07.vocals\.wav: the file is empty"):
            names(tmp_path)


def test_splits_come_in_their_order(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path, "test/a/vocals.wav", "valid/a/vocals.wav", "train/a/vocals.wav")
    assert tuple(names(tmp_path)) == SPLITS[:3]
