"""The commands `download`, `push` and `models`: bars of downloads, and what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Table

from auralflow import api
from auralflow.cli.bars import JobBars
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.fetch.events import FetchEvents, Transfer

if TYPE_CHECKING:  # these load torch
    from auralflow.pretrained.catalogue import ModelEntry
    from auralflow.pretrained.downloaded import Downloaded


def watch_transfers(bars: JobBars, screen: Screen, check: Callable[[], None] = lambda: None) -> FetchEvents:
    """Who hears of downloads: a line for each model, a bar for each file. What `check` raises ends them."""

    def move(transfer: Transfer) -> None:
        check()
        key = ("download", transfer.name)
        if transfer.total and transfer.done >= transfer.total:
            bars.finish(key)
        else:
            bars.advance(key, transfer.name, transfer.fraction)

    return FetchEvents(line=screen.tell, transfer=move)


def run_download(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Download, with a bar."""
    with JobBars(screen, "files") as bars:
        return Outcome(api.download(**arguments, report=watch_transfers(bars, screen)))


def show_download(result: Downloaded, screen: Screen) -> None:
    """Where the model is, its licence, and how to use it."""
    if screen.is_quiet:
        return
    if result.folder is None:
        screen.show(f"{result.name}: is part of auralflow, there is nothing to download")
    else:
        screen.show(f"{result.name}: {', '.join(result.stems)}; {decimal(result.size_bytes)} in {result.folder}")
    commercial = "yes" if result.commercial_use else "no"
    screen.show(f"licence of the weights: {result.licence}; commercial use: {commercial}")
    screen.show(f"use it: auralflow separate SONG --model {result.name}")


def show_models(result: Sequence[ModelEntry] | Sequence[str], screen: Screen) -> None:
    """A row for each model, or a line for each architecture."""
    if not result:
        screen.tell("no model matches")
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, leading=1)
    table.add_column("model", no_wrap=True)  # names are there to be copied
    for title in ("stems", "licence", "what it is"):
        table.add_column(title, overflow="fold")
    for entry in result:
        if isinstance(entry, str):
            screen.show(entry)
        else:
            table.add_row(*_describe_model(entry))
    if table.row_count:
        screen.show(table)


def _describe_model(entry: ModelEntry) -> tuple[str, str, str, str]:
    """Cells in which a few words stay together, so that the table fits 80 columns."""
    default = "\nthe default" if "default" in entry.aliases else ""
    return (
        f"{entry.name}{default}\n{entry.sample_rate} Hz{_describe_size(entry)}",
        "\n".join(entry.stems),
        f"{entry.licence}\ncommercial use: {'yes' if entry.commercial_use else 'no'}",
        "\n".join([f"{entry.summary}.", f"Training data: {entry.training_data}", *_describe_numbers(entry)]),
    )


def _describe_size(entry: ModelEntry) -> str:
    lines = [f"{entry.parameters / 1e6:.1f} M parameters"] if entry.parameters else []
    if not entry.is_here:
        lines.append(f"to download: {decimal(entry.size_bytes) if entry.size_bytes else 'size not stated'}")
    return "".join(f"\n{line}" for line in lines)


def _describe_numbers(entry: ModelEntry) -> list[str]:
    """What others published and what was measured here, each with how."""
    lines = []
    for scores in entry.published_scores:
        values = ", ".join(f"{stem} {value:.2f}" for stem, value in scores.values.items())
        lines.append(f"Published {scores.metric}: {values} ({scores.protocol})")
    return [*lines, f"Speed here: {entry.measured.speed}. Memory: {entry.measured.memory}"]
