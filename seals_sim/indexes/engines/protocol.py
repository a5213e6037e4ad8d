"""What a vector engine must be able to do, and how it reports that it is unavailable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from seals_sim.types import Rows, Vectors

_SOURCE = re.compile(r",?\s*/\S+\.rs:\d+:\d+")


class EngineUnavailableError(Exception):
    """The engine does not answer (yet); the same request may succeed later. The text is one line, for people."""


def shorten(text: str) -> str:
    """Make what an engine says part of one line, without the places in its own source code.

    Examples:
        >>> shorten("LanceError(IO): no such bucket, /root/.cargo/registry/src/lance-io-7.0.0/src/object.rs:64:5")
        'LanceError(IO): no such bucket'
    """
    return " ".join(_SOURCE.sub("", text).split())[:160]


@dataclass(frozen=True)
class EngineTable:
    """The table of vectors that an engine holds.

    Attributes:
        name: Name of the collection or table: a digest of the vectors in it, so other vectors have another name.
        n: Rows.
        d: Dimensions.
        n_cells: Cells of an inverted file; 1 to compare with every row.
        n_probe: Cells that a query visits.
    """

    name: str
    n: int
    d: int
    n_cells: int
    n_probe: int


class Engine(Protocol):
    """A connection to an engine that holds, or will hold, one table.

    All methods raise EngineUnavailableError if a retry may help and UserError if it will not. Ids are rows, so loading
    a row twice is the same as loading it once.

    Attributes:
        most_neighbors: The largest possible k; None for no limit.
    """

    most_neighbors: int | None

    def upsert(self, start: int, rows: Vectors) -> None:
        """Store rows (m, d), float32, at the places from `start` on. Once it returns, killing the client loses none."""

    def count(self) -> int:
        """The number of rows stored. They are loaded in order, so loading resumes from here."""

    def finish(self) -> None:
        """Build the engine's index once all rows are stored, and wait for it; return at once if it is built."""

    def search(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k rows nearest to each of the queries (m, d), float32; nearest first."""
