"""Models and health as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from auralflow.cli.screen import Screen

if TYPE_CHECKING:  # these load torch
    from auralflow.doctor import Check, Health
    from auralflow.pretrained.catalogue import ModelEntry


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
        f"{entry.name}{default}\n{entry.sample_rate} Hz",
        "\n".join(entry.stems),
        f"{entry.licence}\ncommercial use: {'yes' if entry.commercial_use else 'no'}",
        f"{entry.summary}.\nTraining data: {entry.training_data}",
    )


def show_health(health: Health, screen: Screen) -> None:
    """Everything that was found, then the problems in one line each."""
    if not screen.is_quiet:
        _show_found(health, screen)
    for check in health.problems:
        screen.complain(f"{check.name}: {check.detail}", "problem")
    if not health.problems and not screen.is_quiet:
        screen.show("all is well")


def _show_found(health: Health, screen: Screen) -> None:
    for name, text in health.versions.items():
        screen.show(f"{name:<12} {text}")
    screen.show(f"{'platform':<12} {health.platform}")
    screen.show(f"{'device':<12} {health.device}")
    for title, checks in (
        ("devices", health.devices),
        ("reads", health.reads),
        ("writes", health.writes),
        ("separation", (health.separation,)),
        ("disks", health.disks),
        ("extras", health.extras),
    ):
        screen.show("")
        screen.show(Text(title, style="bold"))
        for check in checks:
            _show_check(check, screen)


def _show_check(check: Check, screen: Screen) -> None:
    mark = ("ok", "green") if check.ok else ("--", "yellow")
    screen.show(Text.assemble("  ", mark, f"  {check.name:<15} {check.detail}"))
