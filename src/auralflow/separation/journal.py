"""Files of JSON lines that are only ever added to, and survive a kill at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """One such file.

    Args:
        path: of the file, in a folder that is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: dict[str, Any]) -> None:
        """Write a line; when this returns, it is on the disk."""
        with self.path.open("a+b") as file:
            if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) is not None and file.read(1) != b"\n":
                file.write(b"\n")  # a power cut tore the last line
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, key: str) -> dict[str, dict[str, Any]]:
        """The last whole line of each value of `key`; one that a power cut tore is as if it had not been written."""
        if not self.path.is_file():
            return {}
        lines: dict[str, dict[str, Any]] = {}
        for text in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get(key), str):
                lines[line[key]] = line
        return lines
