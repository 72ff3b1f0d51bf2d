"""Names that people see: the title of a song, and the name under which a browser saves a file."""

from __future__ import annotations

import unicodedata

_MAX_TITLE = 200
_MAX_FILE_BYTES = 200


def clean_title(file_name: str) -> str:
    """A title from the name of an uploaded file: without folders, suffix and what does not print.

    Example:
        >>> clean_title("C:\\\\songs\\\\My song.mp3"), clean_title("../../etc/passwd"), clean_title("\\x00")
        ('My song', 'passwd', 'untitled')
    """
    name = last_part(file_name)
    stem, dot, suffix = name.rpartition(".")
    title = stem if dot and stem.strip(". ") and 0 < len(suffix) <= 5 and suffix.isalnum() else name
    return title[:_MAX_TITLE].strip(". ") or "untitled"


def last_part(file_name: str) -> str:
    """What stands behind the last slash of either kind, without what does not print.

    Marks that turn the direction of writing go too: with them a name can be shown as another.
    """
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if unicodedata.category(c)[0] != "C")


def file_name(title: str, part: str, suffix: str) -> str:
    """The name under which a track of a song is saved, on any system.

    Example:
        >>> file_name("AC/DC: live?", "vocals", ".flac")
        'AC_DC_ live_ - vocals.flac'
    """
    text = f"{title} - {part}" if part else title
    tamed = "".join("_" if c in '/\\:*?"<>|' else c for c in last_part(text.replace("/", "_").replace("\\", "_")))
    cut = tamed.encode()[:_MAX_FILE_BYTES].decode("utf-8", "ignore").strip(". ")
    return (cut or "song") + suffix
