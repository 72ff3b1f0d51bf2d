"""What comes in: songs are taken, everything else is refused in one plain line, early, and leaves nothing behind."""

from __future__ import annotations

import socket
import time
from collections import namedtuple
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auralflow.web import home as home_module
from auralflow.web.settings import API

if TYPE_CHECKING:
    from .conftest import Client, Start

Usage = namedtuple("Usage", "total used free")


def _is_clean(client: Client) -> bool:
    """Nothing of a refused upload is left; its file goes a moment after the answer."""
    home = client.server.home
    give_up = time.monotonic() + 5
    while list(home.incoming.iterdir()) and time.monotonic() < give_up:
        time.sleep(0.02)
    known = set(client.server.store.identifiers())
    return not list(home.incoming.iterdir()) and {path.name for path in home.separations.iterdir()} == known


def _raw(client: Client, data: bytes, timeout_s: float = 30.0) -> bytes:
    """Send bytes as they are; gives what comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=timeout_s) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def _head(client: Client, kind: str, *lines: str) -> bytes:
    head = [f"POST {API}/separations HTTP/1.1", f"Host: 127.0.0.1:{client.port}", f"Content-Type: {kind}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def test_a_song_is_queued_with_its_settings(client: Client) -> None:
    fields = {"stems": "vocals, drums", "mix": "karaoke=-vocals", "residual": "true", "format": "mp3", "for_s": "0.5"}
    answer = client.send(client.song, "../My söng.wav", **fields)
    assert answer.status == 201
    sent = answer.json
    assert (sent["title"], sent["stems"], sent["mix"]) == ("My söng", ["vocals", "drums"], ["karaoke=-vocals"])
    assert (sent["residual"], sent["format"], sent["for_s"], sent["from_s"]) == (True, "mp3", 0.5, None)
    assert (sent["duration_s"], sent["sample_rate"], sent["channels"]) == (0.5, 8000, 2)
    assert sent["model"] == "spectrogram_net_octave.small_4stem"  # what `default` stands for
    client.wait(sent["id"])
    kept = client.server.folder(client.server.find(sent["id"])).song
    assert kept.read_bytes() == client.song
    assert kept.name == "song.wav"


NAMES = [
    "../../../etc/cron.d/x.wav",
    "/abs.wav",
    "C:\\x.wav",
    "a\x00b.wav",
    "x" * 3000 + ".wav",
    "日本\U0001f3b5.wav",
    "..",
]


def test_whatever_a_song_is_called_it_lies_in_its_own_folder(client: Client) -> None:
    before = {path for path in client.server.home.path.parent.rglob("*") if "separations" not in path.parts}
    for name in NAMES:
        answer = client.send(client.song, name)
        assert answer.status == 201, (name, answer.body)
        key = answer.json["id"]
        song = client.server.folder(client.server.find(key)).song
        assert song.parent == client.server.home.separations / key, name
        assert song.name in ("song.wav", "song"), name
        assert song.read_bytes() == client.song
        client.wait(key)
    after = {path for path in client.server.home.path.parent.rglob("*") if "separations" not in path.parts}
    assert {path.name for path in after - before} <= {"auralflow.db-wal", "auralflow.db-shm"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stems": "vocal"}, "unknown stem 'vocal': did you mean 'vocals'"),
        ({"stems": "none"}, "stems: nothing to write"),
        ({"mix": "karaoke"}, "mix: expected NAME=STEM"),
        ({"mix": "../x=-vocals"}, "mix: expected a name of 1 to 63 letters"),
        ({"mix": "mixture=-vocals"}, "mix: 'mixture' is what the song itself is called"),
        ({"format": "wma"}, "unknown format 'wma'"),
        ({"from_s": "-1"}, "from_s: expected seconds"),
        ({"from_s": "nan"}, "from_s: expected seconds"),
        ({"for_s": "0"}, "for_s: expected more than 0 seconds"),
        ({"from_s": "2"}, "from_s: expected a start before the end at 1.00 s, got 2 s"),
        ({"residual": "maybe"}, "residual: expected true or false"),
        ({"consistency": "all"}, "consistency: expected one of"),
        ({"workers": "7"}, "workers: unknown field"),
        ({"model": "/etc/passwd"}, "unknown model '/etc/passwd'"),
        ({"model": "../evil.py"}, "unknown model '../evil.py'"),
        ({"model": "https://evil.example/a.ckpt"}, "unknown model"),
        ({"model": "hdemucs.mmi"}, "is not on the server's machine; run there: auralflow download"),
    ],
)
def test_a_setting_that_cannot_be_is_named(client: Client, fields: dict[str, str], message: str) -> None:
    answer = client.send(client.song, **fields)
    assert (answer.status, answer.json["error"]["code"]) == (422, "invalid")
    assert message in answer.reason
    assert _is_clean(client)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"just some words\n" * 50, "this is a text file"), (bytes(5000), "expected audio")],
)
def test_what_is_no_sound_is_refused_without_a_path_of_this_machine(
    client: Client, content: bytes, message: str
) -> None:
    answer = client.send(content, "notes.mp3")
    assert (answer.status, answer.json["error"]["code"]) == (415, "not_audio")
    assert answer.reason.startswith("notes.mp3: ")
    assert message in answer.reason
    assert str(client.server.home.path) not in answer.reason
    assert _is_clean(client)


def test_a_form_without_a_song_is_refused(client: Client) -> None:
    body, kind = client.make_form({"other": ("a.wav", client.song)}, {})
    answer = client.ask("POST", "separations", body, Content_Type=kind)
    assert (answer.status, answer.reason) == (422, "file: expected one file in the field 'file'")
    assert client.ask("POST", "separations", b"{}", Content_Type="application/json").status == 415
    body, kind = client.make_form({"file": ("a.wav", client.song)}, {})
    assert client.ask("POST", "separations", body[:-40], Content_Type=kind).status == 400
    assert client.ask("POST", "separations", b"--x--\r\n" * 10, Content_Type=kind).status == 400
    long = client.make_form({"file": ("a.wav", client.song)}, {"stems": "x" * 20_000})
    assert client.ask("POST", "separations", long[0], Content_Type=long[1]).status == 422
    many = client.make_form({"file": ("a.wav", client.song)}, {f"f{n}": "" for n in range(100)})
    assert client.ask("POST", "separations", many[0], Content_Type=many[1]).status == 422
    assert _is_clean(client)


def test_an_upload_that_goes_away_leaves_nothing(client: Client) -> None:
    body, kind = client.make_form({"file": ("a.wav", client.song)}, {})
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        connection.sendall(_head(client, kind, f"Content-Length: {len(body)}") + body[:5000])
        time.sleep(0.2)
    assert _is_clean(client)
    assert client.get("about").status == 200


def test_too_large_is_said_before_it_comes_and_cut_off_where_it_lied(start: Start) -> None:
    with start(max_upload_bytes=100_000) as client:
        assert client.send(client.song).status == 201
        answer = client.send(bytes(300_000))
        assert (answer.status, answer.json["error"]["code"]) == (413, "too_large")
        stated = _raw(client, _head(client, "multipart/form-data; boundary=x", "Content-Length: 5000000000"))
        assert b" 413 " in stated.split(b"\r\n")[0]
        assert b"connection: close" in stated.lower()
        # Without a length, in chunks, and it never ends.
        body, kind = client.make_form({"file": ("a.wav", client.song)}, {})
        head = _head(client, kind, "Transfer-Encoding: chunked")
        began = body[: body.index(b"RIFF")]
        sent = 0
        with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
            connection.sendall(head + b"%x\r\n%b\r\n" % (len(began), began))
            try:
                while sent < 100 * 2**20:
                    connection.sendall(b"10000\r\n" + bytes(2**16) + b"\r\n")
                    sent += 2**16
            except OSError:
                pass
        assert sent < 20 * 2**20  # what fits into the buffers on the way
        assert _is_clean(client)


def test_too_long_is_refused_by_what_the_file_says(start: Start) -> None:
    with start(max_duration_s=5.0) as client:
        answer = client.send(client.make_song(6.0, 1))
        assert (answer.status, answer.reason) == (413, "expected a song of at most 5 s, got 6 s or more")
        assert _is_clean(client)


def test_the_queue_has_an_end_and_says_when_to_come_back(start: Start) -> None:
    with start(max_queued=2) as client:
        client.behave("slow 100")
        first, second = client.send(client.song), client.send(client.song)
        assert (first.status, second.status) == (201, 201)
        third = client.send(client.song)
        assert (third.status, third.json["error"]["code"]) == (429, "queue_full")
        assert int(third.headers["retry-after"]) > 0
        client.ask("DELETE", f"separations/{second.json['id']}")
        assert client.send(client.song).status == 201
        assert _is_clean(client)


def test_a_full_disk_takes_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(max_disk_bytes=150_000) as client:
        answer = client.send(client.song)  # the stems would need 256 kB
        assert (answer.status, answer.json["error"]["code"]) == (507, "disk_full")
        assert client.send(client.song, stems="vocals").status == 201
        monkeypatch.setattr(home_module.shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 1000))
        answer = client.send(client.song, stems="vocals")
        assert answer.status == 507
        assert "delete some separations" in answer.reason or "no room" in answer.reason
        assert _is_clean(client)


def test_who_sends_too_slowly_is_let_go(start: Start) -> None:
    with start(header_s=0.5, body_s=0.5) as client:
        started = time.monotonic()
        assert _raw(client, b"GET /api/v1/about HTTP/1.1\r\nHost: 127") == b""
        assert time.monotonic() - started < 5
        body, kind = client.make_form({"file": ("a.wav", client.song)}, {})
        answer = _raw(client, _head(client, kind, f"Content-Length: {len(body)}") + body[:3000])
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b"too_slow" in answer
        assert _is_clean(client)
        # One that keeps the connection is not cut off after an answer, but for the head of its next request.
        with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
            for pause_s in (1.0, 0.0):
                connection.sendall(f"GET /api/v1/about HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
                answer = HTTPResponse(connection)
                answer.begin()
                assert answer.status == 200
                assert answer.read()
                time.sleep(pause_s)
            connection.sendall(b"GET /api")
            assert connection.recv(65536) == b""


def test_many_songs_at_once_are_not_mixed_up(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    songs = {f"song {n}": client.make_song(0.2, seed=n) for n in range(24)}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda item: client.send(item[1], f"{item[0]}.wav"), songs.items()))
    assert [answer.status for answer in answers] == [201] * len(songs)
    assert len({answer.json["id"] for answer in answers}) == len(songs)
    for answer in answers:
        done = client.wait(answer.json["id"])
        assert client.get(f"separations/{done['id']}/tracks/vocals").body == songs[done["title"]]


def test_a_home_serves_one_server(client: Client) -> None:
    from auralflow.errors import OutputError

    with pytest.raises(OutputError, match="another server uses this folder"), client.server.home.own():
        pass


def test_suffixes_are_ours(client: Client, tmp_path: Path) -> None:
    done = client.separate(client.song, "page.html")
    kept = client.server.folder(client.server.find(done["id"])).song
    assert kept.name == "song"
    answer = client.get(f"separations/{done['id']}/tracks/mixture")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
