"""The latent structure of a concept: how its examples are connected in the k-NN graph (section 6, 7.7).

The nodes of the graph are the concept's examples; two are joined if one is among the k nearest neighbors of the other
in the whole table. SEALS can walk along these edges without labeling a negative. 'The largest connected component
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
from seals_sim.indexes.copies import DistinctIndex
from seals_sim.types import Rows, Vectors


@dataclass(frozen=True)
class Structure:
    """How the examples of a concept are connected.

    Attributes:
        n_components: Number of connected components of its graph.
        largest_component: Share of the examples in the largest component.
        average_shortest_path: Mean number of edges on the shortest path between two different examples of the largest
            component; NaN if it has only one.
    """

    n_components: int
    largest_component: float
    average_shortest_path: float


def build_concept_graph(members: Rows, index: NeighborIndex, k: int) -> csr_array:
    """Build the k-NN graph of a concept (section 6).

    Args:
        members: (m,) rows of the concept, sorted.
        index: Index of the whole table.
        k: Neighbors of each row, including itself, as everywhere here.

    Returns:
        (m, m), symmetric, with ones where one of two members is among the k nearest neighbors of the other. If the
        index knows about copies (`DistinctIndex`), the nodes are the m distinct vectors among the members: n copies
        would be joined by n^2 edges, which say nothing about the concept.

    Examples:
        >>> from seals_sim.indexes import ExactIndex
        >>> index = ExactIndex(np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32))
        >>> build_concept_graph(np.array([0, 2]), index, k=2).toarray().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    if isinstance(index, DistinctIndex):
        return build_concept_graph(Rows(np.unique(index.copies.number[members])), index.distinct, k)
    lists = index.neighbors(members, k)
    heads = np.repeat(np.arange(len(members)), [len(rows) for rows in lists])
    neighbors = np.concatenate(lists)
    tails = np.searchsorted(members, neighbors)
    inside = members[np.minimum(tails, len(members) - 1)] == neighbors
    heads, tails = heads[inside], tails[inside]
    edges = csr_array((np.ones(len(heads)), (heads, tails)), shape=(len(members), len(members)))
    edges.setdiag(0)
    edges.eliminate_zeros()
    return edges.maximum(edges.T)


def find_components(graph: csr_array) -> tuple[int, NDArray[np.int64]]:
    """Find the connected components of a graph.

    Args:
        graph: (m, m), symmetric.

    Returns:
        Their number and the nodes of the largest.

    Examples:
        >>> find_components(csr_array(np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]])))
        (2, array([1, 2]))
    """
    n_components, component = connected_components(graph, directed=False)
    return int(n_components), np.flatnonzero(component == np.bincount(component).argmax())


def measure_structure(graph: csr_array, max_sources: int = 1000, rng: np.random.Generator | None = None) -> Structure:
    """Measure the components and paths of a concept's graph (Figure 10).

    Args:
        graph: (m, m), symmetric.
        max_sources: If the largest component has more examples than this, paths are averaged from this many of them to
            all others.
        rng: Random generator; by default one with seed 0.

    Returns:
        The measures.

    Examples:
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
    """Compute the mean cosine similarity of two different rows (7.12.3).

    The sum over all pairs equals the squared length of the sum: O(m d).

    Args:
        vectors: (m, d), l2-normalized, m >= 2.

    Returns:
        From -1 to 1.

    Examples:
        >>> compute_average_cosine(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32))
        0.3333333333333333
    """
    m, total = len(vectors), vectors.sum(axis=0, dtype=np.float64)
    own = float(np.einsum("ij,ij->", vectors, vectors, dtype=np.float64))
    return (float(total @ total) - own) / (m * (m - 1))
