"""The server: one process, one session, until Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp
from tqdm import tqdm

from seals_sim.errors import UserError
from seals_sim.label.loopback import is_loopback
from seals_sim.label.web.address import format_host, listen_again
from seals_sim.label.web.browser import opening_in_browser
from seals_sim.label.web.connections import MAX_CONNECTIONS, BoundedProtocol
from seals_sim.label.web.guard import Guard
from seals_sim.label.web.kept_token import KeptToken
from seals_sim.label.web.opening import Opening
from seals_sim.progress import follow
from seals_sim.search.learners import import_training

if TYPE_CHECKING:
    from seals_sim.label.concepts import Concepts
    from seals_sim.label.judge.judging import Judging
    from seals_sim.label.session import Session

_ANNOUNCED_AFTER = 1.0  # seconds without a session, after which the page is opened
_BROWSER_SECONDS = 5.0  # for a browser to start and request the page
_LOOK_SECONDS = 0.05


class PageServer:
    """The page, served by a thread, so that it is available while this thread prepares the session.

    The address is printed, and opened in a browser, when the session is ready, or after a second without one. So a
    table that is read quickly opens without a waiting page, and an immediate error opens none.
    """

    def __init__(
        self,
        opening: Opening,
        listening: socket.socket,
        guarded: ASGIApp,
        name: str,
        announce: Callable[[], None],
        opens_browser: bool,
    ) -> None:
        """Serve on a socket from now on.

        Args:
            opening: The application to serve.
            listening: The socket.
            guarded: The same application behind its guard.
            name: Name of the session, shown on the page.
            announce: Prints the address and opens it.
            opens_browser: Whether `announce` opens a browser.
        """
        self._opening, self._name, self._announce, self._opens_browser = opening, name, announce, opens_browser
        self._announced: float | None = None
        self._is_over = False
        self._problem: OSError | None = None
        self._lock = threading.Lock()
        self._server = uvicorn.Server(_configure(guarded))
        self._has_ended = threading.Event()  # after Ctrl-C, `join` treats a thread as ended
        threading.Thread(target=self._run, args=(listening,), name="page", daemon=True).start()
        self._timer = threading.Timer(_ANNOUNCED_AFTER, self._announce_once)
        self._timer.daemon = True
        self._timer.start()

    def serve(self, session: Session | Concepts, judging: Judging | None = None) -> None:
        """Serve a session until Ctrl-C, SIGTERM, or the end of the terminal (SIGHUP), and close it.

        Args:
            session: The session to label.
            judging: A judge that starts to answer now, and stops with the page.
        """
        try:
            from seals_sim.label.web.app import make_session_app

            with _taking_signals(self._take_signal):
                self._opening.show(make_session_app(session, self._name, judging))
                self._announce_once()
                if self._problem is not None:
                    raise self._problem
                import_training()  # before embedding takes the CPU: the first answers need it
                session.embed_in_background()
                if judging is not None:
                    judging.start()
                self._has_ended.wait()
        finally:
            self.stop()
            if judging is not None:
                judging.stop()
            session.close()

    def fail(self, error: str) -> None:
        """Show on the page, if one is open, why there will be no session."""
        self._timer.cancel()
        self._opening.fail(error)
        while not self._opening.is_told and self._is_awaited() and not self._has_ended.wait(_LOOK_SECONDS):
            pass

    def stop(self) -> None:
        """End the server once the calls in progress are answered; a second call changes nothing."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
        self._server.should_exit = True
        try:
            self._has_ended.wait()
        except KeyboardInterrupt:  # once more: now
            self._server.force_exit = True
            self._has_ended.wait()

    def _take_signal(self) -> None:
        self._server.force_exit = self._server.should_exit  # the second one: now
        self._server.should_exit = True

    def _is_awaited(self) -> bool:
        """Whether a page is open or being opened."""
        with self._lock:
            since = self._announced if self._opens_browser else None
        is_new = since is not None and not self._opening.was_seen and time.monotonic() - since < _BROWSER_SECONDS
        return self._opening.is_watched or is_new

    def _run(self, listening: socket.socket) -> None:
        try:
            self._server.run([listening])
        finally:
            self._has_ended.set()

    def _announce_once(self) -> None:
        with self._lock:
            if self._announced is None and not self._is_over:
                self._announced = time.monotonic()
                try:
                    self._announce()
                except OSError as error:  # stdout is closed; this may be the timer's thread
                    self._problem = error


@contextmanager
def open_page(
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = True,
    quiet: bool = False,
    name: str = "labels",
    allowed_hosts: Sequence[str] = (),
    token_beside: Path | None = None,
    explain: Callable[[BaseException], str | None] = str,
) -> Iterator[PageServer]:
    """Serve a page that shows the progress of the block's work, until the block serves a session.

    If a page is open, it shows an error of the block before the error is raised.

    Args:
        host: As for `serve`.
        port: As for `serve`.
        open_browser: As for `serve`.
        quiet: As for `serve`.
        name: As for `serve`.
        allowed_hosts: As for `serve`.
        token_beside: As for `serve`.
        explain: Turns what the block raises into a line; None: the page shows nothing.

    Raises:
        UserError: As for `serve`.
    """
    _require_no_event_loop()
    kept = KeptToken.make() if token_beside is None else KeptToken.read(token_beside)
    with ExitStack() as opened, follow() as progress:
        listening = opened.enter_context(listen_again(host, port, kept.port))
        bound_port: int = listening.getsockname()[1]
        token, once = kept.token, secrets.token_urlsafe(24)
        address = f"http://{format_host(host)}:{bound_port}/?token="

        def announce() -> None:
            if token_beside is not None:
                KeptToken(token, bound_port).save(token_beside)
            with tqdm.external_write_mode():  # not in the middle of a bar
                _print_address(address + token, host, quiet)
            if open_browser:
                opened.enter_context(opening_in_browser(address + once))

        opening = Opening(progress, name)
        guarded = Guard(opening, token, host, once if open_browser else None, allowed_hosts)
        page = PageServer(opening, listening, guarded, name, announce, open_browser)
        try:
            yield page
        except BaseException as error:
            line = explain(error)
            if line is not None:
                page.fail(line)
            raise
        finally:
            page.stop()


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

    The address, with its token, is printed on one line, alone if `quiet`. It can be used any number of times. The
    browser that is opened gets another token, which opens the page once.

    Args:
        session: The session to label.
        host: An address of this machine.
        port: 0 for a free one.
        open_browser: Open the address in a browser.
        quiet: Print only the address.
        name: The name shown on the page.
        allowed_hosts: More host names by which a browser may reach the page.
        token_beside: The session's file, next to which the token is stored, so that an open tab continues when the page
            is served again, at the same port if that is free. None: the token ends with this call.
        judging: A judge that starts to answer once the page is served, and stops with it.

    Raises:
        UserError: If the host or port cannot be used, or the caller runs in an event loop, as notebooks do.
    """
    is_open = False
    try:
        import_module("seals_sim.label.web.app")  # takes a second; a caller who reads the address may call at once
        with open_page(host, port, open_browser, quiet, name, allowed_hosts, token_beside) as page:
            is_open = True
            page.serve(session, judging)
    finally:
        if not is_open:
            session.close()


def _print_address(url: str, host: str, quiet: bool) -> None:
    if not is_loopback(host):
        print(
            f"warning: host {host}: anyone who can reach this machine and learns the address can read the texts and "
            "answer; the connection is not encrypted",
            file=sys.stderr,
        )
    print(url if quiet else f"label at {url} (Ctrl-C stops; every answer is saved)", flush=True)


@contextmanager
def _taking_signals(take: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP call a function instead of raising an exception.

    An interrupt that lands in code generated during an import would end the process as if uncaught, even if it is
    caught.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: take()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _configure(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="asyncio",
        log_config=None,  # uvicorn's default needs a stdout
        log_level="error",  # strangers who send nonsense cannot fill a log
        access_log=False,  # it would show the token
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        backlog=MAX_CONNECTIONS,  # asyncio accepts that many before it handles any
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )


def _require_no_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UserError("the page cannot be served from inside a running event loop; call it in a separate thread")
