"""Lets only a browser that has the token call the page.

Other pages in the same browser can also reach a server on this machine. A foreign name made to point here (DNS
rebinding) shows in the Host header, a foreign page in Origin or Sec-Fetch-Site, and neither knows the token. The Host
header may have any port: at the browser's end of an SSH tunnel it differs.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ANY = ("0.0.0.0", "::")  # hosts that stand for all addresses of this machine
MAX_BODY = 65_536  # bytes; an answer has some fifty
_CLOSING = (403, 413)
_NO_TOKEN = "Open this page with the address that the program printed, including the token.\n"
_MOVED = (
    '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0; url={place}"><title>Labels</title></html>'
)


class Guard:
    """Passes a call on to `app`, or refuses it with one plain line; sets the security headers of every reply.

    A browser exchanges the token in the address for a cookie with another secret: a cookie goes to every port of the
    machine, and so must not give away the printed token. The secret is derived from the token and is valid as long.

    Args:
        app: The application.
        token: The token that a caller must know, in the address of the page or in a header. It can be reused.
        host: The host that serves the page.
        once: Another token, for one use in the address of the page.
        allowed_hosts: More host names by which a browser may reach the page.
    """

    def __init__(
        self, app: ASGIApp, token: str, host: str, once: str | None = None, allowed_hosts: Sequence[str] = ()
    ) -> None:
        self._app, self._token, self._once = app, token, once
        self._cookie_secret = hmac.new(token.encode(), b"cookie", "sha256").hexdigest()
        self._allowed = {name.strip("[]").lower() for name in allowed_hosts}
        self._names = {host.strip("[]").lower(), "127.0.0.1", "localhost", "::1", *self._allowed}
        self._is_any = host in ANY
        if self._is_any:
            self._names.add(socket.gethostname().lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if message["status"] in _CLOSING:  # a refused caller keeps no connection
                    headers["Connection"] = "close"
            await send(message)

        request = Request(scope)
        reply = self._intercept(request)
        if reply is None:
            body = await _read_body(request, receive)
            if body is not None:
                await self._app(scope, body, send_with_headers)
                return
            reply = PlainTextResponse(f"The call is longer than {MAX_BODY:,} bytes.\n", status_code=413)
        await reply(scope, receive, send_with_headers)

    def _intercept(self, request: Request) -> Response | None:
        """The reply instead of the application's, if any."""
        headers = request.headers
        host = headers.get("host", "")
        is_page = request.url.path == "/" and request.method == "GET"
        name, port = _split(host)
        if port is None or not self._is_ours(name):
            return _refuse(f"This page is not served at {host:.100}.\n")
        if "origin" in headers and not self._is_our_origin(headers["origin"], host):
            return _refuse("Pages from other origins may not call this one.\n")
        if not is_page and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _refuse("Other pages may not call this one.\n")
        cookie = f"seals-{port}"  # the port on the browser's side of a tunnel: every port gets the cookies of all ports
        given = request.query_params.get("token")
        if is_page and given is not None:
            return self._let_in(request, cookie) if self._takes(given) else _refuse(_NO_TOKEN)
        token, secret = headers.get("x-token"), request.cookies.get(cookie, "")
        if not (_is_same(secret, self._cookie_secret) if token is None else _is_same(token, self._token)):
            return _refuse(_NO_TOKEN)
        return None

    def _is_our_origin(self, origin: str, host: str) -> bool:
        """Whether a call comes from the page itself: by http, or by https if a proxy is in front of the page."""
        scheme, _, place = origin.lower().partition("://")
        is_proxy = scheme == "https" and _split(host)[0] in self._allowed
        return (scheme == "http" or is_proxy) and place == host.lower()

    def _takes(self, given: str) -> bool:
        if self._once is not None and _is_same(given, self._once):
            self._once = None
            return True
        return _is_same(given, self._token)

    def _let_in(self, request: Request, cookie: str) -> Response:
        """Redirect to the page without the token, which then is in no history.

        A browser that follows a link from another site sends no strict cookie along a redirect, so it gets a page that
        reloads.
        """
        name = request.query_params.get("name")
        place = "/" if name is None else f"/?{urlencode({'name': name})}"
        is_by_link = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        response: Response = (
            HTMLResponse(_MOVED.format(place=place)) if is_by_link else RedirectResponse(place, status_code=303)
        )
        response.set_cookie(cookie, self._cookie_secret, httponly=True, samesite="strict", path="/")
        return response

    def _is_ours(self, name: str) -> bool:
        return name in self._names or (self._is_any and _is_address(name))


async def _read_body(request: Request, receive: Receive) -> Receive | None:
    """Read the body of a call and return a receiver that replays it; None if the body is too long."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > MAX_BODY:
        return None
    content, is_whole = b"", False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        content += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if len(content) > MAX_BODY:
            return None
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}] if is_whole else []

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _is_same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(), secret.encode())


def _split(host: str) -> tuple[str, int | None]:
    """The host name, in lower case and without IPv6 brackets, and the port, or None if it is invalid.

    Examples:
        >>> _split("LocalHost:9999"), _split("[::1]"), _split("localhost:x")
        (('localhost', 9999), ('::1', 80), ('localhost', None))
    """
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "80"
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5
    return name.strip("[]").lower(), int(port) if is_port else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refuse(line: str) -> Response:
    return PlainTextResponse(line, status_code=403)
