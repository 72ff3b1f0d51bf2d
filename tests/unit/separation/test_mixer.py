"""The mixer as HTML: small, whole, and safe whatever a file is called."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from auralflow import Audio, Separator, Stems, read_audio, separate
from auralflow.separation.mixer import mixer, show_mixer
from auralflow.separation.results import Failure, FileResult, JobReport, OutputFile

EVIL = "</script><script>alert(1)</script><img src=x onerror='alert(1)'>\"&$style"


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def tone(seconds: float = 0.5, level: float = 0.5) -> Audio:
    return Audio(level * np.sin(np.arange(round(seconds * 48000)) * 0.05)[None], 48000)


def decode(address: str | None, folder: Path) -> Audio:
    assert address is not None
    head, _, content = address.partition(",")
    assert head == "data:audio/ogg;base64"
    (folder / "sound").write_bytes(base64.b64decode(content))
    return read_audio(folder / "sound")


def test_names_are_text_and_nothing_else() -> None:
    page = show_mixer({EVIL: tone(), "b\udcff": tone()}, EVIL, EVIL)
    elements = Elements(page)
    assert len(elements.all("script")) == len(elements.all("style")) == 1
    assert not elements.all("img")
    assert [attributes["title"] for attributes in elements.all("span") if "title" in attributes] == [EVIL, "b\\udcff"]
    assert not any(key.startswith("on") for _, attributes in elements.found for key in attributes)
    page.encode()


def test_nothing_is_asked_of_anybody() -> None:
    page = show_mixer({"a": tone()})
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttp|import\(", text)
    sources = [attributes["src"] for _, attributes in Elements(page).found if "src" in attributes]
    assert len(sources) == 1
    assert (sources[0] or "").startswith("data:audio/ogg;base64,")


def test_the_sounds_are_in_it_and_their_balance_stays(tmp_path: Path) -> None:
    """One sound is beyond full scale: both are lowered, as the files of a job would be."""
    page = show_mixer({"loud": tone(level=2.0), "soft": tone(level=0.5)})
    sounds = [decode(attributes["src"], tmp_path) for attributes in Elements(page).all("audio")]
    assert [sound.n_samples for sound in sounds] == [24000, 24000]
    levels = [float(np.sqrt(np.mean(sound.samples**2))) for sound in sounds]
    assert levels[0] / levels[1] == pytest.approx(4, rel=0.05)
    assert levels[0] == pytest.approx(np.sqrt(0.5), rel=0.05)


def test_of_what_is_long_the_beginning_is_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mixer, "PREVIEW_S", 1.0)
    page = show_mixer({"a": tone(3.0)})
    assert "the first 1 of 3 s" in page
    (sound,) = Elements(page).all("audio")
    assert decode(sound["src"], tmp_path).duration_s == 1.0


def test_it_is_never_larger_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = {name: Audio(np.random.default_rng(0).uniform(-1, 1, (2, 48000 * 3)), 48000) for name in "abc"}
    whole = show_mixer(sounds)
    monkeypatch.setattr(mixer, "MAX_BYTES", len(whole) // 2)
    page = show_mixer(sounds)
    assert len(page) <= len(whole) // 2
    assert "the first" in page


@pytest.mark.parametrize("n_samples", [0, 1])
def test_even_nothing_can_be_shown(n_samples: int) -> None:
    assert "auralflow-mixer" in Stems({"a": Audio(np.zeros((6, n_samples)), 8000)})._repr_html_()
    assert "auralflow-mixer" in Stems()._repr_html_()


def test_results_show_themselves(pass_through_path: str, write_wav: object, tmp_path: Path) -> None:
    song = write_wav(tmp_path / "<b>.wav")  # type: ignore[operator]
    report = separate(song, out=tmp_path / "out", model=pass_through_path, stems="vocals,drums")
    assert isinstance(report, JobReport)
    page = report._repr_html_()
    assert len(Elements(page).all("audio")) == 2
    assert "<b>&lt;b&gt;.wav</b>" in page
    stem_file = separate(song, out=tmp_path / "stems", model=pass_through_path, format="stem.mp4")
    assert isinstance(stem_file, JobReport)
    assert len(Elements(stem_file._repr_html_()).all("audio")) == 4
    report.done[0].outputs[0].path.unlink()
    page = report._repr_html_()
    assert len(Elements(page).all("audio")) == 1
    assert "vocals cannot be played" in page


def test_of_many_songs_some_are_shown_and_all_are_named(write_wav: object, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "stem.wav", seconds=0.1)  # type: ignore[operator]
    done = [
        FileResult(Path(f"song {i}.wav"), (OutputFile("vocals", path, 1),), 0.1, 44100, 2, 0.0, (), {})
        for i in range(5)
    ]
    report = JobReport(tuple(done), (Failure(Path("bad.wav"), EVIL, "input"),), (Path("old.wav"),))
    page = report._repr_html_()
    assert len(Elements(page).all("audio")) == 3
    assert not Elements(page).all("img")
    for text in ("song 4.wav: separated", "bad.wav: failed: ", "old.wav: done before"):
        assert text in page


def test_a_long_song_is_heard_from_its_middle(tmp_path: Path) -> None:
    samples = np.zeros((1, 8000 * 40), np.float32)
    samples[:, 8000 * 20] = 0.9
    import soundfile

    soundfile.write(tmp_path / "a.wav", samples.T, 8000)
    result = FileResult(Path("song.wav"), (OutputFile("a", tmp_path / "a.wav", 1),), 40.0, 8000, 1, 0.0, (), {})
    page = result._repr_html_()
    assert "0:05 to 0:35 of 0:40" in page
    sound = decode(Elements(page).all("audio")[0]["src"], tmp_path)
    assert np.abs(sound.samples).argmax() / sound.sample_rate == pytest.approx(15, abs=0.01)


def test_arrays_give_stems(pass_through: object) -> None:
    stems = Separator(pass_through()).separate(Audio(np.zeros((2, 500)), 44100))  # type: ignore[operator]
    assert isinstance(stems, Stems)
    assert isinstance(stems, dict)
    assert stems._repr_html_().count("<audio") == len(stems) == 4
