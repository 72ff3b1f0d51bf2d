"""What every layout promises, asked of each file in `auralflow.data.datasets`.

A new layout needs one entry in `EXAMPLES`, which writes a small data set of its kind. The checks are plain functions,
so that the second half of this file can show each of them rejecting a layout that is broken on purpose.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auralflow.api import pack_data
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.data.blocks import open_sound
from auralflow.data.datasets import datasets
from auralflow.data.open import open_dataset
from auralflow.data.packs.index import PackedSound
from auralflow.data.track import SPLITS, Sound, Track, find_sound
from auralflow.errors import AuralflowError

RATE = 8000
FILES = itertools.count(100)


def _write(path: Path) -> None:
    """No two sounds have the same length, so that none can be taken for another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((next(FILES), 2)), RATE)


def _write_songs(root: Path) -> Path:
    for song in ("train/B side", "train/a", "train/Ärger/1. Lied", "valid/c", "test/d"):
        for name in ("mixture.wav", "vocals.flac", "drums.wav"):
            _write(root / song / name)
    return root


def _write_stem_files(root: Path) -> Path:
    for song in ("train/b", "train/a", "test/c"):
        path = root / f"{song}.stem.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        stems = ("drums", "bass", "other", "vocals")
        with StemMp4Writer(path, sample_rate=RATE, channels=2, stem_names=stems) as writer:
            writer.write([np.zeros((2, 1100), np.float32)] * 5)
    return root


def _write_stem_folders(root: Path) -> Path:
    for path in ("train/vocals/z.wav", "train/vocals/a.flac", "train/drums/kit/a.wav", "test/vocals/b.wav"):
        _write(root / path)
    return root


def _write_manifest(root: Path) -> Path:
    lines = []
    for name, split in (("b", "train"), ("a", "train"), ("c", "test")):
        _write(root / f"{name}.wav")
        lines.append(json.dumps({"name": name, "split": split, "stems": {"vocals": f"{name}.wav"}}))
    (root / "songs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return root / "songs.jsonl"


def _write_pack(root: Path) -> Path:
    pack_data(_write_songs(root / "songs"), root / "packed", workers=1)
    return root / "packed"


EXAMPLES: dict[str, Callable[[Path], Path]] = {
    "manifest": _write_manifest,
    "musdb_hq": _write_songs,
    "musdb_stems": _write_stem_files,
    "pack": _write_pack,
    "stem_folders": _write_stem_folders,
}


def check_says_what_it_is(layout: Any) -> None:
    text = inspect.getdoc(layout) or ""
    assert isinstance(layout.ARE_SONGS, bool)
    for section in ("Layout:", "Source:", "Licence:"):
        assert f"\n{section}" in text, f"{layout.__name__}: its docstring has no '{section}'"


def check_recognises_its_own(layout: Any, root: Path) -> None:
    assert layout.recognises(root) is True


def check_recognises_nothing_else(layout: Any, root: Path) -> None:
    """Roots without any data; asking never raises."""
    empty, table = root.parent / "empty", root.parent / "table.xlsx"
    empty.mkdir(exist_ok=True)
    table.write_bytes(b"\x00\xff" * 9)
    for other in (empty, table, root.parent / "missing", root.parent / "a\0b", root.parent / ("long" * 99)):
        assert layout.recognises(other) is False


def check_order(layout: Any, root: Path) -> None:
    for tracks in layout(root).list_tracks().values():
        assert tracks, "a split without tracks is left out"
        assert [track.name for track in tracks] == sorted(track.name for track in tracks)


def check_listing_does_not_depend_on_the_file_system(layout: Any, root: Path) -> None:
    listings = []
    for listing in (_Forwards, _Backwards):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "scandir", listing)
            listings.append(layout(root).list_tracks())
    assert listings[0] == listings[1]


def check_splits_are_disjoint(layout: Any, root: Path) -> None:
    by_split = layout(root).list_tracks()
    assert set(by_split) <= set(SPLITS)
    names = [track.name for tracks in by_split.values() for track in tracks]
    assert len(set(names)) == len(names)
    for one, other in itertools.combinations(by_split.values(), 2):
        assert not {sound.path for sound in _sounds(one)} & {sound.path for sound in _sounds(other)}


def check_sounds_are_what_the_files_hold(layout: Any, root: Path) -> None:
    for track in itertools.chain(*layout(root).list_tracks().values()):
        assert track.stems
        assert "mixture" not in track.stems
        for sound in _sounds([track]):
            with open_sound(sound) as blocks:
                shapes = [block.shape for block in blocks]
            assert {channels for channels, _ in shapes} == {sound.channels}
            assert sum(n_samples for _, n_samples in shapes) == sound.n_samples > 0
            assert isinstance(sound, PackedSound) or sound == find_sound(sound.path, sound.stream)


def check_refuses_a_missing_root(layout: Any, root: Path) -> None:
    with pytest.raises(AuralflowError) as caught:
        layout(root / "missing").list_tracks()
    assert "missing" in str(caught.value)
    assert "\n" not in str(caught.value)


CHECKS = [
    check_recognises_its_own,
    check_recognises_nothing_else,
    check_order,
    check_listing_does_not_depend_on_the_file_system,
    check_splits_are_disjoint,
    check_sounds_are_what_the_files_hold,
    check_refuses_a_missing_root,
]


class _Forwards:
    """A file system that lists its folders in order."""

    scandir = staticmethod(os.scandir)
    reverse = False

    def __init__(self, path: Any) -> None:
        with self.scandir(path) as entries:
            self._entries = sorted(entries, key=lambda entry: entry.name, reverse=self.reverse)

    def __enter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __exit__(self, *error: object) -> None: ...


class _Backwards(_Forwards):
    """One that lists them the other way round."""

    reverse = True


def _sounds(tracks: Any) -> list[Sound]:
    return [sound for t in tracks for sound in (*t.stems.values(), *([t.mixture] if t.mixture else []))]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    roots = {}
    for name, write in EXAMPLES.items():
        folder = tmp_path_factory.mktemp(name) / "data"
        folder.mkdir()
        roots[name] = write(folder)
    return roots


def test_every_layout_has_an_example() -> None:
    built_in = {name for name in datasets.names() if datasets.load(name).__module__.startswith("auralflow.")}
    assert built_in == set(EXAMPLES), "write an example for it above"


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("check", CHECKS)
def test_promise(name: str, check: Callable[[Any, Path], None], roots: dict[str, Path]) -> None:
    check(datasets.load(name), roots[name])


@pytest.mark.parametrize("name", EXAMPLES)
def test_says_what_it_is(name: str) -> None:
    check_says_what_it_is(datasets.load(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_is_found_without_being_named(name: str, roots: dict[str, Path]) -> None:
    assert type(open_dataset(roots[name])) is datasets.load(name)


class Plain:
    """Nothing wrong with it. Those below break one thing each.

    Layout:
        name.wav

    Source: here.
    Licence: none.
    """

    ARE_SONGS = True

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        try:
            return any(path.suffix == ".wav" for path in root.iterdir())
        except (OSError, ValueError):
            return False

    def paths(self) -> list[Path]:
        try:
            with os.scandir(self.root) as entries:
                return sorted(Path(entry.path) for entry in entries if entry.name.endswith(".wav"))
        except OSError:
            raise AuralflowError(f"{self.root}: no such folder") from None

    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        tracks = [Track(path.name, {"vocals": find_sound(path)}) for path in self.paths()]
        return {"train": tuple(tracks[:-1]), "test": tuple(tracks[-1:])}


class Modest(Plain):
    @staticmethod
    def recognises(root: Path) -> bool:
        return False


class Greedy(Plain):
    @staticmethod
    def recognises(root: Path) -> bool:
        return True


class Careless(Plain):
    @staticmethod
    def recognises(root: Path) -> bool:
        return any(path.suffix == ".wav" for path in root.iterdir())


class Backwards(Plain):
    def paths(self) -> list[Path]:
        return super().paths()[::-1]


class Unsorted(Plain):
    def paths(self) -> list[Path]:
        with os.scandir(self.root) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(".wav")]


class KeepsEmptySplits(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        return super().list_tracks() | {"valid": ()}


class ValidatesOnWhatItTrainsOn(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        found = super().list_tracks()
        again = tuple(Track(f"{track.name} again", track.stems) for track in found["train"])
        return found | {"valid": again}


class OneName(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        found = super().list_tracks()
        return {split: tuple(Track("song", t.stems) for t in tracks) for split, tracks in found.items()}


class OwnSplit(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        return {"dev": super().list_tracks()["train"]}


class TakesTheMixtureForAStem(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        found = super().list_tracks()["train"]
        return {"train": tuple(Track(t.name, {"mixture": t.stems["vocals"]}) for t in found)}


class GuessesLengths(Plain):
    def list_tracks(self) -> dict[str, tuple[Track, ...]]:
        (track, *_) = super().list_tracks()["train"]
        return {"train": (Track(track.name, {"vocals": dataclasses.replace(track.stems["vocals"], n_samples=1)}),)}


class LeavesAnOSError(Plain):
    def paths(self) -> list[Path]:
        return sorted(path for path in self.root.iterdir() if path.suffix == ".wav")


class FindsNothing(Plain):
    def paths(self) -> list[Path]:
        return super().paths() if self.root.exists() else []


BROKEN = [
    (check_recognises_its_own, Modest),
    (check_recognises_nothing_else, Greedy),
    (check_recognises_nothing_else, Careless),
    (check_order, Backwards),
    (check_order, KeepsEmptySplits),
    (check_listing_does_not_depend_on_the_file_system, Unsorted),
    (check_splits_are_disjoint, ValidatesOnWhatItTrainsOn),
    (check_splits_are_disjoint, OneName),
    (check_splits_are_disjoint, OwnSplit),
    (check_sounds_are_what_the_files_hold, TakesTheMixtureForAStem),
    (check_sounds_are_what_the_files_hold, GuessesLengths),
    (check_refuses_a_missing_root, LeavesAnOSError),
    (check_refuses_a_missing_root, FindsNothing),
]


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    for name in "cab":
        _write(tmp_path / "data" / f"{name}.wav")
    return tmp_path / "data"


@pytest.mark.parametrize("check", CHECKS)
def test_accepts_a_sound_layout(check: Callable[[Any, Path], None], flat: Path) -> None:
    check_says_what_it_is(Plain)
    check(Plain, flat)


@pytest.mark.parametrize(("check", "broken"), BROKEN)
def test_rejects_a_broken_layout(check: Callable[[Any, Path], None], broken: type[Plain], flat: Path) -> None:
    with pytest.raises((AssertionError, OSError, ValueError, pytest.fail.Exception)):
        check(broken, flat)


def test_every_check_has_a_broken_layout_to_reject() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)


def test_rejects_a_layout_that_does_not_say_what_it_is() -> None:
    class Terse(Plain):
        """It speaks of its Layout: but in passing."""

    with pytest.raises(AssertionError, match="Terse: its docstring has no 'Layout:'"):
        check_says_what_it_is(Terse)
