"""From the signature and the docstring of a function to the flags of a command.

One parameter is one flag: `dry_run` is `--dry-run`, `from_` (Python keeps the bare word to itself) is `--from`, a bool
is a switch, a parameter without default is positional. Text stays text: nothing is read as YAML, so `--stems no` asks
for a stem called "no".
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auralflow.errors import UnknownNameError

LIBRARY_ONLY = ("report", "cancel", "download")
"""Parameters that only a program can give."""
OVERRIDES = "overrides"
"""The parameter that takes every flag with a dotted name."""


@dataclass(frozen=True)
class Flag:
    """One parameter of an API function, as words on the command line."""

    parameter: str
    help: str
    types: tuple[Any, ...]
    """Types that the parameter takes, None left out."""
    default: Any
    """Default of the function; the empty marker of `inspect` where there is none."""

    is_positional: bool = False
    """Whether it is given by its place among the words."""

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def is_switch(self) -> bool:
        return self.types == (bool,)

    @property
    def is_many(self) -> bool:
        """Whether several values may be given: words in a row for a positional, a repeated flag for the others."""
        return any(typing.get_origin(kind) is Sequence for kind in self.types)

    @property
    def is_path(self) -> bool:
        return Path in self.types

    @property
    def name(self) -> str:
        """What the user types, or sees as the placeholder of a positional."""
        plain = self.parameter.rstrip("_").replace("_", "-")
        return (plain.removesuffix("s") if self.is_many else plain).upper() if self.is_positional else f"--{plain}"

    @property
    def choices(self) -> tuple[str, ...] | None:
        """The only words it takes, if it is so strict."""
        return next((typing.get_args(kind) for kind in self.types if typing.get_origin(kind) is typing.Literal), None)

    def add_to(self, parser: argparse.ArgumentParser) -> argparse.Action:
        """Add this flag to a parser."""
        text = self._help_with_default().replace("%", "%%")
        if self.is_switch:
            return parser.add_argument(self.name, action="store_true", help=text)
        if self.is_positional:
            nargs = {"nargs": "+" if self.is_required else "*"} if self.is_many else {}
            return parser.add_argument(self.parameter, type=self._reader(), help=text, metavar=self._metavar(), **nargs)  # type: ignore[arg-type]
        action = "append" if self.is_many else "store"
        return parser.add_argument(self.name, action=action, type=self._reader(), help=text, metavar=self._metavar())

    def value_of(self, namespace: Any) -> Any:
        """What the parser found for the parameter; None when it was not given."""
        value = getattr(
            namespace, self.name.lstrip("-").replace("-", "_") if not self.is_positional else self.parameter
        )
        return ",".join(value) if isinstance(value, list) and not self.is_positional else value

    def _reader(self) -> Callable[[str], Any]:
        if self.choices is not None:
            return self._read_choice
        if str in self.types or self.is_many:
            return str
        return _read_number if float in self.types else _read_whole_number

    def _read_choice(self, text: str) -> str:
        assert self.choices is not None
        if text not in self.choices:
            raise argparse.ArgumentTypeError(str(UnknownNameError(self.parameter, text, self.choices)))
        return text

    def _metavar(self) -> str:
        if self.choices is not None and not self.is_positional:
            return "{" + ",".join(self.choices) + "}"
        return self.name.lstrip("-").upper()

    def _help_with_default(self) -> str:
        shown = self.default not in (inspect.Parameter.empty, None, False, (), 0.0)
        return f"{self.help} [default: {self.default}]" if shown else self.help


OUTPUT_FLAGS = (
    Flag("quiet", "print only errors, and what was asked for: a list, a script, JSON.", (bool,), False),
    Flag("json", "print the result as one JSON object; all else goes to the standard error.", (bool,), False),
)
"""Flags of every command; they say how to print, so no function has them."""


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely is, or None."""
    return next(iter(difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)), None)


def read_flags(function: Callable[..., Any]) -> list[Flag]:
    """The flags of a function's parameters, in their order.

    Example:
        >>> def play(path: str, *, half_speed: bool = False): ...
        >>> [flag.name for flag in read_flags(play)]
        ['PATH', '--half-speed']
    """
    texts = _read_arguments(function)
    hidden = (*LIBRARY_ONLY, OVERRIDES)
    parameters = {n: p for n, p in inspect.signature(function).parameters.items() if n not in hidden}
    # Only these are evaluated: others may name types whose import takes seconds.
    hinted = types.SimpleNamespace(__annotations__={name: p.annotation for name, p in parameters.items()})
    hints = typing.get_type_hints(hinted, getattr(function, "__globals__", {}))
    by_place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [Flag(n, texts.get(n, ""), _members(hints[n]), p.default, p.kind is by_place) for n, p in parameters.items()]


def read_description(function: Callable[..., Any]) -> tuple[str, str]:
    """First line of a docstring, and all of it that stands before its sections."""
    text = inspect.getdoc(function) or ""
    body = text.split("\n\n")
    end = next((i for i, paragraph in enumerate(body) if _is_section(paragraph)), len(body))
    return text.partition("\n")[0], "\n\n".join(" ".join(paragraph.split()) for paragraph in body[:end])


def _is_section(paragraph: str) -> bool:
    return paragraph.partition("\n")[0] in ("Args:", "Returns:", "Raises:", "Example:", "Shape:")


def _read_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """The entries of the docstring's `Args:`, each as one line."""
    lines = (inspect.getdoc(function) or "").splitlines()
    entries: dict[str, str] = {}
    name = ""
    for line in lines[lines.index("Args:") + 1 :] if "Args:" in lines else ():
        if not line.startswith("    "):
            break
        if line[4] != " ":
            name, _, line = line.strip().partition(": ")
        entries[name] = f"{entries.get(name, '')} {line.strip()}".strip()
    return entries


def _members(hint: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return tuple(kind for kind in (typing.get_args(hint) if is_union else (hint,)) if kind is not type(None))


def _read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number, got '{text}'")
    return number


def _read_whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got '{text}'") from None
