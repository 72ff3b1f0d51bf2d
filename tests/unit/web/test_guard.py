"""Who is let in: known hosts, the own page, the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auralflow.web.guard import is_known_host

if TYPE_CHECKING:
    from .conftest import Client, Start

TOKEN = "a-long-secret"


@pytest.mark.parametrize(
    ("host", "listens", "known"),
    [
        ("127.0.0.1:80", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("LOCALHOST:80", "127.0.0.1", True),
        ("[::1]:80", "::1", True),
        ("[::1]", "127.0.0.1", True),
        ("localhost:81", "127.0.0.1", False),
        ("evil.example", "127.0.0.1", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("127.0.0.1.evil.example:80", "127.0.0.1", False),
        ("evil.example:80:80", "127.0.0.1", False),
        ("localhost:", "127.0.0.1", False),
        ("localhost:0x50", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("192.168.1.5", "127.0.0.1", False),
        ("192.168.1.5", "0.0.0.0", True),
        ("[fe80::1]:80", "::", True),
        ("evil.example", "0.0.0.0", False),
        ("studio.lan", "studio.lan", True),
        ("other.lan", "studio.lan", False),
    ],
)
def test_hosts(host: str, listens: str, known: bool) -> None:
    assert is_known_host(host, listens, 80) is known


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/v1/about", "/api/v1/openapi.json"])
def test_a_name_that_was_bent_to_this_machine_gets_nothing(client: Client, path: str) -> None:
    answer = client.get(path, Host=f"evil.example:{client.port}")
    assert answer.status == 403
    assert answer.json["error"]["code"] == "forbidden"
    assert client.get(path, Host=f"localhost:{client.port}").status != 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Origin": "http://127.0.0.1:PORT"}, 404),
        ({"Origin": "http://localhost:PORT"}, 403),
        ({"Origin": "https://127.0.0.1:PORT"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 404),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("DELETE", "separations/x"), ("POST", "separations/x/cancel")])
def test_only_the_own_page_may_change_something(
    client: Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.replace("PORT", str(client.port)) for name, value in headers.items()}
    assert client.ask(method, path, **sent).status == status


def test_answers_keep_a_browser_strict(client: Client) -> None:
    for path in ("/", "/api/v1/about", "/api/v1/none", "/static/none"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_preflight_of_another_site_gets_no_leave(client: Client) -> None:
    answer = client.ask("OPTIONS", "separations", Origin="http://evil.example", Access_Control_Request_Method="POST")
    assert answer.status == 403


def test_without_the_token_there_is_nothing(start: Start) -> None:
    with start(token=TOKEN) as client:
        client.token = None
        for path in ("about", "models", "separations", "events", "openapi.json"):
            assert client.get(path).status == 401, path
        assert client.get("about", Authorization="Bearer wrong-secret").status == 401
        assert client.get("about", Authorization=f"Basic {TOKEN}").status == 401
        assert client.get("about", Authorization=f"Bearer {TOKEN}").json["needs_token"] is True
        wrong = client.get("/?token=wrong-secret")
        assert (wrong.status, "set-cookie" in wrong.headers) == (401, False)
        opened = client.get(f"/?token={TOKEN}")
        assert (opened.status, opened.headers["location"]) == (303, "/")
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert client.get("about", Cookie=cookie.partition(";")[0]).status == 200
