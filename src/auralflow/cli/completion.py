"""Completion scripts for shells."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import shtab

from auralflow.audio.formats import FORMAT_NAMES
from auralflow.cli.flags import OUTPUT_FLAGS, Flag, read_description, read_flags
from auralflow.cli.help import PROGRAM
from auralflow.pretrained.card import list_cards


def write_script(functions: Mapping[str, Callable[..., Any]], shell: str) -> str:
    """The script that completes these commands in a shell."""
    parser = argparse.ArgumentParser(PROGRAM)
    parser.add_argument("--version", action="store_true", help="print the version.")
    for flag in OUTPUT_FLAGS:
        flag.add_to(parser)
    groups = {"": parser.add_subparsers()}
    for name, function in functions.items():
        group, _, last = name.rpartition(" ")
        if group not in groups:
            groups[group] = groups[""].add_parser(group, help=f"commands on {group}").add_subparsers()
        command = groups[group].add_parser(last, help=read_description(function)[0])
        for flag in (*read_flags(function), *OUTPUT_FLAGS):
            _suggest(flag.add_to(command), flag)
    return str(shtab.complete(parser, shell))


def _suggest(action: argparse.Action, flag: Flag) -> None:
    """Say what may stand behind a flag."""
    if flag.parameter == "model":
        action.choices = sorted({name for card in list_cards() for name in (card.name, *card.aliases)})
    elif flag.parameter == "format":
        action.choices = FORMAT_NAMES
    elif flag.choices is not None:
        action.choices = flag.choices
    elif flag.is_path:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
