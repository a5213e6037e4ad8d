"""The records of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows

Kind = Literal["ask", "answer", "undo"]


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened to a row.

    Attributes:
        kind: "ask": the person was asked about the row; "answer": it was answered; "undo": its last answer no longer
            counts.
        row: Its position in the table.
        answer: 1, 0 or None (skipped).
        is_control: Whether an asked row was drawn at random.
        score: Score of an asked row.
        neighbors: (k,) rows that this one brought into the pool, with the first event of each row, so that a reopened
            session keeps its pool.
        is_imported: Whether an answer came from a file and not from a person.
        who: The person's name, if several label; empty for a person who gave none, and for files.
    """

    kind: Kind
    row: int
    answer: int | None = None
    is_control: bool = False
    score: float | None = None
    neighbors: Rows | None = None
    is_imported: bool = False
    who: str = ""


@dataclass(frozen=True, eq=False)
class Seed:
    """An example that need not be in the table, such as words typed in.

    Attributes:
        text: The words.
        label: 1 or 0.
        vector: (d,) float32.
        neighbors: (k,) rows.
    """

    text: str
    label: int
    vector: NDArray[np.float32]
    neighbors: Rows


@dataclass(frozen=True)
class ImportedFile:
    """A file that labels were imported from: the SHA-256 of its content, and its name for people."""

    digest: str
    name: str
