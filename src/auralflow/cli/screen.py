"""The one place that text leaves by: results on the standard output, everything else on the standard error."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 160


class Screen:
    """Where a command prints.

    Args:
        words: those of the command line; `--quiet` and `--json` are looked for among them.
    """

    def __init__(self, words: Sequence[str]) -> None:
        flags = words[: words.index("--")] if "--" in words else words
        self.is_quiet, self.as_json = "--quiet" in flags, "--json" in flags
        for stream in (sys.stdout, sys.stderr):
            _accept_all_letters(stream)
        self.results, self.messages = _open_console(sys.stdout), _open_console(sys.stderr)

    @property
    def is_live(self) -> bool:
        """Whether progress may be drawn."""
        return self.messages.is_terminal and not self.is_quiet

    def show(self, result: RenderableType) -> None:
        """Print a part of the result for a human; nothing in JSON mode."""
        if not self.as_json:
            self._print(self.results, result)

    def tell(self, message: RenderableType) -> None:
        """Say something on the way; nothing when quiet."""
        if not self.is_quiet:
            self._print(self.messages, message)

    def complain(self, message: str, kind: str = "error") -> None:
        """Say in one line what is wrong."""
        self._print(self.messages, Text.assemble(("auralflow: ", "bold"), (f"{kind}: ", "bold red"), one_line(message)))

    def write(self, text: str) -> None:
        """Write text on the standard output as it is."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def write_json(self, values: dict[str, Any]) -> None:
        """Write one JSON object on the standard output."""
        self.write(json.dumps(to_plain(values)) + "\n")

    @staticmethod
    def _print(console: Console, thing: RenderableType) -> None:
        console.print(
            Text(one_line(thing)) if isinstance(thing, str) else thing, soft_wrap=isinstance(thing, str | Text)
        )


def one_line(text: str) -> str:
    """Text that cannot break a line or steer the terminal, whatever a file is called.

    Example:
        >>> one_line("a\\n b\\x1b[31m")
        'a b\\\\x1b[31m'
    """
    flat = re.sub(r"\s*[\r\n]+\s*", " ", text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat)


def to_plain(value: Any) -> Any:
    """Dataclasses (with their properties, but for the exit code), paths and tuples as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        names += [n for n, part in vars(type(value)).items() if isinstance(part, property) and n != "exit_code"]
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {key: to_plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process here


def _open_console(stream: TextIO) -> Console:
    # A pipe has no width; 80 columns would fold every table.
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_WITHOUT_TERMINAL
    return _Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _accept_all_letters(stream: TextIO) -> None:
    """File names may hold bytes that are no text, and a console may know few letters: neither may end a job."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
