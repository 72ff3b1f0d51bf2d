"""The doctor of data sets: decode everything once, and say what would harm training or scores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from auralflow.data.checks.findings import SEVERITIES, DataReport, Finding
from auralflow.data.checks.song import examine_track
from auralflow.data.checks.totals import sum_splits, sum_stems
from auralflow.data.checks.whole_set import Examined, find_duplicates, find_missing, find_odd_formats
from auralflow.data.left_out import collect_left_out
from auralflow.data.track import SPLITS, Dataset, Split, Track
from auralflow.errors import ConfigError

__all__ = ["DataReport", "Finding", "check_dataset", "check_tracks"]

ProgressReport = Callable[[int, int], None]
"""Called with how many tracks are done, and how many there are."""


def check_dataset(
    dataset: Dataset, *, n_workers: int | None = None, report: ProgressReport | None = None
) -> DataReport:
    """List a data set and check every track of it.

    Args:
        dataset: as `open_dataset` gives it.
        n_workers: tracks that are decoded at once, each in a thread; None for one per core.
        report: hears of the progress.

    Raises:
        AudioError: nothing was found.
        ConfigError: the layout contradicts itself, or the number of workers is none.
    """
    with collect_left_out() as left_out:
        by_split = dataset.list_tracks()
    return check_tracks(
        by_split,
        are_songs=dataset.ARE_SONGS,
        unreadable=[Finding("unreadable", "error", found.track, found.stem, str(found.error)) for found in left_out],
        n_workers=n_workers,
        report=report,
    )


def check_tracks(
    by_split: Mapping[Split, Sequence[Track]],
    *,
    are_songs: bool = True,
    unreadable: Sequence[Finding] = (),
    n_workers: int | None = None,
    report: ProgressReport | None = None,
) -> DataReport:
    """Check tracks; every file is decoded once, in blocks, so that memory does not grow with their length.

    What is looked for, and how, is told in `auralflow.data.checks`, a file for each idea. No file stops the check.

    Args:
        by_split: as `list_tracks` gives them.
        are_songs: whether all tracks should have the same stems.
        unreadable: what listing had to leave out; part of the report.
        n_workers: tracks that are decoded at once, each in a thread; None for one per core.
        report: hears of the progress.

    Raises:
        ConfigError: the number of workers is none.

    Example:
        >>> check_tracks({}).exit_code
        0
    """
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"n_workers: expected 1 or more, got {n_workers!r}")
    started = time.monotonic()
    tracks = [(split, track) for split in SPLITS for track in by_split.get(split, ())]
    examined = list(_examine(tracks, n_workers or os.cpu_count() or 1, report))
    findings = [*unreadable, *_collect(examined, are_songs, unreadable)]
    return DataReport(sum_splits(examined), sum_stems(examined), _sort(findings, tracks), time.monotonic() - started)


def _examine(
    tracks: Sequence[tuple[Split, Track]], n_workers: int, report: ProgressReport | None
) -> Iterator[Examined]:
    # Decoders, the resampler and numpy work without the interpreter's lock, so threads are enough.
    pool = ThreadPoolExecutor(n_workers)
    try:
        notes = pool.map(examine_track, [track for _, track in tracks])
        for n_done, ((split, track), noted) in enumerate(zip(tracks, notes, strict=True), 1):
            if report:
                report(n_done, len(tracks))
            yield Examined(split, track, noted)
    finally:
        pool.shutdown(cancel_futures=True)


def _collect(examined: Sequence[Examined], are_songs: bool, unreadable: Sequence[Finding]) -> Iterator[Finding]:
    tracks = [item.track for item in examined]
    missing = list(find_missing(tracks, (finding.track for finding in unreadable))) if are_songs else []
    incomplete = {finding.track for finding in (*missing, *unreadable) if finding.severity == "error"}
    for finding in chain.from_iterable(item.notes.findings for item in examined):
        # A mixture is not the sum of stems of which one is missing; that has been said.
        if finding.kind != "mixture" or finding.track not in incomplete:
            yield finding
    yield from missing
    yield from find_odd_formats(tracks)
    yield from find_duplicates(examined)


def _sort(findings: Sequence[Finding], tracks: Sequence[tuple[Split, Track]]) -> tuple[Finding, ...]:
    places = {track.name: place for place, (_, track) in enumerate(tracks)}
    return tuple(
        sorted(
            findings, key=lambda f: (SEVERITIES.index(f.severity), places.get(f.track or "", -1), f.kind, f.stem or "")
        )
    )
