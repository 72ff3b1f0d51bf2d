"""What a server is told when it starts."""

from __future__ import annotations

import os
import re
import secrets
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

from auralflow.errors import ConfigError
from auralflow.fetch.service import API, TOKEN_VARIABLE

__all__ = ["API", "LOOPBACK", "Limits", "ServeSettings"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine can reach."""

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Limits:
    """What is refused, so that one visitor cannot take the machine from all others."""

    max_upload_bytes: int = 2 * 10**9
    """Of one song."""
    max_duration_s: float = 4 * 3600.0
    """Of one song."""
    max_queued: int = 1000
    """Songs that wait or are being separated."""
    max_disk_bytes: int = 50 * 10**9
    """Songs and stems together."""
    header_s: float = 15.0
    """Until the head of a request must have come."""
    body_s: float = 20.0
    """Until the next part of an upload must have come."""
    least_bytes_per_s: int = 1000
    """Mean pace of an upload, after the first half minute."""
    probe_s: float = 20.0
    """To find out what a file holds."""


@dataclass(frozen=True)
class ServeSettings:
    """Settings of a server.

    Raises:
        ConfigError: a setting has a value it cannot have.
    """

    home: Path
    """Folder of the songs, the stems and the list of them."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8377
    """Port to listen on; 0 for any that is free."""
    n_workers: int = 1
    """Songs that are separated at once."""
    token: str | None = None
    """What a visitor must know; None on loopback for nothing."""
    device: str = "auto"
    """Where to compute."""
    models: tuple[str, ...] = ()
    """Further models to offer: folders, `.py` files and plans."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port: expected 0 to 65535, got {self.port}")
        if self.n_workers < 1:
            raise ConfigError(f"workers: expected 1 or more, got {self.n_workers}")
        if self.limits.max_queued < 1:
            raise ConfigError(f"max-queued: expected 1 or more, got {self.limits.max_queued}")
        if not self.host:
            raise ConfigError("host: expected an address such as 127.0.0.1, got an empty name")
        if not self.is_loopback and not self.token:
            raise ConfigError(f"token: {self.host} can be reached from other machines, so a token is needed")
        if self.token is not None and not re.fullmatch(r"[\x21-\x7e]{8,200}", self.token):
            raise ConfigError("token: expected 8 to 200 letters, digits and signs without spaces")

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK


def choose_token(given: str | None, host: str) -> str | None:
    """The token that was given, here or as `AURALFLOW_TOKEN`; where one is needed and none was given, a new one."""
    token = given or os.environ.get(TOKEN_VARIABLE) or None
    return secrets.token_urlsafe(24) if token is None and host not in LOOPBACK else token


def default_home() -> Path:
    """`~/.local/share/auralflow`, or below `XDG_DATA_HOME`."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "auralflow"


def open_page(address: str) -> None:
    """Show the page in the user's browser, if there is one."""
    webbrowser.open(address)


def parse_size(text: str | float, key: str = "size") -> int:
    """Bytes from `2GB`, `500 MB` or `1e9`; decimal units.

    Raises:
        ConfigError: it is none of these, or not above zero.

    Example:
        >>> parse_size("1.5 GB")
        1500000000
    """
    found = re.fullmatch(r"([\d.]+(?:e\d+)?)\s*([KMGT]?B|)", str(text).strip(), re.IGNORECASE)
    try:
        n_bytes = round(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    except ValueError:
        n_bytes = 0
    if n_bytes < 1:
        raise ConfigError(f"{key}: expected a size like 500MB or 2GB, got '{text}'")
    return n_bytes


def parse_duration(text: str | float, key: str = "duration") -> float:
    """Seconds from `4h`, `90min`, `30s` or `90`.

    Raises:
        ConfigError: it is none of these, or not above zero.

    Example:
        >>> parse_duration("1.5h"), parse_duration("10min")
        (5400.0, 600.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(h|min|s|)", str(text).strip())
    seconds = float(found[1]) * {"h": 3600, "min": 60, "s": 1, "": 1}[found[2]] if found else 0.0
    if seconds <= 0:
        raise ConfigError(f"{key}: expected a duration like 4h, 90min or 30s, got '{text}'")
    return seconds
