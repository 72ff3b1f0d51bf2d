"""The tables of the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from auralflow.evaluation.report import Report
from auralflow.evaluation.results import IDENTICAL, SILENT_ESTIMATE, SILENT_TARGET
from auralflow.evaluation.statistics import Interval


def protocol(report: Report) -> str:
    """How the scores were made."""
    lines = [f"{report.system.kind}: {report.system.name}; data: {report.data}", *report.protocol.lines()]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<p>{len(report.songs)} songs scored.</p><ul class="protocol">{items}</ul>'


def averages(report: Report) -> str:
    """A row for each score, with its 95 % interval over songs."""
    stems = report.protocol.stems
    rows = []
    for summary in report.summaries.values():
        cells = [show_interval(summary.stems[stem].interval) for stem in stems]
        arrow = "&uarr;" if summary.higher_is_better else "&darr;"
        rows.append([f"{escape(summary.column)} {arrow}", *cells, show_interval(summary.overall)])
    told = "<p>Average over songs and its 95 % bootstrap interval. &uarr; higher is better, &darr; lower is better.</p>"
    return told + _table(["score", *map(escape, stems), "mean of stems"], rows)


def counts(report: Report) -> str:
    """Songs, silences and frames of each stem."""
    rows = []
    for stem in report.protocol.stems:
        found = [song.stems[stem] for song in report.songs if stem in song.stems]
        flags = [sum(flag in score.flags for score in found) for flag in (SILENT_TARGET, SILENT_ESTIMATE, IDENTICAL)]
        frames = [score.counts for score in found if score.counts is not None]
        told = [sum(getattr(c, name) for c in frames) for name in ("n_frames", "n_used", "n_own_silence")]
        others = sum(c.n_others_silence for c in frames)
        rows.append([escape(stem), *map(str, [len(found), len(report.songs) - len(found), *flags, *told, others])])
    header = ["stem", "songs", "absent in", "silent targets", "silent estimates", "identical"]
    header += ["frames", "used", "silent itself", "lost to another stem's silence"]
    return _table(header, rows)


def songs(report: Report) -> str:
    """A row for each song: the first score of each stem."""
    column = next(iter(report.summaries))
    stems = report.protocol.stems
    rows = [
        [
            escape(song.name),
            *(show_score(song.stems[stem].scores[column]) if stem in song.stems else "absent" for stem in stems),
            escape("; ".join(song.notes)),
        ]
        for song in report.songs
    ]
    return f"<p>{escape(column)}</p>" + _table(["song", *map(escape, stems), "notes"], rows)


def failures(report: Report) -> str:
    """Songs that could not be scored."""
    if not report.failed:
        return ""
    rows = [[escape(failure.name), escape(failure.reason)] for failure in report.failed]
    return f"<h2>{len(rows)} songs could not be scored</h2>" + _table(["song", "why"], rows)


def show_interval(interval: Interval) -> str:
    """An average and its ends."""
    if interval.value is None:
        return "&ndash;"
    ends = "" if interval.low is None else f' <span class="range">[{interval.low:.2f}, {interval.high:.2f}]</span>'
    return f"{interval.value:.2f}{ends}"


def show_score(score: float) -> str:
    """A score for people.

    Example:
        >>> show_score(6.125), show_score(float("nan")), show_score(float("inf"))
        ('6.12', '–', '∞')
    """
    if math.isnan(score):
        return "–"
    return f"{score:.2f}" if math.isfinite(score) else ("∞" if score > 0 else "−∞")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
