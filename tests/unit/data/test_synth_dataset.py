"""Data sets of procedural songs: the layout, exact sums, the same whatever the workers, and safe to stop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from auralflow.audio.probe import probe
from auralflow.audio.read import read_audio
from auralflow.data import synth_dataset, synth_song
from auralflow.data.check import check_tracks
from auralflow.data.synth import STEMS, SongConfig, render_song
from auralflow.data.synth_dataset import LIST_NAME, SynthReport, choose_split, plan_song, write_songs
from auralflow.data.track import SPLITS, Split, Track, find_sound
from auralflow.errors import ConfigError, OutputError

RATE = 8000


def make(out: Path, n_songs: int = 3, **options: object) -> SynthReport:
    settings: dict[str, object] = {"duration_s": 1.5, "sample_rate": RATE, "n_workers": 1}
    return write_songs(out, n_songs, **(settings | options))  # type: ignore[arg-type]


def read_all(out: Path) -> dict[str, bytes]:
    """Every file of the data set that is no hidden one."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_songs_are_laid_out_as_musdb(tmp_path: Path) -> None:
    report = make(tmp_path / "made")
    assert report.n_written == 3
    assert [song.split for song in report.songs] == ["train", "valid", "test"]
    for song in report.songs:
        folder = tmp_path / "made" / song.name
        assert folder.parent.name == song.split
        assert {path.name for path in folder.iterdir()} == {f"{name}.flac" for name in (*STEMS, "mixture")}
        info = probe(folder / "mixture.flac")
        assert (info.sample_rate, info.channels, info.n_samples, info.depth) == (RATE, 2, 12_000, "int24")


@pytest.mark.parametrize("file_format", ["flac", "wav"])
def test_the_stems_sum_to_the_mixture_bit_for_bit_and_are_those_of_the_renderer(
    tmp_path: Path, file_format: str
) -> None:
    for song in make(tmp_path, format=file_format).songs:
        sounds = {path.stem: read_audio(path).samples for path in (tmp_path / song.name).iterdir()}
        total = sum(sounds[name].astype(np.float64) for name in STEMS)
        np.testing.assert_array_equal(sounds["mixture"], total)
        rendered = render_song(SongConfig(song.seed, song.duration_s, song.sample_rate))
        for name in STEMS:
            np.testing.assert_array_equal(sounds[name], rendered[name])


def test_the_list_tells_what_each_song_is(tmp_path: Path) -> None:
    report = make(tmp_path, seed=4)
    listed = json.loads((tmp_path / LIST_NAME).read_text(encoding="utf-8"))
    assert (listed["version"], listed["seed"], listed["sample_rate"], listed["format"]) == (1, 4, RATE, "flac")
    assert [song["name"] for song in listed["songs"]] == [song.name for song in report.songs]
    first = listed["songs"][0]
    assert first["seed"] == 4_000_001
    assert f"{first['style']} {first['key']} {first['tempo_bpm']:.0f} bpm" in first["name"].replace(" sharp", "#")


def test_the_same_songs_come_whatever_the_workers_and_the_number(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    make(alone, 4, n_workers=1)
    make(together, 3, n_workers=2)
    added = make(together, 4, n_workers=2)
    assert added.n_written == 1
    assert read_all(alone) == read_all(together)


def test_another_seed_gives_other_songs() -> None:
    names = {plan_song(number, seed).name for seed in (0, 1) for number in range(1, 9)}
    seeds = {plan_song(number, seed).seed for seed in (0, 1) for number in range(1, 9)}
    assert len(names) == len(seeds) == 16


@pytest.mark.parametrize("n_songs", [3, 5, 10, 20, 37, 100])
def test_the_splits_are_about_70_15_15_and_none_is_empty(n_songs: int) -> None:
    counts = Counter(choose_split(number) for number in range(1, n_songs + 1))
    assert set(counts) == {"train", "valid", "test"}
    for split, share in (("train", 0.7), ("valid", 0.15), ("test", 0.15)):
        assert abs(counts[split] - share * n_songs) < 1.6  # type: ignore[index]


def test_there_is_variety() -> None:
    songs = [plan_song(number) for number in range(1, 61)]
    assert len({song.style for song in songs}) == 6
    assert len({song.voice for song in songs}) == 4
    assert len({song.key for song in songs}) > 15
    assert len({song.tempo_bpm for song in songs}) > 40
    assert len({(song.kit, song.bass_sound, song.comping_sound) for song in songs}) > 10


def test_names_are_safe() -> None:
    names = [plan_song(number).name for number in range(1, 200)]
    assert any("sharp" in name for name in names)
    assert all(set(name.replace("/", "", 1)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFG0123456789 _") for name in names)


def test_the_doctor_finds_nothing_twice_and_every_mixture_to_be_the_sum(tmp_path: Path) -> None:
    report = make(tmp_path, 4, duration_s=5.0, n_workers=2)
    by_split: dict[Split, list[Track]] = {split: [] for split in SPLITS}
    for song in report.songs:
        sounds = {path.stem: find_sound(path) for path in sorted((tmp_path / song.name).iterdir())}
        mixture = sounds.pop("mixture")
        by_split[song.split].append(Track(song.name, sounds, mixture))
    kinds = {finding.kind for finding in check_tracks(by_split).findings}
    assert kinds <= {"silent"}  # in five seconds a voice may not begin


def test_songs_that_are_there_are_left_alone(tmp_path: Path) -> None:
    report = make(tmp_path)
    mark = tmp_path / report.songs[0].name / "vocals.flac"
    mark.write_bytes(b"mine")
    again = make(tmp_path)
    assert again.n_written == 0
    assert again.songs == report.songs
    assert mark.read_bytes() == b"mine"


def test_what_a_killed_run_left_is_removed_and_its_song_made_anew(tmp_path: Path) -> None:
    report = make(tmp_path)
    folder = tmp_path / report.songs[1].name
    folder.rename(folder.parent / ".auralflow-1-aa.part")
    assert make(tmp_path).n_written == 1
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_song_that_cannot_be_written_leaves_nothing_under_its_name(
    tmp_path: Path, n_workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / plan_song(2, 0, 1.5, RATE).name
    blocked.parent.mkdir(parents=True)
    (tmp_path / LIST_NAME).write_text(
        json.dumps({"seed": 0, "duration_s": 1.5, "sample_rate": RATE, "format": "flac", "songs": []})
    )
    blocked.write_text("a file in the way")
    with pytest.raises(OutputError, match="expected to write a song there"):
        make(tmp_path, n_workers=n_workers)
    assert blocked.read_text() == "a file in the way"
    assert not list(tmp_path.rglob("*.part"))


def test_an_encoder_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_audio = synth_song.write_audio

    def fail(path: Path, *arguments: object, **options: object) -> object:
        if path.stem == "mixture":
            raise OutputError("disk full")
        return write_audio(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(synth_song, "write_audio", fail)
    with pytest.raises(OutputError, match="disk full"):
        make(tmp_path)
    assert list((tmp_path / "train").iterdir()) == []


def test_a_process_that_dies_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = synth_song.SongProcess()
    process.kill()
    with pytest.raises(OutputError, match="the process that rendered it ended with code -9"):
        process.write_song(tmp_path / "song", SongConfig(), "flac")
    process.close()


def test_progress_counts_what_is_there(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    make(tmp_path)
    make(tmp_path, 5, report=lambda n_done, n_total: heard.append((n_done, n_total)))
    assert heard == [(4, 5), (5, 5)]


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".auralflow.lock"),
        pytest.raises(OutputError, match="another process writes songs there"),
    ):
        make(tmp_path)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_songs": 2}, "songs: expected 3"),
        ({"n_songs": 0}, "songs: expected 3"),
        ({"seed": -1}, "seed: expected a whole number"),
        ({"format": "mp3"}, "format: expected flac or wav"),
        ({"n_workers": 0}, "n_workers: expected 1 or more"),
        ({"duration_s": 0.5}, "song.duration_s: expected 1 to 1200"),
        ({"sample_rate": 100}, "song.sample_rate: expected 8000"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        make(tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 1}, "seed: .* holds songs of 0, got 1; choose another folder"),
        ({"duration_s": 2.0}, "duration_s: .* holds songs of 1.5, got 2.0"),
        ({"sample_rate": 16_000}, "sample_rate: .* holds songs of 8000"),
        ({"format": "wav"}, "format: .* holds songs of 'flac'"),
    ],
)
def test_songs_of_other_settings_are_not_mixed_in(tmp_path: Path, options: dict[str, object], text: str) -> None:
    make(tmp_path)
    before = read_all(tmp_path)
    with pytest.raises(ConfigError, match=text):
        make(tmp_path, **options)
    assert read_all(tmp_path) == before


def test_fewer_songs_do_not_forget_the_others(tmp_path: Path) -> None:
    make(tmp_path, 4)
    before = read_all(tmp_path)
    assert len(make(tmp_path, 3).songs) == 3
    assert read_all(tmp_path) == before


def test_a_data_set_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(ConfigError, match=r"holds a data set without songs\.json"):
        make(tmp_path)


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / LIST_NAME).write_text("[]")
    with pytest.raises(ConfigError, match="is no list of songs"):
        make(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="expected a folder to write songs to"):
        make(tmp_path / "out")


def test_a_script_without_a_main_guard_may_call_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom auralflow.data.synth_dataset import write_songs\n"
        f"write_songs(Path({str(tmp_path / 'out')!r}), 3, duration_s=1.0, sample_rate=8000, n_workers=2)\n"
    )
    subprocess.run([sys.executable, str(script)], check=True)
    assert len(list((tmp_path / "out").glob("*/*/mixture.flac"))) == 3


def test_rendering_needs_no_torch() -> None:
    code = f"import sys, {synth_dataset.__name__}; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
