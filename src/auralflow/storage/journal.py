"""Lines that are only ever added, in a store, where nothing can be appended to.

    .auralflow/manifest/<run>-000000.jsonl    full
    .auralflow/manifest/<run>-000001.jsonl    grows: written anew, as a whole, with every line

A part that holds enough lines is left, and the next one begun, so that a line costs one small request.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from auralflow.storage.store import Store

_PART_LINES = 200


class StoredJournal:
    """Lines of JSON in a folder of a store; several runs write beside each other.

    Example:
        >>> from auralflow.storage.address import Address
        >>> journal = StoredJournal(Store(Address("memory://doctest")), "manifest")
        >>> journal.append({"input": "a", "n": 1})
        >>> journal.append({"input": "a", "n": 2})
        >>> StoredJournal(Store(Address("memory://doctest")), "manifest").read("input")
        {'a': {'input': 'a', 'n': 2}}
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder = store, folder
        self._run = ""
        self._n_parts, self._lines = 0, list[str]()

    def append(self, line: dict[str, Any]) -> None:
        """Write a line; when this returns, it is stored.

        Raises:
            OutputError: the store does not take it.
        """
        # Names sort by the time they were begun, so that the last line of a key is the newest.
        self._run = self._run or f"{len(self._store.list_names(self._folder)):08d}-{uuid.uuid4().hex[:8]}"
        self._lines.append(json.dumps(line))
        name = f"{self._folder}/{self._run}-{self._n_parts:06d}.jsonl"
        self._store.write(name, "".join(f"{text}\n" for text in self._lines).encode())
        if len(self._lines) == _PART_LINES:
            self._n_parts, self._lines = self._n_parts + 1, []

    def read(self, key: str) -> dict[str, dict[str, Any]]:
        """The last line of each value of `key`.

        Raises:
            AudioError: the store does not give it.
        """
        lines: dict[str, dict[str, Any]] = {}
        for name in self._store.list_names(self._folder):
            for text in self._store.read(f"{self._folder}/{name}").decode().splitlines():
                line = json.loads(text)
                lines[line[key]] = line
        return lines
