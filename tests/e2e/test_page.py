"""The page of `auralflow serve` in a real browser, with a real server: from a dropped song to what is heard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from auralflow import api

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")

RATE = 44_100
SECONDS = 12
PASS_THROUGH = Path(__file__).parents[1] / "models" / "pass_through.py"
AXE = Path(__file__).parents[2] / "page" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than two of the parts in which the page plays; a tone that rises, so no moment is like another."""
    time_s = np.arange(SECONDS * RATE) / RATE
    sweep = 0.3 * np.sin(2 * np.pi * (200 + 40 * time_s) * time_s)
    path = tmp_path_factory.mktemp("songs") / "Rising tone.wav"
    soundfile.write(path, np.stack([sweep, 0.5 * sweep], axis=1), RATE)
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "auralflow", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen([*command, "--model", str(PASS_THROUGH)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://[^\s?]+", said)
        assert found, said
        yield found[0].rstrip("/") + "/"
        process.terminate()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page; at the end there must have been no error in the console and no request to anybody else."""
    wrong: list[str] = []
    contexts = []

    def open_one(width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith((address, "blob:")) else wrong.append(asked.url))
        page.goto(address)
        expect(page.locator("#model option").first).to_be_attached()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def mixer(open_page: Callable[..., Page], song: Path) -> Page:
    """The mixer of the song, separated once for all tests."""
    page = open_page()
    expect(page.locator("#past-title")).to_be_visible()
    if page.locator("#past a", has_text="Rising tone").count() == 0:
        separate(page, song)
    open_mixer(page)
    return page


def separate(page: Page, song: Path) -> None:
    n_before = page.locator("#past li").count()
    page.select_option("#model", "pass_through")
    page.set_input_files("[data-testid=songs]", song)
    expect(page.get_by_label("Progress of Rising tone")).to_be_visible()
    expect(page.locator("#past li")).to_have_count(n_before + 1)
    expect(page.get_by_role("status").filter(has_text="Rising tone is separated.")).to_be_attached()


def open_mixer(page: Page) -> None:
    page.locator("#past a", has_text="Rising tone").first.click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def wait(page: Page, condition: str) -> None:
    """Until it is true. (Playwright's own way needs `eval` in the page, which the server's policy forbids.)"""
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < give_up, condition
        page.wait_for_timeout(30)


def positions(page: Page) -> list[float]:
    return list(page.evaluate("auralflow.player.positions()"))


def play_until(page: Page, sample: float) -> list[float]:
    wait(page, f"auralflow.player.positions()[0] > {sample}")
    return positions(page)


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    return [f"{found['id']}: {found['nodes']}" for found in page.evaluate("axe.run()")["violations"]]


def test_all_tracks_play_together_to_the_sample(mixer: Page) -> None:
    """Over the seam of two parts, too: the first ends at five seconds."""
    mixer.keyboard.press("Space")
    for sample in (0.5 * RATE, 5.2 * RATE):
        found = play_until(mixer, sample)
        assert len(found) == 5
        assert max(found) - min(found) < 1
    assert mixer.evaluate("auralflow.player.level") > 0.01
    mixer.keyboard.press("Space")
    wait(mixer, "!auralflow.player.isPlaying")


def test_seek_solo_mute_and_compare(mixer: Page) -> None:
    """With `pass_through` all sounds are in the first stem."""
    mixer.keyboard.press("Space")
    mixer.keyboard.press("ArrowRight")
    assert play_until(mixer, 5 * RATE)[0] < 8 * RATE
    for key, stem, is_heard in (("m", "1", False), ("m", "1", True), ("s", "2", False), ("s", "2", True)):
        mixer.keyboard.press(stem)
        mixer.keyboard.press(key)
        wait(mixer, f"auralflow.player.level {'>' if is_heard else '<'} 0.001")
    mixer.keyboard.press("a")
    expect(mixer.get_by_role("button", name="Original", exact=True)).to_have_attribute("aria-pressed", "true")
    wait(mixer, "auralflow.player.level > 0.01")


def test_a_loop_goes_round(mixer: Page) -> None:
    ruler = mixer.locator(".ruler").bounding_box()
    assert ruler is not None
    x, y = ruler["x"], ruler["y"] + 5
    mixer.mouse.move(x + ruler["width"] * 0.25, y)
    mixer.mouse.down()
    mixer.mouse.move(x + ruler["width"] * 0.3, y, steps=4)
    mixer.mouse.up()
    expect(mixer.get_by_role("button", name="Loop", exact=True)).to_have_attribute("aria-pressed", "true")
    mixer.mouse.click(x + ruler["width"] * 0.26, y)
    mixer.keyboard.press("Space")
    for _ in range(6):
        found = play_until(mixer, 0.24 * SECONDS * RATE)
        assert found[0] < 0.31 * SECONDS * RATE
        assert max(found) - min(found) < 1
        mixer.wait_for_timeout(400)


def test_a_download_is_what_the_command_line_writes(mixer: Page, song: Path, tmp_path: Path) -> None:
    api.separate(song, model=str(PASS_THROUGH), out=tmp_path)
    with mixer.expect_download() as download:
        mixer.get_by_role("link", name="Download vocals").click()
    assert download.value.suggested_filename == "Rising tone - vocals.wav"
    assert download.value.path().read_bytes() == (tmp_path / "Rising tone" / "vocals.wav").read_bytes()


def test_the_mix_as_heard_is_saved(mixer: Page, song: Path) -> None:
    """Six decibels less; as float, so that nothing is rounded."""
    volume = mixer.get_by_label("Volume of vocals")
    volume.fill("-6")
    mixer.get_by_role("button", name="Mix as heard").click()
    mixer.get_by_role("dialog").get_by_label("Format").select_option("wav32f")
    with mixer.expect_download() as download:
        mixer.get_by_role("dialog").get_by_role("button", name="Save").click()
    heard, _ = soundfile.read(download.value.path(), dtype="float32")
    given, _ = soundfile.read(song, dtype="float32")
    np.testing.assert_allclose(heard, given * 10 ** (-6 / 20), atol=1e-6)


def test_the_keyboard_is_enough(mixer: Page) -> None:
    mixer.get_by_role("link", name="All songs").focus()
    mixer.keyboard.press("Enter")
    mixer.locator("#past a", has_text="Rising tone").focus()
    mixer.keyboard.press("Enter")
    expect(mixer.get_by_role("button", name="Play", exact=True)).to_be_visible()
    mixer.keyboard.press("?")
    expect(mixer.get_by_role("dialog")).to_be_visible()
    mixer.keyboard.press("Escape")
    expect(mixer.get_by_role("dialog")).to_have_count(0)
    mixer.get_by_role("button", name="Mute bass").focus()
    mixer.keyboard.press("Space")
    expect(mixer.get_by_role("button", name="Mute bass")).to_have_attribute("aria-pressed", "true")
    assert not mixer.evaluate("auralflow.player.isPlaying")


@pytest.mark.parametrize(
    ("width", "colours"),
    [
        (360, "light"),
        (1280, "dark"),
        pytest.param(360, "dark", marks=pytest.mark.slow),
        pytest.param(1280, "light", marks=pytest.mark.slow),
    ],
)
def test_everyone_can_use_it(mixer: Page, open_page: Callable[..., Page], width: int, colours: str) -> None:
    """No violation of what axe knows, and nothing wider than the screen."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make page-check")
    page = open_page(width, 780, color_scheme=colours)
    assert violations(page) == []
    open_mixer(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_song_can_be_deleted_and_the_others_stay(mixer: Page, song: Path) -> None:
    mixer.get_by_role("link", name="All songs").click()
    separate(mixer, song)
    before = mixer.locator("#past li").count()
    mixer.reload()
    expect(mixer.locator("#past li")).to_have_count(before)
    mixer.get_by_role("button", name="Delete Rising tone").first.click()
    mixer.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(mixer.locator("#past li")).to_have_count(before)
    mixer.get_by_role("button", name="Delete Rising tone").first.click()
    mixer.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(mixer.locator("#past li")).to_have_count(before - 1)


def test_a_folder_is_dropped_with_all_songs_below_it(
    open_page: Callable[..., Page], write_wav: Callable[..., Path], tmp_path: Path
) -> None:
    """As a hand does it: the browser itself reads the folder. What is no song is passed over."""
    album = tmp_path / "album"
    write_wav(album / "First of the album.wav", seed=1)
    write_wav(album / "disc 2" / "Second of the album.wav", seed=2)
    (album / "notes.txt").write_text("no song")
    page = open_page()
    page.select_option("#model", "pass_through")
    talk = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(album)], "dragOperationsMask": 1}
        talk.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    for title in ("First of the album", "Second of the album"):
        expect(page.locator("#past a", has_text=title)).to_be_visible()
    assert page.get_by_text("notes").count() == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_hour_is_played_from_its_last_minute(open_page: Callable[..., Page], tmp_path: Path) -> None:
    """The page never holds a whole track: four stems of an hour are 5 GB of floats."""
    path = tmp_path / "One hour.flac"
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(60 * RATE) / RATE)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE, 2) as file:
        for minute in range(60):
            file.write(np.stack([tone, tone * (minute / 60)], axis=1))
    page = open_page()
    page.set_default_timeout(900_000)
    page.select_option("#model", "pass_through")
    page.set_input_files("[data-testid=songs]", path)
    page.locator("#past a", has_text="One hour").first.click(timeout=900_000)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=900_000)
    page.keyboard.press("Space")
    play_until(page, 1.0 * RATE)
    ruler = page.locator(".ruler").bounding_box()
    assert ruler is not None
    page.mouse.click(ruler["x"] + ruler["width"] * 59.5 / 60, ruler["y"] + 5)
    found = play_until(page, 59.4 * 60 * RATE)
    assert len(found) == 5
    assert max(found) - min(found) < 1
    wait(page, "auralflow.player.level > 0.01")
    talk = page.context.new_cdp_session(page)
    talk.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in talk.send("Performance.getMetrics")["metrics"]}
    assert metrics["JSHeapUsedSize"] < 300e6
    assert renderer_bytes() < 1.5e9


def renderer_bytes() -> int:
    """Memory of the largest process that shows a page."""
    sizes = [0]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(word == "--type=renderer" for word in process.cmdline()):
                sizes.append(process.memory_info().rss)
    return max(sizes)


def test_a_token_opens_the_page_and_leaves_the_address(browser: Browser, tmp_path: Path) -> None:
    """Whoever opens the printed address is known from then on; others are told what to do, and see nothing."""
    command = [sys.executable, "-m", "auralflow", "serve", "--home", str(tmp_path), "--port", "0"]
    process = subprocess.Popen([*command, "--token", "a-long-secret"], stderr=subprocess.PIPE, text=True)
    stranger, guest = (browser.new_context().new_page() for _ in range(2))
    try:
        assert process.stderr is not None
        found = re.search(r"http://[^\s?]+\?token=\S+", process.stderr.readline())
        assert found
        stranger.goto(found[0].partition("?")[0])
        expect(stranger.get_by_role("alert")).to_contain_text("open the address that the server printed")
        assert "does not answer" not in stranger.inner_text("body")
        assert stranger.locator("#model option").count() == 0
        guest.goto(found[0])
        expect(guest.locator("#model option").first).to_be_attached()
        assert "secret" not in guest.url
        guest.reload()
        expect(guest.locator("#model option").first).to_be_attached()
    finally:
        for page in (stranger, guest):
            page.context.close()
        process.terminate()
        process.communicate()
