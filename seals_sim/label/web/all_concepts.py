"""The page where every text is answered for all concepts of a session at once.

The page identifies a concept by its place among them. What concerns a single concept, such as scores, is on the page of
that concept.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import BaseModel, Field, StrictInt
from starlette.responses import Response

from seals_sim.errors import UserError
from seals_sim.label import exchange
from seals_sim.label.beginning import name_concept
from seals_sim.label.concepts import Concepts
from seals_sim.label.judge.words import describe_each
from seals_sim.label.types import Asked
from seals_sim.label.web.calls import (
    N_TAKEN,
    AnswerKind,
    FirstRow,
    NumberOfRows,
    Person,
    Words,
    find_answered,
    keep_with_words,
    send_file,
    send_records,
    send_tasks,
)
from seals_sim.label.web.replies import (
    AnswerMark,
    AnswerReply,
    AskedRow,
    Batch,
    ListedRow,
    Note,
    NoteReply,
    RowList,
    StatusReply,
    UndoReply,
)

if TYPE_CHECKING:
    import pandas as pd


class AnswerForAll(BaseModel):
    """Answers to a row, by the places of their concepts; see `Answer`."""

    row: StrictInt
    answer: Annotated[dict[int, Annotated[StrictInt, Field(ge=0, le=1)] | None], Field(min_length=1)]
    id: Annotated[str, Field(max_length=100)] = ""
    is_again: bool = False


class ConceptPage(Protocol):
    """The page of one concept."""

    def describe(self, asked: Asked) -> AskedRow: ...
    def describe_status(self) -> StatusReply: ...
    def list_rows(self, rows: Iterable[int]) -> list[ListedRow]: ...
    def write_note(self, note: Note, who: str) -> NoteReply: ...
    def find(self, text: str, n: int) -> RowList: ...
    def find_words(self, text: str, start: int, n: int) -> RowList: ...
    def find_similar(self, row: int, n: int) -> RowList: ...


class AllConceptsPage:
    """The calls of the page for all concepts.

    Args:
        concepts: The concepts to label.
        pages: The page of each concept; more may be added.
        lock: The lock that guards them.
    """

    def __init__(self, concepts: Concepts, pages: Sequence[ConceptPage], lock: threading.Lock) -> None:
        self._concepts, self._pages, self._lock = concepts, pages, lock
        self._corpus = concepts.corpus
        self._taken: deque[str] = deque(maxlen=N_TAKEN)

    @property
    def _names(self) -> list[str]:
        """The names of the concepts; a person may add or rename some."""
        return list(self._concepts.sessions)

    def ask(self, who: Person, n: NumberOfRows = 1) -> Batch:
        with self._lock:
            return Batch(rows=[self._describe(*asked) for asked in self._concepts.ask(n, who)])

    def _describe(self, name: str, asked: Asked) -> AskedRow:
        described = self._pages[self._names.index(name)].describe(asked)
        described.concept, described.marks = name_concept(name), self._mark([asked.row])[0]
        self._complete(described.neighbors)
        return described

    def answer(self, answer: AnswerForAll, who: Person) -> AnswerReply:
        with self._lock:
            row = self._corpus.find_row(answer.row)
            if any(not 0 <= place < len(self._names) for place in answer.answer):
                raise UserError("there is no such concept")
            given = {self._names[place]: value for place, value in answer.answer.items()}
            if not self._has_taken(answer, row, given, who):
                self._concepts.tell(row, given, who)
                self._taken.append(answer.id)
            return AnswerReply(row=answer.row, status=self._describe_status())

    def _has_taken(self, answer: AnswerForAll, row: int, given: dict[str, int | None], who: str) -> bool:
        """See `_Page`; the file has all of the answers, or none."""
        if answer.id and answer.id in self._taken:
            return True
        said = {name: self._concepts.sessions[name].list_said(row)[-1:] for name in given}
        is_there = all(last and last[0] == (who, given[name]) for name, last in said.items())
        return answer.is_again and is_there

    def write_note(self, note: Note, who: Person) -> NoteReply:
        return self._pages[0].write_note(note, who)

    def undo(self, who: Person) -> UndoReply:
        with self._lock:
            row = self._concepts.undo(who)
            is_left = row is not None and len(self._mark([row])[0]) == len(self._names)
            left = None if row is None else AnswerMark(is_answered=is_left, answer=None)
            number = None if row is None else self._corpus.number_row(row)
            return UndoReply(row=number, left=left, status=self._describe_status())

    def status(self) -> StatusReply:
        with self._lock:
            return self._describe_status()

    def _describe_status(self) -> StatusReply:
        """The status of the first concept, with a line on each concept."""
        each = [page.describe_status() for page in self._pages]
        words = [
            f"{name_concept(name)}: {one.n_positive:,} positive of {one.n_answered:,} answered"
            for name, one in zip(self._names, each, strict=True)
        ]
        judges = describe_each(self._concepts.sessions.values())
        n_disputed = sum(one.n_disputed for one in each)
        return each[0].model_copy(update={"each": words, "n_disputed": n_disputed, "judge_words": judges})

    def list_answers(
        self, answer: AnswerKind = "all", words: Words = "", start: FirstRow = 0, n: NumberOfRows = 20
    ) -> RowList:
        """Rows with such an answer for any concept."""
        with self._lock:
            rows: dict[int, None] = {}
            for session in self._concepts.sessions.values():
                rows.update(dict.fromkeys(find_answered(session, answer)))
            kept = keep_with_words(self._corpus, rows, words)
            listed = self._pages[0].list_rows(kept[::-1][start : start + n])
            return RowList(rows=self._complete(listed), n_found=len(kept))

    def find(self, text: Words, n: NumberOfRows = 10) -> RowList:
        return self._complete_list(self._pages[0].find(text, n))

    def find_words(self, text: Words, start: FirstRow = 0, n: NumberOfRows = 20) -> RowList:
        return self._complete_list(self._pages[0].find_words(text, start, n))

    def find_similar(self, row: int, n: NumberOfRows = 10) -> RowList:
        return self._complete_list(self._pages[0].find_similar(row, n))

    def export_table(self, table: Literal["labels", "scores"], format: Literal["csv", "jsonl", "parquet"]) -> Response:
        if table == "scores":
            raise UserError("each concept has its own scores; choose one concept")
        built = self._build_table()
        return send_file(f"{table}.{format}", lambda file: exchange.write_table(built, format, file))

    def export_label_studio(self) -> Response:
        return send_tasks(exchange.build_label_studio_tasks(self._build_table()))

    def export_argilla(self) -> Response:
        return send_records(exchange.build_argilla_records(self._build_table()))

    def _build_table(self) -> pd.DataFrame:
        with self._lock:
            return exchange.build_concepts_table(self._concepts.sessions.values())

    def _complete_list(self, listed: RowList) -> RowList:
        with self._lock:
            self._complete(listed.rows)
        return listed

    def _complete(self, listed: list[ListedRow]) -> list[ListedRow]:
        """Replace the answers for the first concept by those for all."""
        for one, marks in zip(listed, self._mark([self._corpus.find_row(one.row) for one in listed]), strict=True):
            one.marks, one.answer, one.is_answered, one.said = marks, None, len(marks) == len(self._names), []
        return listed

    def _mark(self, rows: Sequence[int]) -> list[dict[int, int | None]]:
        """The answers to some rows, by the places of their concepts, without a judge's that are to be checked."""
        answers = [session.shown_answers for session in self._concepts.sessions.values()]
        return [{place: given[row] for place, given in enumerate(answers) if row in given} for row in rows]
