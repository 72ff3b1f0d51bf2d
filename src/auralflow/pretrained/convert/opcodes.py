"""A reader of pickles that can make plain values and nothing else.

A pickle is a program for a small stack machine. Python's own machine imports what the program names and calls what it
says. This one reads the same opcodes (with `pickletools`, which only parses) and keeps to those that a checkpoint
needs: plain values and containers, a memo, and three that refer to code. What these mean is decided by the `Names` it
is given, a table written by hand; nothing is imported, looked up or called by a name from the file, no attribute is
set, and lists, dictionaries and sets are the only values that grow.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.named import Named, check_key


class Names(Protocol):
    """What the opcodes that refer to code mean."""

    def find(self, module: str, name: str) -> Any:
        """The stand-in for a name, or CheckpointError."""

    def make(self, maker: Any, arguments: tuple[Any, ...]) -> Any:
        """What a stand-in gives when it is called, or CheckpointError."""

    def fill(self, made: Any, state: Any) -> None:
        """Give the state of an object to what was made for it, or CheckpointError."""

    def fetch(self, identity: Any) -> Any:
        """What lies outside the pickle, or CheckpointError."""


def read_pickle(stream: BinaryIO, names: Names) -> Any:
    """The value of one pickle; the stream is left behind it.

    Raises:
        CheckpointError: an opcode that no checkpoint needs, or what `names` refuses.
        ValueError, IndexError, KeyError, UnicodeError: the pickle is damaged.
    """
    return _Machine(names).run(stream)


class _Machine:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: BinaryIO) -> Any:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return self.stack.pop()
            if opcode.name in _VALUES:
                self.push(argument)
            elif opcode.name in _ACTIONS:
                _ACTIONS[opcode.name](self, argument)
            else:
                raise CheckpointError(f"holds the pickle opcode {opcode.name}, which no checkpoint needs")
        raise ValueError("the pickle has no end")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop_marked(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def tuple_of(self, n_items: int) -> None:
        if len(self.stack) < n_items:
            raise ValueError("the pickle takes more than it has")
        self.stack[-n_items:] = [tuple(self.stack[-n_items:])]

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise CheckpointError(f"appends to a value that is no list ({type(target).__name__})")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        top = self.stack[-1]
        target = top.items if type(top) is Named else top
        if type(target) is not dict:
            raise CheckpointError(f"sets items of a value that is no mapping ({type(target).__name__})")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[check_key(key)] = value

    def add_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not set:
            raise CheckpointError(f"adds to a value that is no set ({type(target).__name__})")
        target.update(map(check_key, items))

    def pair(self) -> list[Any]:
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]

    def remember(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def find(self, pair: str | None) -> None:
        module, name = self.pair() if pair is None else pair.split(" ", 1)
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ValueError("a name is no text")
        self.push(self.names.find(module, name))

    def call(self, _: Any) -> None:
        arguments, maker = self.stack.pop(), self.stack.pop()
        if type(arguments) is not tuple:
            raise ValueError("arguments are no tuple")
        self.push(self.names.make(maker, arguments))

    def build(self, _: Any) -> None:
        state = self.stack.pop()
        self.names.fill(self.stack[-1], state)


_VALUES = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    )
)

_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "EMPTY_SET": lambda m, _: m.push(set()),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "MARK": _Machine.mark,
    "TUPLE": lambda m, _: m.push(tuple(m.pop_marked())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "FROZENSET": lambda m, _: m.push(frozenset(map(check_key, m.pop_marked()))),
    "APPEND": lambda m, _: m.append([m.stack.pop()]),
    "APPENDS": lambda m, _: m.append(m.pop_marked()),
    "SETITEM": lambda m, _: m.set_items(m.pair()),
    "SETITEMS": lambda m, _: m.set_items(m.pop_marked()),
    "ADDITEMS": lambda m, _: m.add_items(m.pop_marked()),
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": _Machine.remember,
    "BINGET": lambda m, index: m.push(m.memo[index]),
    "LONG_BINGET": lambda m, index: m.push(m.memo[index]),
    "GLOBAL": _Machine.find,
    "STACK_GLOBAL": _Machine.find,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": lambda m, _: m.push(m.names.fetch(m.stack.pop())),
}
