"""The quality of an index on a table: recall against brute force, and time."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from seals_sim.indexes.copies import DistinctIndex
from seals_sim.indexes.exact import ExactIndex
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.randomness import make_generator
from seals_sim.types import Rows, StoredVectors

_SOME = 200


@dataclass(frozen=True)
class IndexFacts:
    """What an index finds and what it costs.

    Attributes:
        k: Neighbors per query.
        n_queries: Number of query rows.
        recall: The share of the exact k nearest neighbors that the index finds.
        milliseconds: Time of a single query, with everything it reads in memory.
        build_seconds: `build_seconds` of the index.
        n_bytes: `n_bytes` of the index.
    """

    k: int
    n_queries: int
    recall: float
    milliseconds: float
    build_seconds: float
    n_bytes: int

    def __str__(self) -> str:
        return (
            f"built in {self.build_seconds:.1f} s, {self.n_bytes / 1e6:,.0f} MB, recall@{self.k} {self.recall:.3f}, "
            f"{self.milliseconds:.2f} ms per query"
        )


def measure_on_sample(index: NeighborIndex, vectors: StoredVectors, k: int, seed: int = 0) -> IndexFacts:
    """Measure an index on rows drawn at random.

    Args:
        index: An index of the vectors.
        vectors: (n, d), l2-normalized.
        k: Neighbors per query; at most n.
        seed: Random seed.

    Returns:
        The facts, over 200 rows if there are that many; over distinct rows if some are equal.
    """
    if isinstance(index, DistinctIndex):
        vectors, index = index.distinct_vectors, index.distinct
    n = len(vectors)
    rows = Rows(make_generator(seed, "measured").choice(n, min(n, _SOME), replace=False))
    return measure_index(index, vectors, rows, min(k, n))


def measure_index(index: NeighborIndex, vectors: StoredVectors, rows: Rows, k: int) -> IndexFacts:
    """Measure an index, querying all rows together and then one by one. Brute force reads the whole table once.

    Args:
        index: An index of the vectors.
        vectors: (n, d), l2-normalized.
        rows: (m,), m > 0, the query rows.
        k: Neighbors per query.

    Returns:
        The facts.

    Examples:
        >>> vectors = np.eye(4, dtype=np.float32)
        >>> measure_index(ExactIndex(vectors), vectors, np.arange(4), k=1).recall
        1.0
    """
    exact = ExactIndex(vectors).neighbors(rows, k)
    answers = index.neighbors(rows, k)
    since = time.perf_counter()
    for place in range(len(rows)):
        index.neighbors(Rows(rows[place : place + 1]), k)
    milliseconds = 1000 * (time.perf_counter() - since) / len(rows)
    shared = sum(int(np.isin(answer, true).sum()) for answer, true in zip(answers, exact, strict=True))
    recall = shared / sum(len(true) for true in exact)
    return IndexFacts(k, len(rows), recall, milliseconds, index.build_seconds, index.n_bytes)
