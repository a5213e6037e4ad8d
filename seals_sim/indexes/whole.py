"""Indexes that Faiss fills in one go, in memory, before they go to their file: the paper's LSH, and HNSW."""

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
_EF_SEARCH = 200  # at least k neighbours can be found with it; Faiss widens it for a larger k


def build_lsh(vectors: StoredVectors, made_from: str, folder: Path, n_bits: int = N_BITS) -> StoredIndex:
    """Locality-sensitive hashing as in 5.1: Faiss's IndexLSH, signs of random projections by Hamming distance.

    n_bits: code length; Faiss draws the projections from a fixed seed. Distances are between codes only, so that part
    of the true neighbours is missed; more bits miss fewer. Every code is read for every query: cost is linear in n.
    """
    origin = {"vectors": made_from, "bits": n_bits}
    path, stage = store_index(
        folder, f"index-lsh-{n_bits}", origin, lambda: _filled(faiss.IndexLSH(vectors.shape[1], n_bits), vectors)
    )
    return StoredIndex(path, vectors, {}, stage.seconds, stage.digest)


def build_hnsw(vectors: StoredVectors, made_from: str, folder: Path) -> StoredIndex:
    """A navigable small-world graph (Malkov & Yashunin 2018) over float16 copies of the rows, with 32 links a row.

    Memory: 2 d + 270 bytes a row while it is built; the slowest to build.
    """

    def make() -> Any:
        kind: Any = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(vectors.shape[1], kind, _LINKS, faiss.METRIC_L2)
        index.hnsw.efConstruction = _EF_CONSTRUCTION
        index.is_trained = index.storage.is_trained = True  # float16 needs no training
        return _filled(index, vectors)

    origin = {"vectors": made_from, "links": _LINKS, "ef": _EF_CONSTRUCTION}
    path, stage = store_index(folder, "index-hnsw", origin, make)
    return StoredIndex(path, vectors, {"efSearch": _EF_SEARCH}, stage.seconds, stage.digest)


def _filled(index: Any, vectors: StoredVectors) -> Any:
    for _, block in iterate_blocks(vectors):
        index.add(widen(block))
    return index
