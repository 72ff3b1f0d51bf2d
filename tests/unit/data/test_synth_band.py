"""Drums, bass and chords sound where they are written."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from auralflow.data.synth import SongConfig
from auralflow.data.synth.bass import render_bass, write_bass
from auralflow.data.synth.chords import render_chords, write_chords
from auralflow.data.synth.drums import Hit, _choke, render_drums, write_drums
from auralflow.data.synth.instruments import INSTRUMENTS, Timbre
from auralflow.data.synth.kit import KIT, draw_kit
from auralflow.data.synth.plan import Plan, draw_plan, random_stream
from auralflow.data.synth.signals import midi_to_hz

SAMPLE_RATE = 22_050


def plan_of(seed: int, **fields: object) -> Plan:
    return draw_plan(SongConfig(seed=seed, duration_s=14.0, sample_rate=SAMPLE_RATE, **fields))  # type: ignore[arg-type]


def centroid_hz(sound: np.ndarray, sample_rate: int) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / sample_rate)).sum() / power.sum())


def below(sound: np.ndarray, limit_hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE) > limit_hz] = 0.0
    return np.fft.irfft(spectrum, len(sound))


@pytest.mark.parametrize("style", ["pop", "rock", "funk", "disco", "hip_hop", "ballad"])
def test_drum_hits_lie_on_the_grid(style: str) -> None:
    plan = plan_of(1, style=style)
    grid = np.array([plan.time_s(bar, step) for bar in range(plan.n_bars + 1) for step in range(16)])
    hits = write_drums(plan, random_stream(plan.config, "drums"))
    assert max(np.abs(grid - hit.start_s).min() for hit in hits) < 0.0065
    assert all(0.0 < hit.velocity <= 1.0 for hit in hits)
    assert {"kick", "crash"} <= {hit.piece for hit in hits}


def rise(sound: np.ndarray, at_s: float) -> float:
    """Power in the 50 ms after a time against that in the 50 ms before."""
    before, after = (
        np.square(sound[int((at_s + first_s) * SAMPLE_RATE) : int((at_s + last_s) * SAMPLE_RATE)]).mean()
        for first_s, last_s in ((-0.06, -0.015), (0.005, 0.05))
    )
    return float(after / before)


@pytest.mark.parametrize("seed", [0, 1, 8])
def test_kicks_put_low_energy_at_their_times(seed: int) -> None:
    plan = plan_of(seed)
    hits = write_drums(plan, random_stream(plan.config, "drums"))
    low = below(render_drums(plan).mean(axis=0), 150.0)
    kicks = [hit.start_s for hit in hits if hit.piece == "kick"]
    boomy = [hit.start_s for hit in hits if hit.piece in ("kick", "tom", "mid_tom", "high_tom", "snare")]
    lonely = [at_s for at_s in kicks if not any(at_s - 0.45 < other < at_s - 0.001 for other in boomy)]
    assert len(lonely) >= 2
    for at_s in lonely:
        assert rise(low, at_s) > 6.0
        assert rise(low, at_s + 0.2) < 1.0


@pytest.mark.parametrize("kit_name", ["acoustic", "electronic"])
@pytest.mark.parametrize(
    ("piece", "low_hz", "high_hz"),
    [
        ("kick", 40, 400),
        ("tom", 60, 400),
        ("snare", 200, 6000),
        ("clap", 900, 7000),
        ("hat", 5000, 16_000),
        ("open", 5000, 16_000),
        ("crash", 1500, 12_000),
        ("ride", 1500, 12_000),
        ("shaker", 4000, 12_000),
    ],
)
def test_pieces_of_the_kit_live_in_their_bands(kit_name: str, piece: str, low_hz: float, high_hz: float) -> None:
    random = np.random.default_rng(0)
    sound = KIT[piece].strike(draw_kit(kit_name, random), 0.9, 44_100, random)
    assert low_hz < centroid_hz(sound, 44_100) < high_hz


@pytest.mark.parametrize("sample_rate", [22_050, 48_000])
@pytest.mark.parametrize("piece", KIT)
def test_strokes_start_and_end_softly(piece: str, sample_rate: int) -> None:
    random = np.random.default_rng(2)
    sound = KIT[piece].strike(draw_kit("acoustic", random), 1.0, sample_rate, random)
    peak = np.abs(sound).max()
    assert 0.1 < peak < 3.0
    assert abs(sound[0]) < 0.05 * peak
    assert np.abs(sound[-20:]).max() < 1e-3 * peak


def test_closing_the_hat_chokes_the_open_one() -> None:
    sound = np.ones(8000)
    closed = _choke(sound, [Hit("kick", 0.1, 1.0), Hit("hat", 0.5, 1.0)], 0.0, 8000)
    assert np.all(closed[:4000] == 1.0)
    assert not closed[4130:].any()


@pytest.mark.parametrize(
    ("seed", "style", "sound"),
    [(0, "disco", "finger"), (2, "rock", "pick"), (4, "hip_hop", "synth"), (8, "hip_hop", "sub")],
)
def test_the_bass_plays_the_root_on_the_first_beat(seed: int, style: str, sound: str) -> None:
    plan = plan_of(seed, style=style)
    assert plan.bass_sound == sound
    track = render_bass(plan).mean(axis=0)
    notes = write_bass(plan, random_stream(plan.config, "bass"))
    checked = 0
    for bar in range(plan.n_bars):
        for note in notes:
            if abs(note.start_s - plan.time_s(bar, 0)) < 0.01 and note.duration_s > 0.2:
                assert note.midi % 12 == plan.chords[bar].root
                expected_hz = float(midi_to_hz(note.midi))
                first = int((note.start_s + 0.05) * SAMPLE_RATE)
                part = track[first : first + int(min(note.duration_s - 0.06, 0.4) * SAMPLE_RATE)]
                assert 1200 * abs(np.log2(fundamental_hz(part, expected_hz) / expected_hz)) < 25.0
                checked += 1
    assert checked >= 2


def fundamental_hz(part: np.ndarray, expected_hz: float) -> float:
    """The strongest partial within a third of the expected one, from a finely padded spectrum."""
    n_fft = 1 << 17
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), n_fft))
    freqs_hz = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)
    near = np.abs(np.log2(freqs_hz[1:] / expected_hz)) < 0.3
    return float(freqs_hz[1:][near][np.argmax(spectrum[1:][near])])


@pytest.mark.parametrize("seed", range(8))
def test_the_bass_is_one_low_voice(seed: int) -> None:
    plan = plan_of(seed)
    notes = write_bass(plan, random_stream(plan.config, "bass"))
    assert all(24 <= note.midi <= 56 for note in notes)
    for before, after in pairwise(notes):
        assert before.start_s + before.duration_s < after.start_s + 0.02


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.parametrize("sample_rate", [22_050, 44_100])
def test_instruments_play_in_tune_and_end_softly(name: str, sample_rate: int) -> None:
    note = INSTRUMENTS[name](69, 0.5, 0.8, Timbre(0.4, 0.6, 0.8), sample_rate, np.random.default_rng(0))
    assert note.shape[0] == 2
    spectrum = np.abs(np.fft.rfft(note.sum(axis=0) * np.hanning(note.shape[1]), 1 << 18))
    freqs_hz = np.fft.rfftfreq(1 << 18, 1 / sample_rate)
    near = np.abs(freqs_hz - 440.0) < 30.0
    assert freqs_hz[near][np.argmax(spectrum[near])] == pytest.approx(440.0, rel=0.008)
    assert np.abs(note[:, -5:]).max() < 1e-3 * np.abs(note).max()
    assert np.abs(note[:, 0]).max() < 0.02 * np.abs(note).max()


@pytest.mark.parametrize("seed", range(6))
def test_chord_notes_belong_to_the_chord(seed: int) -> None:
    plan = plan_of(seed)
    for name, notes in write_chords(plan, random_stream(plan.config, "other")).items():
        for note in notes:
            bar = int((note.start_s - plan.time_s(0, 0) + 0.02) / (16 * plan.step_s))
            allowed = plan.chords[bar].scale if name == "lead" else plan.chords[bar].tones
            assert note.midi % 12 in allowed


def test_chords_are_wide_and_the_bass_is_in_the_middle() -> None:
    plan = plan_of(4)
    assert np.corrcoef(render_chords(plan))[0, 1] < 0.97
    left, right = render_bass(plan)
    np.testing.assert_allclose(left, right, atol=1e-12)
