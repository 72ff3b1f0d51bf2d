"""A copy of Groove MIDI that is small enough to write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"


def write_grooves(folder: Path, drummers: Iterable[str], key: int) -> None:
    """Eight bars of rock at 120 by each drummer: one key on every beat."""
    import mido

    rows = []
    for drummer in drummers:
        track = mido.MidiTrack()
        for _ in range(32):
            track.append(mido.Message("note_on", channel=9, note=key, velocity=80, time=0))
            track.append(mido.Message("note_off", channel=9, note=key, velocity=0, time=480))
        file = mido.MidiFile(ticks_per_beat=480)
        file.tracks.append(track)
        file.save(folder / f"{drummer}.mid")
        rows.append(f"{drummer},s,{drummer},rock/one,120,beat,4-4,{drummer}.mid,,16.0,train\n")
    (folder / "info.csv").write_text(_HEADER + "".join(rows))
