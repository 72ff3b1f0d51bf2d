"""Write the scores of a report: JSON for programs, CSV for tables. Nothing appears before it is complete."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auralflow.config import to_dict
from auralflow.errors import OutputError
from auralflow.evaluation.report import ColumnSummary, Report
from auralflow.evaluation.results import encode_song

FORMAT = "auralflow-scores"
FORMAT_VERSION = 1


def write_json(report: Report, path: Path, *, with_frames: bool) -> None:
    """Everything in one object.

    Raises:
        OutputError: it cannot be written.
    """
    replace_file(path, json.dumps(encode_report(report, with_frames=with_frames), indent=1, allow_nan=False) + "\n")


def write_csv(report: Report, path: Path) -> None:
    """A row for each song and stem, a column for each score; what is not finite is `nan`, `inf` or `-inf`.

    Raises:
        OutputError: it cannot be written.
    """
    columns = list(report.summaries)
    _write_table(path, ["song", "stem", *columns, "frames", "frames_used", "flags"], _rows(report, columns))


def write_frames(report: Report, path: Path) -> None:
    """A row for each song, stem and frame, a column for each score that has frames.

    Raises:
        OutputError: it cannot be written.
    """
    columns = list(report.protocol.framewise)
    _write_table(path, ["song", "stem", "start_s", *columns], _frame_rows(report, columns))


def encode_report(report: Report, *, with_frames: bool) -> dict[str, Any]:
    """A report in plain containers for JSON."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "system": {"kind": report.system.kind, "name": report.system.name, "identity": report.system.identity},
        "data": report.data,
        "protocol": to_dict(report.protocol) | {"lines": report.protocol.lines()},
        "summary": {name: _encode_summary(summary) for name, summary in report.summaries.items()},
        "songs": [encode_song(song, with_frames=with_frames) for song in report.songs],
        "failed": [vars(failure) for failure in report.failed],
    }


def _encode_summary(summary: ColumnSummary) -> dict[str, Any]:
    return {
        "higher_is_better": summary.higher_is_better,
        "stems": {stem: dataclasses.asdict(found) for stem, found in summary.stems.items()},
        "overall": dataclasses.asdict(summary.overall),
    }


def replace_file(path: Path, content: str | bytes) -> None:
    """Write under a temporary name first.

    Raises:
        OutputError: the disk says no.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        # Names of files may hold bytes that are no text.
        unfinished.write_bytes(content.encode(errors="surrogateescape") if isinstance(content, str) else content)
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}; choose another --out") from None


def _write_table(path: Path, header: list[str], rows: Iterator[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    replace_file(path, text.getvalue())


def _rows(report: Report, columns: list[str]) -> Iterator[list[Any]]:
    for song in report.songs:
        for name, stem in song.stems.items():
            counts = ["", ""] if stem.counts is None else [stem.counts.n_frames, stem.counts.n_used]
            yield [song.name, name, *(_show(stem.scores[c]) for c in columns), *counts, "; ".join(stem.flags)]


def _frame_rows(report: Report, columns: list[str]) -> Iterator[list[Any]]:
    window_s = report.protocol.window_s or 0.0
    for song in report.songs:
        for name, stem in song.stems.items():
            for index, values in enumerate(zip(*(stem.frames[column] for column in columns), strict=True)):
                yield [song.name, name, f"{index * window_s:g}", *map(_show, values)]


def _show(score: float) -> str:
    return f"{score:.6f}" if math.isfinite(score) else str(float(score))
