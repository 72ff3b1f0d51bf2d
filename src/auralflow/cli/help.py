"""Help texts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from rich_argparse import RichHelpFormatter

from auralflow.cli.flags import OUTPUT_FLAGS, read_description

PROGRAM = "auralflow"

_DESCRIPTION = "Music source separation: split a song into vocals, drums, bass and the rest."
_EPILOG = f"`{PROGRAM} COMMAND --help` explains a command."


class HelpFormatter(RichHelpFormatter):
    """Help in colours; brackets in the text are brackets."""

    help_markup = False
    text_markup = False


def print_overview(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Print what `auralflow --help` says: the commands by name, none of them built."""
    parser = argparse.ArgumentParser(
        PROGRAM, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=HelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--version", action="store_true", help="print the version.")
    for flag in OUTPUT_FLAGS:
        flag.add_to(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, function in functions.items():
        commands.add_parser(name, help=read_description(function)[0])
    parser.print_help()
