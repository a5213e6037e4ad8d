"""Neighbour indexes N(z, k) behind one small protocol.

Every query is a row of the indexed table, and the k nearest neighbours of a row count the row itself, as Faiss
counts it: k = n gives the whole table. Pools leave labelled rows out. An index never changes once built.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from seals_sim.candidates import Rows, Vectors
from seals_sim.errors import UserError


class NeighborIndex(Protocol):
    """Finds neighbours of rows by Euclidean distance."""

    build_seconds: float

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """For each of `rows` (m,), at most k rows of the table, nearest first (fewer where an index finds fewer)."""


def without_padding(found: NDArray[np.int64]) -> list[Rows]:
    """Drop the -1 that Faiss puts where it found no further neighbour."""
    return [row[row >= 0] for row in found]


class ExactIndex:
    """Brute force over float32 vectors (n, d), used in place.

    >>> index = ExactIndex(np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32))
    >>> index.neighbors(np.array([0]), k=2)[0].tolist()
    [0, 2]
    """

    build_seconds = 0.0

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        _, found = faiss.knn(np.ascontiguousarray(self._vectors[rows]), self._vectors, min(k, len(self._vectors)))
        return without_padding(found)


class LSHIndex:
    """Locality-sensitive hashing as in 5.1: Faiss's IndexLSH, signs of random projections by Hamming distance.

    n_bits: code length; Faiss draws the projections from a fixed seed. Distances are between codes only, so part
    of the true neighbours is missed; more bits miss fewer.
    """

    def __init__(self, vectors: Vectors, n_bits: int = 512) -> None:
        start = time.perf_counter()
        self._vectors = vectors
        index = faiss.IndexLSH(vectors.shape[1], n_bits)
        index.add(vectors)
        self._index = index
        self.build_seconds = time.perf_counter() - start

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_index": faiss.serialize_index(self._index)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _index=faiss.deserialize_index(state["_index"]))

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        _, found = self._index.search(np.ascontiguousarray(self._vectors[rows]), min(k, len(self._vectors)))
        return without_padding(found)


class GraphIndex:
    """The exact k-NN graph of the table, found once and then looked up: a query reads one row of integers.

    Takes n^2 d work and n k integers to build; pays where many concepts share it. k at most `k_max` can be asked.
    """

    def __init__(self, vectors: Vectors, k_max: int, block: int = 1024) -> None:
        start = time.perf_counter()
        n = len(vectors)
        self._graph = np.empty((n, min(k_max, n)), dtype=np.int32)
        for first in range(0, n, block):
            _, found = faiss.knn(vectors[first : first + block], vectors, self._graph.shape[1])
            self._graph[first : first + block] = found
        self.build_seconds = time.perf_counter() - start

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        k = min(k, len(self._graph))
        if k > self._graph.shape[1]:
            raise ValueError(f"this graph holds {self._graph.shape[1]} neighbours a row; {k} were asked")
        return list(self._graph[rows, :k].astype(np.int64))


INDEXES = ("exact", "lsh", "graph")


def build_index(name: str, vectors: Vectors, k: int, n_bits: int = 512) -> NeighborIndex:
    """Build the index called `name` for up to k neighbours; UserError where there is no such index."""
    match name:
        case "exact":
            return ExactIndex(vectors)
        case "lsh":
            return LSHIndex(vectors, n_bits)
        case "graph":
            return GraphIndex(vectors, k)
    raise UserError(f"--index {name}: there is no such index; choose from {', '.join(INDEXES)}")
