"""The server: one process, one session, until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import html
import secrets
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import uvicorn

from seals_sim.errors import UserError
from seals_sim.label.concepts import Concepts
from seals_sim.label.judge.judging import Judging
from seals_sim.label.loopback import is_loopback
from seals_sim.label.session import Session
from seals_sim.label.web.app import make_app
from seals_sim.label.web.connections import MAX_CONNECTIONS, BoundedProtocol
from seals_sim.label.web.guard import ANY
from seals_sim.label.web.kept_token import KeptToken
from seals_sim.search.learners import import_training

_SENT_ON = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0; url={url}"><title>Labels</title>'
    '<a href="{url}">Go on to the page</a></html>'
)


def serve(
    session: Session | Concepts,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = True,
    quiet: bool = False,
    name: str = "labels",
    allowed_hosts: Sequence[str] = (),
    token_beside: Path | None = None,
    judging: Judging | None = None,
) -> None:
    """Serve the page until Ctrl-C, SIGTERM, or the end of the terminal (SIGHUP), and close the session.

    The address, with its token, is printed on a line; nothing else is on it if `quiet`. It can be used as often as one
    likes. The browser that is opened gets another token, which opens the page once.

    Args:
        session: To be labeled.
        host: An address of this machine.
        port: 0 for a free one.
        open_browser: Open the address in a browser.
        quiet: Print the address only.
        name: Shown on the page.
        allowed_hosts: More names that a browser may reach the page by.
        token_beside: The session's file, beside which the token is kept, so that an open tab goes on when the page is
            served again; at the same port, where that is free. None: the token ends with this call.
        judging: A judge that begins to answer once the page is served, and is stopped with it.

    Raises:
        UserError: Where the host or port cannot be used, or the caller runs in an event loop, as notebooks do.
    """
    try:
        _require_no_event_loop()
        kept = KeptToken.make() if token_beside is None else KeptToken.read(token_beside)
        with _stopped_by_signals(), _listen_again(host, port, kept.port) as listening:
            bound_port: int = listening.getsockname()[1]
            token, once = kept.token, secrets.token_urlsafe(24)
            if token_beside is not None:
                KeptToken(token, bound_port).save(token_beside)
            address = f"http://{_format_host(host)}:{bound_port}/?token="
            url = address + token
            if not is_loopback(host):
                print(
                    f"warning: host {host}: anyone who can reach this machine and learns the address can read the "
                    "texts and answer; the connection is not encrypted",
                    file=sys.stderr,
                )
            print(url if quiet else f"label at {url} (Ctrl-C stops; every answer is saved)", flush=True)
            session.embed_in_background()
            if judging is not None:
                judging.start()
            app = make_app(session, token, host, name, once if open_browser else None, allowed_hosts, judging)
            threading.Thread(target=import_training, daemon=True).start()  # the page comes up meanwhile
            with _opening_in_browser(address + once) if open_browser else nullcontext():
                _run(app, listening)
    finally:
        if judging is not None:
            judging.stop()
        session.close()


@contextmanager
def _opening_in_browser(url: str) -> Iterator[None]:
    """Open an address that is nobody else's business, in a browser.

    Other users of the machine see the words that a program is started with. So the browser is started with a file that
    only we can read, in a folder that only we can enter, and which sends it on.
    """
    with tempfile.TemporaryDirectory(prefix="seals-") as folder:
        file = Path(folder) / "open.html"
        file.touch(0o600)
        file.write_text(_SENT_ON.format(url=html.escape(url)), encoding="ascii")
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does: without an error.

    While uvicorn runs, it handles SIGTERM itself and finishes the calls under way first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, signal.default_int_handler)}
    if hasattr(signal, "SIGHUP"):
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(app: object, listening: socket.socket) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=BoundedProtocol,
        loop="asyncio",
        log_config=None,  # uvicorn's own needs a stdout
        log_level="error",  # a stranger who sends nonsense fills no log
        access_log=False,  # it would show the token
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        backlog=MAX_CONNECTIONS,  # asyncio accepts that many before it looks at any
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _require_no_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UserError("the page cannot be served from inside a running event loop; call it in a thread of its own")


def require_address(host: str, port: int) -> None:
    """Check that the page can be served there, before long work begins.

    Args:
        host: An address of this machine.
        port: 0 for a free one.

    Raises:
        UserError: Where it cannot.
    """
    _listen(host, port).close()


def _listen_again(host: str, port: int, last_port: int) -> socket.socket:
    """Where any port will do, that of the last time, at which a tab may be waiting."""
    if port == 0 and last_port:
        with suppress(UserError):  # another program has it now
            return _listen(host, last_port)
    return _listen(host, port)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UserError("must be between 0 and 65535", parameter="port", value=port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UserError("not an address of this machine", parameter="host", value=host) from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError("is in use; choose another, or 0 for a free one", parameter="port", value=port) from error
        if error.errno == errno.EACCES:
            raise UserError("needs root; choose one from 1024 up, or 0", parameter="port", value=port) from error
        raise UserError(f"cannot be used ({error.strerror})", parameter="host", value=host) from error
    return listening


def _format_host(host: str) -> str:
    """The host as it appears in an address."""
    if host in ANY:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
