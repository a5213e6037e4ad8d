"""What the page's address serves: progress while the table is being prepared, and then the session.

It is one application from the start, behind one guard. Calls for the session get 503 until it is ready.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from seals_sim.label.web.plain import PlainJson, send_page, send_static
from seals_sim.progress import Progress, Step

PLACE = "/api/opening"
_RETRY_AFTER = 1  # seconds
_POLL = 2.0  # seconds within which an open page asks again
_HELD, _LOOK = 0.5, 0.1  # seconds that the reply is held, so that a page in a hidden tab needs no timer
_LEAST_SHOWN = 0.5  # shorter steps, in seconds, are not listed when they are done


class Opening:
    """The application: first the waiting page, then the page of the session.

    Attributes:
        was_seen: Whether the page was ever asked for.
        is_told: Whether a page has been told the error.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        """Show some progress.

        Args:
            progress: The progress of the thread that prepares the session.
            name: Name of the session, shown on the page.
        """
        self._progress, self._name = progress, name
        self._session: ASGIApp | None = None
        self._error: str | None = None
        self.was_seen = self.is_told = False
        self._seen = 0.0
        self._waiting = Starlette(
            routes=[
                Route("/", self._send_page),
                Route(PLACE, self._describe),
                Route("/static/{file}", self._send_static),
            ],
            exception_handlers={404: self._refuse, 405: self._refuse},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._waiting if self._session is None or scope["path"] == PLACE else self._session
        await app(scope, receive, send)

    def show(self, session: ASGIApp) -> None:
        """Switch to the session, which is ready."""
        self._session = session

    def fail(self, error: str) -> None:
        """Show on the page why there will be no session."""
        self._error = error

    @property
    def is_watched(self) -> bool:
        """Whether a page is open that will ask again."""
        return self._session is None and self.was_seen and time.monotonic() - self._seen < _POLL

    async def _send_page(self, request: Request) -> Response:
        self._note_seen()
        return send_page("opening.html")

    async def _send_static(self, request: Request) -> Response:
        return send_static(request.path_params["file"])

    async def _describe(self, request: Request) -> Response:
        self._note_seen()
        deadline = time.monotonic() + _HELD if "again" in request.query_params else 0.0
        while self._error is None and self._session is None and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK)
        error, steps = self._error, self._progress.steps
        shown = [step for step in steps if step.ended is None or step.seconds >= _LEAST_SHOWN]
        self.is_told = error is not None
        return PlainJson(
            {
                "name": self._name,
                "is_ready": self._session is not None,
                "error": error,
                "steps": [_describe_step(step) for step in shown],
            }
        )

    def _note_seen(self) -> None:
        self.was_seen, self._seen = True, time.monotonic()

    async def _refuse(self, request: Request, error: Exception) -> Response:
        last = self._progress.steps[-1:]
        doing = f" ({last[0].name})" if last else ""
        words = self._error or f"the table is being prepared{doing}"
        return PlainJson({"error": words}, status_code=503, headers={"Retry-After": str(_RETRY_AFTER)})


def _describe_step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "total": step.total,
        "done": step.done,
        "unit": step.unit,
        "is_done": step.ended is not None,
        "seconds": step.seconds,
        "seconds_left": step.estimate_left(),
    }
