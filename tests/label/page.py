"""`seals label` without its page: the test works on the session in place of a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def replace_page(work: Callable[[Any], Any]) -> Callable[..., Any]:
    """A replacement for `seals_sim.cli.label.open_page`: it calls work(session) and closes the session."""

    class Server:
        def serve(self, session: Any, judging: object = None) -> None:
            work(session)

    @contextmanager
    def open_page(*given: object, **options: object) -> Iterator[Server]:
        yield Server()

    return open_page
