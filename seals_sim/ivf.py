"""An inverted file over many millions of vectors: built in stages, kept on disk, searched through mapped memory.

k-means cuts the space into cells; a query is compared only with the rows of the few cells nearest to it, by 8-bit
codes. So neighbours are missed: those in other cells, and a few that the codes put in the wrong order.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from faiss.contrib.clustering import two_level_clustering
from numpy.typing import NDArray

from seals_sim.candidates import Rows, StoredVectors, Vectors
from seals_sim.codes import KIND, coded, scale_for
from seals_sim.files import replacing
from seals_sim.indexes import without_padding
from seals_sim.scan import block_of, widened
from seals_sim.stages import ArrayStage, Stage

N_PROBE = 32
_TRAINED_ON = 64  # rows a cell
_ITERATIONS = 10
_REFINED = 2
_ONE_LEVEL = 1024  # cells up to which plain k-means is quick enough
_READ_WHOLE = 65_536  # rows: a millisecond or so
_BLOCK = 65_536


def cells_for(n: int) -> int:
    """About 4 sqrt(n) cells, a power of two (Faiss's guidelines: 4 to 16 sqrt(n)); one where all rows are soon read.

    >>> cells_for(10_000), cells_for(100_000), cells_for(14_130_000)
    (1, 1024, 16384)
    """
    return 1 if n <= _READ_WHOLE else 1 << round(np.log2(4 * np.sqrt(n)))


class IVFIndex:
    """The index that `build_ivf` has left in a file, opened for searching.

    vectors: (n, d), those that it was built on; queries are its rows. scale: of the codes. digest: of the index.
    """

    def __init__(
        self, path: Path, vectors: StoredVectors, scale: float, n_probe: int, build_seconds: float, digest: str
    ) -> None:
        self.build_seconds, self.digest = build_seconds, digest
        self._path, self.vectors, self._scale, self._n_probe = path, vectors, scale, n_probe
        self._open()

    def _open(self) -> None:
        self._index: Any
        self._index = faiss.read_index(str(self._path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        self._index.nprobe = self._n_probe
        lists: Any
        lists = faiss.downcast_InvertedLists(self._index.invlists)
        lists.prefetch_nthread = 0  # threads would cost more than they save

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_index"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        queries = widened(self.vectors[rows]) * np.float32(self._scale)
        _, found = self._index.search(queries, min(k, len(self.vectors)))
        return without_padding(found)

    def largest(self, weights: NDArray[np.float32], n: int) -> Rows:
        """Up to n rows with the largest inner products with weights (d,), of those in the cells looked into."""
        query = coded(weights[None], scale_for(weights[None]))
        return without_padding(self._index.search(query, min(n, len(self.vectors)))[1])[0]


def build_ivf(
    vectors: StoredVectors,
    made_from: str,
    folder: Path,
    rng: np.random.Generator,
    n_probe: int = N_PROBE,
    quiet: bool = True,
) -> tuple[IVFIndex, tuple[Stage, ...]]:
    """Build in folder / index-*, going on where an earlier call was stopped; the index and the stages of its making.

    vectors: (n, d), l2-normalised, perhaps memory-mapped; made_from: a digest of them; rng: for the rows that the cells
    are trained on. Memory: 8-bit codes of all rows (n d bytes), and the sample. Raises UserError.
    """
    n = len(vectors)
    origin = {"vectors": made_from, "cells": cells_for(n)}
    centroids, scale, training = _trained(vectors, folder, origin, rng)
    quantizer = _quantizer(centroids)
    assigned = ArrayStage(folder, "index-cells", {**origin, "training": training.digest}, (n,), np.int32)
    cells = assigned.fill(
        lambda start, end: quantizer.assign(block_of(vectors, start, end), 1)[:, 0].astype(np.int32), _BLOCK, quiet
    )
    listing = Stage(folder, "index-lists", {**origin, "cells digest": assigned.stage.digest})
    path = listing.folder / "index.faiss"
    if listing.result is None:
        with replacing(path) as temporary:
            faiss.write_index(_filled(vectors, quantizer, cells, scale), str(temporary))
        _give_back_memory()
        listing.finish_with(path, {})
    listing.require_whole(path)
    stages = (training, assigned.stage, listing)
    seconds = sum(stage.seconds for stage in stages)
    return IVFIndex(path, vectors, scale, n_probe, seconds, listing.digest), stages


def _trained(
    vectors: StoredVectors, folder: Path, origin: dict[str, object], rng: np.random.Generator
) -> tuple[Vectors, float, Stage]:
    """Unit centroids (cells, d), and what coordinates are multiplied by before they are rounded to 8 bits."""
    n, n_cells = len(vectors), cells_for(len(vectors))
    stage = Stage(folder, "index-training", origin)
    path = stage.folder / "centroids.npy"
    if stage.result is None:
        rows = np.sort(rng.choice(n, size=min(n, _TRAINED_ON * n_cells), replace=False))
        sample = widened(vectors[rows])
        scale = scale_for(sample)
        options = {
            "niter": _ITERATIONS,
            "spherical": True,
            "seed": int(rng.integers(2**31)),
            "min_points_per_centroid": 1,
        }
        if n_cells > _ONE_LEVEL:
            first = round(np.sqrt(n_cells))
            del options["niter"]
            centroids, _ = two_level_clustering(sample, first, n_cells, clustering_niter=_ITERATIONS, **options)
            for _ in range(_REFINED):
                centroids = _refined(centroids, sample)
        else:
            kmeans = faiss.Kmeans(vectors.shape[1], n_cells, **options)
            kmeans.train(sample)
            centroids = kmeans.centroids
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, centroids)
        stage.finish_with(path, {"scale": scale})
    stage.require_whole(path)
    assert stage.result is not None
    return np.load(path, allow_pickle=False), stage.result["scale"], stage


def _quantizer(centroids: Vectors) -> Any:
    if len(centroids) <= _ONE_LEVEL:
        flat: Any = faiss.IndexFlatL2(centroids.shape[1])
        flat.add(centroids)
        return flat
    graph: Any = faiss.IndexHNSWFlat(centroids.shape[1], 32)
    graph.add(centroids)
    graph.hnsw.efSearch = 64
    return graph


def _refined(centroids: Vectors, sample: Vectors) -> Vectors:
    """One step of spherical k-means over all cells at once, which the two levels do not do."""
    cell = _quantizer(centroids).assign(sample, 1)[:, 0]
    order = np.argsort(cell, kind="stable")
    filled, starts = np.unique(cell[order], return_index=True)
    sums = np.add.reduceat(sample[order], starts, axis=0)
    moved = centroids.copy()
    moved[filled] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return moved


def _filled(vectors: StoredVectors, quantizer: Any, cells: NDArray[np.int32], scale: float) -> Any:
    n_cells, d = quantizer.ntotal, vectors.shape[1]
    index = faiss.IndexIVFScalarQuantizer(quantizer, d, n_cells, KIND, faiss.METRIC_INNER_PRODUCT, False)
    index.is_trained = True  # cells are assigned already, and the codes need no training
    for start in range(0, len(vectors), _BLOCK):
        rows = coded(block_of(vectors, start, start + _BLOCK), scale)
        ids = np.arange(start, start + len(rows))
        places = cells[start : start + len(rows)].astype(np.int64)
        index.add_core(len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(ids), faiss.swig_ptr(places))
    return index


def _give_back_memory() -> None:
    """Have glibc return what the thousands of lists of an index in memory have left free, or it counts as ours."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def measured_recall(index: IVFIndex, vectors: StoredVectors, rows: Rows, k: int) -> tuple[float, float]:
    """The part of the exact k nearest neighbours of `rows` that the index finds, and its milliseconds a query, asked
    one by one.
    """
    queries = widened(vectors[rows])
    best = faiss.ResultHeap(len(rows), k)
    for start in range(0, len(vectors), _BLOCK):
        block = block_of(vectors, start, start + _BLOCK)
        distance, found = faiss.knn(queries, block, min(k, len(block)))
        best.add_result(distance, found + start)
    best.finalize()
    since = time.perf_counter()
    answers = [index.neighbors(rows[i : i + 1], k)[0] for i in range(len(rows))]
    milliseconds = 1000 * (time.perf_counter() - since) / len(rows)
    shared = [np.isin(answer, exact).sum() for answer, exact in zip(answers, best.I, strict=True)]
    return float(np.sum(shared)) / best.I.size, milliseconds
