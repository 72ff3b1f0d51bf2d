"""Accompaniment by Musical MIDI Accompaniment (`mma`, GPL, from Debian's package): a chord chart in, a band's MIDI out.

The files of mma's standard library name their grooves (`DefGroove`) and the beats of a bar (`Time`); we read both from
them, and name a groove by its file (`stdlib/swing:SwingWalk`), so that no index of grooves is needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import mido  # type: ignore[import-untyped]
from numpy.random import Generator

from basslines import fold
from form import Song
from notes import Note
from parts import Part

_LIBRARY = Path("/usr/share/mma/lib/stdlib")
_DRUM_CHANNEL = 9
_ELECTRIC_BASS = 33
_LOWEST_OTHER = 36
_BASSES = (*range(32, 40), 43)
"""Programs of General MIDI that are basses, and the double bass."""
_NO_BODY = re.compile(r"(Intro|End|Fill|Metronome)[0-9Sus]*$", re.IGNORECASE)


@dataclass(frozen=True)
class GrooveFile:
    """A file of mma's library."""

    name: str
    beats: int
    """How many of mma's beats a bar has."""
    grooves: tuple[str, ...]


@dataclass(frozen=True)
class Band:
    """What mma wrote."""

    drums: tuple[Note, ...]
    bass: tuple[Note, ...]
    bass_program: int
    others: tuple[Part, ...]


def has_mma() -> bool:
    """Whether mma and its library are installed."""
    return shutil.which("mma") is not None and _LIBRARY.is_dir()


def read_groove_file(name: str) -> GrooveFile:
    """The grooves of a file of the standard library that can carry a section.

    Raises:
        RuntimeError: mma is not installed.
    """
    if not has_mma():
        raise RuntimeError("mma is missing: install Debian's package `mma` (apt-get install mma)")
    text = (_LIBRARY / f"{name}.mma").read_text(errors="replace")
    beats = re.search(r"^\s*Time\s+(\d+)\s*$", text, re.MULTILINE | re.IGNORECASE)
    grooves = re.findall(r"^\s*DefGroove\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
    bodies = tuple(groove for groove in grooves if not _NO_BODY.search(groove))
    return GrooveFile(name, int(beats.group(1)) if beats else 4, bodies)


def play_band(file: GrooveFile, song: Song, random: Generator) -> Band:
    """The whole band over the song; sections of one name share a groove.

    Raises:
        RuntimeError: mma is not installed, or it refused the chart.
    """
    chart = _write_chart(file, song, random)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chart.mma").write_text(chart)
        done = subprocess.run(
            ["mma", "-w", "chart.mma", "-f", "song.mid"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"mma refused a chart of {file.name}: {done.stdout.strip().splitlines()[-1:]}")
        return _read_band(mido.MidiFile(Path(folder) / "song.mid"), song.bar_s / file.beats)


def _write_chart(file: GrooveFile, song: Song, random: Generator) -> str:
    lines = [f"RndSeed {int(random.integers(2**31))}", f"Tempo {file.beats * 60.0 / song.bar_s:.3f}"]
    chosen: dict[str, str] = {}
    number = 0
    for section in song.sections:
        groove = chosen.setdefault(section.name, file.grooves[int(random.integers(len(file.grooves)))])
        lines.append(f"Groove stdlib/{file.name}:{groove}")
        for bar in section.bars:
            number += 1
            lines.append(f"{number} {_write_bar(song, bar, file.beats)}")
    return "\n".join(lines) + "\n"


def _write_bar(song: Song, bar: int, beats: int) -> str:
    """The chords of a bar, each at its beat; a slash holds the chord before."""
    chords = song.chords[bar]
    signs = ["/"] * beats
    for number, chord in enumerate(chords):
        signs[number * beats // len(chords)] = chord.name
    return " ".join(signs)


def _read_band(file: mido.MidiFile, beat_s: float) -> Band:
    drums: list[Note] = []
    basses: dict[int, list[Note]] = defaultdict(list)
    others: dict[tuple[str, int], list[Note]] = defaultdict(list)
    for track in file.tracks:
        for channel, program, note in _read_track(track, beat_s / file.ticks_per_beat):
            if channel == _DRUM_CHANNEL:
                drums.append(note)
            elif _is_bass(track.name.lower(), program):
                basses[program].append(note)
            else:
                others[track.name.lower(), program].append(_lift(note))
    parts = tuple(Part(role, program, tuple(notes)) for (role, program), notes in others.items())
    return Band(tuple(drums), *_join_basses(basses), parts)


def _is_bass(name: str, program: int) -> bool:
    """Tracks named Bass or Walk, on whatever they play; with more in the name they may double a tune."""
    return name in ("bass", "walk") or (name.startswith(("bass", "walk")) and program in _BASSES)


def _lift(note: Note) -> Note:
    """Keep what is no bass out of its lowest octave: a left hand there would teach that bass is something else."""
    octaves = max(0, -(-(_LOWEST_OTHER - note.pitch) // 12))
    return replace(note, pitch=note.pitch + 12 * octaves)


def _join_basses(basses: dict[int, list[Note]]) -> tuple[tuple[Note, ...], int]:
    """All bass tracks on the bass that plays most; a tuba's or a guitar's bass line goes to an electric bass."""
    proper = [program for program in basses if program in _BASSES]
    program = max(proper, key=lambda known: len(basses[known]), default=_ELECTRIC_BASS)
    notes = [replace(note, pitch=fold(note.pitch)) for known in basses.values() for note in known]
    return tuple(sorted(notes, key=lambda note: note.start_s)), program


def _read_track(track: mido.MidiTrack, tick_s: float) -> list[tuple[int, int, Note]]:
    """Channel, program and note for all notes of a track."""
    held: dict[tuple[int, int], tuple[int, int]] = {}
    programs: dict[int, int] = defaultdict(int)
    found, tick = [], 0
    for message in track:
        tick += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            begun = held.pop((message.channel, message.note), None)
            if begun is not None:
                start, velocity = begun
                note = Note(start * tick_s, max(tick - start, 1) * tick_s, message.note, velocity)
                found.append((message.channel, programs[message.channel], note))
            if message.type == "note_on" and message.velocity > 0:
                held[message.channel, message.note] = (tick, message.velocity)
    return found
