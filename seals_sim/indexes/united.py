"""The k-NN graph of a large table. Each row is searched for among short codes of the rows in its nearest cells, and the
resulting lists are then united with what other rows found.

1. Faiss's fast scan compares codes of 4 bits per two dimensions, 32 rows at a time in registers, in a quarter of the
   time of a matrix product. The best rows are compared again by their float16 vectors.
2. Rows are queried in the order of their cells, so the codes that one needs are still in the cache from the last.
3. If a has b in its list, a is also offered to b. So a neighbor is missed only if both ends miss it (`uniting`).

The number of cells to visit and of rows to compare again is chosen on a sample with known exact neighbors
(`_choose_settings`). Finished blocks are kept, whenever the process ends.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage
from seals_sim.errors import DamagedError
from seals_sim.indexes.exact import ExactIndex
from seals_sim.indexes.graph import StoredGraph
from seals_sim.indexes.ivf import build_quantizer, train_cells
from seals_sim.indexes.stored import open_faiss, store_index
from seals_sim.indexes.uniting import ABOVE_ALL, unite_block
from seals_sim.runtime import give_back_memory
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather_by_reading, iterate_blocks, widen
from seals_sim.workers import INLINE, Workers, open_threads

RECALL = 0.955  # target on the sample: .95 plus its standard error
_SAMPLE = 256  # rows
_SOUGHT = 1_024  # missed neighbors of the sample that are also searched from the other end
_FEWEST_CELLS = 8
_MUCH = 0.01  # recall: with a larger gain from more cells, more compared rows are not tried
_ROWS_OF_A_CELL = 1_024
_FLAT = 8_192  # cells up to which comparing rows with all centroids is faster than a graph of these
_LEAST_OF_A_CELL = 32  # rows: the fast scan processes that many at a time
_MOST_COMPARED = 16  # times k
_CODES_TRAINED_ON = 2_048  # rows: 128 for each of the 16 values of a code
_CELLS_ITERATIONS, _CODES_ITERATIONS = 5, 8  # of k-means: more take longer than better cells and codes save
_ASKED = 4_096  # rows per block of queries
_UNITED = 524_288  # rows per block of uniting, for which all lists are read: 2 GB or so
_ONE_QUERY_A_THREAD = 11  # Faiss's number for this: the results of others depend on how queries are grouped


@dataclass(frozen=True)
class Settings:
    """How to search for the neighbors of a row.

    Attributes:
        n_cells: Cells to visit.
        n_compared: Rows to compare by their vectors, in multiples of k.
    """

    n_cells: int
    n_compared: int


class _Chosen(TypedDict):
    n_cells: Annotated[int, Field(ge=1)]
    n_compared: Annotated[int, Field(ge=1)]
    recall: Annotated[float, Field(ge=0, le=1)]


def choose_n_graph_cells(n: int) -> int:
    """Choose about 1.25 sqrt(n) cells: fewer and larger ones than for an index, since codes are read fast. Above a
    million rows, cells of about a thousand rows; above 16 million, 4 sqrt(n) cells.

    Args:
        n: Rows of the table.

    Examples:
        >>> [choose_n_graph_cells(n) for n in (117_659, 1_000_000, 10_000_000, 100_000_000)]
        [512, 1024, 8192, 32768]
    """
    root = np.sqrt(n)
    n_cells: int = 1 << round(np.log2(max(1.25 * root, min(n / _ROWS_OF_A_CELL, 4 * root))))
    return max(1, min(n // _LEAST_OF_A_CELL, n_cells))


def build_united_graph(
    vectors: StoredVectors,
    made_from: str,
    folder: Path,
    rng: np.random.Generator,
    k: int,
    quiet: bool = True,
    workers: Workers = INLINE,
) -> StoredGraph:
    """Build the graph in folder / graph-*, or open it; an interrupted build resumes.

    Disk, in bytes per row: 2 d + d / 4 + 8 for the data that is searched, 12 k for the lists until they are united, and
    4 k for the graph. Memory: d / 4 + 8 bytes per row, and up to 4 d more while the first of these files is written.

    Args:
        vectors: (n, d), l2-normalized, all distinct, float32 or float16, perhaps memory-mapped.
        made_from: A digest of them.
        folder: Parent folder of all stages.
        rng: Random generator for the rows that cells and codes are trained on, and for the sample.
        k: Neighbors of each row, at most n.
        quiet: Whether to hide the progress bar.
        workers: Each finds the neighbors of a block of rows at a time.

    Returns:
        The graph.

    Raises:
        UserError: If the folder holds a graph of other vectors, or cannot be written.

    Examples:
        >>> import tempfile
        >>> vectors = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
        >>> vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph = build_united_graph(vectors, "digest", Path(folder), np.random.default_rng(0), k=5)
        >>> [len(rows) for rows in graph.neighbors(np.array([7, 3]), k=5)]
        [5, 5]
    """
    n, k = len(vectors), min(k, len(vectors))
    n_cells = choose_n_graph_cells(n)
    origin = {"vectors": made_from, "cells": n_cells}
    of_cells, of_codes, of_sample = rng.spawn(3)  # so that the result does not depend on which stages exist already
    centroids, _, training = train_cells(vectors, folder / "graph-cells", origin, of_cells, n_cells, _CELLS_ITERATIONS)
    path, listing = store_index(
        folder, "graph-scan", {**origin, "training": training.digest}, lambda: _fill(vectors, centroids, of_codes)
    )
    give_back_memory()
    scan = Scan(path, n)
    choosing = Stage(folder, f"graph-settings-{k}", {"scan": listing.digest, "k": k, "recall": RECALL})
    if choosing.result is None:
        settings, recall = _choose_settings(scan, vectors, k, of_sample)
        choosing.finish({**asdict(settings), "recall": recall})
    chosen = choosing.read_result(_Chosen)
    settings = Settings(chosen["n_cells"], chosen["n_compared"])
    origin = {"scan": listing.digest, "k": k, "settings": asdict(settings)}
    united = ArrayStage(folder, f"graph-{k}", origin, (n, k), np.int32)
    shape = (n, 2, choose_n_kept(n, k))
    if not united.stage.is_finished:
        found = ArrayStage(folder, f"graph-found-{k}", origin, shape, np.int32)
        order = scan.list_rows()
        blocks = (Rows(order[start : start + _ASKED]) for start in range(found.n_done, n, _ASKED))
        # a thread finds while this one writes
        with nullcontext(workers) if workers is not INLINE else open_threads(1) as ahead:
            found_blocks = ahead.map(_find_block, (scan, settings, k, shape[2]), blocks)
            lists = found.fill_from(found_blocks, quiet, "finding neighbors")
        parts = ((start, min(start + _UNITED, n)) for start in range(united.n_done, n, _UNITED))
        united.fill_from(workers.map(unite_block, (lists, order, k), parts), quiet, "uniting neighbor lists")
    finding = Stage(folder, f"graph-found-{k}", {**origin, "shape": list(shape), "dtype": np.dtype(np.int32).str})
    (finding.folder / "array.npy").unlink(missing_ok=True)  # it is three times as large as the graph
    stages = (training, listing, choosing, finding, united.stage)
    return StoredGraph(None, united.open(), sum(stage.seconds for stage in stages))


def choose_n_kept(n: int, k: int) -> int:
    """Choose how many neighbors of each row are offered to others: half as many again as the graph has."""
    return min(n, k + k // 2)


class Scan:
    """The data to search: codes of all rows by cell, in memory, and their float16 vectors, memory-mapped.

    It can be pickled and is reopened in another process.
    """

    def __init__(self, path: Path, n: int) -> None:
        self._path, self.n = path.absolute(), n
        self._open()

    def _open(self) -> None:
        self._index: Any = open_faiss(self._path, is_ivf=False)
        codes: Any = faiss.downcast_index(self._index.base_index)
        codes.implem = _ONE_QUERY_A_THREAD
        self._codes, self._rows = codes, faiss.downcast_index(self._index.refine_index)
        if self._index.ntotal != self.n:
            raise DamagedError(self._path, "is damaged (its rows do not match)", self._path.parent)

    def __getstate__(self) -> tuple[Path, int]:
        return self._path, self.n

    def __setstate__(self, state: tuple[Path, int]) -> None:
        self._path, self.n = state
        self._open()

    @property
    def n_cells(self) -> int:
        return int(self._codes.nlist)

    def list_rows(self) -> Rows:
        """All rows, ordered by cell."""
        lists: Any = self._codes.invlists
        sizes = [(cell, lists.list_size(cell)) for cell in range(self.n_cells)]
        of_cells = [faiss.rev_swig_ptr(lists.get_ids(cell), size) for cell, size in sizes if size]
        return Rows(np.concatenate(of_cells))

    def find(self, rows: Rows, settings: Settings, k: int, n_kept: int) -> tuple[NDArray[np.int32], Vectors]:
        """Find the nearest rows of each of `rows` (m,): (m, n_kept), padded with -1, and their similarities.

        A row is its own nearest. The similarity of a pair is the same from both ends, since both are compared in
        float16.
        """
        queries = self._rows.reconstruct_batch(rows)
        self._codes.nprobe = settings.n_cells
        self._index.k_factor = max(1.0, settings.n_compared * k / n_kept)
        similarities, found = self._index.search(queries, n_kept)
        is_itself = found == rows[:, None]
        is_missing = ~is_itself.any(axis=1)
        found[is_missing, -1], is_itself[is_missing, -1] = rows[is_missing], True
        similarities[is_itself] = ABOVE_ALL
        return found.astype(np.int32), similarities


def _fill(vectors: StoredVectors, centroids: Vectors, rng: np.random.Generator) -> Any:
    n, d = vectors.shape
    n_parts = d // 2 if d % 2 == 0 else d
    inner: Any = faiss.METRIC_INNER_PRODUCT
    codes: Any = faiss.IndexIVFPQFastScan(build_quantizer(centroids, _FLAT), d, len(centroids), n_parts, 4, inner)
    codes.by_residual = False  # residuals would need new tables for each cell, which takes far longer
    codes.pq.cp.niter = _CODES_ITERATIONS
    trained_on = Rows(np.sort(rng.choice(n, min(n, _CODES_TRAINED_ON), replace=False)))
    codes.train(gather_by_reading(vectors, trained_on))
    rows: Any = faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_fp16, inner)
    rows.is_trained = True
    for _, block in iterate_blocks(vectors):
        codes.add(widen(block))
        rows.add(widen(block))
    index: Any = faiss.IndexRefine(codes, rows)
    index.ntotal = n
    return index


def _choose_settings(scan: Scan, vectors: StoredVectors, k: int, rng: np.random.Generator) -> tuple[Settings, float]:
    """Start from few cells and 2 k compared rows; raise what helps, until the sample reaches RECALL."""
    n = len(vectors)
    rows = Rows(np.sort(rng.choice(n, min(n, _SAMPLE), replace=False)))
    exact = ExactIndex(vectors).neighbors(rows, k)
    settings = before = Settings(min(_FEWEST_CELLS, scan.n_cells), 2)
    recall = _estimate_recall(scan, settings, rows, exact, k)
    while recall < RECALL:
        more = []
        if settings.n_cells < scan.n_cells:
            more.append(replace(settings, n_cells=min(_raise(settings.n_cells), scan.n_cells)))
        if settings.n_compared < _MOST_COMPARED:
            more.append(replace(settings, n_compared=_raise(settings.n_compared)))
        if not more:
            return settings, recall
        tried = []
        for one in more:
            tried.append((_estimate_recall(scan, one, rows, exact, k), one))
            if tried[-1][0] > recall + _MUCH:
                break  # each try takes as long as a search for several thousand rows
        before, (recall, settings) = settings, max(tried, key=lambda pair: pair[0])
    halfway = Settings((before.n_cells + settings.n_cells) // 2, (before.n_compared + settings.n_compared) // 2)
    if halfway not in (before, settings):
        less = _estimate_recall(scan, halfway, rows, exact, k)
        if less >= RECALL:
            return halfway, less
    return settings, recall


def _raise(number: int) -> int:
    """The next number of 1, 2, 3, 4, 6, 8, 12, ..."""
    is_power = number & (number - 1) == 0
    return max(2, number * 3 // 2 if is_power else number * 4 // 3)


def _estimate_recall(scan: Scan, settings: Settings, rows: Rows, exact: list[Rows], k: int) -> float:
    """Recall after lists are united: neighbors that a row of the sample misses are also searched from the other end."""
    n_kept = choose_n_kept(scan.n, k)
    found = scan.find(rows, settings, k, n_kept)[0][:, :k]
    missed = [np.setdiff1d(true, one) for true, one in zip(exact, found, strict=True)]
    n_missed = sum(map(len, missed))
    if n_missed == 0:
        return 1.0
    sought = np.linspace(0, n_missed, min(n_missed, _SOUGHT), endpoint=False).astype(np.int64)
    asking = np.repeat(rows, [len(one) for one in missed])[sought]
    others, number = np.unique(np.concatenate(missed)[sought], return_inverse=True)
    theirs = scan.find(Rows(others), settings, k, n_kept)[0]
    missed_twice = (theirs[number] != asking[:, None]).all(axis=1).mean()
    return float(1 - missed_twice * n_missed / sum(map(len, exact)))


def _find_block(shared: tuple[Scan, Settings, int, int], rows: Rows) -> NDArray[np.int32]:
    """(m, 2, n_kept): rows and the bits of their similarities."""
    scan, settings, k, n_kept = shared
    found, similarities = scan.find(rows, settings, k, n_kept)
    return np.stack([found, similarities.view(np.int32)], axis=1)
