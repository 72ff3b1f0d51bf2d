"""Whole songs: exact lengths, exact sums, reproducible, at sane levels."""

from __future__ import annotations

import subprocess
import sys
from functools import reduce
from itertools import pairwise, permutations

import numpy as np
import pytest

from auralflow.data.synth import STEMS, SongConfig, mix_stems, render_song
from auralflow.data.synth.melody import write_melody
from auralflow.data.synth.plan import draw_plan, random_stream

Stems = dict[str, np.ndarray]
CONFIG = SongConfig(seed=7, duration_s=20.0, sample_rate=44_100)


@pytest.fixture(scope="module")
def song() -> Stems:
    return render_song(CONFIG)


def level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def test_stems_have_their_names_shape_and_type(song: Stems) -> None:
    assert tuple(song) == STEMS
    for stem in song.values():
        assert stem.shape == (2, 882_000)
        assert stem.dtype == np.float32
        assert np.isfinite(stem).all()


@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("duration_s", [1.0, 5.0, 3.00037])
def test_lengths_are_exact(duration_s: float, sample_rate: int) -> None:
    stems = render_song(SongConfig(seed=1, duration_s=duration_s, sample_rate=sample_rate))
    assert {stem.shape for stem in stems.values()} == {(2, round(duration_s * sample_rate))}
    assert all(np.isfinite(stem).all() for stem in stems.values())
    assert np.abs(mix_stems(stems)).max() > 0.5


def test_the_mixture_is_the_sum_in_any_order_without_rounding(song: Stems) -> None:
    mixture = mix_stems(song)
    exact = reduce(np.add, [stem.astype(np.float64) for stem in song.values()])
    np.testing.assert_array_equal(mixture, exact)
    for order in list(permutations(song.values()))[1::5]:
        np.testing.assert_array_equal(reduce(np.add, order), mixture)


def test_24_bits_hold_every_stem(song: Stems) -> None:
    for stem in song.values():
        steps = stem.astype(np.float64) * 2**23
        np.testing.assert_array_equal(steps, np.round(steps))
        assert np.abs(stem).max() < 1.0


def test_the_peak_leaves_headroom(song: Stems) -> None:
    assert 0.8 < np.abs(mix_stems(song)).max() < 0.9


def test_no_stem_has_an_offset(song: Stems) -> None:
    assert max(np.abs(stem.mean(axis=1, dtype=np.float64)).max() for stem in song.values()) < 1e-6


def test_the_same_config_gives_the_same_samples_whatever_the_global_state() -> None:
    config = SongConfig(seed=11, duration_s=4.0, sample_rate=22_050)
    np.random.seed(0)  # noqa: NPY002
    first = render_song(config)
    np.random.seed(1)  # noqa: NPY002
    second = render_song(config)
    for name in STEMS:
        np.testing.assert_array_equal(first[name], second[name])


def test_another_seed_gives_another_song() -> None:
    first, second = (render_song(SongConfig(seed=seed, duration_s=4.0, sample_rate=22_050)) for seed in (1, 2))
    for name in STEMS:
        assert abs(np.corrcoef(first[name][0], second[name][0])[0, 1]) < 0.3


def test_the_sample_rate_changes_no_note() -> None:
    plans = [draw_plan(SongConfig(seed=4, sample_rate=sample_rate)) for sample_rate in (22_050, 48_000)]
    melodies = [write_melody(plan, random_stream(plan.config, "melody")) for plan in plans]
    assert melodies[0] == melodies[1]


@pytest.mark.parametrize("seed", [0, 3])
def test_the_voice_stands_up_to_the_band(seed: int) -> None:
    config = SongConfig(seed=seed, duration_s=14.0, sample_rate=22_050)
    stems = render_song(config)
    phrases = write_melody(draw_plan(config), random_stream(config, "melody"))
    sung = np.zeros(config.n_samples, dtype=bool)
    for phrase in phrases:
        sung[int(phrase.start_s * 22_050) : int(phrase.end_s * 22_050)] = True
    band = mix_stems(stems) - stems["vocals"]
    assert -4.0 < level_db(stems["vocals"][:, sung]) - level_db(band[:, sung]) < 4.0
    for name in ("drums", "bass", "other"):
        assert -9.0 < level_db(stems[name]) - level_db(band) < -1.0


def test_between_phrases_there_is_silence() -> None:
    config = SongConfig(seed=8, sample_rate=22_050)
    vocals = render_song(config)["vocals"]
    phrases = write_melody(draw_plan(config), random_stream(config, "melody"))
    rests = [(a.end_s + 0.5, b.start_s - 0.45) for a, b in pairwise(phrases) if b.start_s - a.end_s > 1.05]
    rests.append((0.0, phrases[0].start_s - 0.45))
    for first_s, last_s in rests:
        rest = vocals[:, int(first_s * 22_050) : int(last_s * 22_050)]
        assert level_db(rest) < level_db(vocals) - 25.0
    assert not vocals[:, : int((phrases[0].start_s - 0.45) * 22_050)].any()


def test_every_stem_has_its_place_in_the_spectrum(song: Stems) -> None:
    centroids = {}
    for name, stem in song.items():
        levels = np.abs(np.fft.rfft(stem.mean(axis=0)))
        centroids[name] = float((levels * np.fft.rfftfreq(stem.shape[1], 1 / 44_100)).sum() / levels.sum())
    assert centroids["bass"] < centroids["other"] < centroids["drums"]
    assert centroids["bass"] < centroids["vocals"] < centroids["drums"]


@pytest.mark.parametrize("name", ["vocals", "drums"])
def test_the_treble_is_not_empty(song: Stems, name: str) -> None:
    power = np.abs(np.fft.rfft(song[name].mean(axis=0).astype(np.float64))) ** 2
    freqs_hz = np.fft.rfftfreq(song[name].shape[1], 1 / 44_100)
    treble = power[(freqs_hz > 12_000) & (freqs_hz < 18_000)].sum() / power.sum()
    assert 10 * np.log10(treble) > -50.0


def test_the_stereo_image_is_that_of_a_mix(song: Stems) -> None:
    correlation = {name: np.corrcoef(stem)[0, 1] for name, stem in song.items()}
    assert correlation["bass"] > 0.98
    assert 0.7 < correlation["vocals"] < 1.0
    assert 0.3 < correlation["other"] < 0.97
    assert 0.7 < correlation["drums"] < 0.999


def test_the_song_ends_in_silence(song: Stems) -> None:
    assert max(np.abs(stem[:, -1]).max() for stem in song.values()) == 0.0


def test_the_renderer_needs_neither_torch_nor_scipy() -> None:
    code = "import sys, auralflow.data.synth; print(sorted({'torch', 'scipy', 'soundfile'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
