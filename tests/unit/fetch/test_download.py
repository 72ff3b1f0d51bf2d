"""A file arrives whole or not at all, whatever the network, the server and the disk do."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auralflow.errors import DownloadError
from auralflow.fetch.download import MAX_FAILURES, fetch
from auralflow.fetch.events import FetchEvents, Transfer
from auralflow.fetch.folder import writing

CONTENT = random.Random(0).randbytes(700_000)  # some blocks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "model.ckpt"


def test_a_file_arrives_under_the_name_it_was_given(site: Any, path: Path) -> None:
    site.files["some/thing"] = CONTENT
    heard: list[Transfer] = []
    events = FetchEvents(transfer=heard.append)
    assert fetch(site.url("some/thing"), path, sha256=SHA256, size=len(CONTENT), events=events) == path
    assert path.read_bytes() == CONTENT
    assert {entry.name for entry in path.parent.iterdir()} <= {"model.ckpt", ".model.ckpt.lock"}
    assert [transfer.done for transfer in heard] == sorted({transfer.done for transfer in heard})
    assert (heard[-1].done, heard[-1].total, heard[-1].fraction) == (len(CONTENT), len(CONTENT), 1.0)


def test_what_is_here_is_not_asked_for_again(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    fetch(site.url("a"), path)
    fetch(site.url("a"), path)
    assert len(site.asked) == 1


def test_a_cut_download_goes_on_where_it_was(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    site.plan = ["cut:300000", "cut:100000", "200"]
    fetch(site.url("a"), path, sha256=SHA256)
    assert [headers.get("Range") for _, headers in site.asked] == [None, "bytes=300000-", "bytes=400000-"]
    assert all("If-Range" in headers for _, headers in site.asked[1:])
    assert path.read_bytes() == CONTENT


def test_a_stopped_download_goes_on_in_another_call(site: Any, path: Path) -> None:
    def stop(transfer: Transfer) -> None:
        if transfer.done > 400_000:
            raise KeyboardInterrupt

    site.files["a"] = CONTENT
    with pytest.raises(KeyboardInterrupt):
        fetch(site.url("a"), path, events=FetchEvents(transfer=stop))
    n_here = path.with_name("model.ckpt.part").stat().st_size
    assert 400_000 < n_here < len(CONTENT)
    assert not path.exists()
    fetch(site.url("a"), path, sha256=SHA256)
    assert site.asked[1][1]["Range"] == f"bytes={n_here}-"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("has_tags", [True, False])
def test_halves_of_two_versions_are_never_joined(site: Any, path: Path, has_tags: bool) -> None:
    """By the ETag; without one, by the length."""
    site.files["a"], site.has_tags = CONTENT, has_tags
    site.plan = ["cut:300000", *["404"]]
    with pytest.raises(DownloadError, match="404"):
        fetch(site.url("a"), path)
    site.files["a"] = newer = bytes(len(CONTENT) - 1)
    fetch(site.url("a"), path)
    assert path.read_bytes() == newer


def test_a_server_without_ranges_begins_anew(site: Any, path: Path) -> None:
    site.files["a"], site.has_ranges = CONTENT, False
    site.plan = ["cut:300000", "200"]
    fetch(site.url("a"), path, sha256=SHA256)
    assert path.read_bytes() == CONTENT


def test_a_server_that_says_no_length(site: Any, path: Path) -> None:
    site.files["a"], site.has_lengths = CONTENT, False
    heard: list[Transfer] = []
    fetch(site.url("a"), path, sha256=SHA256, events=FetchEvents(transfer=heard.append))
    assert path.read_bytes() == CONTENT
    assert (heard[-1].total, heard[-1].fraction) == (None, 0.0)


def test_an_empty_file_is_a_file(site: Any, path: Path) -> None:
    site.files["a"] = b""
    fetch(site.url("a"), path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("note", ["", "no json", "[]", '{"tag": null, "total": null}'])
def test_a_part_of_nobody_knows_what_is_not_used(site: Any, path: Path, note: str) -> None:
    path.parent.mkdir()
    path.with_name("model.ckpt.part").write_bytes(b"old")
    path.with_name("model.ckpt.part.json").write_text(note)
    site.files["a"] = CONTENT
    fetch(site.url("a"), path, sha256=SHA256)
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_all_of_it_only_gets_its_name(site: Any, path: Path) -> None:
    """As after a kill between the last byte and the new name."""
    path.parent.mkdir()
    path.with_name("model.ckpt.part").write_bytes(CONTENT)
    path.with_name("model.ckpt.part.json").write_text(f'{{"tag": "x", "total": {len(CONTENT)}}}')
    fetch(site.url("a"), path, sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert site.asked == []


def test_a_part_that_is_too_long_is_thrown_away(site: Any, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("model.ckpt.part").write_bytes(CONTENT + b"more")
    path.with_name("model.ckpt.part.json").write_text('{"tag": null, "total": 1}')
    site.files["a"] = CONTENT
    fetch(site.url("a"), path, sha256=SHA256)
    assert path.read_bytes() == CONTENT


def test_a_server_in_trouble_is_asked_again(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    site.plan = ["500", "503", "429", "200"]
    fetch(site.url("a"), path, sha256=SHA256)
    assert len(site.asked) == 4


def test_a_server_in_lasting_trouble_is_left_alone(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    site.plan = ["503"] * 99
    with pytest.raises(DownloadError, match=r"model\.ckpt from http://127.* 503, 5 times in a row"):
        fetch(site.url("a"), path)
    assert len(site.asked) == MAX_FAILURES


def test_a_connection_that_always_breaks_is_given_up(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    site.plan = ["cut:0"] * 99
    with pytest.raises(DownloadError, match=r"ends after 0 bytes of 0\.7 MB, 5 times in a row"):
        fetch(site.url("a"), path)
    assert not path.exists()


def test_what_is_not_there_is_not_asked_for_twice(site: Any, path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no such file.*404"):
        fetch(site.url("a?token=hunter2"), path)
    assert len(site.asked) == 1


def test_messages_keep_secrets(site: Any, path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(site.url("a?token=hunter2").replace("//", "//me:hunter2@"), path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("content", "plan"), [(CONTENT, "page"), (b"\n<!DOCTYPE html><title>Hi</title>", "200")])
def test_a_web_page_is_no_checkpoint(site: Any, path: Path, content: bytes, plan: str) -> None:
    site.files["a"], site.plan = content, [plan]
    with pytest.raises(DownloadError, match=r"web page.*/resolve/"):
        fetch(site.url("a"), path)
    assert not any(entry.is_file() and "lock" not in entry.name for entry in path.parent.iterdir())


def test_another_file_than_published_is_deleted(site: Any, path: Path) -> None:
    site.files["a"] = CONTENT
    with pytest.raises(DownloadError, match=rf"expected the SHA-256 {'0' * 64}, got {SHA256}.*deleted"):
        fetch(site.url("a"), path, sha256="0" * 64)
    assert not path.exists()
    assert not path.with_name("model.ckpt.part").exists()


@pytest.mark.parametrize("has_lengths", [True, False])
@pytest.mark.parametrize("difference", [-1, 1])
def test_another_size_than_published_is_refused(site: Any, path: Path, has_lengths: bool, difference: int) -> None:
    site.files["a"], site.has_lengths = CONTENT, has_lengths
    with pytest.raises(DownloadError, match=f"expected {len(CONTENT) + difference} bytes"):
        fetch(site.url("a"), path, size=len(CONTENT) + difference)
    assert not path.exists()


def test_no_network_is_said_at_once(site: Any, path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    with pytest.raises(DownloadError, match=r"cannot be reached: .*look at the network, or save it as .*model\.ckpt"):
        fetch(url, path)


@pytest.mark.parametrize("by_flag", [True, False])
def test_offline_nothing_is_asked(site: Any, path: Path, by_flag: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["a"] = CONTENT
    if not by_flag:
        monkeypatch.setenv("AURALFLOW_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"switched off.*save http://127.*/a as .*model\.ckpt"):
        fetch(site.url("a?key=1"), path, offline=by_flag)
    assert site.asked == []
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert fetch(site.url("a"), path, offline=by_flag) == path


@pytest.mark.parametrize(
    "url", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "https:///a", "a"]
)
def test_only_secure_addresses(path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="begins with https://"):
        fetch(url, path)


def test_redirects_are_followed_to_secure_addresses_only(site: Any, path: Path) -> None:
    site.files["b"] = CONTENT
    site.plan = [f"go:{site.url('b')}", "cut:300000", f"go:{site.url('b')}", "200"]
    fetch(site.url("a"), path, sha256=SHA256)
    assert [asked for asked, _ in site.asked] == ["a", "b", "a", "b"]
    assert site.asked[3][1]["Range"] == "bytes=300000-"
    site.plan = ["go:http://example.org/b"]
    with pytest.raises(DownloadError, match=r"example\.org/b: expected an address"):
        fetch(site.url("a"), path.with_name("other"))


def test_a_folder_that_cannot_be_written_is_named(site: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match=r"file/cache: cannot be written: .*; set AURALFLOW_CACHE"):
        fetch(site.url("a"), tmp_path / "file" / "cache" / "model.ckpt")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user cannot write")
def test_a_read_only_folder_still_gives_what_it_has(site: Any, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    path.parent.chmod(0o500)
    assert fetch(site.url("a"), path) == path
    with pytest.raises(DownloadError, match="Permission denied; set AURALFLOW_CACHE"):
        fetch(site.url("a"), path.with_name("other"))
    path.parent.chmod(0o700)


def test_a_full_disk_is_found_before_it_is_full(site: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["a"] = CONTENT
    usage = shutil.disk_usage(path.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        DownloadError, match=r"disk is full, 0\.7 MB are needed and 0\.0 MB free; make room, or set AURAL"
    ):
        fetch(site.url("a"), path)


def test_a_disk_that_fills_up_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="disk is full; make room") as caught, writing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)


def test_two_processes_download_once(site: Any, path: Path) -> None:
    site.files["a"], site.delay_s = CONTENT, 0.5
    code = (
        "import pathlib, sys; from auralflow.fetch.download import fetch;"
        f"fetch({site.url('a')!r}, pathlib.Path(sys.argv[1]), sha256={SHA256!r})"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    assert len(site.asked) == 1
    assert path.read_bytes() == CONTENT
