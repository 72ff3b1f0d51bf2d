"""Sections of a public config, whose keys are taken one by one, so that what nobody took is known and refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.named import show_names

REQUIRED: Any = object()


class Section:
    """One section of a config.

    Args:
        path: the file, for messages.
        name: of the section.
        values: its keys and values.

    Example:
        >>> model = Section(Path("some.yaml"), "model", {"dim": 384, "depth": 6, "colour": "red"})
        >>> model.take("dim"), model.take("heads", 8)
        (384, 8)
        >>> model.refuse_rest(ignored=["depth"])
        Traceback (most recent call last):
        auralflow.errors.CheckpointError: some.yaml: model.colour: not known, so the model may not be what it was
    """

    def __init__(self, path: Path, name: str, values: Any) -> None:
        if values is not None and not isinstance(values, dict):
            raise CheckpointError(f"{path}: {name}: expected a section, got {type(values).__name__}")
        self.path, self.name, self._rest = path, name, dict(values or {})

    def take(self, key: str, default: Any = REQUIRED) -> Any:
        """The value of a key, or what it is by default where it comes from.

        Raises:
            CheckpointError: there is none, and no default.
        """
        value = self._rest.pop(key, default)
        if value is REQUIRED:
            raise CheckpointError(f"{self.path}: {self.name}.{key}: missing")
        return value

    def take_number(self, key: str, default: Any = REQUIRED) -> Any:
        """The same, of a number.

        Raises:
            CheckpointError: it is none, or missing.
        """
        value = self.take(key, default)
        if value is not default and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            raise CheckpointError(f"{self.path}: {self.name}.{key}: expected a number, got {value!r:.60}")
        return value

    def take_all(self) -> dict[str, Any]:
        """All keys that have not been taken, with their values."""
        values, self._rest = self._rest, {}
        return values

    def expect(self, key: str, value: Any, why: str) -> None:
        """Refuse a key that has another value.

        Raises:
            CheckpointError: it has, with the reason.
        """
        found = self.take(key, value)
        if found != value:
            raise CheckpointError(f"{self.path}: {self.name}.{key}: expected {value!r}, got {found!r:.60}; {why}")

    def rename(self, names: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """Values by our names, of a table from the public names to ours and to the public defaults.

        Raises:
            CheckpointError: one is missing that has no default.
        """
        return {ours: self.take(public, default) for public, (ours, default) in names.items()}

    def refuse_rest(self, ignored: Iterable[str] = ()) -> None:
        """Refuse what has not been taken.

        Raises:
            CheckpointError: there is a key that is not among those that change nothing.
        """
        unknown = sorted(f"{self.name}.{key}" for key in self._rest if key not in set(ignored))
        if unknown:
            names = show_names(unknown, 4)
            raise CheckpointError(f"{self.path}: {names}: not known, so the model may not be what it was")
