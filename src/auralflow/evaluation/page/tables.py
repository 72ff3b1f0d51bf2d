"""The tables of the page."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from html import escape

from auralflow.evaluation.report import Report
from auralflow.evaluation.results import IDENTICAL, SILENT_ESTIMATE, SILENT_TARGET
from auralflow.evaluation.statistics import Interval

_FRAMES = ("n_frames", "n_used", "n_own_silence", "n_others_silence")


def protocol(report: Report) -> str:
    """How the scores were made."""
    lines = [f"{report.system.kind}: {report.system.name}; data: {report.data}", *report.protocol.lines()]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    failed = f", {len(report.failed)} could not be" if report.failed else ""
    return f'<p>Songs scored: {len(report.songs)}{failed}.</p><ul class="protocol">{items}</ul>'


def averages(report: Report) -> str:
    """A row for each score, with its 95 % interval over songs."""
    stems = report.protocol.stems
    rows = []
    for summary in report.summaries.values():
        cells = [show_interval(summary.stems[stem].interval) for stem in stems]
        arrow = "&uarr;" if summary.higher_is_better else "&darr;"
        rows.append([f"{escape(summary.column)}&nbsp;{arrow}", *cells, show_interval(summary.overall)])
    told = "<p>Average over songs and its 95 % bootstrap interval. &uarr; higher is better, &darr; lower is better.</p>"
    return told + _table(["score", *map(escape, stems), "mean of stems"], rows)


def counts(report: Report) -> str:
    """Songs and silences of each stem, and frames where a score has them."""
    header = ["stem", "songs", "absent in", "silent targets", "silent estimates", "identical"]
    if report.protocol.framewise:
        header += ["frames", "used", "silent itself", "lost to another stem's silence"]
    return _table(header, [_count(report, stem)[: len(header)] for stem in report.protocol.stems])


def _count(report: Report, stem: str) -> list[str]:
    found = [song.stems[stem] for song in report.songs if stem in song.stems]
    flags = [sum(flag in score.flags for score in found) for flag in (SILENT_TARGET, SILENT_ESTIMATE, IDENTICAL)]
    counts = [score.counts for score in found if score.counts is not None]
    frames = [sum(getattr(c, name) for c in counts) for name in _FRAMES]
    return [escape(stem), *map(str, [len(found), len(report.songs) - len(found), *flags, *frames])]


def songs(report: Report) -> str:
    """A row for each song: the first score of each stem, and what was done to its files."""
    summary = next(iter(report.summaries.values()))
    stems = report.protocol.stems
    header = ["song", *map(escape, stems)]
    if any(song.notes for song in report.songs):
        header.append("notes")
    rows = [
        [
            escape(song.name),
            *(
                show_score(song.stems[stem].scores[summary.column]) if stem in song.stems else "absent"
                for stem in stems
            ),
            escape("; ".join(song.notes)),
        ][: len(header)]
        for song in report.songs
    ]
    better = "higher" if summary.higher_is_better else "lower"
    told = f"<p>{escape(summary.column)} of each stem, {better} is better. –: there was nothing to score.</p>"
    return told + _table(header, rows, words=(0, len(stems) + 1))


def failures(report: Report) -> str:
    """Songs that could not be scored."""
    rows = [[escape(failure.name), escape(failure.reason)] for failure in report.failed]
    return _table(["song", "why"], rows, words=(0, 1)) if rows else ""


def show_interval(interval: Interval) -> str:
    """An average and its ends."""
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return show_score(interval.value)
    ends = f"[{show_score(interval.low)}, {show_score(interval.high)}]"
    return f'{show_score(interval.value)} <span class="aside">{ends}</span>'


def show_score(score: float) -> str:
    """A score for people.

    Example:
        >>> show_score(-6.125), show_score(float("nan")), show_score(float("inf"))
        ('−6.12', '–', '∞')
    """
    if math.isnan(score):
        return "–"
    shown = f"{score:.2f}" if math.isfinite(score) else ("∞" if score > 0 else "-∞")
    return shown.replace("-", "−")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], words: Container[int] = (0,)) -> str:
    """Columns of numbers stand on the right, columns of `words` on the left."""
    kinds = [' class="words"' if index in words else "" for index in range(len(header))]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, header, strict=True))
    lines = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
