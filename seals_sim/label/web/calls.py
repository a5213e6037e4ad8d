"""What the calls of the pages have in common."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Annotated, Literal

from fastapi import Depends, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.phrases import compile_words
from seals_sim.label.session import Session
from seals_sim.label.web.person import read_person

N_TAKEN = 1000  # latest answers that are recognized when they are sent again
_MAX_ROWS = 100

NumberOfRows = Annotated[int, Query(alias="n", ge=1, le=_MAX_ROWS)]
FirstRow = Annotated[int, Query(ge=0)]
Person = Annotated[str, Depends(read_person)]
Words = Annotated[str, Query(max_length=10_000)]
AnswerKind = Literal["yes", "no", "skipped", "disputed", "noted", "all"]
_ANSWERS = {"yes": (1,), "no": (0,), "skipped": (None,), "all": (1, 0, None)}


def find_answered(session: Session, kind: AnswerKind) -> list[int]:
    """Rows with such answers, latest last, without a judge's answers that are to be checked."""
    match kind:
        case "disputed":
            return session.disputed
        case "noted":
            return session.list_noted()
        case _:
            return [row for row, given in session.shown_answers.items() if given in _ANSWERS[kind]]


def keep_with_words(corpus: Corpus, rows: Iterable[int], words: str) -> list[int]:
    """The rows whose texts contain these words; all rows if there are no words."""
    if not words.strip():
        return list(rows)
    holds = compile_words(words)
    return [row for row in rows if holds(corpus.get_text(row) or "")]


def send_tasks(tasks: Sequence[object]) -> Response:
    """A file for Label Studio."""
    content = json.dumps(tasks, indent=1).encode("ascii")
    return send_file("labelstudio.json", lambda file: file.write(content))


def send_records(records: Iterable[object]) -> Response:
    """A file for Argilla."""
    content = "".join(json.dumps(record) + "\n" for record in records).encode("ascii")
    return send_file("argilla.jsonl", lambda file: file.write(content))


def send_file(name: str, write: Callable[[IO[bytes]], object]) -> Response:
    """Send a file through a temporary file, since a table of all rows may be large."""
    try:
        with tempfile.NamedTemporaryFile(prefix="seals-", delete=False) as file:
            path = Path(file.name)
            try:
                write(file)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        problem = f"{name} cannot be written to the folder for temporary files: {error.strerror or error}"
        raise UserError(f"{problem}; free some space, or set TMPDIR to another folder and restart") from error
    remove = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/octet-stream", filename=name, background=remove)
