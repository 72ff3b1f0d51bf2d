"""The best and the worst songs, to see and to hear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from auralflow.evaluation.excerpt import load_excerpt
from auralflow.evaluation.page.charts import N_OPEN
from auralflow.evaluation.page.songs import show_song
from auralflow.evaluation.ranking import choose_ends, rank_songs
from auralflow.evaluation.report import Report
from auralflow.evaluation.results import SongScore
from auralflow.metrics import Column
from auralflow.plots import RANGE_DB


def show_ends(report: Report, excerpts: Mapping[str, Path], n_bytes: int) -> str:
    """The best and the worst songs, as far as there is room; the others are named.

    Args:
        excerpts: where the excerpts of songs are.
        n_bytes: how long this may become.
    """
    summary = next(iter(report.summaries.values()))
    best, worst = choose_ends(rank_songs(report.songs, Column(summary.column, False, summary.higher_is_better)))
    names = [song.name for song in (*best, *worst)]
    n_left = n_bytes - _count(_tell(summary.column, names))
    columns = list(report.summaries)[:N_OPEN]
    sections: dict[str, str] = {}
    for song, kind in _alternate(best, worst):
        section = show_song(song, kind, load_excerpt(excerpts[song.name]), columns) if song.name in excerpts else ""
        if section and _count(section) < n_left:
            n_left -= _count(section) + 1
            sections[song.name] = section
    left_out = [name for name in names if name not in sections]
    return "\n".join([_tell(summary.column, left_out), *(sections[name] for name in names if name in sections)])


def _tell(column: str, left_out: Sequence[str]) -> str:
    low, high = (f"{end:g}".replace("-", "−") for end in RANGE_DB)
    told = (
        f"<p>Ranked by the mean over stems of {escape(column)}. Up to ten seconds of each, where its stems are "
        "liveliest. The error is the estimate minus the target. Sounds are coded with Opus at 96 kbit/s; pictures and "
        "scores are of the uncompressed signals.</p>"
        "<p>Waveforms reach from −1 to 1. Spectrograms: time in seconds, frequency in Hz, level from "
        f'{low} <span class="colours"></span> {high} dB of full scale.</p>'
    )
    if not left_out:
        return told
    names = ", ".join(map(escape, left_out))
    return f"{told}<p>Left out, for want of room on this page or of an excerpt: {names}.</p>"


def _alternate(best: Sequence[SongScore], worst: Sequence[SongScore]) -> Iterator[tuple[SongScore, str]]:
    """From the outside in: when room runs out, it is the middle that is missing."""
    for place in range(max(len(best), len(worst))):
        yield from ((song, "best") for song in best[place : place + 1])
        yield from ((song, "worst") for song in worst[place : place + 1])


def _count(text: str) -> int:
    return len(text.encode())
