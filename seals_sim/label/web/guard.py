"""Who may call the page: a browser on it that was given the token, and nobody else.

Other pages in the same browser can reach a server on this machine too. A foreign name made to point here (DNS
rebinding) shows in the Host header, a foreign page in Origin or Sec-Fetch-Site, and neither knows the token.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket

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
_NO_TOKEN = "Open this page with the address that the program printed, including the token.\n"
_MOVED = '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0; url=/"><title>Labels</title></html>'


class Guard:
    """Passes a call on to `app`, or refuses it with one plain line; sets the security headers of every reply.

    Args:
        app: The application.
        token: What a caller must know, in a cookie or a header.
        host: Where the page is served.
        port: Where the page is served.
    """

    def __init__(self, app: ASGIApp, token: str, host: str, port: int) -> None:
        self._app, self._token, self._port = app, token, port
        self._cookie = f"seals-{port}"  # cookies of all ports of a machine are sent to each of them
        self._names = {host.lower(), "127.0.0.1", "localhost", "::1"}
        self._is_any = host in ANY
        if self._is_any:
            self._names.add(socket.gethostname().lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reply = self._intercept(Request(scope)) or self._app
        await reply(scope, receive, send_with_headers)

    def _intercept(self, request: Request) -> Response | None:
        """The reply in place of the application's, if any."""
        headers = request.headers
        host = headers.get("host", "")
        is_page = request.url.path == "/" and request.method == "GET"
        if not self._is_ours(host):
            return _refuse(f"This page is not served at {host:.100}.\n")
        if headers.get("origin", f"http://{host}").lower() != f"http://{host}".lower():
            return _refuse("Pages from other origins may not call this one.\n")
        if not is_page and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _refuse("Other pages may not call this one.\n")
        given = request.query_params.get("token")
        if is_page and given is not None:
            return self._let_in(request) if self._is_token(given) else _refuse(_NO_TOKEN)
        if not self._is_token(headers.get("x-token") or request.cookies.get(self._cookie, "")):
            return _refuse(_NO_TOKEN)
        return None

    def _let_in(self, request: Request) -> Response:
        """Go on to the page without the token, which then stays in no history.

        A browser that follows a link from another site sends no strict cookie along a redirect, so it gets a page that
        reloads.
        """
        is_by_link = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        response: Response = HTMLResponse(_MOVED) if is_by_link else RedirectResponse("/", status_code=303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return response

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _is_ours(self, host: str) -> bool:
        name, port = _split(host)
        if port != self._port:
            return False
        return name in self._names or (self._is_any and _is_address(name))


def _split(host: str) -> tuple[str, int]:
    """The name, in lower case and without the brackets of IPv6, and the port."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "80"
    return name.strip("[]").lower(), int(port) if port.isascii() and port.isdecimal() else -1


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refuse(line: str) -> Response:
    return PlainTextResponse(line, status_code=403)
