"""Read the rows of a manifest; what is said of a row names its line."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from auralflow.data.datasets._folders import MIXTURE, sound_name
from auralflow.data.track import SPLITS, Split
from auralflow.errors import ConfigError

_LONG_COLUMNS = ("name", "split", "stem", "path")
_KEYS = ("name", "split", "stems", MIXTURE)
_RESERVED = ("name", "split", MIXTURE)


@dataclass(frozen=True)
class Cell:
    """A path as it is written, and where."""

    text: str
    line: int


@dataclass(frozen=True)
class Row:
    """A song as the manifest has it; the mixture is among the sounds."""

    line: int
    name: str
    split: Split
    sounds: Mapping[str, Cell]


def read_csv(path: Path) -> list[Row]:
    """Rows of a table, with a column for each stem or a row for each sound.

    Raises:
        ConfigError: it is no such table.
    """
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True, skipinitialspace=True)
    try:
        columns = [sound_name(column) for column in next(reader, [])]
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num}: not readable as CSV: {error}") from None
    is_long = "stem" in columns or "path" in columns
    _check_columns(path, columns, is_long)
    for line, cells in lines:
        if len(cells) != len(columns):
            raise ConfigError(f"{path}:{line}: expected {len(columns)} cells ({', '.join(columns)}), got {len(cells)}")
    table = [(line, dict(zip(columns, cells, strict=True))) for line, cells in lines]
    return _join_long(path, table) if is_long else [_read_wide(path, line, cells) for line, cells in table]


def read_json_lines(path: Path) -> list[Row]:
    """Rows of a file that has a JSON object in each line.

    Raises:
        ConfigError: a line is something else.
    """
    # Only line feeds part lines: JSON strings may hold the other separators that `splitlines` knows.
    lines = enumerate(_read_text(path).split("\n"), start=1)
    return [_read_object(path, line, text) for line, text in lines if text.strip()]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be opened: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected text in UTF-8, got another encoding; save it as UTF-8") from None


def _check_columns(path: Path, columns: Sequence[str], is_long: bool) -> None:
    where = f"{path}:1"
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise ConfigError(f"{where}: expected different columns, got '{twice}' twice")
    if is_long:
        for column in columns:
            _check_known(where, "column", column, _LONG_COLUMNS)
    for column in ("name", "stem", "path") if is_long else ("name",):
        if column not in columns:
            near = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
            hint = f"; did you mean it by '{near[0]}'?" if near else f", got {', '.join(columns) or 'nothing'}"
            raise ConfigError(f"{where}: expected a column '{column}'{hint}")
    for column in () if is_long else columns:
        near = difflib.get_close_matches(column, _RESERVED, n=1, cutoff=0.75)
        if not column or (near and column not in _RESERVED):
            raise ConfigError(f"{where}: unknown column '{column}'" + (f", did you mean '{near[0]}'?" if near else ""))


def _read_wide(path: Path, line: int, cells: Mapping[str, str]) -> Row:
    sounds = {column: Cell(text, line) for column, text in cells.items() if text and column not in ("name", "split")}
    return _make_row(path, line, cells["name"], cells.get("split", ""), sounds)


def _join_long(path: Path, table: Iterable[tuple[int, Mapping[str, str]]]) -> list[Row]:
    """One row for each name: that of its first line, with the sounds of all."""
    rows: dict[str, Row] = {}
    for line, cells in table:
        stem, name = sound_name(cells["stem"]), cells["name"]
        if not (stem and cells["path"]):
            raise ConfigError(f"{path}:{line}: expected a stem and a path, got '{stem}' and '{cells['path']}'")
        row = _make_row(path, line, name, cells.get("split", ""), {stem: Cell(cells["path"], line)})
        first = rows.setdefault(name, row)
        if first is row:
            continue
        if first.split != row.split:
            raise ConfigError(
                f"{path}:{line}: expected '{name}' in one split, got {row.split} here and {first.split} "
                f"in line {first.line}"
            )
        if stem in first.sounds:
            raise ConfigError(f"{path}:{line}: '{name}' has its {stem} in line {first.sounds[stem].line} already")
        rows[name] = Row(first.line, name, first.split, {**first.sounds, **row.sounds})
    return list(rows.values())


def _read_object(path: Path, line: int, text: str) -> Row:
    where = f"{path}:{line}"
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{where}: not readable as JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected an object with {', '.join(_KEYS)}, got {text.strip()[:40]}")
    for key in values:
        _check_known(where, "key", key, _KEYS)
    stems = values.get("stems")
    if not isinstance(stems, dict):
        raise ConfigError(f"{where}: expected 'stems' to be an object of stems and paths, got {stems!r}")
    sounds = {sound_name(stem): _cell(where, stem, stems[stem], line) for stem in stems}
    if len(sounds) != len(stems) or MIXTURE in sounds:
        raise ConfigError(
            f"{where}: expected stems of different names, none of them the mixture, got {', '.join(stems)}"
        )
    if values.get(MIXTURE) is not None:
        sounds[MIXTURE] = _cell(where, MIXTURE, values[MIXTURE], line)
    return _make_row(path, line, values.get("name"), values.get("split"), sounds)


def _cell(where: str, stem: str, text: Any, line: int) -> Cell:
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"{where}: {stem}: expected a path, got {text!r}")
    return Cell(text, line)


def _make_row(path: Path, line: int, name: Any, split: Any, sounds: Mapping[str, Cell]) -> Row:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{path}:{line}: name: expected the name of a song, got {name!r}")
    split = split or "unsplit"
    if split not in SPLITS:
        near = difflib.get_close_matches(str(split).lower(), SPLITS, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{path}:{line}: split: expected one of {', '.join(SPLITS)}, got {split!r}{hint}")
    return Row(line, name.strip(), cast(Split, split), sounds)


def _check_known(where: str, kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(f"{where}: unknown {kind} '{name}': {hint}Known: {', '.join(known)}.")
