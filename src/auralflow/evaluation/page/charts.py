"""How scores spread over songs."""

from __future__ import annotations

from html import escape

from auralflow.evaluation.page.media import drawing
from auralflow.evaluation.report import ColumnSummary, Report

N_OPEN = 3
"""Scores that are seen at once: their distributions, and their values beside a song's stems."""


def show_distributions(report: Report) -> str:
    """A chart for each score; the first are seen at once, the others fold out."""
    charts = [_show_chart(report, summary) for summary in report.summaries.values()]
    seen, folded = "".join(charts[:N_OPEN]), "".join(charts[N_OPEN:])
    shown = (
        "<p>A dot for each song, a line at the median, a box around the middle half.</p>"
        f'<div class="charts">{seen}</div>'
    )
    if folded:
        n_folded = len(charts) - N_OPEN
        shown += f'<details><summary>{n_folded} more scores</summary><div class="charts">{folded}</div></details>'
    return shown


def _show_chart(report: Report, summary: ColumnSummary) -> str:
    from auralflow.plots import plot_scores

    values = {
        stem: [song.stems[stem].scores[summary.column] for song in report.songs if stem in song.stems]
        for stem in report.protocol.stems
    }
    column, better = escape(summary.column), "higher" if summary.higher_is_better else "lower"
    address = drawing(plot_scores(values, ""))
    caption = f'<figcaption><b>{column}</b> <span class="aside">{better} is better</span></figcaption>'
    return f'<figure>{caption}<img class="distribution" alt="{column} of songs, by stem" src="{address}"></figure>'
