"""Parts of the documentation that are written from the code when the site is built, so that they cannot go stale.

A comment on a line of its own, such as `<!-- options: separate -->`, is replaced by what it names.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

import auralflow.cli
from auralflow import errors
from auralflow.cli.commands import COMMANDS
from auralflow.cli.flags import OUTPUT_FLAGS, Flag, read_flags
from auralflow.models import models
from auralflow.pretrained.catalogue import ModelEntry, list_entries

ROOT = Path(__file__).parent.parent
PACKAGE = Path(errors.__file__).parent

_MARK = re.compile(r"^<!-- (?P<name>[a-z]+)(?:: (?P<argument>\w+))? -->$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace the comments that name a part."""
    return fill(markdown)


def fill(markdown: str) -> str:
    """The page with every known comment replaced; others stay comments."""

    def replace(found: re.Match[str]) -> str:
        writer = WRITERS.get(found["name"])
        if writer is None:
            return found[0]
        return writer(found["argument"]) if found["argument"] else writer()

    return _MARK.sub(replace, markdown)


def write_options(command: str) -> str:
    """The flags of a command as a table."""
    flags = (*read_flags(COMMANDS[command].function), *OUTPUT_FLAGS)
    rows = [f"| {_code(_usage(flag))} | {_cell(flag.help)} | {_default(flag)} |" for flag in flags]
    return "\n".join(["| flag | what it does | default |", "|---|---|---|", *rows])


def _usage(flag: Flag) -> str:
    if flag.is_positional:
        return f"{flag.name}..." if flag.is_many else flag.name
    if flag.is_switch:
        return flag.name
    value = "{" + ",".join(flag.choices) + "}" if flag.choices else flag.name.lstrip("-").upper()
    return f"{flag.name} {value}"


def _default(flag: Flag) -> str:
    is_told = flag.is_positional or flag.default in (None, False, ())
    return "" if is_told else _code(str(flag.default))


def write_exits() -> str:
    """The exit codes, from the docstring of the command line."""
    lines = re.findall(r"^    (\d+)\s+(.+)$", auralflow.cli.__doc__ or "", re.MULTILINE)
    return "\n".join(["| code | meaning |", "|---|---|", *(f"| {code} | {_cell(text)} |" for code, text in lines)])


def write_rules() -> str:
    """The contracts on imports, from the project file."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return "\n\n".join(map(_describe_contract, contracts))


def _describe_contract(contract: dict[str, Any]) -> str:
    if contract["type"] == "layers":
        floors = [layer.replace("auralflow.", "") for layer in contract["layers"]]
        return "\n".join([f"**{contract['name']}.** From the roof down:", "", "```text", *floors, "```"])
    sources = _code_list(name.removeprefix("auralflow.") for name in contract["source_modules"])
    return f"**{contract['name']}.** {sources} must not import {_code_list(contract['forbidden_modules'])}."


def write_rooms() -> str:
    """Every file of the package with the first line of its docstring, room by room."""
    rooms = sorted({path.parent for path in PACKAGE.rglob("*.py")}, key=lambda room: room.relative_to(PACKAGE).parts)
    return "\n\n".join(text for text in map(_describe_room, rooms) if text)


def _describe_room(room: Path) -> str:
    rows = [f"| `{path.name}` | {_cell(line)} |" for path in sorted(room.glob("*.py")) if (line := _first_line(path))]
    if not rows:
        return ""
    title = Path("auralflow", room.relative_to(PACKAGE)).as_posix()
    return "\n".join([f"### {title}", "", "| file | what it is |", "|---|---|", *rows])


def write_models() -> str:
    """The ready models as a table, and what is worth knowing of each, from their cards."""
    entries = list_entries()
    rows = [
        f"| [`{entry.name}`](#{_anchor(entry)}) | {', '.join(entry.stems)} | {entry.licence} | "
        f"{'yes' if entry.commercial_use else 'no'} | {_cell(entry.training_data)} |"
        for entry in entries
    ]
    head = ["| model | stems | licence | commercial use | training data |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", *map(_describe_model, entries)])


def _describe_model(entry: ModelEntry) -> str:
    names = ", ".join(map(_code, entry.aliases))
    return "\n".join(
        [
            f"## {entry.name} {{ #{_anchor(entry)} }}",
            "",
            f"{entry.summary}.",
            "",
            f"- Other names: {names or 'none'}",
            f"- Takes: {entry.sample_rate} Hz, {entry.channels} channels (files of any other kind are converted)",
            f"- Weaknesses: {entry.weaknesses}",
            f"- Architecture: {_architecture_line(entry.name.partition('.')[0])}",
            "",
        ]
    )


def write_architectures() -> str:
    """Every architecture of the package with the first sentence of its file."""
    names = [name for name in models.names() if (PACKAGE / "models" / f"{name}.py").is_file()]
    rows = [f"| `{name}` | {_cell(_architecture_line(name))} |" for name in names]
    return "\n".join(["| architecture | what it is |", "|---|---|", *rows])


def write_tree() -> str:
    """The tree of errors, from the docstring of `errors.py`."""
    lines = (inspect.getdoc(errors) or "").splitlines()
    return "\n".join(["```text", *(line[4:] for line in lines if line.startswith("    ")), "```"])


def write_errors() -> str:
    """Every error with its docstring and exit code."""
    classes = [part for part in vars(errors).values() if inspect.isclass(part) and part.__module__ == errors.__name__]
    rows = [
        f"| `{part.__name__}` | {_cell(inspect.getdoc(part) or '')} | {130 if part is errors.Cancelled else 2} |"
        for part in classes
    ]
    return "\n".join(["| error | when | exit code |", "|---|---|---|", *rows])


def _architecture_line(name: str) -> str:
    return _first_line(PACKAGE / "models" / f"{name}.py")


def _first_line(path: Path) -> str:
    """The first sentence or line of a file's docstring; the file is not imported."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _anchor(entry: ModelEntry) -> str:
    return entry.name.replace(".", "-").replace("_", "-")


def _code(text: str) -> str:
    return f"`{text}`"


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


WRITERS: dict[str, Callable[..., str]] = {
    "architectures": write_architectures,
    "errors": write_errors,
    "exits": write_exits,
    "models": write_models,
    "options": write_options,
    "rooms": write_rooms,
    "rules": write_rules,
    "tree": write_tree,
}
