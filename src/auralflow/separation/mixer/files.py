"""The mixer of files: of each a part from the middle of the song, where more is going on than at its ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from auralflow.audio.probe import probe
from auralflow.audio.read import read_audio
from auralflow.audio.types import Audio
from auralflow.errors import AuralflowError
from auralflow.separation.mixer.mixer import PREVIEW_S, show_mixer, show_time


def show_files(paths: Mapping[str, Path], title: str, duration_s: float) -> str:
    """A mixer of files that were separated from one song, as HTML. What can no longer be read is named.

    Args:
        paths: the file of each stem, by its name.
        duration_s: of the song.
    """
    start_s = max(0.0, (duration_s - PREVIEW_S) / 2)
    sounds: dict[str, Audio] = {}
    notes = []
    if start_s:
        notes.append(f"{show_time(start_s)} to {show_time(start_s + PREVIEW_S)} of {show_time(duration_s)}")
    for name, path in paths.items():
        try:
            sounds |= {
                shown: read_audio(path, start_s=start_s, duration_s=PREVIEW_S, stream=stream)
                for shown, stream in _list_streams(name, path).items()
            }
        except AuralflowError as error:
            notes.append(f"{name} cannot be played: {error}")
    return show_mixer(sounds, title, "; ".join(notes))


def _list_streams(name: str, path: Path) -> dict[str, int]:
    """The sounds of a file; of a stem file the stems, without the mixture before them."""
    n_streams = probe(path).n_streams
    return {name: 0} if n_streams == 1 else {f"stem {index}": index for index in range(1, n_streams)}
