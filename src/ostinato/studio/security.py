"""Who may ask the server: this machine's own pages, or whoever has the token.

A page of another site can make a browser send requests to 127.0.0.1, and a name of its own can
lead there (DNS rebinding). So the Host and the Origin of each request are checked. Headers keep
the page from loading anything from elsewhere.
"""

import hmac
import secrets
from collections.abc import Iterable
from http.cookies import SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostinato.studio.schemas import LARGEST_BODY

COOKIE = "ostinato_studio"
POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address that a server is bound to."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def make_token() -> str:
    """Return a new secret."""
    return secrets.token_urlsafe(24)


def _error(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status)


class Guard:
    """Refuses requests of strangers and bodies that are too long; adds headers to answers.

    hosts: the names, without a port, by which the server may be called; empty for any, where a
    token is needed. token: None where none is.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], token: str | None) -> None:
        self.app, self.hosts, self.token = app, frozenset(hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, self._with_headers(send))
            return
        await self.app(scope, _limited(receive), self._with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.hosts and _name(host) not in self.hosts:
            return _error(f"The studio is not called {host[:100]}: use the printed address.", 403)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _error("This request comes from a page of another site.", 403)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return _error("This request comes from a page of another site.", 403)
        if int(headers.get("content-length", "0") or 0) > LARGEST_BODY:
            return _too_long()
        return self._check_token(scope, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        if self.token is None:
            return None
        [given] = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[:1]
        if scope["path"] == "/" and self._is_right(given):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return answer
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_right(cookie.value if cookie else "") or self._is_right(bearer):
            return None
        return _error("The studio needs its token: open the address that it has printed.", 401)

    def _is_right(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        return sending


class TooLongError(Exception):
    """A body that is longer than it may be."""


def _too_long() -> Response:
    return _error(f"This request is longer than {LARGEST_BODY // 2**20} MiB.", 413)


def _limited(receive: Receive) -> Receive:
    """Return what receives a body up to its limit, also where no length was said."""
    total = 0

    async def receiving() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > LARGEST_BODY:
            raise TooLongError
        return message

    return receiving


def _name(host: str) -> str:
    """Return the name of a host header, without its port."""
    return urlsplit(f"//{host}").hostname or ""
