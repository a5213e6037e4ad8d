"""Which index to use, by a written rule, and the single function that builds or reopens any of them.

The rule of `auto`, from the measurements of `python -m benchmarks.rounds` (reports/rounds):

1. Up to 65,536 rows: `graph` if at least half as many queries are expected as there are rows, otherwise `exact`. A
   query that reads every row takes a millisecond or two, as long as building some three rows of the graph.
2. Beyond: `graph` if at least as many queries are expected as there are rows. It takes 4 n k bytes of disk.
3. Otherwise `ivf-sq`, if its d bytes per row fit into the memory allowed,
4. otherwise `ivf-rabitq`, d / 8 + 8 bytes per row, which then ranks by the vectors themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from seals_sim.errors import UserError
from seals_sim.indexes.copies import DistinctIndex
from seals_sim.indexes.engines.opening import open_engine_index
from seals_sim.indexes.exact import ExactIndex
from seals_sim.indexes.graph import build_graph
from seals_sim.indexes.ivf import build_ivf, choose_few_cells
from seals_sim.indexes.names import ENGINES, INDEXES, N_BITS, N_PROBE, AnyIndexName, AutoAnyIndexName, IndexName
from seals_sim.indexes.protocol import NeighborIndex, VectorIndex, fingerprint
from seals_sim.indexes.united import build_united_graph
from seals_sim.indexes.whole import build_hnsw, build_lsh
from seals_sim.options import get_machine_memory
from seals_sim.types import StoredVectors
from seals_sim.vectors.copies import ChosenRows, Copies
from seals_sim.workers import INLINE, Workers

EXACT_ROWS = 65_536
EXACT_GRAPH_ROWS = 131_072  # up to here the graph holds exact neighbors, which takes some minutes


@dataclass(frozen=True)
class IndexOptions:
    """The settings of an index.

    Attributes:
        k: Maximum number of neighbors that will be requested.
        n_bits: Code length of lsh.
        n_probe: Cells of an ivf that a query visits.
        engine: Address of the vector engine, for one of ENGINES.
        is_asked_little: Whether few queries are expected, so that an ivf should be quick to build.
    """

    k: int = 100
    n_bits: int = N_BITS
    n_probe: int = N_PROBE
    engine: str | None = None
    is_asked_little: bool = False


def choose_index(n: int, d: int, n_queries: int, memory_bytes: int) -> IndexName:
    """Choose an index by the rule above.

    Args:
        n: Rows of the table.
        d: Dimensions.
        n_queries: Rows whose neighbors will be requested, over all runs.
        memory_bytes: Memory that an index may take.

    Returns:
        The name of one of INDEXES.

    Examples:
        >>> choose_index(1_000_000, 256, 2_000, 2**33), choose_index(1_000_000, 256, 2_000_000, 2**33)
        ('ivf-sq', 'graph')
        >>> choose_index(10_000, 256, 2_000, 2**33), choose_index(100_000_000, 256, 2_000, 2**33)
        ('exact', 'ivf-rabitq')
    """
    if n <= EXACT_ROWS:
        return "graph" if 2 * n_queries >= n else "exact"
    if n_queries >= n:
        return "graph"
    return "ivf-sq" if n * d <= memory_bytes else "ivf-rabitq"


def resolve_index(name: AutoAnyIndexName, n: int, d: int, n_queries: int) -> AnyIndexName:
    """Resolve `auto` for this machine, allowing half of its memory; any other name is returned as it is.

    Args:
        name: As for `build_index`, or auto.
        n: As for `choose_index`.
        d: As for `choose_index`.
        n_queries: As for `choose_index`.
    """
    return choose_index(n, d, n_queries, get_machine_memory() // 2) if name == "auto" else name


def build_index(
    name: str,
    vectors: StoredVectors,
    folder: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    made_from: str | None = None,
    quiet: bool = True,
    workers: Workers = INLINE,
    find_copies: Callable[[StoredVectors], Copies | None] = Copies.find,
) -> NeighborIndex:
    """Build an index, or open the one that an earlier call left in this folder.

    Args:
        name: One of INDEXES or ENGINES.
        vectors: (n, d) l2-normalized, float32 or float16, perhaps memory-mapped.
        folder: Folder for the files of the index.
        options: Settings of the index.
        rng: Random generator for the rows that an index is trained on.
        made_from: A digest of the vectors, if already known; by default their `fingerprint`.
        quiet: Whether to hide the progress bar.
        workers: They find the neighbors of a graph.
        find_copies: Function that finds the equal rows.

    Returns:
        The index. If some rows are equal, it is a `DistinctIndex`: k neighbors are k distinct vectors with all their
        copies.

    Raises:
        UserError: If the index is unknown, the folder holds an index of other vectors, or a vector engine does not
            answer.

    Examples:
        >>> import tempfile
        >>> vectors = np.eye(4, dtype=np.float32)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     index = build_index("graph", vectors, Path(folder), IndexOptions(k=1), np.random.default_rng(0))
        >>> index.neighbors(np.array([2]), k=1)
        [array([2])]
    """
    if name not in (*INDEXES, *ENGINES):
        known = ", ".join(("auto", *INDEXES, *ENGINES))
        raise UserError(f"unknown index; choose from {known}", parameter="index", value=name)
    copies = find_copies(vectors)
    if copies is None:
        return _build_distinct_index(name, vectors, folder, options, rng, made_from, quiet, workers)
    distinct: StoredVectors
    if isinstance(vectors, np.memmap) and name.startswith("ivf-"):  # which may be larger than memory
        distinct = cast(StoredVectors, ChosenRows(vectors, copies.first))
        made_from = made_from or fingerprint(vectors)
        made_from = hashlib.sha256(made_from.encode() + copies.first.tobytes()).hexdigest()
    else:
        distinct, made_from = vectors[copies.first], None
    index = _build_distinct_index(name, distinct, folder / "distinct", options, rng, made_from, quiet, workers)
    return DistinctIndex(index, vectors, copies)


def _build_distinct_index(
    name: str,
    vectors: StoredVectors,
    folder: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    made_from: str | None,
    quiet: bool,
    workers: Workers,
) -> NeighborIndex:
    """`build_index` for vectors that are all distinct."""
    if name == "exact":
        return ExactIndex(vectors)
    made_from = made_from or fingerprint(vectors)
    if name in ENGINES:
        return open_engine_index(name, options.engine, vectors, made_from, options.n_probe, quiet)
    if name != "graph":
        return _build_vector_index(name, vectors, folder, options, rng, made_from, quiet)
    n = len(vectors)
    if n <= EXACT_GRAPH_ROWS:
        return build_graph(ExactIndex(vectors), made_from, n, options.k, folder, f"graph-{options.k}", quiet, workers)[
            0
        ]
    return build_united_graph(vectors, made_from, folder, rng, options.k, quiet, workers)


def _build_vector_index(
    name: str,
    vectors: StoredVectors,
    folder: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    made_from: str,
    quiet: bool,
) -> VectorIndex:
    if name == "lsh":
        return build_lsh(vectors, made_from, folder, options.n_bits)
    if name == "hnsw":
        return build_hnsw(vectors, made_from, folder)
    n_cells, folder = None, folder
    if options.is_asked_little:
        n_cells = choose_few_cells(len(vectors))
        folder = folder / f"cells-{n_cells}"
    return build_ivf(vectors, made_from, folder, rng, name.removeprefix("ivf-"), options.n_probe, quiet, n_cells)[0]
