"""Active covering, for comparison: always the row nearest to a positive (Jiang and Rostamizadeh 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.candidates import Growing
from seals_sim.types import LabeledRows, Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather, iterate_blocks


@dataclass(frozen=True, eq=False)
class NearestPositive:
    """A model whose decision value is the largest cosine with a positive.

    Attributes:
        positives: (p, d) l2-normalized.
    """

    positives: Vectors

    def decision(self, vectors: StoredVectors) -> NDArray[np.float64]:
        """The cosine of each of the vectors (m, d) with its nearest positive; -1 if there are no positives."""
        cosines = np.full(len(vectors), -1.0)
        if len(self.positives):
            for start, block in iterate_blocks(vectors):
                cosines[start : start + len(block)] = (block @ self.positives.T).max(axis=1)
        return cosines


class CoveringLearner:
    """The learner of active covering: 1-nearest-neighbor among the positives.

    With `ArgMax(most_likely_positive)` and batches of 1 the loop is their Active Covering, with the seeds instead of
    its random first sample. Over the neighbors of positives (`SealsPool` with `only_positives`) the picks are the same
    as over all rows, as long as no positive has all its neighbors labeled.

    Args:
        vectors: (n, d) l2-normalized, the pool.

    Examples:
        >>> vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
        >>> CoveringLearner(vectors).fit(LabeledRows([1, 0], [1, 0])).decision(vectors).round(3).tolist()
        [0.0, 1.0, 0.8]
    """

    def __init__(self, vectors: StoredVectors) -> None:
        self._vectors = vectors
        self._rows = Rows(np.empty(0, dtype=np.int64))
        self._read = Growing(np.float32, vectors.shape[1:])  # the vectors of _rows

    def fit(self, labeled: LabeledRows) -> NearestPositive:
        rows = labeled.rows[labeled.labels == 1]
        n = len(self._rows)
        if not np.array_equal(rows[:n], self._rows):
            n, self._read = 0, Growing(np.float32, self._vectors.shape[1:])
        self._read.extend(len(rows) - n)[:] = gather(self._vectors, Rows(rows[n:]))
        self._rows = Rows(rows)
        return NearestPositive(self._read.values)
