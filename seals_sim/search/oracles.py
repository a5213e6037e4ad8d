"""Oracles: they answer the queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seals_sim.search.entries import DENSE_ROWS
from seals_sim.types import Row


class LabelTable:
    """Known labels: stands in for the annotator of an experiment.

    For a table of more than `DENSE_ROWS` rows it keeps only the positive ones, 8 bytes each.

    Args:
        is_positive: (n,) bool, by row.

    Examples:
        >>> [LabelTable.from_rows([7, 3, 10**12]).label(Row(row)) for row in (3, 4, 7, 10**12)]
        [1, 0, 1, 1]
    """

    def __init__(self, is_positive: NDArray[np.bool_]) -> None:
        is_small = len(is_positive) <= DENSE_ROWS
        self._is_positive = is_positive if is_small else None
        self._positives = np.empty(0, dtype=np.int64) if is_small else np.flatnonzero(is_positive)

    @classmethod
    def from_rows(cls, positives: ArrayLike) -> LabelTable:
        """Build it from the positive rows (m,) of a table of any size; memory grows with their number."""
        table = cls.__new__(cls)
        table._is_positive, table._positives = None, np.unique(np.asarray(positives, dtype=np.int64))
        return table

    def label(self, query: Row) -> int:
        """1 for a positive row, 0 for any other."""
        if self._is_positive is not None:
            return int(self._is_positive[query])
        place = int(np.searchsorted(self._positives, query))
        return int(place < len(self._positives) and self._positives[place] == query)
