"""Whether anybody listens at an address."""

from __future__ import annotations

import re
import socket

_HOST_AND_PORT = re.compile(r"(?:\w+://)?(\[[0-9a-fA-F:.]+\]|[^:/\[\]]+):(\d+)/?")


def is_reachable(address: str, timeout_s: float = 5.0) -> bool:
    """Whether somebody takes a connection at `host:port`; true as well of what names no port.

    Example:
        >>> is_reachable("auto"), is_reachable("127.0.0.1:0")
        (True, False)
    """
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:
        return True
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), timeout_s).close()
    except (OSError, OverflowError):
        return False
    return True
