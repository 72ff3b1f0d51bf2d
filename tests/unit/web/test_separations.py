"""The list and the queue: what happens to songs, told as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from auralflow.web.settings import API

if TYPE_CHECKING:
    from .conftest import Client, Start


@contextmanager
def listen(client: Client) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a server, as they come."""
    connection = HTTPConnection("127.0.0.1", client.port, timeout=30)
    connection.request("GET", f"{API}/events")
    response = connection.getresponse()
    assert response.headers["content-type"].startswith("text/event-stream")
    try:
        yield _read(response)
    finally:
        connection.close()


def _read(response: HTTPResponse) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in map(bytes.decode, response):
        if line.startswith("event: "):
            kind = line[7:].strip()
        elif line.startswith("data: "):
            yield kind, json.loads(line[6:])


def test_events_begin_with_all_and_tell_each_change(start: Start) -> None:
    with start() as client:
        client.behave("slow 20")
        first = client.send(client.song, "a.wav").json["id"]
        client.wait(first, "running")
        with listen(client) as events:
            kind, values = next(events)
            assert kind == "snapshot"
            assert [item["id"] for item in values["items"]] == [first]
            second = client.send(client.song, "b.wav").json["id"]
            heard: dict[str, list[Any]] = {first: [], second: []}
            for kind, values in events:
                assert kind == "separation"
                heard[values["id"]].append(values)
                if values["id"] == second and values["state"] == "done":
                    break
            client.ask("DELETE", f"separations/{first}")
            assert next(events) == ("removed", {"id": first})
        states = [item["state"] for item in heard[second]]
        assert list(dict.fromkeys(states)) == ["queued", "running", "done"]
        running = [item for item in heard[second] if item["state"] == "running"]
        assert len(running) > 2
        fractions = [item["progress"] for item in running]
        assert fractions == sorted(fractions)
        assert all(0 <= fraction < 1 for fraction in fractions)
        assert any(item["eta_s"] for item in running)
        assert heard[second][0]["position"] == 1
        with listen(client) as events:
            assert [item["id"] for item in next(events)[1]["items"]] == [second]


def test_one_bad_song_fails_alone_in_one_plain_line(start: Start) -> None:
    with start() as client:
        client.behave("refuse")
        bad = client.wait(client.send(client.song, "bad.wav").json["id"], "failed")
        assert bad["error"] == "bad: cannot be separated on the server"
        client.behave("crash")
        worse = client.wait(client.send(client.song, "worse.wav").json["id"], "failed")
        assert worse["error"] == "its worker process ended with exit code 3, twice; not tried again"
        client.behave("copy")
        assert client.separate(client.song)["state"] == "done"
        again = client.post(f"separations/{bad['id']}/retry")
        assert (again.status, again.json["error"]) == (200, None)
        assert client.wait(bad["id"])["state"] == "done"
        assert client.post(f"separations/{bad['id']}/retry").status == 409


def test_a_worker_that_is_killed_costs_one_try(start: Start) -> None:
    with start() as client:
        client.behave("slow 60")
        key = client.send(client.song).json["id"]
        while client.wait(key, "running")["progress"] == 0:
            time.sleep(0.02)
        children = psutil.Process().children()
        (worker,) = [child for child in children if child.cmdline()[-1] == "copying_worker"]
        worker.kill()
        client.behave("copy")
        assert client.wait(key)["error"] is None


def test_cancel_stops_one_song_and_the_next_one_begins(start: Start) -> None:
    with start() as client:
        client.behave("slow 2000")
        running, waiting = client.send(client.song).json["id"], client.send(client.song).json["id"]
        client.wait(running, "running")
        assert client.get(f"separations/{waiting}").json["position"] == 1
        answer = client.post(f"separations/{running}/cancel")
        assert (answer.status, answer.json["state"]) == (200, "cancelled")
        client.behave("copy")
        client.wait(waiting)
        assert client.post(f"separations/{running}/cancel").status == 409
        assert client.post(f"separations/{waiting}/cancel").status == 409
        assert client.post(f"separations/{running}/retry").status == 200
        client.wait(running)


def test_deleting_what_runs_stops_it_and_leaves_nothing(start: Start) -> None:
    with start() as client:
        client.behave("slow 2000")
        running = client.send(client.song).json["id"]
        client.wait(running, "running")
        assert client.ask("DELETE", f"separations/{running}").status == 204
        assert client.get(f"separations/{running}").status == 404
        assert client.ask("DELETE", f"separations/{running}").status == 404
        client.behave("copy")
        other = client.separate(client.song)["id"]
        assert [path.name for path in client.server.home.separations.iterdir()] == [other]
        assert not list(client.server.home.leaving.iterdir())
        assert client.get("about").json["disk"]["used_bytes"] == client.get(f"separations/{other}").json["size_bytes"]


def test_the_list_survives_a_restart_and_what_ran_runs_again(start: Start) -> None:
    with start() as client:
        done = client.separate(client.song, "done.wav")["id"]
        client.behave("slow 2000")
        running = client.send(client.song, "running.wav").json["id"]
        waiting = client.send(client.song, "waiting.wav").json["id"]
        client.wait(running, "running")
        (client.server.home.separations / "orphan").mkdir()
        (client.server.home.incoming / "half").write_bytes(b"x")
    with start() as client:
        assert not list(client.server.home.incoming.iterdir())
        assert not (client.server.home.separations / "orphan").exists()
        listed = client.get("separations").json["items"]
        assert [item["title"] for item in listed] == ["waiting", "running", "done"]
        assert client.get(f"separations/{done}/tracks/vocals").body == client.song
        client.behave("copy")
        client.post(f"separations/{running}/cancel")
        client.wait(waiting)


def test_the_list_comes_in_pages(client: Client) -> None:
    sent = [client.send(client.song).json["id"] for _ in range(5)]
    first = client.get("separations?limit=2").json
    second = client.get(f"separations?limit=2&before={first['next']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == sent[::-1][:4]
    assert client.get("separations?limit=500").json["next"] is None
    for wrong in ("limit=0", "limit=1000", "limit=x", "before=x", "before=-1"):
        answer = client.get(f"separations?{wrong}")
        assert (answer.status, answer.json["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "key", ["none", "..", "%2e%2e", "..%2f..%2fetc", "%00", "x" * 5000, "';%20DROP%20TABLE%20separation"]
)
def test_what_is_not_there_is_not_found(client: Client, key: str) -> None:
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/tracks/a"), ("POST", "/cancel")):
        assert client.ask(method, f"separations/{key}{rest}").status in (404, 405), (method, rest)
    assert client.get("separations").status == 200


def test_about_and_models(client: Client) -> None:
    give_up = time.monotonic() + 30
    while client.get("about").json["device"] != "a copying machine":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    about = client.get("about").json
    assert about["limits"]["max_queued"] == 1000
    assert about["disk"]["free_bytes"] > 0
    assert "stem.mp4" in about["formats"]
    models = client.get("models").json
    assert models[0]["is_default"]
    here = [model["is_here"] for model in models]
    assert here == sorted(here, reverse=True)
    assert client.get("openapi.json").json["info"]["title"] == "Auralflow"


def test_a_page_of_old_makes_no_defect(client: Client) -> None:
    """What the framework itself refuses has the one form too."""
    for method, path, status in (
        ("PUT", "separations", 405),
        ("GET", "nothing", 404),
        ("POST", "separations/x/mix", 422),
    ):
        answer = client.ask(method, path)
        assert answer.status == status
        assert set(answer.json["error"]) == {"code", "message"}
