"""The stem `other`: comping, a pad in the chorus, an arpeggio, and a lead that answers the voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.harmony import lead_voices, nearest_pitch, step_in_scale
from auralflow.data.synth.instruments import INSTRUMENTS, Timbre
from auralflow.data.synth.plan import STEPS_PER_BAR, Plan, random_stream
from auralflow.data.synth.signals import Response, Signal, level_rms, low_pass, place, shape_spectrum
from auralflow.data.synth.styles import STYLES

_CENTRE_MIDI = 62
_ARPEGGIOS = ((0, 1, 2, 3, 2, 1, 2, 1), (0, 2, 1, 2, 3, 2, 1, 2), (3, 2, 1, 0, 1, 2, 3, 2))
_LAYER_LEVELS = {"comping": 1.0, "pad": 0.55, "arpeggio": 0.45, "lead": 0.6}


@dataclass(frozen=True)
class Played:
    """A note and the instrument that plays it."""

    instrument: str
    start_s: float
    duration_s: float
    midi: int
    velocity: float
    """0 to 1."""


def write_chords(plan: Plan, random: np.random.Generator) -> dict[str, list[Played]]:
    """The notes of each layer."""
    voicings = lead_voices(list(plan.chords), _CENTRE_MIDI)
    has_pad, has_arpeggio, has_lead = random.random(3) < (0.75, 0.6, 0.7)
    layers = {"comping": _write_comping(plan, voicings, random)}
    if has_pad and plan.comping_sound != "pad":
        layers["pad"] = _write_pad(plan, voicings)
    if has_arpeggio:
        layers["arpeggio"] = _write_arpeggio(plan, voicings, random)
    if has_lead or "pad" not in layers:
        layers["lead"] = _write_lead(plan, random)
    return {name: notes for name, notes in layers.items() if notes}


def _write_comping(plan: Plan, voicings: list[tuple[int, ...]], random: np.random.Generator) -> list[Played]:
    rhythms = STYLES[plan.style].comping_rhythms
    verse, chorus = (rhythms[int(i)] for i in random.choice(len(rhythms), 2, replace=False))
    notes: list[Played] = []
    for bar in range(plan.n_bars):
        rhythm = chorus if plan.section_of(bar).name == "chorus" else verse
        if plan.comping_sound == "pad":
            rhythm = "X---------------"
        for step, n_steps in _strikes(rhythm):
            accent = 0.75 if step % 8 == 0 else 0.6
            notes += _strum(plan, bar, step, n_steps, voicings[bar], accent, random)
    return notes + _strum(plan, plan.n_bars, 0, 16, voicings[-1], 0.8, random)


def _strikes(rhythm: str) -> list[tuple[int, int]]:
    """(step, held steps) of every X."""
    strikes = []
    for step, mark in enumerate(rhythm):
        if mark == "X":
            held = len(rhythm[step + 1 :]) - len(rhythm[step + 1 :].lstrip("-"))
            strikes.append((step, 1 + held))
    return strikes


def _strum(
    plan: Plan,
    bar: int,
    step: int,
    n_steps: int,
    voicing: tuple[int, ...],
    accent: float,
    random: np.random.Generator,
) -> list[Played]:
    late_s = 0.004 * float(np.clip(random.standard_normal(), -2.0, 2.0))
    spread_s = 0.011 if plan.comping_sound == "guitar" else 0.002
    pitches = (voicing[0] - 12, *voicing) if plan.comping_sound == "guitar" else voicing
    downwards = pitches if step % 4 == 0 else pitches[::-1]
    return [
        Played(
            plan.comping_sound,
            plan.time_s(bar, step) + late_s + spread_s * number,
            0.93 * n_steps * plan.step_s,
            midi,
            float(np.clip(accent + 0.08 * random.standard_normal(), 0.2, 1.0)),
        )
        for number, midi in enumerate(downwards)
    ]


def _write_pad(plan: Plan, voicings: list[tuple[int, ...]]) -> list[Played]:
    bars = [bar for section in plan.sections if section.name in ("chorus", "bridge") for bar in section.bars]
    length_s = 0.98 * STEPS_PER_BAR * plan.step_s
    return [
        Played("pad", plan.time_s(bar, 0), length_s, midi, 0.7)
        for bar in [*bars, plan.n_bars]
        for midi in voicings[bar]
    ]


def _write_arpeggio(plan: Plan, voicings: list[tuple[int, ...]], random: np.random.Generator) -> list[Played]:
    order = _ARPEGGIOS[int(random.integers(len(_ARPEGGIOS)))]
    stride = 1 if plan.step_s > 0.145 else 2
    wanted = ("intro", "chorus") if random.random() < 0.5 else ("verse", "bridge", "chorus")
    notes = []
    for bar in (bar for section in plan.sections if section.name in wanted for bar in section.bars):
        pitches = sorted({*voicings[bar], voicings[bar][0] + 12})
        for number, step in enumerate(range(0, STEPS_PER_BAR, stride)):
            midi = 12 + pitches[order[number % len(order)] % len(pitches)]
            velocity = 0.8 if step % 4 == 0 else 0.55
            notes.append(Played("pluck", plan.time_s(bar, step), 2 * stride * plan.step_s, midi, velocity))
    return notes


def _write_lead(plan: Plan, random: np.random.Generator) -> list[Played]:
    """A hook of one bar that opens the song, fills the bridge, and answers at the end of every fourth bar."""
    steps = np.sort(random.choice(np.arange(0, 14, 2), 5, replace=False))
    moves = random.choice(np.array([-2, -1, 1, 2]), 5)
    notes = []
    for section in plan.sections:
        for bar in section.bars:
            answering = section.name in ("verse", "chorus")
            if answering and (bar - section.first_bar) % 4 != 3:
                continue
            chord, midi = plan.chords[bar], nearest_pitch(74.0, plan.chords[bar].tones)
            for number, step in enumerate(steps):
                if number:
                    midi = step_in_scale(midi, int(moves[number]), chord.scale)
                until = steps[number + 1] if number + 1 < len(steps) else STEPS_PER_BAR
                if not answering or step >= 8:
                    start_s = plan.time_s(bar, int(step))
                    notes.append(Played("lead", start_s, 0.9 * float(until - step) * plan.step_s, midi, 0.75))
    return notes


def render_chords(plan: Plan) -> Signal:
    """The dry stem `other`.

    Shape:
        (2, time)
    """
    random = random_stream(plan.config, "other")
    layers = write_chords(plan, random)
    timbre = Timbre(float(random.random()), float(random.random()), float(random.uniform(0.5, 1.0)))
    total = np.zeros((2, plan.config.n_samples))
    for name, notes in layers.items():
        layer = _play(notes, plan, timbre, random)
        if notes[0].instrument == "pad":
            layer = _sweep(layer, notes, plan, timbre)
        if name in ("arpeggio", "lead"):
            layer = _echo(layer, plan)
        level = level_rms(layer[:, np.abs(layer).max(axis=0) > 0.0])
        total += layer * (_LAYER_LEVELS[name] / max(level, 1e-9))
    return total


def _play(notes: list[Played], plan: Plan, timbre: Timbre, random: np.random.Generator) -> Signal:
    sample_rate, track = plan.config.sample_rate, np.zeros((2, plan.config.n_samples))
    for note in notes:
        play = INSTRUMENTS[note.instrument]
        sound = play(note.midi, note.duration_s, note.velocity, timbre, sample_rate, random)
        place(track, round(note.start_s * sample_rate), sound)
    return track


def _sweep(layer: Signal, notes: list[Played], plan: Plan, timbre: Timbre) -> Signal:
    """A low-pass that opens with each chord and closes again, and breathes slowly over four bars."""
    starts_s = np.unique(np.array([note.start_s for note in notes]))
    cycle_s = 4 * STEPS_PER_BAR * plan.step_s

    def response(times_s: Signal, freqs_hz: Signal) -> Response:
        last = np.maximum(np.searchsorted(starts_s, times_s, side="right") - 1, 0)
        since_s = np.maximum(times_s - starts_s[last], 0.0)
        opening = np.exp(-since_s / 0.5) + 0.5 * np.sin(2.0 * np.pi * times_s / cycle_s)
        cutoff_hz = (900.0 + 1500.0 * timbre.colour) * 2.0**opening
        return low_pass(freqs_hz[None], cutoff_hz[:, None], 0.9)

    return np.stack([shape_spectrum(side, plan.config.sample_rate, response) for side in layer])


def _echo(layer: Signal, plan: Plan) -> Signal:
    """Echoes three sixteenths apart that change sides."""
    delay = round(3 * plan.step_s * plan.config.sample_rate)
    result = layer.copy()
    for number, level in enumerate((0.32, 0.16, 0.08), start=1):
        source = layer[::-1] if number % 2 else layer
        place(result, number * delay, level * source)
    return result
