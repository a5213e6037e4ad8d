"""Indexes that Faiss builds in memory in one go and then writes to a file: the paper's LSH, and HNSW."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss

from seals_sim.indexes.names import N_BITS
from seals_sim.indexes.stored import StoredIndex, store_index
from seals_sim.types import StoredVectors
from seals_sim.vectors.scan import iterate_blocks, widen

_LINKS = 32
_EF_CONSTRUCTION = 80
_EF_SEARCH = 200  # finds at least k neighbors; Faiss raises it for a larger k


def build_lsh(vectors: StoredVectors, made_from: str, folder: Path, n_bits: int = N_BITS) -> StoredIndex:
    """Build locality-sensitive hashing as in 5.1: Faiss's IndexLSH, signs of random projections with Hamming distance.

    Distances are between codes only, so some of the true neighbors are missed; more bits miss fewer. Every query reads
    every code: cost is linear in n.

    Args:
        vectors: (n, d), l2-normalized.
        made_from: A digest of them.
        folder: Parent folder of all stages.
        n_bits: Code length. Faiss draws the projections from a fixed seed.

    Returns:
        The index.

    Raises:
        UserError: If the folder holds an index of other vectors, or cannot be written.
    """
    origin = {"vectors": made_from, "bits": n_bits}
    path, stage = store_index(
        folder, f"index-lsh-{n_bits}", origin, lambda: _fill(faiss.IndexLSH(vectors.shape[1], n_bits), vectors)
    )
    return StoredIndex(path, vectors, {}, stage.seconds, stage.digest)


def build_hnsw(vectors: StoredVectors, made_from: str, folder: Path) -> StoredIndex:
    """Build a navigable small-world graph (Malkov & Yashunin 2018) over float16 copies of the rows, 32 links per row.

    It takes 2 d + 270 bytes of memory per row and is the slowest to build.

    Args:
        vectors: (n, d), l2-normalized.
        made_from: A digest of them.
        folder: Parent folder of all stages.

    Returns:
        The index.

    Raises:
        UserError: If the folder holds an index of other vectors, or cannot be written.
    """

    def make() -> Any:
        kind: Any = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(vectors.shape[1], kind, _LINKS, faiss.METRIC_L2)
        index.hnsw.efConstruction = _EF_CONSTRUCTION
        index.is_trained = index.storage.is_trained = True  # float16 needs no training
        return _fill(index, vectors)

    origin = {"vectors": made_from, "links": _LINKS, "ef": _EF_CONSTRUCTION}
    path, stage = store_index(folder, "index-hnsw", origin, make)
    return StoredIndex(path, vectors, {"efSearch": _EF_SEARCH}, stage.seconds, stage.digest)


def _fill(index: Any, vectors: StoredVectors) -> Any:
    for _, block in iterate_blocks(vectors):
        index.add(widen(block))
    return index
