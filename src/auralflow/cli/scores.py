"""The commands `test` and `compare`: show how far the scoring is, and what it found."""

from __future__ import annotations

import math
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from auralflow import api
from auralflow.cli.bars import JobBars
from auralflow.cli.fetching import watch_transfers
from auralflow.cli.job import format_time
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen, one_line
from auralflow.cli.signals import cancel_on_signals
from auralflow.errors import Cancelled
from auralflow.evaluation.compare import ScoreComparison
from auralflow.evaluation.events import EvaluationEvents, SongEvent
from auralflow.evaluation.report import ColumnSummary, Report
from auralflow.evaluation.results import IDENTICAL, SILENT_ESTIMATE, SILENT_TARGET
from auralflow.evaluation.statistics import Comparison, Interval
from auralflow.evaluation.write import encode_report
from auralflow.separation.progress import CancelToken
from auralflow.speed.process import tune_process


def run_test(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Score, with progress; what a stopped run has scored is kept."""
    tune_process()
    token = CancelToken()
    with JobBars(screen, "songs") as bars, cancel_on_signals(token):
        watch = _Watch(bars)
        events = EvaluationEvents(line=screen.tell, song=watch.hear)
        try:
            report = api.test(
                **arguments, report=events, cancel=token, download=watch_transfers(bars, screen, token.check)
            )
        except (Cancelled, KeyboardInterrupt):
            told = f"stopped on request; {watch.n_done} songs are scored, the same command goes on from there"
            return Outcome(None, 130, Cancelled(told))
    return Outcome(_encode(report) if screen.as_json else report, report.exit_code)


class _Watch:
    """Counts songs and moves the bars."""

    def __init__(self, bars: JobBars) -> None:
        self._bars, self.n_done, self._n_failed = bars, 0, 0

    def hear(self, event: SongEvent) -> None:
        if event.kind in ("started", "progress", "retried"):
            self._bars.advance(event.name, event.name, event.fraction)
        else:
            self._bars.finish(event.name)
            self._n_failed += event.kind == "failed"
            self.n_done += event.kind != "failed"
        self._bars.count(self.n_done + self._n_failed, self._n_failed, event.n_total)


def _encode(report: Report) -> dict[str, Any]:
    """What `--json` prints: as `scores.json`, without frames."""
    return encode_report(report, with_frames=False) | {"files": [str(path) for path in report.files]}


def show_report(result: Report | None, screen: Screen) -> None:
    """Averages, what was left out of them, failures, files; nothing of a run that was stopped."""
    if result is None:
        return
    for failure in result.failed:
        screen.complain(failure.reason if failure.name in failure.reason else f"{failure.name}: {failure.reason}")
    if screen.is_quiet:
        return
    screen.show(_tabulate_averages(result))
    for line in _describe_left_out(result):
        screen.show(f"note: {line}")
    n_new = len(result.songs) - result.n_skipped
    before = f", {result.n_skipped} scored before (--overwrite scores them again)" if result.n_skipped else ""
    failed = f", {len(result.failed)} failed" if result.failed else ""
    screen.show(f"{n_new} songs scored{before}{failed}, in {format_time(result.seconds)}")
    for path in result.files:
        screen.show(f"  {path}")


def show_comparison(result: ScoreComparison, screen: Screen) -> None:
    """Each stem and overall: the difference, how sure it is, the verdict."""
    better = "higher" if result.higher_is_better else "lower"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for header in ("stem", "songs", "A", "B", "A minus B", "p", "effect size", "won by A", "verdict"):
        min_width = len("difference") if header == "verdict" else None
        table.add_column(header, justify="left" if header in ("stem", "verdict") else "right", min_width=min_width)
    for stem, found in {**result.result.stems, "overall": result.result.overall}.items():
        table.add_row(one_line(stem), *_comparison_cells(found))
    screen.show(f"A: {result.a}   B: {result.b}   score: {result.score} ({better} is better)")
    screen.show(table)
    level = f"{100 * (1 - result.result.alpha):g} %"
    screen.tell(f"differences with {level} intervals; p of a sign-flip test, corrected for the number of stems (Holm)")
    if any(found.verdict == "no difference shown" for found in (*result.result.stems.values(), result.result.overall)):
        screen.tell("no difference shown: these songs do not tell the two apart; that is not to say they are equal")
    # The least p value of n songs is 2 / 2^n.
    n_least = 1 + math.ceil(math.log2(1 / result.result.alpha))
    if result.result.overall.n_songs < n_least:
        screen.tell(f"with fewer than {n_least} songs no difference can be shown at all, however large")


def _tabulate_averages(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("score", no_wrap=True)
    for stem in (*report.protocol.stems, "mean of stems"):
        table.add_column(one_line(stem), justify="right")  # in a narrow window intervals go below their averages
    for summary in report.summaries.values():
        table.add_row(_name(summary), *_average_cells(summary, report.protocol.stems))
    return table


def _name(summary: ColumnSummary) -> str:
    return f"{summary.column} {'↑' if summary.higher_is_better else '↓'}"


def _average_cells(summary: ColumnSummary, stems: tuple[str, ...]) -> list[str]:
    return [_show(summary.stems[stem].interval) for stem in stems] + [_show(summary.overall)]


def _show(interval: Interval) -> str:
    if interval.value is None:
        return "-"
    return f"{interval.value:.2f}" + ("" if interval.low is None else f" [{interval.low:.2f}, {interval.high:.2f}]")


def _describe_left_out(report: Report) -> list[str]:
    """What averages do not hold, stem by stem."""
    told = []
    for stem in report.protocol.stems:
        scores = [song.stems[stem] for song in report.songs if stem in song.stems]
        parts = [(len(report.songs) - len(scores), "songs have no such stem")]
        parts += [(sum(flag in s.flags for s in scores), f"with {flag}") for flag in (SILENT_TARGET, SILENT_ESTIMATE)]
        parts.append((sum(IDENTICAL in s.flags for s in scores), "with an estimate identical to the target"))
        n_lost = sum(score.counts.n_others_silence for score in scores if score.counts)
        parts.append((n_lost, "frames lost to another stem's silence"))
        found = [f"{count} {what}" for count, what in parts if count]
        if found:
            told.append(f"{stem}: {', '.join(found)}")
    return [*told, *(f"{song.name}: {note}" for song in report.songs for note in song.notes)]


def _comparison_cells(found: Comparison) -> list[str]:
    return [
        str(found.n_songs),
        _number(found.mean_a),
        _number(found.mean_b),
        _show(found.difference),
        _number(found.p_value_adjusted, 4),
        _number(found.effect_size),
        "-" if found.share_won_a is None else f"{100 * found.share_won_a:.0f} %",
        found.verdict,
    ]


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
