"""Styles: tempo, groove and instruments that belong together.

A pattern is one bar of sixteen steps. Drums: a digit is a velocity (9 loudest). Bass: R root, 3 third, 5 fifth,
8 octave, a approach to the next root; `-` holds, `.` rests. Chords: X strikes, `-` holds.
"""

from __future__ import annotations

from dataclasses import dataclass

Groove = dict[str, str]
"""Pattern per piece of the kit."""


@dataclass(frozen=True)
class Style:
    """What a style allows; a song draws from it."""

    tempo_bpm: tuple[float, float]
    swing: tuple[float, float]
    """Delay of every second sixteenth, as a share of a sixteenth."""
    kits: tuple[str, ...]
    verse_grooves: tuple[Groove, ...]
    chorus_grooves: tuple[Groove, ...]
    bass_sounds: tuple[str, ...]
    bass_lines: tuple[str, ...]
    comping_sounds: tuple[str, ...]
    comping_rhythms: tuple[str, ...]
    sevenths: float
    """Probability of a seventh on a chord."""


_BACKBEAT = "....9.......9..."
_GHOSTED = "....9..2.2..9..1"
_EIGHTHS = "8.5.7.5.8.5.7.5."
_SIXTEENTHS = "8363736383637363"
_OFFBEATS = "..8...8...8...8."
_QUARTERS = "9...9...9...9..."

STYLES: dict[str, Style] = {
    "pop": Style(
        tempo_bpm=(94, 124),
        swing=(0.0, 0.06),
        kits=("acoustic", "electronic"),
        verse_grooves=(
            {"kick": "9.....7.9.......", "snare": _BACKBEAT, "hat": _EIGHTHS},
            {"kick": "9.......9.7.....", "rim": _BACKBEAT, "hat": _SIXTEENTHS},
        ),
        chorus_grooves=(
            {"kick": "9.....8.9.8.....", "snare": _BACKBEAT, "hat": "8.5.7.5.8.5.7...", "open": "..............7."},
            {"kick": _QUARTERS, "snare": _BACKBEAT, "clap": _BACKBEAT, "open": _OFFBEATS, "shaker": _SIXTEENTHS},
        ),
        bass_sounds=("finger", "synth"),
        bass_lines=("R-----R-R---5-a-", "R---R-R-R---8-a-", "R-R-R-R-R-R-R-a-"),
        comping_sounds=("electric_piano", "pad", "guitar"),
        comping_rhythms=("X-----X---X-----", "X-------X-------", "X--X--X-X--X--X-"),
        sevenths=0.15,
    ),
    "rock": Style(
        tempo_bpm=(108, 144),
        swing=(0.0, 0.0),
        kits=("acoustic",),
        verse_grooves=(
            {"kick": "9.....8.8.......", "snare": _BACKBEAT, "hat": "9.6.8.6.9.6.8.6."},
            {"kick": "9...8...9.9.....", "snare": _GHOSTED, "hat": _EIGHTHS},
        ),
        chorus_grooves=(
            {"kick": "9.8...8.9.8...7.", "snare": _BACKBEAT, "ride": "9.6.9.6.9.6.9.6."},
            {"kick": "9.....9.9.9.....", "snare": _BACKBEAT, "open": "8...7...8...7...", "tambourine": _OFFBEATS},
        ),
        bass_sounds=("pick",),
        bass_lines=("R-R-R-R-R-R-R-a-", "R---R-R-R-R-5-a-", "R-R-R-R-5-5-R-a-"),
        comping_sounds=("guitar", "organ"),
        comping_rhythms=("X-X-X-X-X-X-X-X-", "X---X-X---X-X---", "X-------X---X---"),
        sevenths=0.05,
    ),
    "funk": Style(
        tempo_bpm=(92, 112),
        swing=(0.05, 0.2),
        kits=("acoustic",),
        verse_grooves=(
            {"kick": "9..7..8...9..7..", "snare": "....9..2.3..9..2", "hat": _SIXTEENTHS},
            {"kick": "9.8.......8..7..", "snare": "..2.9..3.2..9.2.", "hat": "8.6383.68.638.63"},
        ),
        chorus_grooves=(
            {"kick": "9..7..8...9..7..", "snare": "....9..2.3..9..2", "hat": _SIXTEENTHS, "open": "......7........."},
            {"kick": "9.8...8...8.8...", "snare": _GHOSTED, "clap": _BACKBEAT, "hat": _EIGHTHS, "shaker": _SIXTEENTHS},
        ),
        bass_sounds=("finger", "synth"),
        bass_lines=("R--R..8-..R-5-a-", "R-.8..R-.5-.8.a-", "R..R8-..R-3-5-a-"),
        comping_sounds=("electric_piano", "guitar", "organ"),
        comping_rhythms=("X-....X-..X-..X.", "..X-..X...X-..X-", "X...X-....X-.X-."),
        sevenths=0.8,
    ),
    "ballad": Style(
        tempo_bpm=(78, 92),
        swing=(0.0, 0.05),
        kits=("acoustic", "electronic"),
        verse_grooves=(
            {"kick": "9.........8.....", "rim": "........8.......", "hat": "7.4.6.4.7.4.6.4."},
            {"kick": "9.......6.......", "rim": _BACKBEAT, "shaker": _SIXTEENTHS},
        ),
        chorus_grooves=(
            {"kick": "9.......8.7.....", "snare": _BACKBEAT, "hat": _EIGHTHS},
            {"kick": "9.....7.9.......", "snare": _BACKBEAT, "ride": "8.5.7.5.8.5.7.5."},
        ),
        bass_sounds=("finger", "sub"),
        bass_lines=("R-------5-----a-", "R-----R-R-----a-", "R-------R---5-a-"),
        comping_sounds=("electric_piano", "pad", "guitar"),
        comping_rhythms=("X---X---X---X---", "X-------X-------", "X-----X-X-----X-"),
        sevenths=0.4,
    ),
    "disco": Style(
        tempo_bpm=(112, 128),
        swing=(0.0, 0.08),
        kits=("electronic", "acoustic"),
        verse_grooves=(
            {"kick": _QUARTERS, "snare": _BACKBEAT, "hat": "..8...8...8...8."},
            {"kick": _QUARTERS, "clap": _BACKBEAT, "hat": _SIXTEENTHS},
        ),
        chorus_grooves=(
            {"kick": _QUARTERS, "clap": _BACKBEAT, "snare": _BACKBEAT, "open": _OFFBEATS, "hat": "8.0.8.0.8.0.8.0."},
            {"kick": _QUARTERS, "snare": _GHOSTED, "open": _OFFBEATS, "tambourine": _SIXTEENTHS},
        ),
        bass_sounds=("synth", "finger"),
        bass_lines=("R-8-R-8-R-8-R-a-", "..R-..R-..R-..a-", "R..RR-8-R..RR-a-"),
        comping_sounds=("pad", "guitar", "electric_piano"),
        comping_rhythms=("..X-..X-..X-..X-", "X-.X-.X-..X-.X-.", "X-------X-------"),
        sevenths=0.5,
    ),
    "hip_hop": Style(
        tempo_bpm=(82, 98),
        swing=(0.12, 0.3),
        kits=("electronic",),
        verse_grooves=(
            {"kick": "9.....8...9.....", "snare": _BACKBEAT, "hat": "8.6.8.6.8.6.8663"},
            {"kick": "9..8......8.7...", "clap": _BACKBEAT, "hat": "8363836383638363"},
        ),
        chorus_grooves=(
            {"kick": "9..8..8...9.....", "snare": _BACKBEAT, "clap": _BACKBEAT, "hat": "8.6.8.668.6.8.66"},
            {"kick": "9.....8..79.....", "clap": _BACKBEAT, "hat": _EIGHTHS, "open": "......6.......7."},
        ),
        bass_sounds=("sub", "synth"),
        bass_lines=("R-----R---R---a-", "R--R------8-R-a-", "R---------R-5-a-"),
        comping_sounds=("electric_piano", "pad"),
        comping_rhythms=("X-------X-------", "X-----X---X-----", "X---------X-X---"),
        sevenths=0.7,
    ),
}
