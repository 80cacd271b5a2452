"""Admission of requests: only those of the page itself, which knows the token, reach the API.

A local server can be reached by every program and every web page that the user has open. Programs of other users and
foreign pages do not know the token. A foreign page that tries is also recognized by its Origin; one that has bound its
own host name to 127.0.0.1 (DNS rebinding), by the Host.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from archnet.studio.requests.static_files import refusal_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_REQUESTS: Final = 64
"""Maximum number of requests at once; others are answered with 503."""

HOSTS: Final = ("127.0.0.1", "localhost")

PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of all answers but reports."""

_NO_TOKEN: Final = "The token is missing or invalid. Open the address that `archnet studio` printed when it started."

_HEADERS: Final = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The secret of one start of the server."""

    text: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def matches(self, given: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.text.encode())

    @property
    def static_key(self) -> str:
        """Part of the addresses of the page's own files, which a browser requests without headers."""
        return hashlib.sha256(f"static {self.text}".encode()).hexdigest()[:32]


class Tickets:
    """One-time keys for pages that open in a new tab.

    At most `MAX_TICKETS` are valid; a new one replaces the oldest.
    """

    MAX_TICKETS: Final = 16

    def __init__(self) -> None:
        self._values: OrderedDict[str, Any] = OrderedDict()

    def issue(self, value: Any) -> str:
        """Return a new key for a value."""
        ticket = secrets.token_urlsafe(32)
        self._values[ticket] = value
        if len(self._values) > self.MAX_TICKETS:
            self._values.popitem(last=False)
        return ticket

    def redeem(self, ticket: str) -> Any:
        """Return the value of a key, which becomes invalid; None for an unknown key."""
        return self._values.pop(ticket, None)


class RequestGuard:
    """ASGI middleware: rejects foreign and excess requests, and adds security headers.

    Args:
        app: The application.
        token: The token of this start.
        port: Port of the server, for the Host and the Origin.
    """

    def __init__(self, app: ASGIApp, token: AccessToken, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = tuple(f"{host}:{port}" for host in HOSTS)
        self._num_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            is_page = scope["path"] == "/" and refusal[0] == 401
            await _send_refusal(_add_headers(send), *refusal, is_page=is_page)
            return
        self._num_requests += 1
        try:
            await self._app(scope, receive, _add_headers(send))
        finally:
            self._num_requests -= 1

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and message for a request that is not admitted."""
        headers = _Headers(scope["headers"])
        hosts, origins = headers.values("host"), headers.values("origin")
        if hosts not in [[own] for own in self._hosts]:
            return 403, f"The Host must be {self._hosts[0]} or {self._hosts[1]}."
        if any(origin.removeprefix("http://") not in self._hosts or "//" not in origin for origin in origins):
            return 403, "Requests from other web pages are rejected."
        is_page = scope["path"] == "/" and scope["method"] == "GET"  # a link to it may be in a terminal in a browser
        sites = headers.values("sec-fetch-site")
        if any(site not in ("same-origin", "none") for site in sites) and not is_page:
            return 403, "Requests from other web pages are rejected."
        if not self._has_token(scope, headers):
            return 401, _NO_TOKEN
        if self._num_requests >= MAX_REQUESTS:
            return 503, f"More than {MAX_REQUESTS} concurrent requests. Try again."
        return None

    def _has_token(self, scope: Scope, headers: _Headers) -> bool:
        """Whether a request has the token, or the key that stands for it at its address."""
        path = scope["path"]
        if path.startswith(("/report/", "/launch/")):
            return True  # the ticket in the address is redeemed by its handler
        if path.startswith("/static/"):
            return hmac.compare_digest(path.split("/")[2].encode("utf-8", "replace"), self._token.static_key.encode())
        if path == "/":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            return [self._token.matches(text) for text in given] == [True]
        given = headers.values("authorization")
        return [text[:7].lower() == "bearer " and self._token.matches(text[7:]) for text in given] == [True]


@dataclass(frozen=True, slots=True)
class _Headers:
    """The headers of a request."""

    pairs: Sequence[tuple[bytes, bytes]]

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value.decode("latin-1") for key, value in self.pairs if key == name.encode()]


def _add_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in message["headers"]}
            merged: Mapping[str, str] = {**_HEADERS, **given}
            message["headers"] = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in merged.items()]
        await send(message)

    return send_with_headers


def page_policy(style_nonce: str) -> str:
    """The policy of the page itself, whose editor writes styles into it that have a nonce."""
    return f"{PAGE_POLICY}; style-src 'self' 'nonce-{style_nonce}'"


async def _send_refusal(send: Send, status: int, message: str, *, is_page: bool) -> None:
    body = refusal_page(message) if is_page else json.dumps({"error": message}, ensure_ascii=False).encode()
    headers = {"content-type": "text/html; charset=utf-8" if is_page else "application/json"}
    headers |= {"content-length": str(len(body))}
    headers |= {"retry-after": "1"} if status == 503 else {"www-authenticate": "Bearer"} if status == 401 else {}
    pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
