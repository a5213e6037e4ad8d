"""`seals label` without its page: what a test does with the session in the place of a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def replace_page(work: Callable[[Any], Any]) -> Callable[..., Any]:
    """What to put in the place of `seals_sim.cli.label.open_page`: work(session), which closes the session."""

    class Server:
        def serve(self, session: Any, judging: object = None) -> None:
            work(session)

    @contextmanager
    def open_page(*given: object, **options: object) -> Iterator[Server]:
        yield Server()

    return open_page
