"""What a command came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Result, exit code and error of a command; a stopped one has a result as well as an error."""

    result: Any = None
    exit_code: int = 0
    error: BaseException | None = None
