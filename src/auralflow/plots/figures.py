"""Figures and their texts, and how a figure gets into a file."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from auralflow.audio.pending import PendingFile
from auralflow.errors import OutputError, import_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def open_figure() -> Figure:
    """An empty figure, which no window and no global state knows of.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).
    """
    import_extra("matplotlib", "plots")
    from matplotlib.figure import Figure

    return Figure()


def plain(text: str) -> str:
    """A name as text of a figure: no formula, whatever dollars are in it, and nothing that is no letter.

    Example:
        >>> print(plain("a$b$\\x07"))
        a\\$b\\$?
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return re.sub(r"(?<!\\)\$", r"\\$", shown)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG or SVG, by the suffix; under a temporary name first.

    Raises:
        OutputError: the file cannot be written; what had its name before is still there.
    """
    content = render_figure(figure, path.suffix.lower().removeprefix(".") or "png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}; choose another folder") from None
    pending = PendingFile(path)
    pending.write(content)
    pending.commit()


def render_figure(figure: Figure, file_format: str, dpi: int = 110) -> bytes:
    """A figure as the content of a file; the same figure gives the same bytes."""
    from matplotlib import rc_context

    content = io.BytesIO()
    date = {"Date": None} if file_format == "svg" else {}
    with rc_context({"svg.hashsalt": "auralflow"}), warnings.catch_warnings():
        # Names may have letters that the font lacks; they become boxes.
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(content, format=file_format, dpi=dpi, metadata=date)
    return content.getvalue()
