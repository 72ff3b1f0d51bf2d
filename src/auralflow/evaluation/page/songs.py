"""A song of the page: its scores, pictures and players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape

from auralflow.audio.embed import embed_sound
from auralflow.audio.types import Audio
from auralflow.evaluation.excerpt import Excerpt
from auralflow.evaluation.page.pictures import draw_spectrogram, draw_times, draw_waveform
from auralflow.evaluation.page.tables import show_score
from auralflow.evaluation.results import SongScore

_MIXTURE = "mixture"


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
    rows = {_MIXTURE: {_MIXTURE: excerpt.mixture}} | {stem: _find_sounds(excerpt, stem) for stem in song.stems}
    titles = {stem: _list_scores(score.scores, columns) for stem, score in song.stems.items()}
    body = "".join(
        f'<h4>{escape(name)} <span class="aside">{titles.get(name, "")}</span></h4><div class="sounds">{shown}</div>'
        for name, shown in _show_rows(rows, excerpt.start_s).items()
    )
    return f'<section class="song">{head}{body}</section>'


def _find_sounds(excerpt: Excerpt, stem: str) -> dict[str, Audio]:
    return {"target": excerpt.targets[stem], "estimate": excerpt.estimates[stem], "error": excerpt.residual(stem)}


def _list_scores(scores: Mapping[str, float], columns: Sequence[str]) -> str:
    return ", ".join(f"{escape(column)} {show_score(scores[column])}" for column in columns)


def _show_rows(rows: Mapping[str, Mapping[str, Audio]], start_s: float) -> dict[str, str]:
    """Encoders and transforms let go of the interpreter, so that all cores work on them."""
    with ThreadPoolExecutor() as pool:
        figures = {name: pool.map(partial(_show_sound, name, start_s), sounds.items()) for name, sounds in rows.items()}
        return {name: "".join(shown) for name, shown in figures.items()}


def _show_sound(name: str, start_s: float, entry: tuple[str, Audio]) -> str:
    kind, audio = entry
    is_alone = kind == name
    title = name if is_alone else f"{name}, {kind}"
    caption = "" if is_alone else f"<figcaption>{kind}</figcaption>"
    player = f'<audio controls preload="metadata" aria-label="{escape(title)}" src="{embed_sound(audio)}"></audio>'
    pictures = draw_waveform(audio) + draw_spectrogram(audio, title) + draw_times(start_s, audio.duration_s)
    return f"<figure>{caption}{pictures}{player}</figure>"
