"""Try again what may pass: a full line, a throttled request, a server that restarts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

N_TRIES = 5
_FIRST_WAIT_S = 1.0
_LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, NotImplementedError)


def persist(action: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
    """What an action gives in the end.

    Between two tries it waits twice as long as before, from a second on, and by a random part less, so that many
    who failed together do not come back together.

    Raises:
        Exception: the last try's, or at once one that would last (no such file, no permission).

    Example:
        >>> answers = iter([OSError("busy"), OSError("busy"), 7])
        >>> def ask():
        ...     answer = next(answers)
        ...     if isinstance(answer, OSError):
        ...         raise answer
        ...     return answer
        >>> persist(ask, sleep=lambda seconds: None)
        7
    """
    for attempt in range(N_TRIES - 1):
        try:
            return action()
        except _LASTING:
            raise
        except Exception:  # each service has errors of its own
            sleep(_FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0))
    return action()
