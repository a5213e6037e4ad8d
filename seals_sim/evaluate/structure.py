"""The latent structure of a concept: how its examples hang together in the k-NN graph (section 6, 7.7).

The graph has the concept's examples as nodes; two are joined where one is among the k nearest neighbours of the other
in the whole table. SEALS can walk along these edges without labelling a negative. 'The largest connected component
gives a sense of how much of the concept SEALS can reach, while the average shortest path serves as a proxy for how
long it will take to explore' (caption of Figure 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path

from seals_sim.indexes import NeighborIndex
from seals_sim.types import Rows, Vectors


@dataclass(frozen=True)
class Structure:
    """largest_component: its part of the concept's examples; average_shortest_path: mean number of edges between two
    different examples of the largest component, nan where that is a single one.
    """

    n_components: int
    largest_component: float
    average_shortest_path: float


def build_concept_graph(members: Rows, index: NeighborIndex, k: int) -> csr_array:
    """The k-NN graph of a concept: symmetric, (m, m), ones where one of two members (m,) sorted is among the k nearest
    neighbours of the other. A row counts among its own k, as everywhere here.
    """
    found = index.neighbors(members, k)
    heads = np.repeat(np.arange(len(members)), [len(rows) for rows in found])
    neighbors = np.concatenate(found)
    tails = np.searchsorted(members, neighbors)
    inside = members[np.minimum(tails, len(members) - 1)] == neighbors
    heads, tails = heads[inside], tails[inside]
    edges = csr_array((np.ones(len(heads)), (heads, tails)), shape=(len(members), len(members)))
    edges.setdiag(0)
    edges.eliminate_zeros()
    return edges.maximum(edges.T)


def find_components(graph: csr_array) -> tuple[int, NDArray[np.int64]]:
    """How many components a symmetric graph (m, m) has, and the nodes of the largest."""
    n_components, component = connected_components(graph, directed=False)
    return int(n_components), np.flatnonzero(component == np.bincount(component).argmax())


def measure_structure(graph: csr_array, max_sources: int = 1000, rng: np.random.Generator | None = None) -> Structure:
    """Components and paths of a concept's graph (m, m), symmetric.

    max_sources: where the largest component has more examples, paths are averaged from this many of them, drawn by
    `rng` (default: a generator of seed 0), to all others.

    >>> path_of_three_and_one_alone = csr_array(np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]))
    >>> measure_structure(path_of_three_and_one_alone)
    Structure(n_components=2, largest_component=0.75, average_shortest_path=1.3333333333333333)
    """
    n_components, inside = find_components(graph)
    largest, sources = graph[inside][:, inside], np.arange(len(inside))
    if len(inside) > max_sources:
        sources = (rng or np.random.default_rng(0)).choice(len(inside), max_sources, replace=False)
    mean = np.nan
    if len(inside) > 1:
        lengths = shortest_path(largest, directed=False, unweighted=True, indices=sources)
        mean = float(lengths.sum()) / (len(sources) * (len(inside) - 1))
    return Structure(n_components, len(inside) / graph.shape[0], mean)


def compute_average_cosine(vectors: Vectors) -> float:
    """Mean cosine similarity of two different rows of l2-normalised vectors (m, d), m >= 2 (7.12.3).

    The sum over all pairs is the squared length of the sum: O(m d).

    >>> compute_average_cosine(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32))
    0.3333333333333333
    """
    m, total = len(vectors), vectors.sum(axis=0, dtype=np.float64)
    own = float(np.einsum("ij,ij->", vectors, vectors, dtype=np.float64))
    return (float(total @ total) - own) / (m * (m - 1))
