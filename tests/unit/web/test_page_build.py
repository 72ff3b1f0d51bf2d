"""The page that ships is the one that its sources give; checked by fingerprints, so that no Node is needed.

`make page-check` builds it anew and compares every byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "page"
BUILD = REPOSITORY / "src" / "auralflow" / "web" / "static"
SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "public", "src")
ADVICE = "run 'make page' and commit src/auralflow/web/static"

pytestmark = pytest.mark.skipif(not PAGE.is_dir(), reason="the sources of the page are only in a checkout")


def fingerprint(root: Path, names: Iterable[str]) -> str:
    """As `page/check_build.mjs` computes it: names and contents, line ends made alike."""
    paths = [root / name for name in names]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    total = hashlib.sha256()
    for name, file in sorted((file.relative_to(root).as_posix(), file) for file in files):
        content = file.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{name}\n".encode() + content + b"\0")
    return total.hexdigest()


def stamp() -> dict[str, str]:
    return dict(json.loads((BUILD / "build.json").read_text("utf-8")))


def test_the_build_is_not_older_than_its_sources() -> None:
    assert stamp()["sources"] == fingerprint(PAGE, SOURCES), f"the page was changed after its last build; {ADVICE}"


def test_the_build_was_not_changed_by_hand() -> None:
    names = [path.name for path in BUILD.iterdir() if path.name != "build.json"]
    assert stamp()["build"] == fingerprint(BUILD, names), f"the built page was changed by hand; {ADVICE}"


def test_the_page_asks_nothing_of_other_machines() -> None:
    """Every address in the page's head is one of this server."""
    head = (BUILD / "index.html").read_text("utf-8")
    assert head.count('="/static/') == 3
    assert "//" not in head.replace("<!doctype", "")


def test_a_change_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("one\r\n", "utf-8", newline="")
    windows = fingerprint(tmp_path, ["a.ts"])
    (tmp_path / "a.ts").write_text("one\n", "utf-8", newline="")
    assert fingerprint(tmp_path, ["a.ts"]) == windows
    (tmp_path / "a.ts").write_text("two\n", "utf-8", newline="")
    assert fingerprint(tmp_path, ["a.ts"]) != windows
