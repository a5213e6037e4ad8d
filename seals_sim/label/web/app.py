"""The page and its calls. One lock guards the session, which is not made for several threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import ASGIApp

from seals_sim.errors import UserError
from seals_sim.label import exchange
from seals_sim.label.beginning import name_concept
from seals_sim.label.concepts import Concepts
from seals_sim.label.judge.judging import Judging
from seals_sim.label.judge.words import describe_judges
from seals_sim.label.session import Session
from seals_sim.label.state import Said
from seals_sim.label.types import Asked, Hit
from seals_sim.label.web.all_concepts import AllConceptsPage
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
from seals_sim.label.web.concept_pages import ConceptPages, list_names
from seals_sim.label.web.guard import Guard
from seals_sim.label.web.pictures import make_picture_call
from seals_sim.label.web.plain import PlainJson, send_page, send_static
from seals_sim.label.web.replies import (
    Answer,
    AnswerMark,
    AnswerReply,
    AskedReason,
    AskedRow,
    Batch,
    ListedRow,
    Note,
    NoteReply,
    RowList,
    SaidAnswer,
    StatusReply,
    UndoReply,
)
from seals_sim.label.web.words import TARGET, describe_remaining, describe_stopping
from seals_sim.types import Row

_N_NEIGHBORS = 5


def make_app(
    session: Session | Concepts,
    token: str,
    host: str,
    name: str,
    once: str | None = None,
    allowed_hosts: Sequence[str] = (),
    judging: Judging | None = None,
) -> ASGIApp:
    """Build the web application of a session, with its guard.

    Args:
        session: The session to label; one with several concepts has a page for each, and one for all.
        token: The token that a caller must know.
        host: The host that serves the page.
        name: Name of the session, shown on the page.
        once: A token that opens the page once.
        allowed_hosts: More host names by which a browser may reach the page.
        judging: A judge at work on the session.
    """
    return Guard(make_session_app(session, name, judging), token, host, once, allowed_hosts)


def make_session_app(session: Session | Concepts, name: str, judging: Judging | None = None) -> FastAPI:
    """Build the application behind the guard; arguments as for `make_app`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, default_response_class=PlainJson)
    app.add_exception_handler(UserError, _reply_user_error)
    app.add_exception_handler(RequestValidationError, _reply_bad_call)
    lock = threading.Lock() if judging is None else judging.lock
    concepts = Concepts.around(session) if isinstance(session, Session) else session
    if concepts is None:  # one of several, served alone
        assert isinstance(session, Session)
        names = [name_concept(session.concept)]
        for prefix in ("", "/concept/0"):
            _add_calls(app, prefix, _Page(session, name, lock, lambda: names, judging))
    else:
        ConceptPages(
            app,
            concepts,
            lock,
            lambda one: _Page(one, name, lock, lambda: list_names(concepts), judging, not one.is_read_only),
            _add_calls,
        )
    app.add_api_route("/image/{row}", make_picture_call(session.corpus))
    app.add_api_route("/", lambda: send_page("page.html"))
    app.add_api_route("/static/{file}", send_static)
    return app


def _add_calls(app: FastAPI, prefix: str, page: _Page | AllConceptsPage) -> None:
    app.add_api_route(f"{prefix}/api/batch", page.ask)
    app.add_api_route(f"{prefix}/api/answer", page.answer, methods=["POST"])
    app.add_api_route(f"{prefix}/api/note", page.write_note, methods=["POST"])
    app.add_api_route(f"{prefix}/api/undo", page.undo, methods=["POST"])
    app.add_api_route(f"{prefix}/api/status", page.status)
    app.add_api_route(f"{prefix}/api/answers", page.list_answers)
    app.add_api_route(f"{prefix}/api/find", page.find)
    app.add_api_route(f"{prefix}/api/words", page.find_words)
    app.add_api_route(f"{prefix}/api/similar", page.find_similar)
    app.add_api_route(f"{prefix}/export/labelstudio.json", page.export_label_studio)
    app.add_api_route(f"{prefix}/export/argilla.jsonl", page.export_argilla)
    app.add_api_route(f"{prefix}/export/{{table}}.{{format}}", page.export_table)


class _Page:
    """The calls. Rows that go out or come in are rows of the user's table; the session has its own positions."""

    def __init__(
        self,
        session: Session,
        name: str,
        lock: threading.Lock,
        list_concepts: Callable[[], list[str]],
        judging: Judging | None = None,
        can_add: bool = False,
    ) -> None:
        self._session, self._name, self._lock, self._list_concepts = session, name, lock, list_concepts
        self._judging, self._can_add = judging, can_add
        self._corpus = session.corpus
        self._taken: deque[str] = deque(maxlen=N_TAKEN)
        # a page asks repeatedly for the waiting rows, and their nearest rows do not change
        self._find_neighbors = lru_cache(N_TAKEN)(lambda row: session.find_similar(row, _N_NEIGHBORS))

    def ask(self, who: Person, n: NumberOfRows = 1) -> Batch:
        with self._lock:
            return Batch(rows=[self.describe(asked) for asked in self._session.ask(n, who)])

    def answer(self, answer: Answer, who: Person) -> AnswerReply:
        with self._lock:
            row = self._corpus.find_row(answer.row)
            if not self._has_taken(answer, row, who):
                self._session.tell([row], [answer.answer], who)
                self._taken.append(answer.id)
            return AnswerReply(row=answer.row, status=self.describe_status())

    def _has_taken(self, answer: Answer, row: Row, who: str) -> bool:
        """Whether an answer has already arrived: its reply was lost, or the server stopped before replying."""
        if answer.id and answer.id in self._taken:
            return True
        by_them = [one for one in self._session.list_said(row) if one.who == who]
        return answer.is_again and by_them[-1:] == [Said(who, answer.answer)]

    def write_note(self, note: Note, who: Person) -> NoteReply:
        with self._lock:
            row = self._corpus.find_row(note.row)
            self._session.write_note(row, note.text, who)
            return NoteReply(row=note.row, note=self._session.get_note(row))

    def undo(self, who: Person) -> UndoReply:
        with self._lock:
            row = self._session.undo(who)
            left = None if row is None else AnswerMark(**_mark(row, self._session.distinct_answers))
            number = None if row is None else self._corpus.number_row(row)
            return UndoReply(row=number, left=left, status=self.describe_status())

    def status(self) -> StatusReply:
        with self._lock:
            return self.describe_status()

    def list_answers(
        self,
        answer: AnswerKind = "all",
        words: Words = "",
        start: FirstRow = 0,
        n: NumberOfRows = 20,
    ) -> RowList:
        """The answers that count, latest first, without those that are to be checked."""
        with self._lock:
            rows = keep_with_words(self._corpus, find_answered(self._session, answer), words)
            return RowList(rows=self.list_rows(rows[::-1][start : start + n]), n_found=len(rows))

    def find(self, text: Words, n: NumberOfRows = 10) -> RowList:
        _require_words(text)
        with self._lock:
            return self._list_hits(self._session.find(text, n))

    def find_words(self, text: Words, start: FirstRow = 0, n: NumberOfRows = 20) -> RowList:
        _require_words(text)
        rows = self._session.find_words(text)  # without the lock: a large table takes a second, and texts do not change
        with self._lock:
            return RowList(rows=self.list_rows(rows[start : start + n]), n_found=len(rows))

    def find_similar(self, row: int, n: NumberOfRows = 10) -> RowList:
        with self._lock:
            return self._list_hits(self._session.find_similar(self._corpus.find_row(row), n))

    def export_table(self, table: Literal["labels", "scores"], format: Literal["csv", "jsonl", "parquet"]) -> Response:
        with self._lock:
            build = exchange.build_labels_table if table == "labels" else exchange.build_scores_table
            built = build(self._session)
        return send_file(f"{table}.{format}", lambda file: exchange.write_table(built, format, file))

    def export_label_studio(self) -> Response:
        with self._lock:
            tasks = exchange.build_label_studio_tasks(self._session)
        return send_tasks(tasks)

    def export_argilla(self) -> Response:
        with self._lock:
            records = exchange.build_argilla_records(self._session)
        return send_records(records)

    def describe(self, asked: Asked) -> AskedRow:
        because = asked.because
        if because is not None and because.row is not None:
            because = replace(because, row=self._corpus.number_row(because.row))
        return AskedRow(
            row=self._corpus.number_row(asked.row),
            text=asked.text,
            score=asked.score,
            is_control=asked.is_control,
            because=None if because is None else AskedReason(**asdict(because)),
            n_copies=asked.n_copies,
            mark=asked.mark,
            has_image=self._corpus.has_image(asked.row),
            purpose=self._session.find_purpose(asked.row),
            note=self._session.get_note(asked.row),
            neighbors=self._list_hits(self._find_neighbors(asked.row)).rows,
        )

    def _list_hits(self, hits: Sequence[Hit]) -> RowList:
        rows = self.list_rows(hit.row for hit in hits)
        for listed, hit in zip(rows, hits, strict=True):
            listed.similarity = hit.similarity
        return RowList(rows=rows, n_found=len(rows))

    def list_rows(self, rows: Iterable[int]) -> list[ListedRow]:
        session = self._session
        answers = session.shown_answers
        return [
            ListedRow(
                row=self._corpus.number_row(row),
                text=session.corpus.get_text(row),
                n_copies=len(session.list_copies(row)),
                has_image=self._corpus.has_image(row),
                note=session.get_note(row),
                said=_name_answers(session.list_said(row)) if row in answers else [],
                **_mark(row, answers),
            )
            for row in rows
        ]

    def describe_status(self) -> StatusReply:
        status = self._session.status(TARGET)
        return StatusReply(
            **vars(status),  # asdict would copy the curve, number by number
            name=self._name,
            concepts=self._list_concepts(),
            can_add=self._can_add,
            remaining_words=describe_remaining(status, self._session.options.control_every),
            stopping_words=describe_stopping(status),
            can_find=self._corpus.encode is not None,
            n_disputed=len(self._session.disputed),
            has_texts=self._corpus.texts is not None,
            has_images=self._corpus.pictures is not None,
            judge_words=describe_judges(self._session),
            judge_works=self._judging is not None and self._judging.is_working,
        )


def _name_answers(said: Sequence[Said]) -> list[SaidAnswer]:
    if not any(one.who for one in said):
        return []
    return [SaidAnswer(who=_name_source(one), answer=one.answer) for one in said]


def _name_source(said: Said) -> str:
    return "a file" if said.who is None else said.who or "no name"


def _require_words(text: str) -> None:
    if not text.strip():
        raise UserError("type some words to search for")


def _mark(row: int, answers: dict[int, int | None]) -> dict[str, Any]:
    return {"is_answered": row in answers, "answer": answers.get(row)}


def _reply_user_error(request: Request, error: Exception) -> Response:
    return PlainJson({"error": " ".join(str(error).split())}, status_code=400)


def _reply_bad_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the call"
    return PlainJson({"error": f"{where}: {first['msg']}"}, status_code=400)
