"""The inputs and outputs of a label session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from seals_sim.evaluate.remaining import Interval

Label = tuple[int, int | None]  # a row and its answer: 1, 0, or None if it was skipped


class Hit(NamedTuple):
    """A row that a search found.

    Attributes:
        row: Its position in the table.
        similarity: Cosine with what was searched for.
    """

    row: int
    similarity: float


@dataclass(frozen=True)
class Reason:
    """Why a row is asked: the positive example nearest to it.

    Attributes:
        row: The example's row, or None for a seed, which need not be in the table.
        text: Its text, if there are texts; if the text has chunks, the nearest one.
        similarity: Cosine of the two.
    """

    row: int | None
    text: str | None
    similarity: float


@dataclass(frozen=True)
class Asked:
    """A row that a person is asked about.

    Attributes:
        row: Its position in the table.
        text: Its text, if there are texts.
        score: The model's score, from 0 to 1, or the similarity to the examples while no model can be trained.
        is_control: Whether it was drawn at random.
        because: Why it is asked; None for a row drawn at random, and while no positive is marked.
        n_copies: The number of rows that its answer applies to, itself included.
        mark: Start and end, in characters, of the chunk of the text that decides; None if that is the whole text.
    """

    row: int
    text: str | None
    score: float | None
    is_control: bool
    because: Reason | None
    n_copies: int = 1
    mark: tuple[int, int] | None = None


@dataclass(frozen=True)
class Status:
    """The progress of a session. Of rows that are answered together, only the first is counted.

    Attributes:
        n_rows: Rows of the table.
        n_copies: Rows of the table that are not counted, here or elsewhere.
        n_answered: Rows answered 1 or 0.
        n_positive: Rows answered 1.
        n_skipped: Rows skipped.
        n_waiting: Rows asked and not answered yet.
        n_candidates: Rows that have been in the candidate pool.
        n_embedded: Rows whose texts are embedded; all of them, except in a lazy session.
        curve: Positives after each answer to a row that the search asked; skips are left out.
        n_control: Answered rows among those drawn at random.
        remaining: Positives among the rows without an answer, estimated from the rows drawn at random.
        forecast: The same, forecast from what the search has found lately (`seals_sim.evaluate.forecast`); None while
            it is too early, or if the rows drawn at random contradict it.
        n_searched: Answers to rows that the search chose.
        p_missing: See `compute_p_missing`.
        explanation: Why no model can be trained yet; empty once it can.
    """

    n_rows: int
    n_copies: int
    n_answered: int
    n_positive: int
    n_skipped: int
    n_waiting: int
    n_candidates: int
    n_embedded: int
    curve: tuple[int, ...]
    n_control: int
    remaining: Interval
    forecast: Interval | None
    n_searched: int
    p_missing: float
    explanation: str


@dataclass(frozen=True)
class ImportReport:
    """The result of an import. Of rows that are answered together, only the first is counted.

    Attributes:
        n_applied: Rows that got a new answer.
        n_overruled: Rows for which the file disagrees with the person, whose answer counts.
        is_repeated: Whether the same file had been imported before, so that nothing was done.
        n_mixed: Rows for which the file has different answers, of which the last counts.
    """

    n_applied: int
    n_overruled: int
    is_repeated: bool = False
    n_mixed: int = 0
