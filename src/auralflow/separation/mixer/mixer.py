"""The mixer as HTML: the stems as Opus, a style and a script.

Each stem is an `<audio>` element of its own, which plays without the script too. The script takes the sounds out of
them and plays all in one clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from auralflow.audio.embed import embed_sound
from auralflow.audio.types import Audio

PREVIEW_S = 30.0
"""Seconds of a song that a mixer holds at most."""
MAX_BYTES = 8 * 2**20
"""Of the HTML of a mixer; where that is too little, less of the song is in it."""


def show_mixer(sounds: Mapping[str, Audio], title: str = "", note: str = "") -> str:
    """A mixer of sounds that begin together, as HTML; of what is long, the beginning.

    Args:
        sounds: by name.
        note: a line below the title.

    Example:
        >>> page = show_mixer({"<i>": Audio(np.zeros((1, 800)), 8000)})
        >>> "&lt;i&gt;" in page, "<i>" in page
        (True, False)
    """
    shown_s = min(PREVIEW_S, _find_duration_s(sounds))
    sounds = _lower_together(sounds)
    page = _fill(sounds, shown_s, title, note)
    while len(page) > MAX_BYTES and shown_s > 0.1:
        shown_s *= 0.9 * MAX_BYTES / len(page)
        page = _fill(sounds, shown_s, title, note)
    return page


def _fill(sounds: Mapping[str, Audio], shown_s: float, title: str, note: str) -> str:
    with ThreadPoolExecutor() as pool:  # encoders let go of the interpreter
        addresses = list(pool.map(lambda audio: embed_sound(_cut(audio, shown_s)), sounds.values()))
    tracks = "".join(map(_show_track, sounds, addresses))
    duration_s = _find_duration_s(sounds)
    told = [note] if note else []
    if shown_s < duration_s:
        told.append(f"the first {shown_s:.3g} of {duration_s:.4g} s")
    return Template(_read("mixer.html")).substitute(
        title=_text(title),
        note=_text(", ".join(told)),
        duration=f"{shown_s:.6f}",
        length=show_time(shown_s),
        tracks=tracks,
        style=_read("mixer.css"),
        script=_read("mixer.js"),
    )


def _find_duration_s(sounds: Mapping[str, Audio]) -> float:
    return max((audio.duration_s for audio in sounds.values()), default=0.0)


def _lower_together(sounds: Mapping[str, Audio]) -> Mapping[str, Audio]:
    """One gain for all, so that none is beyond full scale and their balance stays."""
    peak = max((float(np.abs(audio.samples).max(initial=0)) for audio in sounds.values()), default=0.0)
    if peak <= 1:
        return sounds
    return {name: Audio(audio.samples / np.float32(peak), audio.sample_rate) for name, audio in sounds.items()}


def _cut(audio: Audio, shown_s: float) -> Audio:
    n_samples = max(1, round(shown_s * audio.sample_rate))
    samples = audio.samples[:, :n_samples]
    return Audio(samples if samples.shape[1] else np.zeros((audio.channels, 1), np.float32), audio.sample_rate)


def _show_track(name: str, address: str) -> str:
    shown = _text(name)
    return (
        f'<div class="track"><span class="name" title="{shown}">{shown}</span>'
        f'<button type="button" class="mute" aria-pressed="false" aria-label="mute {shown}">M</button>'
        f'<button type="button" class="solo" aria-pressed="false" aria-label="solo {shown}">S</button>'
        f'<input type="range" class="volume" min="0" max="1.5" step="0.01" value="1" aria-label="volume of {shown}">'
        f'<audio controls preload="none" src="{address}"></audio></div>'
    )


def _text(text: str) -> str:
    """Text as HTML; names of files may hold bytes that are no text."""
    return escape(text.encode(errors="backslashreplace").decode())


def show_time(seconds: float) -> str:
    """Minutes and seconds, as the mixer counts them.

    Example:
        >>> show_time(65.7)
        '1:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


@cache
def _read(name: str) -> str:
    return files("auralflow.separation.mixer").joinpath(name).read_text(encoding="utf-8")
