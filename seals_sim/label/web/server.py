"""The server: one process, one session, until Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import signal
import socket
import sys
import threading
import webbrowser

import uvicorn

from seals_sim.errors import UserError
from seals_sim.label.session import Session
from seals_sim.label.web.app import make_app
from seals_sim.label.web.guard import ANY


def serve(
    session: Session,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = True,
    quiet: bool = False,
    name: str = "labels",
) -> None:
    """Serve the page until Ctrl-C or SIGTERM; the session is closed then.

    port: 0 for one that is free; name: shown on the page. The address, with its token, is printed in a line, with
    `quiet` alone in it. Raises UserError where the port cannot be used.
    """
    try:
        with _bound(host, port) as listening:
            found: int = listening.getsockname()[1]
            token = secrets.token_urlsafe(24)
            url = f"http://{_shown(host)}:{found}/?token={token}"
            if not _is_loopback(host):
                print(
                    f"warning: --host {host}: whoever can reach this machine and learns the address can read the texts "
                    "and answer; it travels unencrypted",
                    file=sys.stderr,
                )
            print(url if quiet else f"label at {url} (Ctrl-C stops; every answer is kept)", flush=True)
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            _run(make_app(session, token, host, found, name), listening)
    finally:
        session.close()


def _run(app: object, listening: socket.socket) -> None:
    """uvicorn ends on either signal and then hands it on, to what stood there before."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,  # it would show the token
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if is_main else None
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


def _bound(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UserError(f"--port {port}: must be between 0 and 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {host}: no such address on this machine") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"--port {port}: is in use; choose another, or 0 for one that is free") from error
        if error.errno == errno.EACCES:
            raise UserError(f"--port {port}: may not be used; choose one from 1024 on, or 0") from error
        raise UserError(f"--host {host}: cannot be used ({error.strerror})") from error
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    """As it stands in an address."""
    if host in ANY:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
