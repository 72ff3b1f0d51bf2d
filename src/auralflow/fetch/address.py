"""Addresses: which are good enough to download from, and how they are shown."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

from auralflow.errors import DownloadError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_address(name: str) -> bool:
    """Whether this names something on a server rather than a file or a model.

    Example:
        >>> is_address("https://example.org/model.ckpt"), is_address("model.ckpt")
        (True, False)
    """
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", name) is not None


def check_address(url: str) -> None:
    """Refuse what is no address on a secure server; the own machine counts as one.

    Raises:
        DownloadError: another scheme than https, or no server.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return
    raise DownloadError(f"{show_address(url)}: expected an address that begins with https://")


def show_address(url: str) -> str:
    """An address without what may be secret in it: user, password and query.

    Example:
        >>> show_address("https://me:secret@example.org/a.ckpt?token=1")
        'https://example.org/a.ckpt'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def name_of(url: str) -> str:
    """A plain file name for what an address leads to.

    Example:
        >>> name_of("https://example.org/files/my%20model.ckpt?download=true")
        'my_model.ckpt'
    """
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.+-]", "_", last).lstrip(".-_") or "download"


def host_of(url: str) -> str:
    """The server of an address.

    Example:
        >>> host_of("https://me@example.org/a.ckpt")
        'example.org'
    """
    return urlsplit(url).hostname or ""
