"""The recipe's players of notes: pitches, times, layers, hi-hats, kits and amplifiers."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

RECIPE = Path(__file__).parents[3] / "recipes" / "small_4stem"
sys.path.insert(0, str(RECIPE))
try:
    import amplifier
    import one_shots
    import sampler
    import soundfont
    import synth_kit
    from hits import nearest_key
    from notes import RATE, Note
    from sound_files import Cache
finally:
    sys.path.remove(str(RECIPE))

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
MakeInstrument = Callable[..., sampler.Instrument]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sine(frequency_hz: float, length_s: float, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * frequency_hz * np.arange(int(length_s * RATE)) / RATE)


def hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def peak_hz(sound: np.ndarray) -> float:
    """The strongest frequency, on a grid finer than 0.1 Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 19))
    return float(np.argmax(spectrum) * RATE / (1 << 19))


def cents(frequency_hz: float, expected_hz: float) -> float:
    return float(abs(1200 * np.log2(frequency_hz / expected_hz)))


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


@pytest.fixture
def make_instrument(tmp_path: Path) -> Iterator[MakeInstrument]:
    """Makes an instrument of sines: rows of (key, frequency, velocity_low, velocity_high, more)."""

    def make(kind: str, rows: Sequence[tuple[int, float, int, int]], length_s: float = 2.0) -> sampler.Instrument:
        folder = tmp_path / kind
        folder.mkdir()
        listed: list[dict[str, Any]] = []
        for number, (key, frequency_hz, low, high) in enumerate(rows):
            soundfile.write(folder / f"{number}.wav", sine(frequency_hz, length_s), RATE, subtype="FLOAT")
            layer = {"velocity_low": low, "velocity_high": high, "round_robin": 1}
            listed.append({"file": f"{number}.wav", "kind": kind, "midi_note": key, **layer})
        (folder / "map.json").write_text(json.dumps(listed))
        return sampler.load_instrument(folder)

    return make


@pytest.mark.parametrize("pitch", [69.0, 60.0, 76.5, 84.0])
def test_a_sample_is_transposed_to_the_pitch_of_the_note(make_instrument: MakeInstrument, pitch: float) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 127)])
    sound = sampler.play(piano, [Note(0.0, 1.0, pitch, 64)], RATE, generator())
    # The detune has a deviation of 3 cents.
    assert cents(peak_hz(sound[0]), hertz(pitch)) < 12


def test_a_note_too_far_from_any_sample_moves_by_octaves(make_instrument: MakeInstrument) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 127)])
    sound = sampler.play(piano, [Note(0.0, 1.0, 100, 64)], RATE, generator())
    assert cents(peak_hz(sound[0]), hertz(76)) < 12 or cents(peak_hz(sound[0]), hertz(64)) < 12
    near = sampler.play(piano, [Note(0.0, 1.0, 79, 64)], RATE, generator(), transpose_range=6)
    assert cents(peak_hz(near[0]), hertz(67)) < 12


def test_a_note_starts_on_time_and_ends_soon_after_the_key_is_lifted(make_instrument: MakeInstrument) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 127)])
    sound = sampler.play(piano, [Note(0.5, 0.4, 69, 64)], 2 * RATE, generator())
    start = RATE // 2
    assert sound.dtype == np.float32
    assert sound.shape == (2, 2 * RATE)
    assert not sound[:, :start].any()
    assert np.argmax(np.abs(sound[0]) > 0.1) - start < 0.002 * RATE
    assert rms(sound[:, int(0.85 * RATE) : int(0.9 * RATE)]) > 0.15
    assert not sound[:, int(1.051 * RATE) :].any()


def test_what_is_plucked_rings_on(make_instrument: MakeInstrument) -> None:
    kalimba = make_instrument("pluck", [(69, 440.0, 1, 127)])
    sound = sampler.play(kalimba, [Note(0.0, 0.1, 69, 64)], 2 * RATE, generator())
    assert rms(sound[:, RATE:]) > 0.15


def test_velocity_picks_the_layer_and_the_level(make_instrument: MakeInstrument) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 40), (69, 880.0, 90, 127)])

    def heard(velocity: int) -> np.ndarray:
        return sampler.play(piano, [Note(0.0, 1.0, 69, velocity)], RATE, generator())[0]

    assert [round(peak_hz(heard(velocity)) / 440) for velocity in (10, 30, 80, 120)] == [1, 1, 2, 2]
    assert rms(heard(100)) == pytest.approx(rms(sine(440, 1.0)), rel=0.02)
    assert rms(heard(30)) / rms(heard(10)) == pytest.approx(3**1.2, rel=0.02)


def test_a_soft_layer_recorded_too_loud_is_softer_all_the_same(make_instrument: MakeInstrument, tmp_path: Path) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 40), (69, 880.0, 90, 127)])
    soundfile.write(tmp_path / "keys" / "1.wav", sine(880.0, 2.0, 0.05), RATE, subtype="FLOAT")
    soft, hard = (sampler.play(piano, [Note(0.0, 1.0, 69, velocity)], RATE, generator()) for velocity in (40, 100))
    assert rms(hard) / rms(soft) == pytest.approx(2.5**1.2, rel=0.02)


def test_layers_of_drums_keep_their_levels(make_instrument: MakeInstrument, tmp_path: Path) -> None:
    kit = make_instrument("drums", [(38, 200.0, 1, 63), (38, 200.0, 64, 127)])
    soundfile.write(tmp_path / "drums" / "0.wav", sine(200.0, 2.0, 0.05), RATE, subtype="FLOAT")
    soft, hard = (sampler.play(kit, [Note(0.0, 0.1, 38, velocity)], RATE, generator()) for velocity in (32, 96))
    assert rms(hard) / rms(soft) == pytest.approx(10, rel=0.02)


def test_a_quiet_piece_of_a_kit_is_lifted_part_of_the_way(make_instrument: MakeInstrument, tmp_path: Path) -> None:
    kit = make_instrument("drums", [(36, 60.0, 1, 127), (42, 9000.0, 1, 127)])
    soundfile.write(tmp_path / "drums" / "1.wav", sine(9000.0, 2.0, 0.05), RATE, subtype="FLOAT")
    parts = [(36, seed) for seed in range(20)], [(42, seed) for seed in range(20)]
    kick, hat = (
        np.mean([rms(sampler.play(kit, [Note(0.0, 0.1, key, 64)], 4410, generator(seed))) for key, seed in part])
        for part in parts
    )
    # 20 dB apart as recorded.
    assert 9 < 20 * np.log10(kick / hat) < 15


def test_notes_beyond_the_edges_are_cut(make_instrument: MakeInstrument) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 127)])
    notes = [Note(-0.01, 0.2, 69, 64), Note(0.9, 1.0, 69, 64), Note(5.0, 1.0, 69, 64)]
    sound = sampler.play(piano, notes, RATE, generator())
    assert np.isfinite(sound).all()
    assert rms(sound[:, :100]) > 0
    assert rms(sound[:, -1000:]) > 0.15


def test_a_closed_hat_cuts_an_open_one_and_a_snare_does_not(make_instrument: MakeInstrument) -> None:
    kit = make_instrument("drums", [(38, 200.0, 1, 127), (42, 9000.0, 1, 127), (46, 5000.0, 1, 127)])

    def level_of_the_open_hat(key: int) -> float:
        sound = sampler.play(kit, [Note(0.0, 0.1, 46, 64), Note(0.5, 0.1, key, 64)], RATE, generator())
        spectrum = np.abs(np.fft.rfft(sound[0, int(0.6 * RATE) : int(0.8 * RATE)]))
        return float(spectrum[1000] / (0.1 * RATE))

    assert level_of_the_open_hat(42) < 0.01
    assert level_of_the_open_hat(38) > 0.2


@pytest.mark.parametrize(
    ("key", "have", "expected"),
    [
        (40, {36, 38}, 38),
        (35, {36, 38}, 36),
        (37, {36, 38}, 38),
        (39, {38, 40}, 38),
        (50, {41, 45, 48}, 48),
        (43, {41, 48}, 41),
        (57, {49, 51}, 49),
        (51, {36, 42, 49}, 42),
        (49, {36, 38, 42}, None),
        (46, {38, 42}, 42),
        (42, {36, 46}, None),
        (63, {60, 64}, 64),
        (12, {36, 38}, None),
    ],
)
def test_pieces_that_a_kit_lacks(key: int, have: set[int], expected: int | None) -> None:
    assert nearest_key(key, have) == expected


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    for number in range(4):
        soundfile.write(tmp_path / f"{number}.wav", sine(100.0 * (number + 1), 0.1), RATE)
    cache = Cache(2 * 2 * 4410)
    for number in (0, 1, 0, 2):
        cache.sound(tmp_path / f"{number}.wav")
    (tmp_path / "0.wav").unlink()
    (tmp_path / "1.wav").unlink()
    np.testing.assert_allclose(cache.sound(tmp_path / "0.wav")[0], sine(100.0, 0.1), atol=1e-3)
    with pytest.raises(soundfile.LibsndfileError):
        cache.sound(tmp_path / "1.wav")


def test_a_kit_of_one_shots(tmp_path: Path) -> None:
    for name, frequency_hz in {"bd_a": 60.0, "sn_b": 200.0, "loop_c": 1000.0, "ambi_d": 3000.0}.items():
        padded = np.concatenate([np.zeros(2000), sine(frequency_hz, 0.5)])
        soundfile.write(tmp_path / f"{name}.wav", padded, RATE)
    kit = one_shots.draw_kit(tmp_path, generator())
    assert set(kit.sounds) == {36, 38, 40}
    sound = one_shots.play_kit(kit, [Note(0.25, 0.1, 35, 100), Note(0.9, 0.1, 42, 100)], RATE, generator())
    assert not sound[:, : RATE // 4].any()
    assert np.argmax(np.abs(sound).max(axis=0) > 0.02) - RATE // 4 < 0.002 * RATE
    assert cents(peak_hz(sound[0]), 60.0) < 450


def test_a_folder_without_one_shots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected one-shots.*got none"):
        one_shots.draw_kit(tmp_path, generator())


@pytest.mark.parametrize("seed", range(4))
def test_synthesised_pieces_lie_where_they_should(seed: int) -> None:
    kit = synth_kit.draw_synth_kit(generator(seed))

    def centre_hz(key: int) -> float:
        power = np.abs(np.fft.rfft(kit.sounds[key][0])) ** 2
        return float((power * np.linspace(0, RATE / 2, power.size)).sum() / power.sum())

    assert centre_hz(36) < 400
    assert centre_hz(36) < centre_hz(38) < centre_hz(42)
    assert centre_hz(42) > 5000
    assert rms(kit.sounds[46][:, 8000:9000]) > 10 * rms(kit.sounds[42][:, 8000:9000])
    assert all(0.1 < np.abs(sound).max() < 0.8 for sound in kit.sounds.values())


def test_one_seed_gives_one_part(make_instrument: MakeInstrument) -> None:
    piano = make_instrument("keys", [(69, 440.0, 1, 127)])
    notes = [Note(0.1 * number, 0.1, 60 + number, 80) for number in range(5)]
    kits = [synth_kit.draw_synth_kit(generator(3)) for _ in range(2)]
    first, second = (one_shots.play_kit(kit, notes, RATE, generator(1)) for kit in kits)
    np.testing.assert_array_equal(first, second)
    first, second, other = (sampler.play(piano, notes, RATE, generator(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3
    for amplify in (
        lambda random: amplifier.drive(first, random, 0.8),
        lambda random: amplifier.bass_amp(first, random),
    ):
        np.testing.assert_array_equal(amplify(generator(5)), amplify(generator(5)))


def harmonics_and_rest(sound: np.ndarray, frequency_hz: int) -> tuple[float, float, float]:
    """Power of the fundamental, of the overtones, and of all else, in a sound of one second."""
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.size))) ** 2
    tones = np.zeros(power.size, bool)
    for harmonic in range(frequency_hz, power.size, frequency_hz):
        tones[harmonic - 3 : harmonic + 4] = True
    fundamental = power[frequency_hz - 3 : frequency_hz + 4].sum()
    return fundamental, power[tones].sum() - fundamental, power[300:][~tones[300:]].sum()


@pytest.mark.parametrize("seed", range(3))
def test_drive_adds_overtones_without_aliases_and_keeps_the_level(seed: int) -> None:
    clean = np.tile(sine(1501, 2.0), (2, 1)).astype(np.float32)
    signal = amplifier._normalized(clean)[0]
    clipped = amplifier._clipped(signal, 45.0, generator(seed), n_stages=2)[-RATE:]
    fundamental, overtones, aliases = harmonics_and_rest(clipped, 1501)
    assert overtones > 0.05 * fundamental
    # Without oversampling they are ten times that.
    assert aliases < 1.5e-3 * fundamental
    driven = amplifier.drive(clean, generator(seed), 1.0)
    assert driven.shape == clean.shape
    assert rms(driven) == pytest.approx(rms(clean), rel=1e-3)


def test_more_drive_flattens_the_peaks_and_a_cabinet_ends_at_a_few_kilohertz() -> None:
    decaying = (sine(220, 2.0) * np.exp(-np.arange(2 * RATE) / RATE * 3)).astype(np.float32)[None]

    def crest(amount: float) -> float:
        driven = amplifier.drive(decaying, generator(1), amount)
        return float(np.abs(driven).max() / rms(driven))

    assert crest(1.0) < 0.8 * crest(0.0)
    power = np.abs(np.fft.rfft(amplifier.drive(decaying, generator(1), 1.0)[0])) ** 2
    assert power[2 * 10000 :].sum() < 1e-4 * power.sum()


def test_a_bass_amplifier_keeps_the_low_end() -> None:
    low = np.tile(sine(55, 2.0), (2, 1)).astype(np.float32)
    amplified = amplifier.bass_amp(low, generator(2))
    fundamental, overtones, _ = harmonics_and_rest(amplified[0, -RATE:], 55)
    assert rms(amplified) == pytest.approx(rms(low), rel=1e-3)
    assert 1e-5 * fundamental < overtones < fundamental


def test_a_silent_sound_stays_silent() -> None:
    silence = np.zeros((2, 1000), np.float32)
    assert not amplifier.drive(silence, generator(), 1.0).any()
    assert not amplifier.bass_amp(silence, generator()).any()


def test_soundfonts_need_fluidsynth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match=r"expected the command fluidsynth, got none.*install"):
        soundfont.render_soundfont(tmp_path / "a.sf2", 0, [], RATE)


def test_a_missing_soundfont_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(FileNotFoundError, match=r"expected a soundfont, got no file at .*a\.sf2"):
        soundfont.render_soundfont(tmp_path / "a.sf2", 0, [], RATE)


def test_parts_lie_one_after_the_other_and_end_in_silence() -> None:
    melody = [Note(0.5, 0.7, 60, 90), Note(1.0, 0.5, 60.2, 80), Note(9.0, 0.5, 60, 80)]
    parts = [soundfont.Part(5, melody), soundfont.Part(8, [Note(0.0, 0.1, 38, 70)], is_drums=True)]
    now, timed = 0, []
    for message in soundfont._midi(parts, 2.0, 2.56).tracks[0]:
        now += message.time
        timed.append((now, message.type, getattr(message, "channel", None), getattr(message, "note", None)))
    assert timed[1:] == [
        (0, "program_change", 0, None),
        (500, "note_on", 0, 60),
        (1000, "note_off", 0, 60),
        (1000, "note_on", 0, 60),
        (1500, "note_off", 0, 60),
        (2000, "control_change", 0, None),
        (2560, "program_change", 9, None),
        (2560, "note_on", 9, 38),
        (2660, "note_off", 9, 38),
        (4560, "control_change", 9, None),
    ]


needs_soundfont = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONT.is_file(), reason="needs fluidsynth and FluidR3_GM.sf2"
)


@needs_soundfont
def test_a_soundfont_plays_in_tune_and_in_time_and_parts_keep_apart() -> None:
    lead = soundfont.Part(80, [Note(0.5, 1.5, 69, 100)])
    bass = soundfont.Part(33, [Note(0.75, 1.0, 45, 100)])
    first, second = soundfont.render_parts(SOUNDFONT, [lead, bass], 2 * RATE)
    assert first.shape == second.shape == (2, 2 * RATE)
    assert not first[:, : RATE // 2].any()
    assert not second[:, : int(0.75 * RATE)].any()
    assert np.argmax(np.abs(second).max(axis=0) > 0.01) < 0.765 * RATE
    assert cents(peak_hz(first[0, RATE:]), 440) < 5
    alone = soundfont.render_soundfont(SOUNDFONT, 33, bass.notes, 2 * RATE)
    assert rms(alone - second) < 0.02 * rms(alone)


@needs_soundfont
def test_a_file_that_is_no_soundfont_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sf2").write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match="expected a rendering by fluidsynth"):
        soundfont.render_soundfont(tmp_path / "a.sf2", 0, [Note(0.0, 0.5, 60, 100)], RATE)
