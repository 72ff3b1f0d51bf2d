"""Write what an evaluation found into its folder."""

from __future__ import annotations

from dataclasses import replace

from auralflow.evaluation.compare import SCORES
from auralflow.evaluation.page import write_page
from auralflow.evaluation.report import Report
from auralflow.evaluation.write import write_csv, write_frames, write_json

TABLE, FRAMES, PAGE = "scores.csv", "frames.csv", "report.html"


def publish(report: Report, *, with_frames: bool = False, with_page: bool = True) -> Report:
    """Write `scores.json` and `scores.csv`, and `frames.csv` and `report.html` where asked; gives the report with them.

    Raises:
        OutputError: a file cannot be written.
        MissingExtraError: the page needs matplotlib (extra `plots`), which is not installed.
    """
    out = report.out
    files = [out / SCORES, out / TABLE]
    write_json(report, out / SCORES, with_frames=with_frames)
    write_csv(report, out / TABLE)
    if with_frames and report.protocol.framewise:
        files.append(out / FRAMES)
        write_frames(report, out / FRAMES)
    if with_page:
        files.append(out / PAGE)
        write_page(report, out / PAGE, report.excerpts)
    return replace(report, files=tuple(files))
