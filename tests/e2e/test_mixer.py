"""The mixer of a notebook, in a browser: it plays, stems stay together, mixers leave each other alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from auralflow import Audio, Stems

SAMPLE_RATE = 48000
CLICK_S = 0.3
DURATION_S = 20.0
EVIL = "<img src=x onerror='document.title=1'>"

WATCH = """
window.starts = []; window.decoded = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...words) {
    window.starts.push(words); window.contexts.add(this.context); return start.apply(this, words);
};
window.contexts = new Set();
const decode = BaseAudioContext.prototype.decodeAudioData;
BaseAudioContext.prototype.decodeAudioData = async function (...words) {
    const buffer = await decode.apply(this, words); window.decoded.push(buffer); return buffer;
};
"""


@dataclass
class Opened:
    """A page with two mixers, and all that it did."""

    tab: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        return self.tab.evaluate(expression)


def _click(level: float) -> Audio:
    """A short tone burst at a known time, over soft noise."""
    samples = 0.001 * np.random.default_rng(0).standard_normal((1, round(DURATION_S * SAMPLE_RATE)))
    first = round(CLICK_S * SAMPLE_RATE)
    samples[0, first : first + 200] += level * np.hanning(200)
    return Audio(samples, SAMPLE_RATE)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    stems = Stems({"vocals": _click(0.8), "drums": _click(0.4), EVIL: _click(0.6)})
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{stems._repr_html_()}{stems._repr_html_()}", encoding="utf-8")
    tab = browser.new_page()
    opened = Opened(tab)
    tab.add_init_script(WATCH)
    tab.on("request", lambda request: opened.requests.append(request.url))
    tab.on("console", lambda message: opened.complaints.append(message.text))
    tab.on("pageerror", lambda error: opened.complaints.append(str(error)))
    tab.goto(page.as_uri())
    yield opened
    assert opened.complaints == []
    assert {url for url in opened.requests if not url.startswith("data:")} == {page.as_uri()}
    tab.close()


PLACE = "document.querySelectorAll('.auralflow-mixer')[{}].mixer.position()"
GAINS = "document.querySelectorAll('.auralflow-mixer')[0].mixer.tracks.map(track => track.gain.gain.value)"


def _wait(opened: Opened, condition: str) -> None:
    opened.tab.wait_for_function(condition, timeout=30_000)


def test_it_plays_and_all_stems_start_at_one_sample(opened: Opened) -> None:
    mixer = opened.tab.locator(".auralflow-mixer").first
    mixer.locator(".play").click()
    _wait(opened, f"{PLACE.format(0)} > 0.2")
    starts = opened.ask("window.starts")
    assert len(starts) == 3
    assert starts.count(starts[0]) == 3
    assert opened.ask("window.contexts.size") == 1
    lengths = opened.ask("window.decoded.map(buffer => buffer.length)")
    assert len(set(lengths)) == 1
    peaks = opened.ask(
        "window.decoded.map(buffer => { const x = buffer.getChannelData(0);"
        "let best = 0; x.forEach((value, i) => { if (Math.abs(value) > Math.abs(x[best])) best = i; });"
        "return best / buffer.sampleRate; })"
    )
    assert peaks == pytest.approx([CLICK_S + 100 / SAMPLE_RATE] * 3, abs=10 / SAMPLE_RATE)
    expect(mixer.locator(".time")).to_contain_text("/ 0:20")


def test_pause_seek_and_the_end(opened: Opened) -> None:
    play = opened.tab.locator(".auralflow-mixer").first.locator(".play")
    place = opened.tab.locator(".auralflow-mixer").first.locator(".place")
    place.fill("0.5")
    _wait(opened, f"{PLACE.format(0)} == 10")
    play.click()
    _wait(opened, f"{PLACE.format(0)} > 10.1")
    assert opened.ask("window.starts.map(words => words[1])") == [10, 10, 10]
    play.click()
    expect(play).to_have_attribute("aria-label", "play")
    stopped = opened.ask(PLACE.format(0))
    opened.tab.wait_for_timeout(200)
    assert opened.ask(PLACE.format(0)) == stopped
    play.click()
    _wait(opened, "window.starts.length == 6")
    place.fill("0.97")
    _wait(opened, "document.querySelector('.play').getAttribute('aria-label') == 'play'")
    assert opened.ask(PLACE.format(0)) == pytest.approx(DURATION_S, abs=0.01)
    play.click()
    _wait(opened, f"window.starts.length == 12 && {PLACE.format(0)} < 2")


def test_mute_solo_and_volume(opened: Opened) -> None:
    mixer = opened.tab.locator(".auralflow-mixer").first
    mixer.locator(".play").click()
    _wait(opened, f"{PLACE.format(0)} > 0.1")

    def expect_gains(*gains: float) -> None:
        near = " && ".join(f"Math.abs({GAINS}[{i}] - {gain}) < 0.01" for i, gain in enumerate(gains))
        _wait(opened, near)

    expect_gains(1, 1, 1)
    mixer.locator(".mute").nth(0).click()
    expect_gains(0, 1, 1)
    mixer.locator(".solo").nth(1).click()
    expect_gains(0, 1, 0)
    mixer.locator(".volume").nth(1).fill("0.25")
    expect_gains(0, 0.25, 0)
    mixer.locator(".solo").nth(1).click()
    mixer.locator(".mute").nth(0).click()
    expect_gains(1, 0.25, 1)
    expect(mixer.locator(".mute").nth(0)).to_have_attribute("aria-pressed", "false")


def test_only_one_of_several_plays(opened: Opened) -> None:
    first, second = (opened.tab.locator(".auralflow-mixer").nth(index) for index in (0, 1))
    first.locator(".play").click()
    _wait(opened, f"{PLACE.format(0)} > 0.1")
    second.locator(".play").click()
    _wait(opened, f"{PLACE.format(1)} > 0.1")
    expect(first.locator(".play")).to_have_attribute("aria-label", "play")
    expect(second.locator(".play")).to_have_attribute("aria-label", "pause")
    assert opened.ask("window.contexts.size") == 1
    opened.ask("document.querySelectorAll('.auralflow-mixer')[1].remove()")
    first.locator(".play").click()
    _wait(opened, f"{PLACE.format(0)} > 0.3")


def test_names_do_nothing(opened: Opened) -> None:
    assert opened.ask("document.images.length") == 0
    assert opened.ask("document.querySelectorAll('.name')[2].innerText") == EVIL
    assert opened.ask("document.title") != "1"


def test_without_scripts_the_plain_players_are_there(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html>{Stems({'a': _click(0.5)})._repr_html_()}", encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    expect(tab.locator("audio")).to_be_visible()
    expect(tab.locator(".transport")).to_be_hidden()
    context.close()
