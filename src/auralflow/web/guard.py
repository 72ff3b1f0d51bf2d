"""Who may speak with the server.

A page of another site can make a browser send requests to this machine, by its address or (DNS rebinding) by a name
that suddenly means this machine. So the Host must be a name that the server is known by, and whatever changes something
must come from its own page. Who is not on this machine needs the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import platform

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auralflow.web.refusal import answer
from auralflow.web.settings import API, LOOPBACK, ServeSettings

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Lets through what may pass, and adds the headers that keep a browser strict."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(API):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refuse(scope)
        if refusal is None:
            await self._app(scope, receive, send_strictly)
        else:
            status, reason = refusal
            response = answer(status, reason, {"connection": "close"})
            await response(scope, receive, send_strictly)

    def _refuse(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        port = (scope.get("server") or ("", 0))[1]
        if len(hosts) != 1 or not is_known_host(hosts[0], self._settings.host, port):
            return 403, "this server is not known by that name; open it by the address it printed"
        if scope["method"] not in ("GET", "HEAD") and _is_foreign(headers, hosts[0], scope["scheme"]):
            return 403, "this request comes from another site"
        if scope["path"].startswith(API) and not self.knows(headers):
            return 401, "expected the server's token; open the address that the server printed"
        return None

    def knows(self, headers: Headers) -> bool:
        """Whether a request has the token, where one is needed."""
        token = self._settings.token
        if token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and is_same(given.strip(), token):
            return True
        return is_same(cookie_parser(headers.get("cookie", "")).get(cookie_name(self._settings), ""), token)


def is_same(given: str, token: str) -> bool:
    """Compare in a time that tells nothing."""
    return hmac.compare_digest(given.encode(), token.encode())


def cookie_name(settings: ServeSettings) -> str:
    """Cookies do not tell ports apart."""
    return f"auralflow_{settings.port}"


def is_known_host(host: str, listens: str, port: int) -> bool:
    """Whether the Host of a request names this server.

    Example:
        >>> is_known_host("localhost:8377", "127.0.0.1", 8377), is_known_host("evil.example:8377", "127.0.0.1", 8377)
        (True, False)
    """
    name, stated = _split(host.lower())
    if stated != port:
        return False
    if listens in LOOPBACK:
        return name in LOOPBACK
    if name == listens.lower():
        return True
    if listens not in ("0.0.0.0", "::"):
        return False
    # An address is not looked up, so it cannot be bent to mean another machine.
    return name in (*LOOPBACK, *_own_names()) or _is_address(name)


def _split(host: str) -> tuple[str, int | None]:
    """Name and port; no port where it cannot be read."""
    name, colon, port = host.rpartition(":")
    if not colon or name.count(":") != host.count(":") - 1 or host.endswith("]"):
        name, port = host, "80"
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        return name, None
    return name.removeprefix("[").removesuffix("]") if name.startswith("[") else name, int(port)


def _own_names() -> tuple[str, ...]:
    name = platform.node().lower()
    return (name, f"{name}.local") if name else ()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_foreign(headers: Headers, host: str, scheme: str) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scheme}://{host.lower()}":
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
