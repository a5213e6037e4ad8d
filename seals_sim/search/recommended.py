"""The pool that `seals label` would use, for the loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.choice import choose_pool
from seals_sim.search.pools import AllPool
from seals_sim.search.scores import Score, most_likely_positive
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, StoredVectors


def build_recommended_pool(
    labeled: LabeledRows,
    vectors: StoredVectors,
    build_index: Callable[[], NeighborIndex],
    rng: np.random.Generator,
    score: Score = most_likely_positive,
) -> AllPool | WalkPool:
    """Build the pool that `choose_pool` recommends: all rows if the table is quick to scan, otherwise the walk.

    Args:
        labeled: The seeds.
        vectors: (n, d) l2-normalized, straight from an encoder; whitened vectors find less.
        build_index: Called to build an index of the same rows, if one is needed.
        rng: Random generator for the entry rows of walks in a large table.
        score: The score that the selector uses.

    Examples:
        >>> import numpy as np
        >>> from seals_sim import ExactIndex
        >>> vectors = np.eye(4, dtype=np.float32)
        >>> rng = np.random.default_rng(0)
        >>> pool = build_recommended_pool(LabeledRows([0], [1]), vectors, lambda: ExactIndex(vectors), rng)
        >>> type(pool).__name__, pool.n_candidates
        ('AllPool', 3)
    """
    if choose_pool(*vectors.shape) == "all":
        return AllPool(labeled, vectors)
    return WalkPool(labeled, vectors, build_index(), entries=draw_entries(len(vectors), rng), score=score)
