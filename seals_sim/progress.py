"""How far long work is: one note of it, which the bar in the terminal and whoever else waits can read.

Work says what it does with `track` or `begin_step`. Where nobody has asked for it by `follow`, only the bar is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

_SURE_AFTER = 1.0  # seconds of a step before what is left of it is estimated


@dataclass
class Step:
    """One part of the work.

    Attributes:
        name: What is done, in words.
        total: How much there is to do; None where that is not known.
        unit: Of total and done: text, row, or B for bytes.
        done: How much is done.
        first: How much was done before, by an earlier process.
        began: When, by `time.monotonic`.
        ended: When; None while it goes on.
    """

    name: str
    total: int | None = None
    unit: str = "row"
    done: int = 0
    first: int = field(init=False)
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def __post_init__(self) -> None:
        self.first = self.done

    @property
    def seconds(self) -> float:
        """What it has taken so far."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    def estimate_left(self) -> float | None:
        """How many seconds it will go on, at its pace so far; None where that cannot be said yet.

        Examples:
            >>> step = Step("reading", total=100, done=60, began=time.monotonic() - 12)
            >>> step.estimate_left() is None  # nothing was done by this process
            True
            >>> step.done = 80
            >>> round(step.estimate_left())
            12
        """
        done = self.done - self.first
        if self.total is None or done <= 0 or self.ended is not None or self.seconds < _SURE_AFTER:
            return None
        return self.seconds * max(0, self.total - self.done) / done


class Progress:
    """The steps of some work, in order; a step ends where the next one begins. Any thread may read it.

    Attributes:
        steps: So far.

    Examples:
        >>> with follow() as progress, track("embedding", 3, "text") as bar:
        ...     bar.advance(2)
        >>> [(step.name, step.done, step.total, step.ended is None) for step in progress.steps]
        [('embedding', 2, 3, False)]
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def begin(self, step: Step) -> None:
        """Begin a step, or go on with one, and end the one before."""
        if self.steps and self.steps[-1] is step and step.ended is None:
            return
        self.end()
        self.steps = [*(one for one in self.steps if one is not step), step]
        step.ended = None

    def end(self) -> None:
        """End the last step, if any."""
        if self.steps and self.steps[-1].ended is None:
            self.steps[-1].ended = time.monotonic()


_FOLLOWED: ContextVar[Progress | None] = ContextVar("followed", default=None)


@contextmanager
def follow() -> Iterator[Progress]:
    """Collect the steps of all work that is done in the block, by its thread."""
    progress = Progress()
    token = _FOLLOWED.set(progress)
    try:
        yield progress
    finally:
        progress.end()
        _FOLLOWED.reset(token)


def begin_step(name: str) -> None:
    """Say what is done from here on, where how far it is cannot be said."""
    progress = _FOLLOWED.get()
    if progress is not None:
        progress.begin(Step(name))


class Bar:
    """How far one step is."""

    def __init__(self, step: Step, progress: Progress | None, shown: tqdm[Any]) -> None:
        """Take a step of some progress, and the bar in the terminal."""
        self._step, self._progress, self._shown = step, progress, shown

    def advance(self, n: int) -> None:
        """Note that n more are done."""
        self._step.done += n
        if self._progress is not None:
            self._progress.begin(self._step)  # another step may have come between, such as to load a model
        self._shown.update(n)

    def advance_to(self, n: int) -> None:
        """Note that n are done in all."""
        self.advance(n - self._step.done)


@contextmanager
def track(
    name: str, total: int | None, unit: str = "row", quiet: bool = True, done: int = 0, delay: float = 0
) -> Iterator[Bar]:
    """Do a step of which it is known how far it is, with a bar in the terminal.

    Args:
        name: What is done, in words.
        total: How much there is to do.
        unit: Unit of it.
        quiet: No bar in the terminal.
        done: How much an earlier process has done.
        delay: Seconds before the bar is shown.

    Examples:
        >>> with track("reading", 2, "row") as bar:
        ...     bar.advance(2)
    """
    step, progress = Step(name, total, unit, done), _FOLLOWED.get()
    if progress is not None:
        progress.begin(step)
    scaled = unit == "B"
    with tqdm(total=total, initial=done, desc=name, unit=unit, unit_scale=scaled, disable=quiet, delay=delay) as shown:
        yield Bar(step, progress, shown)
    if progress is not None and progress.steps[-1] is step:
        progress.end()
