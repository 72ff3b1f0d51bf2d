"""The doctor of data sets: a sound set has no findings, and each fault made on purpose gives its own and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import read_audio
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio
from auralflow.cli.screen import to_plain
from auralflow.data import blocks as blocks_module
from auralflow.data.check import check_dataset, check_tracks
from auralflow.data.checks.duplicates import MAX_BIT_ERROR, find_matches
from auralflow.data.checks.findings import DataReport
from auralflow.data.checks.fingerprint import Fingerprint, Fingerprinter
from auralflow.data.checks.meter import SoundMeter
from auralflow.data.checks.mix import MixMeter
from auralflow.data.left_out import leave_out
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.data.track import SPLITS, Split, Track, find_sound
from auralflow.errors import AudioError, ConfigError

RATE = 8000
SECONDS = 4.0
STEMS = ("drums", "other", "vocals")
TRACKS = ("train/one", "train/two", "valid/three", "test/four")
FAULTY = "train/two"

Sounds = dict[str, np.ndarray]


class Folder:
    """Songs in folders, as little as a data set can be."""

    def __init__(self, root: Path, are_songs: bool = True) -> None:
        self.root, self.ARE_SONGS = root, are_songs

    @staticmethod
    def recognises(root: Path) -> bool:
        return True

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        found = {split: sorted((self.root / split).glob("*")) for split in SPLITS}
        tracks = {split: [self._open(folder) for folder in folders] for split, folders in found.items()}
        return {split: tuple(track for track in found if track.stems) for split, found in tracks.items() if found}

    def _open(self, folder: Path) -> Track:
        name, sounds = f"{folder.parent.name}/{folder.name}", {}
        for path in sorted(folder.iterdir()):
            try:
                sounds[path.stem] = find_sound(path)
            except AudioError as error:
                leave_out(name, path.stem, error)
        mixture = sounds.pop("mixture", None)
        return Track(name, sounds, mixture)


def make_noise(seed: int, channels: int = 2, sample_rate: int = RATE) -> np.ndarray:
    """Noise on the grid of 16 bits, of level -20 dBFS, whose channels have a correlation of about 0.5."""
    generator = np.random.default_rng(seed)
    n_samples = round(SECONDS * sample_rate)
    sound = generator.standard_normal((channels, n_samples)) + generator.standard_normal((1, n_samples))
    sound *= 0.1 / np.sqrt(2)
    sound -= sound.mean(axis=1, keepdims=True)
    return (np.round(sound * 32768) / 32768).astype(np.float32)


def make_song(seed: int, **options: int) -> Sounds:
    stems = {stem: make_noise(100 * seed + index, **options) for index, stem in enumerate(STEMS)}
    return mixed(stems)


def mixed(stems: Sounds) -> Sounds:
    return {**stems, "mixture": reduce(np.add, [stem for name, stem in stems.items() if name != "mixture"])}


def write(folder: Path, sounds: Sounds, sample_rate: int = RATE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound.T, sample_rate, subtype="FLOAT")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate(TRACKS):
        write(tmp_path / name, make_song(seed))
    return tmp_path


def check(root: Path, **options: int) -> DataReport:
    return check_dataset(Folder(root), **options)


def told(report: DataReport) -> list[tuple[str, str, str | None, str | None]]:
    return [(finding.kind, finding.severity, finding.track, finding.stem) for finding in report.findings]


def test_a_sound_set_has_no_findings_and_all_of_it_is_counted(root: Path) -> None:
    report = check(root)
    assert told(report) == []
    assert report.exit_code == 0
    assert [(split.split, split.n_tracks) for split in report.splits] == [("train", 2), ("valid", 1), ("test", 1)]
    assert report.splits[0].hours == pytest.approx(2 * SECONDS / 3600)
    assert [stem.stem for stem in report.stems] == [*STEMS, "mixture"]
    for stem in report.stems[:-1]:
        assert stem.n_tracks == 4
        assert stem.hours == pytest.approx(4 * SECONDS / 3600)
        assert stem.rms_db == pytest.approx(-20.0, abs=0.1)
        assert stem.silence_ratio == 0.0
        assert -10.0 < (stem.peak_db or 0.0) < -5.0


def lack_vocals(song: Sounds) -> Sounds:
    return {name: sound for name, sound in song.items() if name != "vocals"}


def cut_vocals(song: Sounds) -> Sounds:
    return {**song, "vocals": song["vocals"][:, : -RATE // 2]}


def clip_vocals(song: Sounds) -> Sounds:
    vocals = song["vocals"].copy()
    vocals[0, 1000:1004], vocals[1, 2000:2003] = 32767 / 32768, -1.0
    return mixed({**song, "vocals": vocals})


def offset_vocals(song: Sounds) -> Sounds:
    return {**song, "vocals": song["vocals"] + np.float32(0.003)}


def silence_vocals(song: Sounds) -> Sounds:
    return mixed({**song, "vocals": np.zeros_like(song["vocals"])})


def whisper_vocals(song: Sounds) -> Sounds:
    return mixed({**song, "vocals": song["vocals"] * np.float32(0.005)})


def spoil_vocals(song: Sounds) -> Sounds:
    vocals = song["vocals"].copy()
    vocals[0, 1000:1005] = np.nan
    vocals[1, 7] = np.inf
    return {**song, "vocals": vocals}


def turn_vocals(song: Sounds) -> Sounds:
    return {**song, "vocals": -song["vocals"]}


def narrow_vocals(song: Sounds) -> Sounds:
    return mixed({**song, "vocals": np.tile(song["vocals"][:1], (2, 1))})


def widen_vocals(song: Sounds) -> Sounds:
    return mixed({**song, "vocals": song["vocals"][:1] * np.array([[1], [-1]], np.float32)})


def mono_vocals(song: Sounds) -> Sounds:
    return mixed({**song, "vocals": song["vocals"][:1]})


def surround_vocals(song: Sounds) -> Sounds:
    return {**song, "vocals": np.concatenate([song["vocals"], make_noise(7)[:1]])}


def quieten_mixture(song: Sounds) -> Sounds:
    return {**song, "mixture": song["mixture"] * np.float32(0.5)}


def delay_mixture(song: Sounds) -> Sounds:
    return {**song, "mixture": np.pad(song["mixture"], ((0, 0), (100, 0)))[:, :-100]}


FAULTS: list[tuple[Callable[[Sounds], Sounds], str, str, str | None, str]] = [
    (lack_vocals, "missing_stem", "error", "vocals", "3 of 4 tracks have it"),
    (cut_vocals, "length", "warning", None, "drums 4.00 s, other 4.00 s, vocals 3.50 s, mixture 4.00 s"),
    (clip_vocals, "clipping", "warning", "vocals", "2 runs of 3 or more samples at full scale"),
    (offset_vocals, "dc_offset", "warning", "vocals", "mean of 0.0030"),
    (silence_vocals, "silent", "warning", "vocals", "all samples are 0"),
    (whisper_vocals, "silent", "warning", "vocals", "the highest sample is at -5"),
    (spoil_vocals, "not_finite", "error", "vocals", "6 samples were NaN or infinite"),
    (turn_vocals, "phase", "error", "vocals", "sign turned"),
    (narrow_vocals, "mono", "note", "vocals", "left and right are the same"),
    (widen_vocals, "polarity", "warning", "vocals", "correlation of -1.00"),
    (mono_vocals, "channels", "note", None, "vocals 1, mixture 2"),
    (surround_vocals, "channels", "error", None, "vocals 3, mixture 2"),
    (quieten_mixture, "mixture", "warning", "mixture", "is at 0.0 dB relative to the mixture"),
    (delay_mixture, "mixture", "warning", "mixture", "it comes 100 samples (12.5 ms) late"),
]


@pytest.mark.parametrize(("spoil", "kind", "severity", "stem", "text"), FAULTS, ids=[f[0].__name__ for f in FAULTS])
def test_each_fault_is_found_and_nothing_else(
    root: Path, spoil: Callable[[Sounds], Sounds], kind: str, severity: str, stem: str | None, text: str
) -> None:
    write(root / FAULTY, spoil(make_song(1)))
    report = check(root)
    assert told(report) == [(kind, severity, FAULTY, stem)]
    assert text in report.findings[0].detail
    assert report.exit_code == (1 if severity == "error" else 0)


def test_a_stem_that_few_tracks_have_is_noted_where_it_is_lacking(root: Path) -> None:
    write(root / FAULTY, mixed({**make_song(1), "bass": make_noise(9)}))
    others = [name for name in TRACKS if name != FAULTY]
    assert told(check(root)) == [("missing_stem", "note", name, "bass") for name in others]


def test_lone_sounds_lack_nothing(root: Path) -> None:
    for path in (root / FAULTY).glob("*.wav"):
        if path.stem != "drums":
            path.unlink()
    assert told(check_dataset(Folder(root, are_songs=False))) == []


def test_a_stem_of_another_rate_is_an_error_and_the_rest_is_still_measured(root: Path) -> None:
    soundfile.write(root / FAULTY / "vocals.wav", make_noise(5, sample_rate=16000).T, 16000)
    report = check(root)
    assert told(report) == [("sample_rate", "error", FAULTY, None)]
    assert "vocals 16000 Hz" in report.findings[0].detail
    assert report.stems[2].hours == pytest.approx(4 * SECONDS / 3600)


def test_a_song_of_another_rate_or_mono_is_noted(root: Path) -> None:
    write(root / FAULTY, make_song(1, sample_rate=16000), 16000)
    write(root / "test/four", make_song(3, channels=1))
    assert told(check(root)) == [("sample_rate", "note", FAULTY, None), ("channels", "note", "test/four", None)]


def test_a_damaged_file_is_an_error_and_the_check_goes_on(root: Path) -> None:
    (root / FAULTY / "vocals.wav").unlink()
    path = root / FAULTY / "vocals.flac"
    soundfile.write(path, make_song(1)["vocals"].T, RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    path.write_bytes(data)
    report = check(root)
    assert told(report) == [("damaged", "error", FAULTY, "vocals")]
    assert report.exit_code == 1
    assert report.stems[0].n_tracks == 4


def test_a_file_that_is_gone_is_an_error_and_the_check_goes_on(root: Path) -> None:
    by_split = Folder(root).list_tracks()
    (root / FAULTY / "vocals.wav").unlink()
    report = check_tracks(by_split)
    assert told(report) == [("unreadable", "error", FAULTY, "vocals")]
    assert [stem.n_tracks for stem in report.stems] == [4, 4, 3, 4]


def test_a_decoder_that_breaks_is_a_finding(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = blocks_module.AudioReader

    def read(path: Path, **options: int) -> object:
        if path.match("two/vocals.wav"):
            raise ZeroDivisionError("odd header")
        return reader(path, **options)

    monkeypatch.setattr(blocks_module, "AudioReader", read)
    report = check(root)
    assert told(report) == [("unreadable", "error", FAULTY, "vocals")]
    assert "ZeroDivisionError: odd header" in report.findings[0].detail


@pytest.mark.parametrize("stem", ["vocals", "mixture"])
def test_what_is_no_audio_at_all_is_an_error_and_the_check_goes_on(root: Path, stem: str) -> None:
    (root / FAULTY / f"{stem}.wav").write_bytes(b"RIFF, but what follows is no sound")
    report = check(root)
    assert told(report) == [("unreadable", "error", FAULTY, stem)]
    assert f"{stem}.wav" in report.findings[0].detail
    assert sum(split.n_tracks for split in report.splits) == 4


def test_a_track_of_which_nothing_opens_is_an_error_for_each_of_its_sounds(root: Path) -> None:
    for path in (root / FAULTY).iterdir():
        path.write_bytes(b"")
    report = check(root)
    assert told(report) == [("unreadable", "error", FAULTY, stem) for stem in sorted((*STEMS, "mixture"))]
    assert sum(split.n_tracks for split in report.splits) == 3


def test_outside_of_a_check_the_first_sound_that_does_not_open_stops_the_listing(root: Path) -> None:
    (root / FAULTY / "drums.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"drums\.wav"):
        Folder(root).list_tracks()


def cut(song: Sounds) -> Sounds:
    return {name: sound[:, RATE:] for name, sound in song.items()}


def quieten(song: Sounds) -> Sounds:
    return {name: sound * np.float32(0.25) for name, sound in song.items()}


def test_a_song_twice_in_a_split_is_a_warning(root: Path) -> None:
    write(root / "train/two copy", make_song(1))
    report = check(root)
    assert told(report) == [("duplicate", "warning", "train/two copy", None)]
    assert "'train/two'" in report.findings[0].detail
    assert report.exit_code == 0


@pytest.mark.parametrize("change", [quieten, cut, turn_vocals], ids=lambda change: change.__name__)
def test_a_song_of_train_that_is_in_test_is_an_error(root: Path, change: Callable[[Sounds], Sounds]) -> None:
    write(root / "test/copy", mixed(change(make_song(1))) if change is not turn_vocals else make_song(1))
    report = check(root)
    assert told(report) == [("duplicate", "error", "test/copy", None)]
    assert "'train/two' of another split, train" in report.findings[0].detail
    assert report.exit_code == 1


def test_a_copy_in_every_split_is_told_once_for_each_and_compared_with_train(root: Path) -> None:
    for name in ("valid/copy", "test/copy"):
        write(root / name, make_song(1))
    report = check(root)
    assert told(report) == [("duplicate", "error", name, None) for name in ("valid/copy", "test/copy")]
    assert all("'train/two'" in finding.detail for finding in report.findings)


def take_fingerprint(sound: np.ndarray, sample_rate: int, block: int = 10_000) -> Fingerprint:
    fingerprinter = Fingerprinter(sample_rate)
    for start in range(0, sound.shape[1], block):
        fingerprinter.update(sound[:, start : start + block])
    return fingerprinter.finish()


@pytest.fixture(scope="module")
def songs() -> list[np.ndarray]:
    """Five that are as alike as songs of this band can be, and five of any kind."""
    alike = {"tempo_bpm": 112.0, "key": "A minor", "style": "pop", "voice": "alto"}
    configs = [SongConfig(seed, 9.0, RATE, **alike) for seed in range(5)]  # type: ignore[arg-type]
    configs += [SongConfig(seed, 9.0, RATE) for seed in range(5, 10)]
    return [mix_stems(render_song(config)) for config in configs]


@pytest.fixture(scope="module")
def fingerprints(songs: list[np.ndarray]) -> list[Fingerprint]:
    return [take_fingerprint(song, RATE) for song in songs]


def test_different_songs_of_one_band_are_no_duplicates(fingerprints: list[Fingerprint]) -> None:
    assert find_matches(fingerprints) == []


@pytest.mark.parametrize("index", [0, 7])
@pytest.mark.parametrize(
    "output_format", [OutputFormat("mp3"), OutputFormat("m4a", bitrate_kbps=24), OutputFormat("opus", bitrate_kbps=24)]
)
def test_a_copy_is_found_quieter_cut_by_3_s_and_encoded_anew(
    songs: list[np.ndarray],
    fingerprints: list[Fingerprint],
    index: int,
    output_format: OutputFormat,
    tmp_path: Path,
) -> None:
    path = tmp_path / f"copy{output_format.suffix}"
    copy = songs[index][:, 3 * RATE + 37 :] * np.float32(0.2)
    write_audio(path, Audio(copy, RATE), output_format=output_format)
    heard = read_audio(path)
    (match,) = find_matches([*fingerprints, take_fingerprint(heard.samples, heard.sample_rate)])
    assert (match.first, match.second) == (index, len(fingerprints))
    assert match.lag_s == pytest.approx(3.0, abs=0.03)
    assert match.bit_error < 0.6 * MAX_BIT_ERROR


def test_a_fingerprint_does_not_depend_on_gain_sign_or_blocks(songs: list[np.ndarray]) -> None:
    whole = take_fingerprint(songs[0], RATE)
    for sound, block in ((songs[0] * np.float32(-0.25), 10_000), (songs[0], 1777)):
        other = take_fingerprint(sound, RATE, block)
        np.testing.assert_array_equal(other.is_loud, whole.is_loud)
        differing = np.unpackbits((other.codes ^ whole.codes).view(np.uint8))
        assert differing.mean() < 1e-3


def test_silence_and_short_sounds_match_nothing() -> None:
    silence = take_fingerprint(np.zeros((2, 80_000), np.float32), 16_000)
    short = take_fingerprint(make_noise(0)[:, :8000], RATE)
    assert silence.n_loud == 0
    assert find_matches([silence, silence, short, short]) == []
    assert find_matches([]) == []


def test_clips_are_counted_once_each_wherever_blocks_end() -> None:
    sound = np.zeros((2, 40), np.float32)
    sound[0, 3:6] = 1.0
    sound[0, 10:12] = 1.0  # two only
    sound[0, 20:30] = -1.0
    sound[1, 0:3] = 32767 / 32768
    sound[1, 37:40] = -1.0
    sound[1, 10:13] = [1.0, 1.2, 1.1]  # beyond full scale, but not flat
    for block in (1, 2, 3, 7, 40):
        meter = SoundMeter(8000, 2)
        for start in range(0, 40, block):
            meter.update(sound[:, start : start + block])
        assert meter.n_clips == 4, block


def test_the_share_of_silence_is_that_of_its_frames() -> None:
    meter = SoundMeter(8000, 1)
    quiet, loud = np.full((1, 8000), 0.0009, np.float32), np.full((1, 8000), 0.0011, np.float32)
    for block in (quiet, quiet, loud, quiet[:, :4000]):
        meter.update(block)
    assert (meter.n_silent, meter.n_frames) == (25, 35)


@pytest.mark.parametrize("lag", [0, 1, -1, 250, -250])
def test_the_lag_of_a_mixture_is_exact(lag: int) -> None:
    sound = make_noise(1)
    meter = MixMeter(1, RATE, sound.shape[1])
    meter.update(np.roll(sound, lag, axis=1), [sound])
    assert meter.find_lag() == lag


def test_the_residual_is_that_of_the_definition() -> None:
    vocals, drums, hiss = make_noise(1), make_noise(2), make_noise(3)
    mixture = vocals + drums + np.float32(0.01) * hiss
    meter = MixMeter(2, RATE, mixture.shape[1])
    for start in range(0, mixture.shape[1], 5000):
        meter.update(mixture[:, start : start + 5000], [s[:, start : start + 5000] for s in (vocals, drums)])
    expected = 10 * np.log10(np.square(mixture - vocals - drums).sum() / np.square(mixture).sum())
    assert meter.residual_db == pytest.approx(expected, abs=0.01)
    assert meter.find_flipped() == []
    assert meter.residual_db_without([0]) == pytest.approx(10 * np.log10(4 / 2), abs=0.1)


def test_no_sign_is_told_where_the_stems_do_not_explain_the_mixture() -> None:
    meter = MixMeter(1, RATE, 32_000)
    meter.update(make_noise(1), [-0.5 * make_noise(1) + make_noise(2)])
    assert meter.find_flipped() == []


def test_every_file_is_opened_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    reader = blocks_module.AudioReader

    def read(path: Path, **options: int) -> object:
        opened.append(path)
        return reader(path, **options)

    monkeypatch.setattr(blocks_module, "AudioReader", read)
    check(root)
    assert sorted(opened) == sorted(root.glob("*/*/*.wav"))


def test_workers_change_nothing_but_the_time(root: Path) -> None:
    write(root / FAULTY, turn_vocals(make_song(1)))
    reports = [check(root, n_workers=n) for n in (1, 3)]
    assert reports[0].findings == reports[1].findings
    assert reports[0].stems == reports[1].stems


def test_progress_is_told_track_by_track(root: Path) -> None:
    heard: list[tuple[int, int]] = []
    check_dataset(Folder(root), report=lambda n_done, n_total: heard.append((n_done, n_total)))
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_no_workers_are_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="n_workers: expected 1 or more, got 0"):
        check(root, n_workers=0)


def test_errors_come_first_and_the_report_is_plain_json(root: Path) -> None:
    write(root / "train/one", silence_vocals(make_song(0)))
    write(root / "test/four", turn_vocals(make_song(3)))
    report = check(root)
    assert [finding.severity for finding in report.findings] == ["error", "warning"]
    back = json.loads(json.dumps(to_plain(report), allow_nan=False))
    assert back["n_errors"] == back["n_warnings"] == 1
    assert back["findings"][0]["kind"] == "phase"
    assert back["findings"][0]["track"] == "test/four"
    assert back["stems"][2]["stem"] == "vocals"
    assert back["splits"][0] == {"split": "train", "n_tracks": 2, "hours": pytest.approx(8 / 3600)}


def test_a_set_of_silence_is_plain_json_too(tmp_path: Path) -> None:
    write(tmp_path / "train/one", {"vocals": np.zeros((2, 32_000), np.float32)})
    report = check(tmp_path)
    assert told(report) == [("silent", "warning", "train/one", "vocals")]
    assert report.stems[0].rms_db is None
    json.dumps(to_plain(report), allow_nan=False)
