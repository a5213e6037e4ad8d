"""What the page sends and receives."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from seals_sim.label.journal_notes import MAX_NOTE


def _drop_infinite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Finite = Annotated[float | None, BeforeValidator(_drop_infinite)]  # JSON has no NaN


class Answer(BaseModel):
    """An answer to a row.

    Attributes:
        row: Its position in the table.
        answer: 1, 0, or null to skip.
        id: The answer's id, drawn by the page: an answer sent again, because no reply came, counts once.
        is_again: Whether it was sent before, perhaps to a server that has stopped since.
    """

    row: StrictInt
    answer: Annotated[StrictInt, Field(ge=0, le=1)] | None
    id: Annotated[str, Field(max_length=100)] = ""
    is_again: bool = False


class Note(BaseModel):
    """A note on a row; empty to remove it."""

    row: StrictInt
    text: Annotated[str, Field(max_length=MAX_NOTE)]


class NoteReply(BaseModel):
    """The note on a row is on disk."""

    row: int
    note: str


class AnswerMark(BaseModel):
    """Whether a row is answered: `answer` is null both for a skipped row and for a row without an answer."""

    is_answered: bool
    answer: int | None


class SaidAnswer(BaseModel):
    """An answer, and the name of the person who gave it."""

    who: str
    answer: int | None


class ListedRow(AnswerMark):
    """A row in a list.

    Attributes:
        row: Its position in the table; for rows that are answered together, that of the first.
        text: Its text, if there are texts.
        n_copies: The number of rows that an answer to it applies to, itself included.
        has_image: Whether there should be a picture of it.
        similarity: Similarity to the query, if the search was by meaning.
        said: Who answered it and how, latest last, if anyone gave a name.
        note: The note on it; empty if there is none.
        marks: If all concepts are asked at once: the answers by the places of their concepts.
    """

    row: int
    text: str | None
    n_copies: int
    has_image: bool
    similarity: Finite = None
    said: list[SaidAnswer] = []
    note: str = ""
    marks: dict[int, int | None] = {}


class RowList(BaseModel):
    """Some of the `n_found` rows, in the order in which to show them."""

    rows: list[ListedRow]
    n_found: int


class AskedReason(BaseModel):
    """See `seals_sim.label.types.Reason`."""

    row: int | None
    text: str | None
    similarity: Finite


class AskedRow(BaseModel):
    """A row to be answered (`seals_sim.label.types.Asked`) and the rows nearest to it.

    Attributes:
        purpose: "check" if a judge's answer is to be checked, "unable" if it could not answer, else empty.
        note: The note on it; empty if there is none.
        concept: The concept whose search asks for it, if all concepts are asked at once.
        marks: See `ListedRow`.
        mark: See `Asked`.
    """

    row: int
    text: str | None
    score: Finite
    is_control: bool
    because: AskedReason | None
    n_copies: int
    has_image: bool
    purpose: str = ""
    note: str = ""
    concept: str = ""
    marks: dict[int, int | None] = {}
    mark: tuple[int, int] | None = None
    neighbors: list[ListedRow]


class Batch(BaseModel):
    """Rows to be answered, in order."""

    rows: list[AskedRow]


class Remaining(BaseModel):
    """See `seals_sim.evaluate.remaining.Interval`."""

    model_config = ConfigDict(from_attributes=True)

    low: int
    guess: Finite
    high: int


class StatusReply(BaseModel):
    """See `seals_sim.label.types.Status`; with the session's name, and an explanation of its numbers.

    Attributes:
        concepts: The names of the concepts, if the session has names for them.
        can_add: Whether a person can add and rename concepts.
        each: If all concepts are asked at once, a line on each.
    """

    name: str
    concepts: list[str] = []
    can_add: bool = False
    each: list[str] = []
    n_rows: int
    n_copies: int
    n_answered: int
    n_positive: int
    n_skipped: int
    n_waiting: int
    n_candidates: int
    n_embedded: int
    n_control: int
    curve: tuple[int, ...]
    remaining: Remaining
    forecast: Remaining | None
    n_searched: int
    p_missing: float
    explanation: str
    remaining_words: str
    stopping_words: str
    can_find: bool
    has_texts: bool
    n_disputed: int
    has_images: bool
    judge_words: str
    judge_works: bool


class AnswerReply(BaseModel):
    """The answer is on disk."""

    row: int
    status: StatusReply


class UndoReply(BaseModel):
    """An answer was taken back.

    Attributes:
        row: Its row, or null if there was no answer.
        left: The row's earlier answer, if any.
        status: The status after the undo.
    """

    row: int | None
    left: AnswerMark | None
    status: StatusReply
