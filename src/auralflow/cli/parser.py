"""A command's parser: made from one API function, and one clear line for every mistake."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from auralflow.cli.flags import OUTPUT_FLAGS, OVERRIDES, find_nearest, read_description, read_flags
from auralflow.cli.help import PROGRAM, HelpFormatter
from auralflow.errors import ConfigError

_DOTTED = re.compile(r"--\w+(\.\w+)+")


class CommandParser(ArgumentParser):
    """The parser of one command.

    Args:
        name: the command.
        function: what it calls, whose parameters are its flags.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(
            prog=f"{PROGRAM} {name}",
            description=read_description(function)[1],
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        self.flags = read_flags(function)
        for flag in (*self.flags, *OUTPUT_FLAGS):
            flag.add_to(self)
        self._takes_value = {flag.name: not flag.is_switch for flag in (*self.flags, *OUTPUT_FLAGS)}
        self._overrides: list[str] | None = [] if OVERRIDES in inspect.signature(function).parameters else None

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Arguments for the function; what was not given is left out, so that defaults stand in one place.

        Raises:
            ConfigError: the words make no sense; the message says which.
        """
        namespace = self.parse_args(self._arrange(words))
        values = {flag.parameter: flag.value_of(namespace) for flag in self.flags}
        # By identity: a zero was given, though it equals False.
        given = {n: v for n, v in values.items() if not (v is None or v is False or v == [])}
        return given | {OVERRIDES: self._overrides} if self._overrides else given

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing; the caller prints one line."""
        raise ConfigError(" ".join(message.removeprefix("argument ").split()))

    def _arrange(self, words: Sequence[str]) -> list[str]:
        """Flags first, each in one word with its value, then `--` and the positionals.

        So inputs and flags may alternate, a value may begin with a dash, and an unknown flag is found with its name.
        """
        flags: list[str] = []
        inputs: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                inputs.extend(rest)
            elif word == "-" or not word.startswith("-"):
                inputs.append(word)
            elif self._overrides is not None and _DOTTED.fullmatch(word.partition("=")[0]):
                self._overrides.append(self._read_override(word, rest))
            else:
                flags.append(self._complete(word, rest))
        self._check_inputs(inputs, flags)
        return [*flags, "--", *inputs] if inputs else flags

    def _complete(self, word: str, rest: Iterator[str]) -> str:
        name, equals, _ = word.partition("=")
        if name in ("-h", "--help"):
            return name
        if name not in self._takes_value:
            raise ConfigError(f"unknown flag '{name}'{self._advise(name)}")
        if not self._takes_value[name]:
            if equals:
                raise ConfigError(f"{name}: takes no value, got '{word}'")
            return name
        if equals:
            return word
        value = next(rest, None)
        if value is None or value in self._takes_value:
            raise ConfigError(f"{name}: expected a value behind it; see {self.prog} --help")
        return f"{name}={value}"

    def _read_override(self, word: str, rest: Iterator[str]) -> str:
        """`--section.key value` or `--section.key=value` as `section.key=value`."""
        if "=" in word:
            return word.removeprefix("--")
        value = next(rest, None)
        if value is None:
            raise ConfigError(f"{word}: expected a value behind it; see {self.prog} --help")
        return f"{word.removeprefix('--')}={value}"

    def _check_inputs(self, inputs: Sequence[str], flags: Sequence[str]) -> None:
        if "-h" in flags or "--help" in flags:
            return
        places = [flag for flag in self.flags if flag.is_positional]
        required = [flag for flag in places if flag.is_required]
        if not places and inputs:
            raise ConfigError(f"unexpected '{inputs[0]}': {self.prog} takes flags only; see {self.prog} --help")
        if len(inputs) < len(required):
            raise ConfigError(f"expected {required[len(inputs)].name} after '{self.prog}'; see {self.prog} --help")
        if not any(flag.is_many for flag in places) and len(inputs) > len(places):
            names = " ".join(flag.name for flag in places)
            raise ConfigError(f"expected {'one ' * (len(places) == 1)}{names}, got {len(inputs)}: {' '.join(inputs)}")

    def _advise(self, name: str) -> str:
        nearest = find_nearest(name, self._takes_value)
        if nearest is not None:
            return f": did you mean '{nearest}'?"
        if name.startswith("--"):
            return f"; see {self.prog} --help"
        return f"; see {self.prog} --help (a file of that name is written './{name}')"
