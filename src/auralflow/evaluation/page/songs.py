"""A song of the page: its scores, pictures and players."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from auralflow.audio.types import Audio
from auralflow.evaluation.excerpt import Excerpt
from auralflow.evaluation.page.media import sound
from auralflow.evaluation.page.pictures import draw_spectrogram, draw_times, draw_waveform
from auralflow.evaluation.page.tables import show_score
from auralflow.evaluation.results import SongScore


def show_song(song: SongScore, kind: str, excerpt: Excerpt, columns: Sequence[str]) -> str:
    """A section with the mixture and every stem: target, estimate and error, drawn and to play.

    Args:
        kind: `best` or `worst`.
        columns: scores to print beside each stem.
    """
    end_s = excerpt.start_s + excerpt.mixture.duration_s
    head = (
        f'<h3><span class="{kind}">{kind}</span> {escape(song.name)} '
        f'<span class="aside">{excerpt.start_s:.4g} to {end_s:.4g} s of {song.duration_s:.4g} s</span></h3>'
    )
    rows = [_show_row("mixture", "", {"mixture": excerpt.mixture}, excerpt.start_s)]
    for stem in song.stems:
        sounds = {"target": excerpt.targets[stem], "estimate": excerpt.estimates[stem], "error": excerpt.residual(stem)}
        scores = ", ".join(f"{column} {show_score(song.stems[stem].scores[column])}" for column in columns)
        rows.append(_show_row(stem, scores, sounds, excerpt.start_s))
    return f'<section class="song">{head}{"".join(rows)}</section>'


def _show_row(name: str, scores: str, sounds: dict[str, Audio], start_s: float) -> str:
    shown = "".join(_show_sound(name, kind, audio, start_s) for kind, audio in sounds.items())
    return f'<h4>{escape(name)} <span class="aside">{escape(scores)}</span></h4><div class="sounds">{shown}</div>'


def _show_sound(name: str, kind: str, audio: Audio, start_s: float) -> str:
    title = kind if kind == name else f"{name}, {kind}"
    caption = "" if kind == name else f"<figcaption>{escape(kind)}</figcaption>"
    player = f'<audio controls preload="metadata" aria-label="{escape(title)}" src="{sound(audio)}"></audio>'
    pictures = draw_waveform(audio) + draw_spectrogram(audio, title) + draw_times(start_s, audio.duration_s)
    return f"<figure>{caption}{pictures}{player}</figure>"
