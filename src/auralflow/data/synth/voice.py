"""The singer: a glottal pulse with vibrato, jitter and breath, through moving formants, and consonants.

The source-filter model of Fant (1960): the flow through the vocal folds (Rosenberg's pulse C, 1971,
differentiated for the radiation at the lips, with a rounded closure) is filtered by resonances of the vocal
tract. The first three move from vowel to vowel; those above stay, every 1000 Hz, as in a uniform tube.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from auralflow.data.synth.melody import Phrase, Syllable, write_melody
from auralflow.data.synth.phonemes import CONSONANTS, VOWELS
from auralflow.data.synth.plan import Plan, random_stream
from auralflow.data.synth.signals import (
    TABLE_SIZE,
    Response,
    Signal,
    band_pass,
    coloured_noise,
    compress,
    drift,
    level_rms,
    midi_to_hz,
    n_harmonics,
    pan,
    place,
    pluck_envelope,
    read_table,
    running_phase,
    shape_spectrum,
    time_axis_s,
    wave_table,
)

_CONTROL_HZ = 1000
_LEAD_S = 0.42
"""Time before the first vowel of a phrase that is rendered, for a breath and a consonant."""
_TAIL_S = 0.25


@dataclass(frozen=True)
class Singer:
    """A voice."""

    tract: float
    """Formants relative to an adult male's: the shorter the throat, the higher."""
    breath: float
    """Breath noise relative to the voice."""
    open_quotient: float
    """Share of a period in which the folds are open."""
    closure_hz: float
    """How sharply they close: above this frequency the source falls by 12 dB per octave."""
    vibrato_hz: float
    vibrato_cents: float
    jitter_cents: float
    glide_s: float
    """Time of the slide from note to note."""


def draw_singer(voice: str, random: np.random.Generator) -> Singer:
    """A singer of this register."""
    tract = {"baritone": 0.97, "tenor": 1.03, "alto": 1.13, "soprano": 1.19}[voice]
    u = random.random(8)
    return Singer(
        tract=tract * (0.97 + 0.06 * u[0]),
        breath=0.008 + 0.02 * u[1],
        open_quotient=0.52 + 0.16 * u[2],
        closure_hz=3000.0 + 4000.0 * u[3],
        vibrato_hz=5.0 + 1.2 * u[4],
        vibrato_cents=18.0 + 30.0 * u[5],
        jitter_cents=4.0 + 6.0 * u[6],
        glide_s=0.05 + 0.06 * u[7],
    )


def render_voice(plan: Plan) -> Signal:
    """The dry vocal stem: the singer in the centre, in some songs with two more voices in the choruses.

    Shape:
        (2, time)
    """
    phrases = write_melody(plan, random_stream(plan.config, "melody"))
    random = random_stream(plan.config, "voice")
    singer = draw_singer(plan.voice, random)
    has_doubles, has_harmony = random.random(2) < (0.4, 0.45)
    track = np.zeros((2, plan.config.n_samples))
    for phrase in phrases:
        _sing(track, phrase, singer, plan, 0.0, 1.0, random)
        if phrase.section == "chorus" and has_doubles:
            for side in (-0.75, 0.75):
                _sing(track, _loosen(phrase, random), singer, plan, side, 0.22, random)
        if phrase.section == "chorus" and has_harmony:
            upper = tuple(replace(s, midi=s.harmony_midi) for s in phrase.syllables)
            second = replace(singer, tract=1.04 * singer.tract)
            _sing(track, _loosen(replace(phrase, syllables=upper), random), second, plan, 0.4, 0.35, random)
    return compress(track, plan.config.sample_rate, 2.5)


def _loosen(phrase: Phrase, random: np.random.Generator) -> Phrase:
    """The same phrase by someone who is never quite together with the first."""
    late_s = 0.015 * random.standard_normal(len(phrase.syllables))
    moved = zip(phrase.syllables, late_s, strict=True)
    return replace(phrase, syllables=tuple(replace(s, start_s=s.start_s + float(late)) for s, late in moved))


def _sing(
    track: Signal,
    phrase: Phrase,
    singer: Singer,
    plan: Plan,
    side: float,
    level: float,
    random: np.random.Generator,
) -> None:
    sample_rate = plan.config.sample_rate
    start_s = phrase.start_s - _LEAD_S
    sound = sing_phrase(phrase.syllables, singer, sample_rate, random)
    place(track, round(start_s * sample_rate), level * pan(sound, side))


def sing_phrase(
    syllables: tuple[Syllable, ...], singer: Singer, sample_rate: int, random: np.random.Generator
) -> Signal:
    """One phrase, mono, starting 0.42 s before its first vowel; a sustained vowel has about unit RMS."""
    start_s = syllables[0].start_s - _LEAD_S
    length_s = syllables[-1].start_s + syllables[-1].duration_s + _TAIL_S - start_s
    control_s = time_axis_s(int(length_s * _CONTROL_HZ), _CONTROL_HZ)
    moved = [replace(syllable, start_s=syllable.start_s - start_s) for syllable in syllables]
    curves = _articulate(moved, control_s)
    midi = _intone(moved, singer, control_s, random)

    time_s = time_axis_s(int(length_s * sample_rate), sample_rate)
    phase = running_phase(midi_to_hz(np.interp(time_s, control_s, midi)), sample_rate)
    voicing = np.interp(time_s, control_s, curves["voicing"] * (1.0 + 0.03 * drift(random, control_s, 90.0)))
    pulse = read_table(_glottal_table(singer, float(midi_to_hz(midi.max())), sample_rate), phase)
    breath = singer.breath * voicing * (1.0 + 0.7 * np.cos(2.0 * np.pi * phase))
    breath += 0.12 * np.interp(time_s, control_s, curves["aspiration"])
    source = voicing * pulse + breath * random.standard_normal(len(time_s))
    sung = _resonate(source, curves, midi_to_hz(midi), control_s, singer, sample_rate)
    sung /= max(level_rms(sung[voicing > 0.6]), 1e-9)
    return sung + _hiss(moved, singer, len(time_s), sample_rate, random)


def _glottal_table(singer: Singer, highest_hz: float, sample_rate: int) -> Signal:
    """One period of the differentiated flow: opening to two thirds of the open time, then closing, then shut."""
    position = np.arange(TABLE_SIZE) / TABLE_SIZE
    opening_end, closing_end = 0.67 * singer.open_quotient, singer.open_quotient
    flow = np.where(
        position < opening_end,
        0.5 * (1.0 - np.cos(np.pi * position / opening_end)),
        np.cos(0.5 * np.pi * np.minimum((position - opening_end) / (closing_end - opening_end), 1.0)),
    )
    k = np.arange(1, n_harmonics(highest_hz, sample_rate) + 1)
    harmonics = np.fft.rfft(flow)[k] * (1j * k)
    return wave_table(harmonics / (1.0 + 1j * k * highest_hz / singer.closure_hz) / np.abs(harmonics[0]))


def _intone(syllables: list[Syllable], singer: Singer, control_s: Signal, random: np.random.Generator) -> Signal:
    """Pitch over time (MIDI, control rate): notes joined by slides, a scoop, late vibrato, drift and jitter."""
    midi = np.full(len(control_s), float(syllables[0].midi))
    scoop = random.uniform(0.3, 1.6)
    midi -= scoop * np.exp(-np.maximum(control_s - syllables[0].start_s + 0.04, 0.0) / 0.035)
    for before, note in itertools.pairwise(syllables):
        share = np.clip((control_s - note.start_s + 0.6 * singer.glide_s) / singer.glide_s, 0.0, 1.0)
        midi += (note.midi - before.midi) * share**2 * (3.0 - 2.0 * share)
    depth = np.zeros(len(control_s))
    for note in syllables:
        if note.duration_s > 0.35:
            since_s = control_s - note.start_s
            held = (since_s >= 0.0) & (since_s < note.duration_s + _TAIL_S)
            depth = np.where(held, np.clip((since_s - 0.18) / 0.25, 0.0, 1.0), depth)
    rate_hz = singer.vibrato_hz * (1.0 + 0.03 * drift(random, control_s, 3.0))
    vibrato = np.sin(2.0 * np.pi * running_phase(rate_hz, _CONTROL_HZ, float(random.random())))
    midi += 0.01 * singer.vibrato_cents * _smooth(depth, 0.05) * vibrato
    midi += 0.01 * (5.0 * drift(random, control_s, 4.0) + singer.jitter_cents * drift(random, control_s, 120.0))
    return midi


def _articulate(syllables: list[Syllable], control_s: Signal) -> dict[str, Signal]:
    """Voicing, aspiration and F1 to F3 over time (control rate), from key points of every syllable."""
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in ("voicing", "aspiration", "f1", "f2", "f3")}
    for number, note in enumerate(syllables):
        consonant = CONSONANTS[note.onset]
        before = syllables[number - 1] if number else None
        onset_s = note.start_s - _consonant_length_s(note, before)
        upcoming = syllables[number + 1] if number + 1 < len(syllables) else None
        end_s = note.start_s + note.duration_s
        if upcoming is not None:
            end_s = min(upcoming.start_s - _consonant_length_s(upcoming, note), max(end_s, upcoming.start_s - 0.12))
        loud = 0.6 + 0.5 * note.velocity
        opening = consonant.voicing if note.onset or before else 0.0
        if before is None:
            points["voicing"].append((onset_s - 0.02, 0.0))
        points["voicing"] += [
            (onset_s, loud * opening),
            (note.start_s, loud * opening),
            (note.start_s + 0.03, loud),
            (note.start_s + 0.4 * note.duration_s + 0.03, 0.92 * loud),
            (end_s - 0.02, 0.85 * loud),
        ]
        points["aspiration"] += [
            (onset_s, 0.0),
            (max(onset_s + 0.01, note.start_s - 0.04), consonant.aspiration * loud),
            (note.start_s + 0.015, 0.8 * consonant.aspiration * loud),
            (note.start_s + 0.05, 0.0),
        ]
        target = VOWELS[note.vowel]
        locus = consonant.locus_hz or target
        for name, from_hz, to_hz in zip(("f1", "f2", "f3"), locus, target, strict=True):
            points[name] += [(onset_s + 0.01, from_hz), (note.start_s - 0.005, from_hz), (note.start_s + 0.055, to_hz)]
            points[name].append((end_s - 0.03, to_hz))
        if before is None:
            points["aspiration"][:0] = [(onset_s - 0.28, 0.0), (onset_s - 0.14, 0.3), (onset_s - 0.04, 0.0)]
        if upcoming is None or upcoming.start_s - _consonant_length_s(upcoming, note) - end_s > 0.03:
            points["voicing"].append((end_s + 0.07, 0.0))
    return {name: _smooth(_join(keys, control_s), 0.012) for name, keys in points.items()}


def _consonant_length_s(note: Syllable, before: Syllable | None) -> float:
    """A consonant takes at most 40 % of the note before it."""
    wanted_s = CONSONANTS[note.onset].duration_s
    return wanted_s if before is None else min(wanted_s, 0.4 * max(note.start_s - before.start_s, 0.0))


def _join(keys: list[tuple[float, float]], control_s: Signal) -> Signal:
    times_s = np.array(list(itertools.accumulate((time_s for time_s, _ in keys), max)))
    values: Signal = np.array([value for _, value in keys])
    return np.interp(control_s, times_s, values)


def _smooth(curve: Signal, window_s: float) -> Signal:
    """Moving average over an odd number of control samples, the ends held."""
    half = round(0.5 * window_s * _CONTROL_HZ)
    total: Signal = np.cumsum(np.pad(curve, (half + 1, half), mode="edge"))
    average: Signal = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    return average


def _resonate(
    source: Signal, curves: dict[str, Signal], pitch_hz: Signal, control_s: Signal, singer: Singer, sample_rate: int
) -> Signal:
    """The vocal tract: a cascade of resonances with unit gain at 0 Hz, F_k^2 / (F_k^2 - f^2 + j f B_k).

    High voices open the mouth so that the first resonance is never below the note (Sundberg 1975).
    """
    lowest_hz = {"f1": pitch_hz, "f2": 1.6 * pitch_hz, "f3": 0.0 * pitch_hz}

    def response(times_s: Signal, freqs_hz: Signal) -> Response:
        cascade: Response = np.tile(_upper_tract(freqs_hz, singer.tract), (len(times_s), 1))
        for name in ("f1", "f2", "f3"):
            formant_hz = np.maximum(singer.tract * curves[name], lowest_hz[name])
            centre_hz = np.interp(times_s, control_s, formant_hz)
            cascade = cascade * _resonance(freqs_hz[None], centre_hz[:, None])
        return cascade

    return shape_spectrum(source, sample_rate, response)


def _upper_tract(freq_hz: Signal, tract: float) -> Response:
    """All resonances above the third: those of a uniform tube, 1 / cos(pi f / 1000 Hz), without its first three.

    The product over infinitely many resonances has a closed form, which a product up to half the sample rate
    would miss by tens of decibels. Losses are a small imaginary part of the frequency.
    """
    lossy_hz = (freq_hz - 0.5j * _bandwidth_hz(freq_hz)) / tract
    tube = 1.0 / np.cos(np.pi * lossy_hz / 1000.0)
    first_three = [_resonance(freq_hz, neutral_hz * tract) for neutral_hz in (500.0, 1500.0, 2500.0)]
    upper: Response = tube / (first_three[0] * first_three[1] * first_three[2])
    return upper


def _resonance(freq_hz: Signal, centre_hz: float | Signal) -> Response:
    return centre_hz**2 / (centre_hz**2 - freq_hz**2 + 1j * freq_hz * _bandwidth_hz(centre_hz))


def _bandwidth_hz(freq_hz: float | Signal) -> float | Signal:
    return 60.0 + 0.02 * freq_hz + 4e-6 * freq_hz**2


def _constriction(centre_hz: float, bandwidth_hz: float, freq_hz: Signal) -> Response:
    return band_pass(freq_hz, centre_hz, bandwidth_hz) ** 2


def _hiss(
    syllables: list[Syllable], singer: Singer, n_samples: int, sample_rate: int, random: np.random.Generator
) -> Signal:
    """The noise of all consonants of a phrase, each ending where its vowel begins."""
    track = np.zeros(n_samples)
    for note in syllables:
        hiss = CONSONANTS[note.onset].hiss
        if hiss is None:
            continue
        time_s = time_axis_s(int((hiss.duration_s + 0.02) * sample_rate), sample_rate)
        centre_hz = min(hiss.centre_hz * (0.85 + 0.15 * singer.tract), 0.4 * sample_rate)
        noise = coloured_noise(random, len(time_s), sample_rate, partial(_constriction, centre_hz, hiss.bandwidth_hz))
        noise /= max(level_rms(noise), 1e-9)
        attack_s = min(0.025, 0.3 * hiss.duration_s)
        fall = np.clip((hiss.duration_s + 0.02 - time_s) / 0.025, 0.0, 1.0)
        envelope = pluck_envelope(time_s, attack_s, 10.0) * fall**2
        start_s = note.start_s - hiss.duration_s
        place(track, round(start_s * sample_rate), hiss.level * note.velocity * noise * envelope)
    return track
