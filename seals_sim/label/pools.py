"""The candidates of a session, by the pool it began with.

With each event, the journal stores the rows that it brought into the pool: a row's neighbors, or the rows that the walk
had reached before the row was asked. So a reopened session has the same pool.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.label.events import Event
from seals_sim.label.learner import ProvisionalModel
from seals_sim.label.options import SessionOptions
from seals_sim.randomness import make_generator
from seals_sim.search.candidates import CandidateTable, FixedTable
from seals_sim.search.choice import resolve_pool
from seals_sim.search.learners import LinearModel
from seals_sim.search.pools import SealsPool
from seals_sim.search.scores import max_entropy, most_likely_positive
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, Row, Rows, StoredVectors

_NONE = LabeledRows([], [])


class SessionPool(ABC):
    """The candidates of a session."""

    @property
    @abstractmethod
    def candidates(self) -> CandidateTable:
        """The rows to choose from."""

    @property
    @abstractmethod
    def n_candidates(self) -> int:
        """How many rows have been candidates so far."""

    @abstractmethod
    def apply(self, event: Event) -> None:
        """Remove the event's row, and add the rows that it brought."""

    def begin_round(self, model: LinearModel) -> None:  # noqa: B027
        """Adapt to a new model; most pools do nothing."""

    def find_brought(self, row: Row) -> Rows | None:
        """The rows that come with the next row to be asked: (m,) distinct rows."""
        return None

    def brings(self, row: int, label: int | None, is_seen: bool) -> bool:
        """Whether an answer to a row brings the row's neighbors; is_seen: whether it was asked or answered before."""
        return False


class ScannedRows(SessionPool):
    """All rows (Algorithm 1), without copies that another row stands for."""

    def __init__(self, vectors: StoredVectors, excluded: Rows) -> None:
        self._table = FixedTable(Rows(np.arange(len(vectors))), vectors, excluded)
        self._n = self._table.n_live

    @property
    def candidates(self) -> CandidateTable:
        return self._table

    @property
    def n_candidates(self) -> int:
        return self._n

    def apply(self, event: Event) -> None:
        self._table.remove(Row(event.row))


class NeighborsOfLabeled(SessionPool):
    """The neighbors of every row that is asked or answered (Algorithm 2)."""

    def __init__(self, pool: SealsPool) -> None:
        self._pool = pool

    @property
    def candidates(self) -> CandidateTable:
        return self._pool.candidates(0)

    @property
    def n_candidates(self) -> int:
        return self._pool.n_candidates

    def apply(self, event: Event) -> None:
        self._pool.candidates(0).remove(Row(event.row))
        if event.neighbors is not None:
            self._pool.admit(event.neighbors)

    def find_brought(self, row: Row) -> Rows | None:
        return self._pool.neighbors(row)

    def brings(self, row: int, label: int | None, is_seen: bool) -> bool:
        return not is_seen


class NeighborsOfPositives(NeighborsOfLabeled):
    """The neighbors of every row that is a positive."""

    def __init__(self, pool: SealsPool) -> None:
        super().__init__(pool)
        self._positives: set[int] = set()

    def apply(self, event: Event) -> None:
        super().apply(event)
        if event.kind == "answer" and event.neighbors is not None:
            self._positives.add(event.row)

    def find_brought(self, row: Row) -> Rows | None:
        return None

    def brings(self, row: int, label: int | None, is_seen: bool) -> bool:
        return label == 1 and row not in self._positives


class WalkedRows(NeighborsOfPositives):
    """The neighbors of positives, and the rows that the walk reaches (`WalkPool`)."""

    def __init__(self, pool: WalkPool, options: SessionOptions) -> None:
        super().__init__(pool)
        self._walk = pool
        self._score = max_entropy if options.strategy == "maxent" else most_likely_positive
        self._n_kept = len(self.candidates.joined)

    def apply(self, event: Event) -> None:
        super().apply(event)
        self._n_kept = len(self.candidates.joined)

    def begin_round(self, model: LinearModel) -> None:
        self._walk.walk(model, most_likely_positive if isinstance(model, ProvisionalModel) else self._score)

    def find_brought(self, row: Row) -> Rows | None:
        """The rows reached since the last event."""
        table = self.candidates
        return Rows(table.rows[table.joined[self._n_kept :]])


def build_session_pool(
    index: NeighborIndex, vectors: StoredVectors, excluded: Rows, seeds: Sequence[Rows], options: SessionOptions
) -> SessionPool:
    """Build the pool of a session that has no events yet.

    Args:
        index: Finds neighbors among the rows that can be asked.
        vectors: (n, d), the vectors of all rows.
        excluded: Rows that cannot be asked.
        seeds: The rows that each example brings.
        options: Options of the session.
    """
    name = resolve_pool(options.pool, *vectors.shape)
    if name == "all":
        return ScannedRows(vectors, excluded)
    if name == "walk":
        entries = draw_entries(len(vectors), make_generator(options.seed, "entries"), excluded, options.entries)
        table: SealsPool = WalkPool(_NONE, vectors, index, options.n_neighbors, n_step=options.step, entries=entries)
    else:
        table = SealsPool(_NONE, vectors, index, options.n_neighbors)
    for neighbors in seeds:
        table.admit(neighbors)
    if isinstance(table, WalkPool):
        return WalkedRows(table, options)
    return NeighborsOfPositives(table) if name == "positives" else NeighborsOfLabeled(table)


def negatives_lead(options: SessionOptions) -> bool:
    """Whether there are candidates while there is no positive."""
    return options.pool not in ("walk", "positives")
