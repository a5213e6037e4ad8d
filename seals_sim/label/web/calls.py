"""What the calls of the page have in common."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Literal

from fastapi import Depends, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from seals_sim.errors import UserError
from seals_sim.label.web.person import read_person

N_TAKEN = 1000  # latest answers that are known when they are sent again
_MAX_ROWS = 100

NumberOfRows = Annotated[int, Query(alias="n", ge=1, le=_MAX_ROWS)]
FirstRow = Annotated[int, Query(ge=0)]
Person = Annotated[str, Depends(read_person)]
Words = Annotated[str, Query(max_length=10_000)]
AnswerKind = Literal["yes", "no", "skipped", "disputed", "noted", "all"]
ANSWERS = {"yes": (1,), "no": (0,), "skipped": (None,), "all": (1, 0, None)}


def send_file(name: str, write: Callable[[IO[bytes]], object]) -> Response:
    """Through a temporary file, since a table of all rows may be large."""
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
        problem = f"{name} cannot be written to the folder of temporary files: {error.strerror or error}"
        raise UserError(f"{problem}; make room there, or start with TMPDIR as another folder") from error
    remove = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/octet-stream", filename=name, background=remove)
