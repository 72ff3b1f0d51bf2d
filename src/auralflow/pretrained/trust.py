"""Which code of bundles may run on this machine: a list of SHA-256 sums that only the user adds to.

The list is `trusted_code` in the folder `AURALFLOW_HOME`, by default `~/.config/auralflow`. Naming a `.py` file in
`auralflow config` adds it; so does `auralflow trust BUNDLE`. Nothing that a bundle says can.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from auralflow.errors import OutputError

HOME_VARIABLE = "AURALFLOW_HOME"


def trust_code(code: bytes) -> str:
    """Let this code be imported from bundles from now on; gives its SHA-256.

    Raises:
        OutputError: the list cannot be written.
    """
    digest = hashlib.sha256(code).hexdigest()
    path = _list_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not is_trusted(digest):
            with path.open("a", encoding="ascii") as file:
                file.write(f"{digest}\n")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; set {HOME_VARIABLE} to another folder"
        ) from None
    return digest


def is_trusted(digest: str) -> bool:
    """Whether the user has trusted code with this SHA-256."""
    path = _list_path()
    return path.is_file() and digest in path.read_text(encoding="ascii", errors="replace").split()


def _list_path() -> Path:
    home = os.environ.get(HOME_VARIABLE)
    return (Path(home) if home else Path.home() / ".config" / "auralflow") / "trusted_code"
