"""The page of an evaluation, opened in a browser: all of it plays and shows, and it asks nobody for anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page

from auralflow import api
from auralflow.evaluation.page import page

STEMS = ("vocals", "drums", "bass", "other")
METRICS = ("sdr", "si_sdr", "snr", "l1_freq")
SAMPLE_RATE = 22050
LONG_S, SHORT_S, EXCERPT_S = 11.0, 1.5, 10.0
LONG = "Long <b>&\"'"
NAMES = (LONG, "<script>alert(1)", "Ünïcode", "Middle 1", "Middle 2", "&lt;i>", "Seven", "Eight")
"""From the best to the worst."""
SHOWN = dict.fromkeys(NAMES[:3], "best") | dict.fromkeys(reversed(NAMES[-3:]), "worst")
N_SOUNDS = 1 + 3 * len(STEMS)
"""Of a song."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight songs of four stems; the less even their levels, the worse the mean score of the mixture."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for place, name in enumerate(NAMES):
        n_samples = round((LONG_S if name == LONG else SHORT_S) * SAMPLE_RATE)
        (root / name).mkdir()
        for index, stem in enumerate(STEMS):
            gain = 0.1 * 0.9 ** (place * index)
            samples = gain * random.standard_normal((n_samples, 2))
            soundfile.write(root / name / f"{stem}.wav", samples, SAMPLE_RATE)
    return root


@pytest.fixture(scope="module")
def report(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the mixture as its own estimate."""
    out = tmp_path_factory.mktemp("out")
    api.test("mixture", data, metrics=METRICS, out=out)
    return out / "report.html"


@dataclass
class Opened:
    """A page in a tab of the browser, and all it did from the beginning."""

    tab: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Of the console, of scripts, and of the content security policy."""

    def ask(self, expression: str) -> Any:
        return self.tab.evaluate(expression)


def _open(browser: Browser, path: Path) -> Opened:
    tab = browser.new_page()
    opened = Opened(tab)
    # The driver's own list of requests leaves out data: addresses.
    session = tab.context.new_cdp_session(tab)
    session.on("Network.requestWillBeSent", lambda event: opened.requests.append(event["request"]["url"]))
    session.send("Network.enable")
    tab.on("console", lambda message: opened.complaints.append(message.text))
    tab.on("pageerror", lambda error: opened.complaints.append(str(error)))
    tab.goto(path.as_uri())
    return opened


@pytest.fixture(scope="module")
def opened(browser: Browser, report: Path) -> Opened:
    """The report, loaded."""
    return _open(browser, report)


LOAD_SOUNDS = """() => Promise.all([...document.querySelectorAll('audio')].map(audio => new Promise(resolve => {
    const tell = () => resolve(audio.error ? audio.error.message : audio.duration);
    if (audio.error || audio.readyState >= 1) return tell();
    audio.addEventListener('loadedmetadata', tell);
    audio.addEventListener('error', tell);
})))"""

# Song by song, at most a quarter of a minute each.
PLAY_SOUNDS = """async () => {
    const play = async audio => {
        audio.muted = true;
        await audio.play();
        const end = performance.now() + 15000;
        while (audio.currentTime < 0.05 && performance.now() < end)
            await new Promise(resolve => setTimeout(resolve, 10));
        audio.pause();
        return audio.currentTime;
    };
    const played = [];
    for (const song of document.querySelectorAll('.song'))
        played.push(await Promise.all([...song.querySelectorAll('audio')].map(play)));
    return played;
}"""

OUTSIDE = "http://127.0.0.1:9/"
ASKING = (
    "<script>document.title = ''</script>",
    f'<script src="{OUTSIDE}"></script>',
    f'<link rel="stylesheet" href="{OUTSIDE}">',
    f'<img src="{OUTSIDE}">',
    f'<audio src="{OUTSIDE}"></audio>',
    f'<iframe src="{OUTSIDE}"></iframe>',
)

TITLES = "[...document.querySelectorAll('.song h3')].map(title => title.innerText)"


def test_every_player_knows_how_long_its_sound_is(opened: Opened) -> None:
    durations_s = np.reshape(opened.ask(LOAD_SOUNDS), (len(SHOWN), N_SOUNDS))
    expected_s = [EXCERPT_S if name == LONG else SHORT_S for name in SHOWN]
    np.testing.assert_allclose(durations_s, np.transpose([expected_s] * N_SOUNDS), atol=0.03)


def test_every_player_plays(opened: Opened) -> None:
    played_s = np.array(opened.ask(PLAY_SOUNDS))
    assert played_s.shape == (len(SHOWN), N_SOUNDS)
    assert played_s.min() >= 0.05


def test_every_picture_is_drawn_and_none_is_missing(opened: Opened) -> None:
    widths = opened.ask("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")
    assert min(widths) > 0
    heights = opened.ask("[...document.querySelectorAll('.waveform path')].map(path => path.getBBox().height)")
    assert min(heights) > 0
    n_spectrograms = opened.ask("document.querySelectorAll('.spectrogram img').length")
    n_distributions = opened.ask("document.querySelectorAll('img.distribution').length")
    assert (n_spectrograms, n_distributions) == (len(SHOWN) * N_SOUNDS, len(METRICS))
    assert (len(widths), len(heights)) == (n_spectrograms + n_distributions, n_spectrograms)


def test_the_best_and_the_worst_songs_are_there_under_their_own_names(opened: Opened) -> None:
    for title, (name, kind) in zip(opened.ask(TITLES), SHOWN.items(), strict=True):
        assert title.startswith(f"{kind} {name} ")
    rows = opened.ask("[...document.querySelectorAll('#all-songs ~ .scroll tbody tr')].map(r => r.cells[0].innerText)")
    assert sorted(rows) == sorted(NAMES)
    assert opened.ask("document.scripts.length") == 0


def test_nothing_leaves_the_page_and_nobody_complains(opened: Opened, report: Path) -> None:
    opened.ask(LOAD_SOUNDS)
    assert {url for url in opened.requests if not url.startswith("data:")} == {report.as_uri()}
    assert sum(url.startswith("data:image/webp") for url in opened.requests) > len(SHOWN)
    assert opened.complaints == []


def test_a_page_that_asks_for_something_is_held_back_and_found_out(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    head = report.read_text(encoding="utf-8").partition("<body>")[0]
    asking = f"{head}<body>{''.join(ASKING)}</body></html>"
    held, free = tmp_path / "held.html", tmp_path / "free.html"
    held.write_text(asking, encoding="utf-8")
    free.write_text(asking.replace("Content-Security-Policy", "x"), encoding="utf-8")
    complaints = _open(browser, held).complaints
    assert sum("Content Security Policy" in complaint for complaint in complaints) == len(ASKING), complaints
    assert _open(browser, free).requests.count(OUTSIDE) == len(ASKING) - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1300])
def test_nothing_hangs_over_the_edge(opened: Opened, width: int, scheme: Literal["light", "dark"]) -> None:
    opened.tab.set_viewport_size({"width": width, "height": 900})
    opened.tab.emulate_media(color_scheme=scheme)
    assert opened.ask("document.documentElement.scrollWidth") == width
    red, *_ = opened.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red > 127) == (scheme == "light")


def test_songs_for_which_there_is_no_room_are_named(
    browser: Browser, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = 400_000
    monkeypatch.setattr(page, "MAX_BYTES", limit)
    api.test("mixture", data, stems="vocals", metrics="sdr", out=tmp_path)
    assert limit / 2 < (tmp_path / "report.html").stat().st_size <= limit
    opened = _open(browser, tmp_path / "report.html")
    titles = opened.ask(TITLES)
    left_out = [name for name in SHOWN if not any(f" {name} " in title for title in titles)]
    assert 0 < len(left_out) == len(SHOWN) - len(titles) < len(SHOWN)
    told = opened.ask("[...document.querySelectorAll('p')].map(p => p.innerText).find(t => t.startsWith('Left out'))")
    assert sorted(told.removesuffix(".").split(": ")[1].split(", ")) == sorted(left_out)
