"""Inverted files over many millions of vectors: built in stages, stored on disk, searched memory-mapped.

k-means divides the space into cells. A query is compared only with the rows of the few cells nearest to it, using
codes of these rows. So it misses some neighbors: those in other cells, and a few that the codes rank too low.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.files import replacing
from seals_sim.disk.reading import read_array
from seals_sim.disk.stages import FileResult, Stage
from seals_sim.indexes.names import N_PROBE
from seals_sim.indexes.stored import StoredIndex, store_index
from seals_sim.progress import begin_step, track
from seals_sim.runtime import give_back_memory
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.codes import KIND, choose_scale, encode_as_bytes
from seals_sim.vectors.scan import gather_by_reading, read_block, widen

_TRAINED_ON = 64  # rows per cell
_ITERATIONS = 10
_REFINED = 2
_ONE_LEVEL = 1024  # cells up to which plain k-means is fast enough
_READ_WHOLE = 65_536  # rows: a millisecond or so
_BLOCK = 65_536
_CODES_TRAINED_ON = 65_536  # rows
_PQ_LEAST = 256  # Faiss needs a row for each centroid of a part; a smaller table is repeated


class _Training(FileResult):
    scale: Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Codes:
    """How the rows of the cells are encoded.

    Attributes:
        make: Makes a Faiss index from a quantizer, dimensions and number of cells.
        is_trained: Whether the codes must be trained.
        is_rounded: Whether vectors are scaled and rounded to 8 bits first.
        n_reranked: `n_reranked` of `StoredIndex`, chosen so that the index finds about what its cells hold.
    """

    make: Callable[[Any, int, int], Any]
    is_trained: bool
    is_rounded: bool
    n_reranked: int


def _make_scalar(kind: int) -> Callable[[Any, int, int], Any]:
    return lambda quantizer, d, n_cells: faiss.IndexIVFScalarQuantizer(
        quantizer, d, n_cells, kind, faiss.METRIC_INNER_PRODUCT, False
    )


def _make_product(quantizer: Any, d: int, n_cells: int) -> Any:
    n_parts = max(part for part in range(1, d // 4 + 1) if d % part == 0) if d >= 4 else 1
    return faiss.IndexIVFPQ(quantizer, d, n_cells, n_parts, 8, faiss.METRIC_L2)


def _make_rabitq(quantizer: Any, d: int, n_cells: int) -> Any:
    return faiss.IndexIVFRaBitQ(quantizer, d, n_cells, faiss.METRIC_L2)


# Bytes per row of d dimensions, in addition to 8 for its number: 2 d, d, d / 4, d / 8 + 8.
CODES = {
    "flat": Codes(_make_scalar(faiss.ScalarQuantizer.QT_fp16), is_trained=False, is_rounded=False, n_reranked=1),
    "sq": Codes(_make_scalar(KIND), is_trained=False, is_rounded=True, n_reranked=1),
    "pq": Codes(_make_product, is_trained=True, is_rounded=False, n_reranked=5),
    "rabitq": Codes(_make_rabitq, is_trained=True, is_rounded=False, n_reranked=8),
}


def choose_n_cells(n: int) -> int:
    """Choose about 4 sqrt(n) cells (Faiss's guidelines: 4 to 16 sqrt(n)).

    Args:
        n: Rows of the table.

    Returns:
        A power of two; 1 if all rows are quickly read.

    Examples:
        >>> choose_n_cells(10_000), choose_n_cells(100_000), choose_n_cells(14_130_000)
        (1, 1024, 16384)
    """
    return 1 if n <= _READ_WHOLE else 1 << round(np.log2(4 * np.sqrt(n)))


def choose_few_cells(n: int) -> int:
    """Choose so few cells that the index is quickly built, for an index with few queries, as in a single session.

    A query then reads more of the table and misses less.

    Args:
        n: Rows of the table.

    Examples:
        >>> choose_few_cells(10_000), choose_few_cells(100_000), choose_few_cells(14_130_000)
        (1, 1024, 1024)
    """
    return min(_ONE_LEVEL, choose_n_cells(n))


def build_ivf(
    vectors: StoredVectors,
    made_from: str,
    folder: Path,
    rng: np.random.Generator,
    codes: str = "sq",
    n_probe: int = N_PROBE,
    quiet: bool = True,
    n_cells: int | None = None,
) -> tuple[StoredIndex, tuple[Stage, ...]]:
    """Build an inverted file in folder / index-*, or open it; an interrupted build resumes.

    It needs memory for the codes of all rows and for the sample that the cells are trained on.

    Args:
        vectors: (n, d), l2-normalized, float32 or float16, perhaps memory-mapped.
        made_from: A digest of them.
        folder: Parent folder of all stages.
        rng: Random generator for the rows that the cells are trained on.
        codes: One of CODES; they all share the same cells.
        n_probe: Cells that a query visits.
        quiet: Whether to hide the progress bar.
        n_cells: Number of cells; by default `choose_n_cells`.

    Returns:
        The index and its build stages.

    Raises:
        UserError: If the folder holds an index of other vectors, or cannot be written.
    """
    kind, n = CODES[codes], len(vectors)
    n_cells = n_cells or choose_n_cells(n)
    origin = {"vectors": made_from, "cells": n_cells}
    centroids, scale, training = train_cells(vectors, folder, origin, rng, n_cells)
    find_quantizer = functools.cache(lambda: build_quantizer(centroids))  # half a second, not needed to open an index
    assigned = ArrayStage(folder, "index-cells", {**origin, "training": training.digest}, (n,), np.int32)
    cells = assigned.fill(
        lambda start, end: find_quantizer().assign(read_block(vectors, start, end), 1)[:, 0].astype(np.int32),
        _BLOCK,
        quiet,
        "sorting rows into the index",
    )
    scale = scale if kind.is_rounded else 1.0
    path, listing = store_index(
        folder,
        f"index-lists-{codes}",
        {**origin, "cells digest": assigned.stage.digest},
        lambda: _fill(vectors, kind, find_quantizer(), cells, scale, quiet),
    )
    give_back_memory()
    stages = (training, assigned.stage, listing)
    seconds = sum(stage.seconds for stage in stages)
    searched = {"nprobe": min(n_probe, n_cells)}
    index = StoredIndex(path, vectors, searched, seconds, listing.digest, scale, kind.n_reranked)
    return index, stages


def train_cells(
    vectors: StoredVectors,
    folder: Path,
    origin: Mapping[str, object],
    rng: np.random.Generator,
    n_cells: int,
    n_iterations: int = _ITERATIONS,
) -> tuple[Vectors, float, Stage]:
    """Divide the space into cells, or read the cells of an earlier run.

    Args:
        vectors: As for `build_ivf`.
        folder: Parent folder of all stages.
        origin: Everything that the cells are made from.
        rng: Random generator for the rows that they are trained on.
        n_cells: Number of cells.
        n_iterations: Iterations of k-means.

    Returns:
        Unit centroids (n_cells, d), the factor applied to coordinates before they are rounded to 8 bits, and the
        stage.

    Raises:
        UserError: If the folder holds other cells, or cannot be written.
    """
    n = len(vectors)
    stage = Stage(folder, "index-training", origin)
    path = stage.folder / "centroids.npy"
    if stage.result is None:
        begin_step("training the index")
        rows = Rows(np.sort(rng.choice(n, size=min(n, _TRAINED_ON * n_cells), replace=False)))
        sample = gather_by_reading(vectors, rows)
        scale = choose_scale(sample)
        options = {
            "niter": n_iterations,
            "spherical": True,
            "seed": int(rng.integers(2**31)),
            "min_points_per_centroid": 1,
        }
        if n_cells > _ONE_LEVEL:
            from faiss.contrib.clustering import two_level_clustering  # imports scipy, for a part that is not used here

            first = round(np.sqrt(n_cells))
            del options["niter"]
            centroids, _ = two_level_clustering(sample, first, n_cells, clustering_niter=n_iterations, **options)
            for _ in range(_REFINED):
                centroids = _refine(centroids, sample)
        else:
            kmeans = faiss.Kmeans(vectors.shape[1], n_cells, **options)
            kmeans.train(sample)
            centroids = kmeans.centroids
        with replacing(path, is_private=True) as temporary, temporary.open("wb") as file:
            np.save(file, centroids)
        stage.finish_with(path, {"scale": scale})
    stage.require_whole(path)
    return read_array(path, is_mapped=False), stage.read_result(_Training)["scale"], stage


def build_quantizer(centroids: Vectors, flat: int = _ONE_LEVEL) -> Any:
    """Build Faiss's index of centroids (cells, d), which finds the cells nearest to a row.

    Up to `flat` cells a row is compared with all of them, which is fast for many rows at once.
    """
    if len(centroids) <= flat:
        every: Any = faiss.IndexFlatL2(centroids.shape[1])
        every.add(centroids)
        return every
    graph: Any = faiss.IndexHNSWFlat(centroids.shape[1], 32)
    graph.add(centroids)
    graph.hnsw.efSearch = 64
    return graph


def _refine(centroids: Vectors, sample: Vectors) -> Vectors:
    """One step of spherical k-means over all cells at once, which two-level clustering does not do."""
    cell = build_quantizer(centroids).assign(sample, 1)[:, 0]
    order = np.argsort(cell, kind="stable")
    filled, starts = np.unique(cell[order], return_index=True)
    sums = np.add.reduceat(sample[order], starts, axis=0)
    moved = centroids.copy()
    moved[filled] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return moved


def _fill(
    vectors: StoredVectors, codes: Codes, quantizer: Any, cells: NDArray[np.int32], scale: float, quiet: bool
) -> Any:
    index = codes.make(quantizer, vectors.shape[1], quantizer.ntotal)
    index.is_trained = not codes.is_trained
    if codes.is_trained:
        sample = widen(vectors[:: max(1, len(vectors) // _CODES_TRAINED_ON)])
        index.train(np.resize(sample, (max(len(sample), _PQ_LEAST), vectors.shape[1])))
    _reserve(index, cells)
    with track("filling the index", len(vectors), "row", quiet) as bar:
        for start in range(0, len(vectors), _BLOCK):
            block = read_block(vectors, start, start + _BLOCK)
            rows = encode_as_bytes(block, scale) if codes.is_rounded else block
            ids = np.arange(start, start + len(rows))
            places = cells[start : start + len(rows)].astype(np.int64)
            index.add_core(len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(ids), faiss.swig_ptr(places))
            bar.advance(len(rows))
    return index


def _reserve(index: Any, cells: NDArray[np.int32]) -> None:
    """Reserve exactly the room that each cell needs: a list that grows by doubling takes up to twice its memory."""
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    sizes = np.bincount(cells, minlength=index.nlist).tolist()
    for cell, size in enumerate(sizes):
        lists.resize(cell, size)
        lists.resize(cell, 0)  # this keeps the reserved room
