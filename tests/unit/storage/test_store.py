"""A file elsewhere is whole or not there, whatever the service does on the way."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auralflow.errors import AudioError, ConfigError, MissingExtraError, OutputError
from auralflow.storage import journal as journal_module
from auralflow.storage import patience
from auralflow.storage import store as store_module
from auralflow.storage.address import Address
from auralflow.storage.journal import StoredJournal
from auralflow.storage.store import Store

if TYPE_CHECKING:
    from tests.s3 import S3


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setattr(patience, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(os.urandom(9 * 2**20))
    return path


def test_what_is_sent_comes_back(s3: S3, song: Path, tmp_path: Path) -> None:
    address = s3.store("out").send(song, "a b/ç #1?.wav")
    assert str(address) == "s3://music/out/a b/ç #1?.wav"
    Store(address).fetch(tmp_path / "back.wav")
    assert (tmp_path / "back.wav").read_bytes() == song.read_bytes()


def test_a_listing_tells_all_that_is_there_and_where(s3: S3, tmp_path: Path) -> None:
    for key in ("b.wav", "a/b.wav", "a/c/d e.wav"):
        s3.store("in").write(key, key.encode())
    s3.store("inside").write("not_below.wav", b"")
    found = {(str(file.address), file.folder.as_posix(), file.size_bytes) for file in s3.store("in").list_files()}
    assert found == {
        ("s3://music/in/b.wav", ".", 5),
        ("s3://music/in/a/b.wav", "a", 7),
        ("s3://music/in/a/c/d e.wav", "a/c", 11),
    }
    versions = {file.address.name: file.version for file in s3.store("in").list_files()}
    s3.store("in").write("b.wav", b"other")
    assert {f.address.name for f in s3.store("in").list_files() if f.version != versions[f.address.name]} == {"b.wav"}


def test_a_bucket_is_listed_page_by_page_and_only_as_far_as_asked(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAGE_NAMES", 10)
    for number in range(15):
        s3.store("in").write(f"{number:02d}.wav", b"")
    s3.requests.clear()
    listing = s3.store("in").list_files()
    assert next(listing).address.name == "00.wav"
    n_pages = sum("max-keys=10" in request for request in s3.requests)
    assert len(list(listing)) == 14
    assert (n_pages, sum("max-keys=10" in request for request in s3.requests)) == (1, 2)


def test_throttling_and_broken_answers_are_survived(s3: S3, song: Path, tmp_path: Path) -> None:
    s3.busy = 3
    address = s3.store("out").send(song, "song.wav")
    s3.short, s3.busy = 2, 2
    Store(address).fetch(tmp_path / "back.wav")
    assert (s3.short, s3.busy) == (0, 0)
    assert (tmp_path / "back.wav").read_bytes() == song.read_bytes()


def test_what_cannot_be_sent_leaves_nothing_and_tells_no_secret(s3: S3, song: Path) -> None:
    store = s3.store("out")
    s3.busy = 10_000
    with pytest.raises(OutputError, match=r"cannot write 'song.wav' there: .*tried 5 times") as told:
        store.send(song, "song.wav")
    s3.busy = 0
    assert list(store.list_files()) == []
    assert "hush" not in str(told.value)
    assert "someone" not in str(told.value)


def test_no_key_has_its_name_before_it_is_whole(s3: S3, song: Path) -> None:
    s3.requests.clear()
    s3.store("out").send(song, "song.wav")
    puts = [request for request in s3.requests if request.startswith(("PUT", "POST"))]
    first = next(index for index, request in enumerate(puts) if request.startswith("PUT /music/out/song.wav"))
    assert all("/out/.song.wav." in request for request in puts[:first])
    assert first >= 1


def test_what_is_not_there_is_said_at_once(s3: S3, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"s3://music/none.wav: there is no such file or folder"):
        s3.store("none.wav").look()
    with pytest.raises(AudioError, match=r"no such file"):
        s3.store("none.wav").fetch(tmp_path / "none.wav")
    assert list(s3.store("nowhere").list_files()) == []


def test_a_full_disk_is_not_blamed_on_the_service(s3: S3, song: Path, tmp_path: Path) -> None:
    address = s3.store("out").send(song, "song.wav")
    with pytest.raises(OutputError, match="cannot write there"):
        Store(address).fetch(tmp_path / "no such folder" / "song.wav")


def test_lines_survive_and_the_last_one_counts(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_PART_LINES", 4)
    journal = StoredJournal(s3.store("out"), "manifest")
    for number in range(14):
        journal.append({"input": f"{number % 10}", "n": number})
    again = StoredJournal(s3.store("out"), "manifest")
    again.append({"input": "7", "n": 1000})
    lines = StoredJournal(s3.store("out"), "manifest").read("input")
    assert {int(name): line["n"] for name, line in lines.items()} == {
        **{number: number for number in range(4, 10)},
        **{number: number + 10 for number in range(4)},
        7: 1000,
    }
    assert len(s3.store("out").list_names("manifest")) == 5


def test_addresses_with_passwords_and_unknown_kinds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"sftp://host/music: an address with a password") as told:
        Address("sftp://me:hush@host/music")
    assert "hush" not in str(told.value)
    with pytest.raises(ConfigError, match="gopher"):
        Store(Address("gopher://host/music"))
    with pytest.raises(ConfigError, match="adlfs"):
        Store(Address("abfs://host/music"))
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[remote\]'"):
        Store(Address("gs://bucket/music"))
