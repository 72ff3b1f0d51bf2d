"""The drummer: grooves with ghost notes, fills and human timing, played on a kit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.kit import KIT, KitSound, draw_kit
from auralflow.data.synth.plan import Plan, random_stream
from auralflow.data.synth.signals import Signal, pan, place, saturate, time_axis_s
from auralflow.data.synth.styles import STYLES, Groove

_HARDNESS_LAYERS = (0.35, 0.7, 1.0)
_FILLS = (
    (("snare", 8), ("snare", 10), ("high_tom", 12), ("mid_tom", 13), ("tom", 14), ("tom", 15)),
    (("high_tom", 12), ("high_tom", 13), ("tom", 14), ("snare", 15)),
    (("snare", 10), ("snare", 12), ("snare", 13), ("snare", 14), ("snare", 15)),
    (("high_tom", 8), ("high_tom", 9), ("mid_tom", 10), ("mid_tom", 11), ("tom", 12), ("tom", 13), ("snare", 14)),
)


@dataclass(frozen=True)
class Hit:
    """One stroke."""

    piece: str
    start_s: float
    velocity: float
    """0 to 1."""


def write_drums(plan: Plan, random: np.random.Generator) -> list[Hit]:
    """All strokes of the song in order of time."""
    hits: list[Hit] = []
    fills = {section.bars[-1]: int(random.integers(len(_FILLS))) for section in plan.sections}
    starts = {section.first_bar for section in plan.sections}
    for bar in range(plan.n_bars):
        groove = _groove_of(plan, bar)
        fill = _FILLS[fills[bar]] if bar in fills else ()
        fill_from = min((step for _, step in fill), default=16)
        for piece, pattern in groove.items():
            for step, mark in enumerate(pattern):
                if mark not in ".0" and step < fill_from:
                    hits.append(_play(plan, random, piece, bar, step, int(mark) / 9.0))
        hits += [_play(plan, random, piece, bar, step, 0.7 + 0.02 * step) for piece, step in fill]
        if bar in starts and plan.section_of(bar).name != "intro":
            hits.append(_play(plan, random, "crash", bar, 0, 0.9))
    hits += [_play(plan, random, piece, plan.n_bars, 0, 1.0) for piece in ("kick", "crash")]
    return sorted(hits, key=lambda hit: (hit.start_s, hit.piece))


def _groove_of(plan: Plan, bar: int) -> Groove:
    style, section = STYLES[plan.style], plan.section_of(bar)
    verse = style.verse_grooves[plan.verse_pattern]
    if section.name == "chorus":
        return style.chorus_grooves[plan.chorus_pattern]
    if section.name == "bridge":
        return {"kick": "9.......9.......", "rim": "....8.......8..."}
    if section.name == "intro" and bar < section.bars[-1]:
        return {piece: pattern for piece, pattern in verse.items() if piece in ("hat", "shaker", "rim")}
    return verse


def _play(plan: Plan, random: np.random.Generator, piece: str, bar: int, step: int, velocity: float) -> Hit:
    late_s, louder = random.standard_normal(2)
    human_s = 0.003 * float(np.clip(late_s, -2.0, 2.0)) * (0.3 if plan.kit == "electronic" else 1.0)
    return Hit(piece, plan.time_s(bar, step) + human_s, float(np.clip(velocity + 0.05 * louder, 0.08, 1.0)))


def render_drums(plan: Plan) -> Signal:
    """The dry drum stem.

    Shape:
        (2, time)
    """
    random = random_stream(plan.config, "drums")
    hits, sample_rate = write_drums(plan, random), plan.config.sample_rate
    kit = draw_kit(plan.kit, random)
    bank = _record(kit, {hit.piece for hit in hits}, sample_rate, random)
    track = np.zeros((2, plan.config.n_samples))
    for number, hit in enumerate(hits):
        layer = int(np.searchsorted(_HARDNESS_LAYERS[:-1], hit.velocity))
        takes = bank[hit.piece][layer]
        sound = takes[int(random.integers(len(takes)))] * (KIT[hit.piece].level * hit.velocity**1.4)
        if hit.piece == "open":
            sound = _choke(sound, hits[number + 1 :], hit.start_s, sample_rate)
        place(track, round(hit.start_s * sample_rate), pan(sound, KIT[hit.piece].position))
    return saturate(track, 0.8)


def _record(
    kit: KitSound, pieces: set[str], sample_rate: int, random: np.random.Generator
) -> dict[str, list[list[Signal]]]:
    """Some takes of every piece at every hardness; no two strokes of a real drum are the same."""
    return {
        name: [
            [KIT[name].strike(kit, hardness, sample_rate, random) for _ in range(KIT[name].n_takes)]
            for hardness in _HARDNESS_LAYERS
        ]
        for name in sorted(pieces)
    }


def _choke(sound: Signal, later: list[Hit], start_s: float, sample_rate: int) -> Signal:
    """Closing the hi-hat ends the open sound within 15 ms."""
    closing_s = next((hit.start_s for hit in later if hit.piece in ("hat", "open")), np.inf) - start_s
    closed = np.clip((time_axis_s(len(sound), sample_rate) - closing_s) / 0.015, 0.0, 1.0)
    choked: Signal = sound * (1.0 - closed)
    return choked
