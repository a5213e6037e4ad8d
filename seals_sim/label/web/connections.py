"""Limits on connections, so that strangers cannot use up what the page needs.

Anyone on the machine can open connections without the token. A connection that sends no complete request within a few
seconds is closed; if there are many, the one that has waited longest makes room for the next. So the page always
answers.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 64  # a browser opens six
SECONDS_TO_ASK = 10.0  # for the head of a request, or the next request


class BoundedProtocol(H11Protocol):
    """A connection that is closed if it sends no request."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._since = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for a new connection."""
        super().connection_made(transport)
        self._wait()
        idle = [one for one in self.connections if isinstance(one, BoundedProtocol) and one._is_idle]
        if len(self.connections) > MAX_CONNECTIONS and idle:
            min(idle, key=lambda one: one._since)._drop()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        if not self._is_idle:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for another request."""
        super().on_response_complete()  # which may start with a request that has already arrived
        if self._is_idle:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._stop_waiting()
        self._since = self.loop.time()
        self._deadline = self.loop.call_later(SECONDS_TO_ASK, self._drop)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _drop(self) -> None:
        self.connections.discard(self)
        self.transport.abort()
