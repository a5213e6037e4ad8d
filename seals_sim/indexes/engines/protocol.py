"""What a vector engine must be able to do, and how it says that it cannot at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from seals_sim.types import Rows, Vectors


class EngineUnavailableError(Exception):
    """The engine does not answer, or not yet; the same request may do later. Its text is one line, for people."""


def shorten(text: str) -> str:
    """What an engine says, as a part of one line."""
    return " ".join(text.split())[:160]


@dataclass(frozen=True)
class EngineTable:
    """The vectors that an engine holds for us.

    Attributes:
        name: Of the collection or table, a digest of the vectors in it: other vectors have another one.
        n: Rows.
        d: Dimensions.
        n_cells: Of an inverted file; 1 to compare with every row.
        n_probe: Cells that a query looks into.
    """

    name: str
    n: int
    d: int
    n_cells: int
    n_probe: int


class Engine(Protocol):
    """A connection to an engine that holds, or is to hold, one table.

    All methods raise EngineUnavailableError where trying again may help, and UserError where it does not. Ids are rows,
    so that loading a row twice is loading it once.

    Attributes:
        most_neighbors: The largest k; None for no limit.
    """

    most_neighbors: int | None

    def upsert(self, start: int, rows: Vectors) -> None:
        """Put rows (m, d), float32, in the places from `start` on. When it returns, a killed client loses none."""

    def count(self) -> int:
        """How many rows are there. They were loaded in order, so that loading goes on from here."""

    def finish(self) -> None:
        """Build the engine's index and wait for it, all rows being there; where it is built, return at once."""

    def search(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k rows nearest to each of the queries (m, d), float32; nearest first."""
