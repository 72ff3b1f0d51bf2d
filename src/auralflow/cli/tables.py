"""Health as a table, and what an export came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from auralflow.cli.screen import Screen

if TYPE_CHECKING:  # these load torch
    from auralflow.doctor import Check, Health
    from auralflow.export.export import ExportReport


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


def show_export(report: ExportReport, screen: Screen) -> None:
    """The file, and how near it is to the model."""
    screen.show(f"{report.path}  {report.size_bytes / 1e6:.1f} MB, takes {report.segment_s:g} s at a time")
    errors = ", ".join(f"{error:.1e} on {name}" for name, error in report.parity.items())
    screen.tell(f"largest relative error against the model: {errors}")
    if report.format == "onnx":
        screen.tell(f"use it: auralflow separate SONG --engine onnx --model {report.path}")
