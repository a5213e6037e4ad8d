"""Progress of long work, recorded once for the bar in the terminal and for anyone else who is waiting.

Work reports its steps with `track` or `begin_step`. Without a surrounding `follow`, there is only the bar.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

_SURE_AFTER = 1.0  # seconds into a step before the remaining time is estimated


@dataclass
class Step:
    """One part of the work.

    Attributes:
        name: Name of the work.
        total: Total amount of work; None if unknown.
        unit: Unit of `total` and `done`: text, row, or B for bytes.
        done: Amount done.
        first: Amount done earlier, by another process.
        began: Start time, by `time.monotonic`.
        ended: End time; None while it is running.
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
        """Time taken so far."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    def estimate_left(self) -> float | None:
        """Remaining seconds at the pace so far; None if it is too early to estimate.

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
    """The steps of some work, in order; a step ends when the next one begins. Any thread may read it.

    Attributes:
        steps: The steps so far.

    Examples:
        >>> with follow() as progress, track("embedding", 3, "text") as bar:
        ...     bar.advance(2)
        >>> [(step.name, step.done, step.total, step.ended is None) for step in progress.steps]
        [('embedding', 2, 3, False)]
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def begin(self, step: Step) -> None:
        """Begin a step or continue it, ending the previous one."""
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
    """Collect the steps of all work that this thread does in the block."""
    progress = Progress()
    token = _FOLLOWED.set(progress)
    try:
        yield progress
    finally:
        progress.end()
        _FOLLOWED.reset(token)


def begin_step(name: str) -> None:
    """Begin a step whose progress cannot be measured."""
    progress = _FOLLOWED.get()
    if progress is not None:
        progress.begin(Step(name))


class Bar:
    """Progress of one step."""

    def __init__(self, step: Step, progress: Progress | None, shown: tqdm[Any]) -> None:
        """Combine a step, the progress it belongs to, and the bar in the terminal."""
        self._step, self._progress, self._shown = step, progress, shown

    def advance(self, n: int) -> None:
        """Record that n more are done."""
        self._step.done += n
        if self._progress is not None:
            self._progress.begin(self._step)  # another step, such as loading a model, may have come between
        self._shown.update(n)

    def advance_to(self, n: int) -> None:
        """Record that n are done in total."""
        self.advance(n - self._step.done)


@contextmanager
def track(
    name: str, total: int | None, unit: str = "row", quiet: bool = True, done: int = 0, delay: float = 0
) -> Iterator[Bar]:
    """Run a step with measurable progress, with a bar in the terminal.

    Args:
        name: Name of the work.
        total: Total amount of work.
        unit: Unit of `total`.
        quiet: Whether to hide the bar.
        done: Amount done by an earlier process.
        delay: Seconds before the bar appears.

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
