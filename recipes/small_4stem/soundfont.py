"""Plays notes with a soundfont, by the command `fluidsynth` (Debian: `fluidsynth`, `fluid-soundfont-gm`).

Several parts go into one MIDI file, one after the other, so that the soundfont is loaded once: FluidR3_GM.sf2 loads in
0.1 s, but the compressed MuseScore_General_Lite.sf3 takes 1.6 s, longer than a part of 40 s takes to play. At the end
of a part all its sounds are switched off (controller 120), so no tail reaches the next. Programs count from 0.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mido  # type: ignore[import-untyped]
import numpy as np
import soundfile

from notes import RATE, Note, Sound

DRUM_KITS = (0, 8, 16, 24, 25, 32, 40)
"""On the drum channel: standard, room, power, electronic, TR-808, jazz, brush."""

_DRUM_CHANNEL = 9
_TICKS_A_SECOND = 1000
_ALL_SOUND_OFF = 120
_GAP_S = 0.5
_REVERB_GAP_S = 4.0
_STEP_S = 0.64
"""A whole number of ticks, and of fluidsynth's blocks of 64 samples: a part sounds the same wherever it lies."""


@dataclass(frozen=True)
class Part:
    """What one program plays."""

    program: int
    notes: Sequence[Note]
    is_drums: bool = False


def render_soundfont(
    soundfont: Path,
    program: int,
    notes: Sequence[Note],
    n_samples: int,
    *,
    is_drums: bool = False,
    gain: float = 1.0,
    reverb: bool = False,
) -> Sound:
    """`notes` played by one program, or one kit. Shape: (2, n_samples). Pitches are rounded to keys."""
    return render_parts(soundfont, [Part(program, notes, is_drums)], n_samples, gain=gain, reverb=reverb)[0]


def render_parts(
    soundfont: Path, parts: Sequence[Part], n_samples: int, *, gain: float = 1.0, reverb: bool = False
) -> list[Sound]:
    """Each part by itself, all in one run. Shape of each: (2, n_samples).

    `gain` is fluidsynth's: at 1.0 parts peak near 0.5, and thick chords may pass 1.0.
    """
    _check(soundfont)
    gap_s = _REVERB_GAP_S if reverb else _GAP_S
    stride_s = _STEP_S * math.ceil((n_samples / RATE + gap_s) / _STEP_S)
    with TemporaryDirectory() as folder:
        midi, wav = Path(folder, "parts.mid"), Path(folder, "parts.wav")
        _midi(parts, n_samples / RATE, stride_s).save(midi)
        _run(soundfont, midi, wav, gain, reverb)
        sound, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    starts = [round(number * stride_s * RATE) for number in range(len(parts))]
    return [_padded(sound.T[:, start : start + n_samples], n_samples) for start in starts]


def _check(soundfont: Path) -> None:
    if shutil.which("fluidsynth") is None:
        raise RuntimeError("expected the command fluidsynth, got none on the path: install it (apt install fluidsynth)")
    if not soundfont.is_file():
        raise FileNotFoundError(f"expected a soundfont, got no file at {soundfont}: install or name another one")


def _midi(parts: Sequence[Part], length_s: float, stride_s: float) -> mido.MidiFile:
    timed = [item for number, part in enumerate(parts) for item in _messages(part, number * stride_s, length_s)]
    # The end of a note comes before a start at the same moment, and the program before all.
    timed.sort(key=lambda item: (item[0], item[1].type == "note_on"))
    file = mido.MidiFile(ticks_per_beat=_TICKS_A_SECOND)
    track = file.add_track()
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    now = 0
    for tick, message in timed:
        track.append(message.copy(time=tick - now))
        now = tick
    return file


def _messages(part: Part, offset_s: float, length_s: float) -> list[tuple[int, mido.Message]]:
    """Messages with their ticks, and at the end of the part silence."""
    channel = _DRUM_CHANNEL if part.is_drums else 0
    first, last = _tick(offset_s), _tick(offset_s + length_s)
    timed = [(first, mido.Message("program_change", channel=channel, program=part.program))]
    for note, end_s in zip(part.notes, _ends(part.notes), strict=True):
        start = _tick(offset_s + max(note.start_s, 0.0))
        if start < last:
            sounding = {"channel": channel, "note": _key(note)}
            timed.append((start, mido.Message("note_on", velocity=note.velocity, **sounding)))
            end = min(max(_tick(offset_s + end_s), start + 1), last)
            timed.append((end, mido.Message("note_off", **sounding)))
    return [*timed, (last, mido.Message("control_change", channel=channel, control=_ALL_SOUND_OFF))]


def _ends(notes: Sequence[Note]) -> list[float]:
    """Where each note ends, in seconds: before the same key is struck again, whose sound its end would stop."""
    ends = [note.start_s + note.duration_s for note in notes]
    next_start: dict[int, float] = {}
    for number in sorted(range(len(notes)), key=lambda number: -notes[number].start_s):
        key = _key(notes[number])
        ends[number] = min(ends[number], next_start.get(key, ends[number]))
        next_start[key] = notes[number].start_s
    return ends


def _key(note: Note) -> int:
    return min(max(round(note.pitch), 0), 127)


def _tick(time_s: float) -> int:
    return round(time_s * _TICKS_A_SECOND)


def _run(soundfont: Path, midi: Path, wav: Path, gain: float, reverb: bool) -> None:
    effects = ["-R", "1" if reverb else "0", "-C", "0"]
    output = ["-r", str(RATE), "-T", "wav", "-O", "float", "-g", str(gain), "-F", str(wav)]
    lazy = ["-o", "synth.dynamic-sample-loading=1"]
    command = ["fluidsynth", "-ni", "-q", *effects, *output, *lazy, str(soundfont), str(midi)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # It says what went wrong, and yet returns 0.
    if done.returncode or "error:" in done.stderr or not wav.is_file():
        said = " ".join((done.stderr + done.stdout).split())
        raise RuntimeError(f"expected a rendering by fluidsynth, got '{said}': check the soundfont {soundfont}")


def _padded(sound: Sound, n_samples: int) -> Sound:
    return np.pad(sound, ((0, 0), (0, n_samples - sound.shape[-1])))
