"""What the page looks like: the pictures of the documentation.

They are always made; `AURALFLOW_PICTURES=docs` writes them into `docs/pictures`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from auralflow.data.synth_dataset import plan_song
from auralflow.data.synth_song import write_song

# The page itself is tested in `test_page`.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]

DOCS = Path(__file__).parents[2] / "docs" / "pictures"
SONG = "Morning train"
MOST_BYTES = 150_000
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "auralflow", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://[^\s?]+", said)
        assert found, said
        yield found[0]
        process.terminate()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered, so that waves look like music."""
    folder = tmp_path_factory.mktemp("songs")
    write_song(folder / "rendered", plan_song(1, duration_s=24.0).config, "flac")
    return Path(shutil.copy(folder / "rendered" / "mixture.flac", folder / f"{SONG}.flac"))


@pytest.fixture(scope="module")
def pictures(browser: Browser, address: str, song: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The mixer of a separated song, on a desk by day and on a phone by night."""
    folder = tmp_path_factory.mktemp("pictures")
    shapes = {"page_light": (1200, 870, "light"), "page_phone_dark": (390, 844, "dark")}
    made = {}
    for name, (width, height, colours) in shapes.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        _open_mixer(page, song)
        made[name] = folder / f"{name}.png"
        page.screenshot(path=made[name], animations="disabled")
        context.close()
    return made


def _open_mixer(page: Page, song: Path) -> None:
    expect(page.locator("#model option").first).to_be_attached()
    if page.locator("#past a", has_text=SONG).count() == 0:
        page.set_input_files("[data-testid=songs]", song)
    link = page.locator("#past a", has_text=SONG)
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    link.click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)


def test_the_pictures_of_the_documentation_can_be_made(pictures: dict[str, Path]) -> None:
    for path in pictures.values():
        assert 10_000 < path.stat().st_size < MOST_BYTES
        if os.environ.get("AURALFLOW_PICTURES") == "docs":
            DOCS.mkdir(exist_ok=True)
            shutil.copy(path, DOCS)
