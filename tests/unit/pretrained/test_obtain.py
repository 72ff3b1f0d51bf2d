"""Weights from anywhere become a bundle here, by one download and one conversion."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auralflow.api import separate
from auralflow.errors import AudioError, CheckpointError, DownloadError, UnknownNameError
from auralflow.fetch.events import FetchEvents
from auralflow.pretrained import card as cards
from auralflow.pretrained import obtain
from auralflow.pretrained.bundle import WEIGHTS
from auralflow.pretrained.card import Card, CardFile
from auralflow.pretrained.convert import foreign
from auralflow.pretrained.downloaded import download_model
from auralflow.pretrained.load import describe_model, load_model
from auralflow.pretrained.names import DESCRIPTION
from auralflow.pretrained.obtain import convert_once, obtain_bundle, prepare_model
from auralflow.separation.results import JobReport

BUNDLE = Path(__file__).parents[2] / "data" / "bundle_v1"
STEMS = load_model(str(BUNDLE)).spec.stems


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """A converter that makes the same bundle of everything, and remembers what it was given."""
    calls: list[tuple[str, Any, Any]] = []

    def convert(source: Path, folder: Path, *, format: Any = None, options: Any = None) -> None:
        names = [path.name for path in source.iterdir() if path.suffix] if source.is_dir() else [source.name]
        calls.append((" ".join(sorted(n for n in names if not n.startswith("."))), format, options))
        shutil.copytree(BUNDLE, folder)

    monkeypatch.setattr(foreign, "convert_checkpoint", convert)
    return calls


@pytest.fixture
def card(site: Any, monkeypatch: pytest.MonkeyPatch) -> Card:
    """A model whose files lie on the server of the tests."""
    site.files |= {"w.ckpt": b"weights", "c.yaml": b"config: 1"}
    files = (
        CardFile("https://a.b/w.ckpt", "w.ckpt", hashlib.sha256(b"weights").hexdigest(), 7),
        CardFile("https://a.b/c.yaml", "c.yaml"),
    )
    card = Card(
        "spectrogram_net_simple", "far", "far away", "CC BY-NC 4.0", False, "none", "weak", STEMS, 44100, 2,
        aliases=("spectrogram_net_simple", "far"), format="msst", files=files, options={"config": "c.yaml"},
    )  # fmt: skip
    monkeypatch.setattr(cards, "list_cards", lambda: (card,))
    real = obtain.fetch
    monkeypatch.setattr(
        obtain, "fetch", lambda url, *args, **rest: real(url.replace("https://a.b", site.address), *args, **rest)
    )
    return card


def test_a_card_is_downloaded_and_converted_once(card: Card, site: Any, converted: list[Any]) -> None:
    lines: list[str] = []
    folder = obtain_bundle("far", events=FetchEvents(line=lines.append))
    assert obtain_bundle(card.name) == folder
    assert converted == [("c.yaml w.ckpt", "msst", {"config": "c.yaml"})]
    assert [path for path, _ in site.asked] == ["w.ckpt", "c.yaml"]
    (line,) = lines
    assert "spectrogram_net_simple.far, 7 bytes from a.b; licence of the weights: CC BY-NC 4.0" in line
    assert load_model("far").spec.stems == STEMS


def test_a_card_says_what_it_is_before_and_after(card: Card, site: Any, converted: list[Any]) -> None:
    """The same identity, so that a job that is resumed is the same job; the spec of the weights once they are here."""
    before = describe_model("far")
    assert site.asked == []
    prepare_model("far")
    after = describe_model("far")
    assert before.name == after.name == card.name
    assert before.identity == after.identity
    assert (before.spec.stems, before.spec.sample_rate, before.spec.channels) == (STEMS, 44100, 2)
    assert after.spec == load_model(str(BUNDLE)).spec


def test_other_weights_are_another_identity_and_another_folder(card: Card) -> None:
    newer = replace(card, files=(replace(card.files[0], sha256="0" * 64), card.files[1]))
    assert newer.identity != card.identity
    published, other = obtain.publish_card(card), obtain.publish_card(newer)
    assert published is not None
    assert other is not None
    assert published.downloads != other.downloads
    assert published.bundle != other.bundle


def test_offline_the_command_to_run_elsewhere_is_given(card: Card, site: Any, converted: list[Any]) -> None:
    with pytest.raises(
        DownloadError, match=r"far: is not on.*run 'auralflow download spectrogram_net_simple\.far' where"
    ):
        load_model("far", offline=True)
    load_model("far")
    assert load_model("far", offline=True).spec.stems == STEMS


def test_again_fetches_and_converts_anew(card: Card, site: Any, converted: list[Any]) -> None:
    first = obtain_bundle("far")
    (first / WEIGHTS).write_bytes(b"damaged")
    assert obtain_bundle("far", again=True) == first
    assert load_model("far").spec.stems == STEMS
    assert (len(site.asked), len(converted)) == (4, 2)
    with pytest.raises(DownloadError, match="switched off"):
        obtain_bundle("far", again=True, offline=True)
    assert load_model("far").spec.stems == STEMS


def test_a_wrong_file_is_not_converted(card: Card, site: Any, converted: list[Any]) -> None:
    site.files["w.ckpt"] = b"wieghts"
    with pytest.raises(DownloadError, match=r"w\.ckpt.*expected the SHA-256"):
        load_model("far")
    assert converted == []


def test_a_bundle_on_a_server_needs_no_conversion(
    card: Card, site: Any, converted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (DESCRIPTION, WEIGHTS)
    site.files |= {name: (BUNDLE / name).read_bytes() for name in names}
    ours = replace(card, format="bundle", options={}, files=tuple(CardFile(f"https://a.b/{n}", n) for n in names))
    monkeypatch.setattr(cards, "list_cards", lambda: (ours,))
    assert load_model("far").spec.stems == STEMS
    assert converted == []


def test_an_address_is_downloaded_and_converted(site: Any, converted: list[Any]) -> None:
    site.files["files/net.th"] = b"weights"
    url = site.url("files/net.th?token=1")
    assert load_model(url).spec.stems == STEMS
    assert load_model(url, offline=True).spec.stems == STEMS
    assert describe_model(url).spec.stems == STEMS
    assert converted == [("net.th", None, {})]
    with pytest.raises(DownloadError, match=r"expected the address of a file of weights.*\.ckpt"):
        load_model(site.url("page"))
    with pytest.raises(DownloadError, match="expected an address that begins with https://"):
        load_model("http://example.org/net.th")


def test_a_file_is_converted_when_it_or_its_config_changes(tmp_path: Path, converted: list[Any]) -> None:
    source = tmp_path / "net.ckpt"
    source.write_bytes(b"weights")
    folders = [convert_once(source), convert_once(source)]
    (tmp_path / "net.yaml").write_text("a: 1")
    folders.append(convert_once(source))
    source.write_bytes(b"others!")
    folders.append(convert_once(source))
    assert folders[0] == folders[1]
    assert len(set(folders)) == len(converted) == 3
    assert load_model(str(source)).spec.stems == STEMS
    convert_once(source, again=True)
    assert len(converted) == 4


def test_a_folder_is_converted(tmp_path: Path, converted: list[Any]) -> None:
    for name in ("a.th", "b.th", "bag.yaml"):
        (tmp_path / name).write_text(name)
    assert describe_model(str(tmp_path)).spec.stems == STEMS
    assert converted == [("a.th b.th bag.yaml", None, {})]


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, converted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AURALFLOW_CACHE", str(tmp_path / "file" / "cache"))
    (tmp_path / "net.ckpt").touch()
    with pytest.raises(DownloadError, match=r"cannot be written: .*AURALFLOW_CACHE"):
        load_model(str(tmp_path / "net.ckpt"))


def test_what_is_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.ckpt: no such file"):
        load_model(str(tmp_path / "gone.ckpt"))
    with pytest.raises(CheckpointError, match="classic: has no weights"):
        obtain_bundle("classic")
    with pytest.raises(UnknownNameError, match="did you mean 'classic'"):
        obtain_bundle("clasic")
    prepare_model("clasic")  # left to whoever loads it
    prepare_model("classic")


def test_a_download_is_reported(card: Card, converted: list[Any]) -> None:
    found = download_model("far")
    assert (found.name, found.stems, found.licence, found.commercial_use) == (card.name, STEMS, "CC BY-NC 4.0", False)
    assert found.folder is not None
    assert found.size_bytes == sum(path.stat().st_size for path in found.folder.iterdir())
    assert json.dumps(found.architecture) == '"spectrogram_net_simple"'


def test_a_model_in_the_box_needs_no_download() -> None:
    found = download_model("classic")
    assert (found.name, found.folder, found.size_bytes) == ("classic.v1", None, 0)
    found = download_model("default")
    assert found.name == "spectrogram_net_octave.small_4stem"
    assert found.size_bytes <= 12 * 2**20


def test_a_separation_downloads_when_all_else_is_right(
    card: Card, site: Any, converted: list[Any], tmp_path: Path, write_wav: Callable[..., Path]
) -> None:
    song, out = write_wav(tmp_path / "song.wav", 0.2), tmp_path / "out"
    with pytest.raises(AudioError, match=r"gone\.wav"):
        separate(tmp_path / "gone.wav", model="far", out=out)
    separate(song, model="far", out=out, dry_run=True)
    with pytest.raises(DownloadError, match="switched off"):
        separate(song, model="far", out=out, offline=True)
    assert site.asked == []
    heard: list[str] = []
    report = separate(song, model="far", out=out, download=FetchEvents(line=heard.append))
    assert isinstance(report, JobReport)
    assert {output.name for output in report.done[0].outputs} == set(STEMS)
    assert len(heard) == 1
    again = separate(song, model="far", out=out, offline=True)
    assert isinstance(again, JobReport)
    assert again.skipped == (song,)  # the same identity before and after the download
