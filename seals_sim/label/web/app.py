"""The page and what it calls. One lock stands round the session, which is not made for several threads."""

from __future__ import annotations

import json
import math
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, StrictInt
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from seals_sim.errors import UserError
from seals_sim.label.exchange import FORMATS, labels_table, scores_table, to_argilla, to_label_studio, write_table
from seals_sim.label.session import Asked, Session, Status
from seals_sim.label.web.guard import Guard
from seals_sim.label.web.words import TARGET, remaining_in_words, stopping_in_words

_STATIC = Path(__file__).parent / "static"
_TYPES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_NEIGHBORS = 5
_MOST = 100  # rows of a call
_CHUNK = 2**20

Number = Annotated[int, Query(alias="n", ge=1, le=_MOST)]


class Answer(BaseModel):
    """is_repeated: sent once more, since no reply came to it; it is not told twice."""

    row: StrictInt
    answer: Annotated[StrictInt, Field(ge=0, le=1)] | None
    is_repeated: bool = False


class PlainJson(JSONResponse):
    """ASCII, so that any text that a table may hold can be sent."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def make_app(session: Session, token: str, host: str, port: int, name: str) -> FastAPI:
    """token: that a caller must know; host, port: where the page is served; name: of the session, shown on the page."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, default_response_class=PlainJson)
    app.add_middleware(Guard, token=token, host=host, port=port)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(RequestValidationError, _bad_call)
    page = _Page(session, name)

    app.add_api_route("/api/batch", page.batch)
    app.add_api_route("/api/answer", page.answer, methods=["POST"])
    app.add_api_route("/api/undo", page.undo, methods=["POST"])
    app.add_api_route("/api/status", page.status)
    app.add_api_route("/api/find", page.find)
    app.add_api_route("/api/similar", page.similar)
    app.add_api_route("/export/labelstudio.json", page.label_studio)
    app.add_api_route("/export/argilla.jsonl", page.argilla)
    app.add_api_route("/export/{what}.{kind}", page.table)
    app.add_api_route("/", lambda: FileResponse(_STATIC / "page.html", media_type="text/html; charset=utf-8"))
    app.add_api_route("/static/{file}", _static)
    return app


class _Page:
    """The calls, by name."""

    def __init__(self, session: Session, name: str) -> None:
        self._session, self._name, self._lock = session, name, threading.Lock()

    def batch(self, n: Number = 1) -> Response:
        with self._lock:
            return PlainJson({"rows": [self._asked(asked) for asked in self._session.ask(n)]})

    def answer(self, told: Answer) -> Response:
        with self._lock:
            answers = self._session.answers if told.is_repeated else {}
            if told.row not in answers or answers[told.row] != told.answer:
                self._session.tell([told.row], [told.answer])
            return PlainJson({"row": told.row, "status": self._status()})

    def undo(self) -> Response:
        with self._lock:
            row = self._session.undo()
            still = None if row is None else _answer_of(row, self._session.answers)
            return PlainJson({"row": row, "left": still, "status": self._status()})

    def status(self) -> Response:
        with self._lock:
            return PlainJson(self._status())

    def find(self, text: Annotated[str, Query(max_length=10_000)], n: Number = 10) -> Response:
        if not text.strip():
            raise UserError("say in some words what to look for")
        with self._lock:
            return PlainJson({"rows": self._listed(self._session.find(text, n))})

    def similar(self, row: int, n: Number = 10) -> Response:
        with self._lock:
            return PlainJson({"rows": self._listed(self._session.similar(row, n))})

    def table(self, what: Literal["labels", "scores"], kind: Literal["csv", "jsonl", "parquet"]) -> Response:
        assert kind in FORMATS
        with self._lock:
            table = labels_table(self._session) if what == "labels" else scores_table(self._session)
        return _download(f"{what}.{kind}", lambda file: write_table(table, kind, file))

    def label_studio(self) -> Response:
        with self._lock:
            tasks = to_label_studio(self._session)
        return _download("labelstudio.json", lambda file: file.write(json.dumps(tasks, indent=1).encode()))

    def argilla(self) -> Response:
        with self._lock:
            records = to_argilla(self._session)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        return _download("argilla.jsonl", lambda file: file.write(lines.encode()))

    def _asked(self, asked: Asked) -> dict[str, object]:
        because = None
        if asked.because is not None:
            because = {**asdict(asked.because), "similarity": _number(asked.because.similarity)}
        return {
            "row": asked.row,
            "text": asked.text,
            "score": _number(asked.score),
            "is_control": asked.is_control,
            "because": because,
            "neighbors": self._listed(self._session.similar(asked.row, _NEIGHBORS)),
        }

    def _listed(self, rows: Iterable[int]) -> list[dict[str, object]]:
        corpus, answers = self._session.corpus, self._session.answers
        return [{"row": row, "text": corpus.text(row), **_answer_of(row, answers)} for row in rows]

    def _status(self) -> dict[str, object]:
        status: Status = self._session.status(TARGET)
        left = status.remaining
        return {
            "name": self._name,
            "n_rows": status.n_rows,
            "n_answered": status.n_answered,
            "n_positive": status.n_positive,
            "n_skipped": status.n_skipped,
            "n_waiting": status.n_waiting,
            "n_candidates": status.n_candidates,
            "n_control": status.n_control,
            "curve": status.curve,
            "remaining": {"low": left.low, "guess": _number(left.guess), "high": left.high},
            "p_missing": _number(status.p_missing),
            "explanation": status.explanation,
            "remaining_words": remaining_in_words(status, self._session.options.control_every),
            "stopping_words": stopping_in_words(status),
            "can_find": self._session.corpus.encode is not None,
        }


def _answer_of(row: int, answers: dict[int, int | None]) -> dict[str, object]:
    """answer alone would not tell a skipped row from one without an answer."""
    return {"is_answered": row in answers, "answer": answers.get(row)}


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _static(file: str) -> Response:
    if file not in _TYPES:
        return PlainJson({"error": "there is no such file"}, status_code=404)
    return FileResponse(_STATIC / file, media_type=_TYPES[file])


def _download(name: str, write: Callable[[IO[bytes]], object]) -> Response:
    """By way of a file without a name, since a table of all rows may be large."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it has been sent)
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)

    def chunks() -> Iterator[bytes]:
        with file:
            while chunk := file.read(_CHUNK):
                yield chunk

    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(chunks(), headers=headers, media_type="application/octet-stream")


def _user_error(request: Request, error: Exception) -> Response:
    return PlainJson({"error": " ".join(str(error).split())}, status_code=400)


def _bad_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the call"
    return PlainJson({"error": f"{where}: {first['msg']}"}, status_code=400)
