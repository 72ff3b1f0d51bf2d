"""From the words of a command line to an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import auralflow
from auralflow.cli.commands import COMMANDS
from auralflow.cli.flags import OUTPUT_FLAGS, find_nearest
from auralflow.cli.help import PROGRAM, print_overview
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.errors import AuralflowError, Cancelled, ConfigError, UnknownNameError

BAD_INPUT, DEFECT, STOPPED, NO_READER = 2, 70, 130, 141
DEBUG_VARIABLE = "AURALFLOW_DEBUG"


def main(words: Sequence[str] | None = None) -> int:
    """Run `auralflow` with these words (by default those of the process); gives the exit code."""
    if words is None:
        _heed_termination()
    words = list(sys.argv[1:] if words is None else words)
    try:
        with warnings.catch_warnings():
            if not _is_debugging():
                warnings.simplefilter("ignore")  # they speak to programmers
            code = _run(words, Screen(words))
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return NO_READER
    return code


def _heed_termination() -> None:
    """Let SIGTERM end the command as Ctrl-C does, from the start on; what runs for long catches both by itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)


def _run(words: list[str], screen: Screen) -> int:
    name, rest = _split(words)
    try:
        outcome = _run_top(rest, screen) if name is None else _call(name, rest, screen)
    except SystemExit as stop:  # how argparse ends after --help
        return int(stop.code or 0)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        outcome = Outcome(exit_code=_exit_code(error), error=error)
        if _is_debugging():
            traceback.print_exc()
    if outcome.error is not None:
        screen.complain(_describe(outcome.error))
    if screen.as_json:
        screen.write_json(_envelope(name, outcome))
    return outcome.exit_code


def _split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command, of one word or two, and the other words; flags that stand before the command belong to it."""
    places = [i for i, word in enumerate(words) if not word.startswith("-")][:2]
    if not places:
        return None, list(words)
    is_group = any(name.startswith(f"{words[places[0]]} ") for name in COMMANDS)
    taken = places if is_group else places[:1]
    return " ".join(words[i] for i in taken), [word for i, word in enumerate(words) if i not in taken]


def _call(name: str, rest: Sequence[str], screen: Screen) -> Outcome:
    command = COMMANDS.get(name)
    if command is None:
        hint = f": did you mean '{PROGRAM} separate {name}'?" if Path(name).exists() else ""
        raise ConfigError(f"'{name}' is no command{hint}") if hint else UnknownNameError("command", name, COMMANDS)
    from auralflow.cli.parser import CommandParser  # takes longer than all of `auralflow --help`

    outcome = command.call(CommandParser(name, command.function).read(rest), screen)
    if not screen.as_json:
        command.show(outcome.result, screen)
    return outcome


def _run_top(flags: Sequence[str], screen: Screen) -> Outcome:
    """`auralflow` without a command."""
    known = ["--help", "-h", "--version", *(flag.name for flag in OUTPUT_FLAGS)]
    for flag in flags:
        if flag not in known:
            nearest = find_nearest(flag, known)
            raise ConfigError(f"unknown flag '{flag}'{f': did you mean {nearest!r}?' if nearest else ''}")
    if "--version" in flags:
        screen.show(f"{PROGRAM} {auralflow.__version__}")
        return Outcome({"version": auralflow.__version__})
    print_overview({name: command.function for name, command in COMMANDS.items()})
    raise SystemExit(0)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, (Cancelled, KeyboardInterrupt)):
        return STOPPED
    return BAD_INPUT if isinstance(error, AuralflowError) else DEFECT


def _describe(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped on request"
    if isinstance(error, AuralflowError):
        return str(error)
    return (
        f"{type(error).__name__}: {error}; this is a defect, please report it "
        f"(with {DEBUG_VARIABLE}=1 in the environment the traceback is shown)"
    )


def _envelope(name: str | None, outcome: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {"command": name, "exit_code": outcome.exit_code, "result": outcome.result}
    if outcome.error is not None:
        values["error"] = {"kind": type(outcome.error).__name__, "message": _describe(outcome.error)}
    return values


def _is_debugging() -> bool:
    return os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0")


def _drop_output() -> None:
    """Point the standard output nowhere, or Python would complain of the closed pipe once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
