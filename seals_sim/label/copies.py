"""Rows that a session answers together: those with equal texts, or with equal vectors if there are no texts.

The session asks for the first of them, trains on it and counts it once; its answer holds for all. So a text that is in
the table a hundred times weighs no more than another, and rows drawn at random, with all estimates made from them, are
a sample of the distinct rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from seals_sim.indexes import VectorIndex
from seals_sim.label.corpus import Corpus
from seals_sim.types import Row, Rows, Vectors
from seals_sim.vectors.copies import Copies


class DistinctRows:
    """The rows of a corpus that a session can ask for: of rows answered together, only the first.

    Args:
        corpus: The corpus that is searched.
        is_together: Whether copies are answered together; otherwise each row stands for itself alone.

    Attributes:
        n_copies: Rows of the corpus that are not among them.
    """

    def __init__(self, corpus: Corpus, is_together: bool) -> None:
        self._n_rows = len(corpus.vectors)
        self._copies: Copies | None = corpus.copies if is_together else None
        self.n_copies = 0 if self._copies is None else self._copies.n_copies

    def __len__(self) -> int:
        return self._n_rows - self.n_copies

    def find(self, row: int) -> int:
        """The first of the rows that are answered together with `row`."""
        return row if self._copies is None else int(self._copies.first[self._copies.number[row]])

    def list_rows(self, row: int) -> list[int]:
        """All rows that are answered together with `row`, itself included, in order."""
        if self._copies is None:
            return [row]
        rows: list[int] = self._copies.list_rows(int(self._copies.number[row])).tolist()
        return rows

    def list_repeated(self) -> Rows:
        """The rows that another row stands for."""
        if self._copies is None:
            return Rows(np.empty(0, dtype=np.int64))
        is_repeated = np.ones(self._n_rows, dtype=np.bool_)
        is_repeated[self._copies.first] = False
        return Rows(np.flatnonzero(is_repeated))

    def drop_copies(self, rows: Rows) -> Rows:
        """The first row for each of some rows, in their order, each once."""
        if self._copies is None:
            return rows
        _, places = np.unique(self._copies.number[rows], return_index=True)
        return Rows(self._copies.first[self._copies.number[rows[np.sort(places)]]])

    def expand(self, answers: Mapping[int, int | None]) -> dict[int, int | None]:
        """Give every row the answer of its first copy."""
        if self._copies is None:
            return dict(answers)
        return {row: answer for first, answer in answers.items() for row in self.list_rows(first)}

    def draw_unseen(self, seen: Collection[int], rng: np.random.Generator) -> Row | None:
        """Draw a row that has not been seen, uniformly; None if all have been."""
        if self._copies is None:
            return draw_unseen(self._n_rows, seen, rng)
        place = draw_unseen(len(self), set(self._copies.number[list(seen)].tolist()), rng)
        return None if place is None else Row(int(self._copies.first[place]))


class DistinctRowsIndex:
    """Neighbors among the rows that a session can ask for.

    Args:
        index: Index of all rows.
        distinct: The rows that it can ask for.
    """

    def __init__(self, index: VectorIndex, distinct: DistinctRows) -> None:
        self._index, self._distinct = index, distinct
        self.vectors, self.build_seconds, self.n_bytes = index.vectors, index.build_seconds, index.n_bytes

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """See `NeighborIndex`."""
        return [self._distinct.drop_copies(neighbors) for neighbors in self._index.neighbors(rows, k)]

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """See `VectorIndex`."""
        return [self._distinct.drop_copies(neighbors) for neighbors in self._index.nearest(queries, k)]


def draw_unseen(n: int, seen: Collection[int], rng: np.random.Generator) -> Row | None:
    """Draw one of rows 0 to n - 1 that has not been seen, uniformly; None if all have been.

    Examples:
        >>> draw_unseen(4, {0, 1, 3}, np.random.default_rng(0))
        2
        >>> draw_unseen(2, {0, 1}, np.random.default_rng(0)) is None
        True
    """
    if len(seen) >= n:
        return None
    if 2 * len(seen) < n:
        while (row := int(rng.integers(n))) in seen:
            pass
        return Row(row)
    return Row(int(rng.choice(np.setdiff1d(np.arange(n), np.fromiter(seen, dtype=np.int64)))))
