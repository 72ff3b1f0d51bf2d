"""Stand-ins for the classes that a pickle names: they hold what it says of them and do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from auralflow.errors import CheckpointError


@dataclass(eq=False, repr=False)
class Named:
    """A class of another package that a checkpoint names, or an object of it; the class itself is never imported.

    Two are equal when they name the same class.

    Example:
        >>> Named("demucs.htdemucs", "HTDemucs")
        <demucs.htdemucs.HTDemucs>
    """

    module: str
    name: str
    arguments: tuple[Any, ...] | None = None
    """What it was to be built from; None for the class itself."""
    state: Any = None
    """What was to be restored into it, often its attributes."""
    items: dict[Any, Any] = field(default_factory=dict)
    """What was to be put into it, of an object that is a mapping."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and (self.module, self.name) == (other.module, other.name)

    def __hash__(self) -> int:
        return hash((self.module, self.name))

    def __repr__(self) -> str:
        return f"<{self.module}.{self.name}>"


_MAX_VALUES, _MAX_DEPTH = 1_000_000, 100
_PLAIN_KEYS = (str, int, float, bool, bytes, type(None), Named)


def check_key(key: Any) -> Any:
    """A key as it is, if its hash takes no long time: that of nested tuples may take for ever.

    Raises:
        CheckpointError: it is no plain value.
    """
    if type(key) not in _PLAIN_KEYS:
        raise CheckpointError(f"has a key that is no plain value ({type(key).__name__})")
    return key


def show_names(names: Iterable[Any], n_most: int) -> str:
    """The first few names from a file, fit for a message of one line: what would break or colour it is escaped.

    Example:
        >>> show_names(["fc1.weight", "a\\nb", "c"], 2)
        "fc1.weight, 'a\\\\nb' and 1 more"
    """
    texts = [str(name)[:80] for name in names]
    shown = ", ".join(text if text.isprintable() else repr(text) for text in texts[:n_most])
    return shown + (f" and {len(texts) - n_most} more" if len(texts) > n_most else "")


def check_extent(value: Any) -> None:
    """Refuse what is small in the file and endless to walk: a list in itself, or tuples that each hold one twice.

    Raises:
        CheckpointError: it is so.
    """
    n_values = 0
    open_containers: list[Iterator[Any]] = [iter([[value]])]
    while open_containers:
        item = next(open_containers[-1], None)
        if item is None:
            open_containers.pop()
            continue
        items = item.values() if isinstance(item, dict) else item
        n_values += len(items)
        if n_values > _MAX_VALUES or len(open_containers) > _MAX_DEPTH:
            raise CheckpointError("holds containers within containers without end")
        open_containers.append(iter([inner for inner in items if isinstance(inner, (dict, list, tuple))]))
