"""Vectors and indexes of a replay, computed once and cached."""

from __future__ import annotations

import sys
from pathlib import Path

from seals_sim.datasets import Dataset
from seals_sim.embed.space import embed_texts
from seals_sim.indexes import IndexFacts, NeighborIndex, fingerprint, measure_on_sample
from seals_sim.indexes import IndexOptions as BuildOptions
from seals_sim.indexes.cached import build_cached_index
from seals_sim.randomness import make_generator
from seals_sim.replay.options import IndexOptions
from seals_sim.types import StoredVectors, Vectors
from seals_sim.vectors.whitening import whiten


def compute_vectors(dataset: Dataset, model: str, dimensions: int, cache: Path, quiet: bool) -> Vectors:
    """Vectors (n, d) of texts by a model, or the user's own, whitened to so many dimensions; 0: not whitened."""
    if dataset.texts is not None:
        return embed_texts(dataset.texts, model, dimensions, cache, quiet)
    assert dataset.vectors is not None
    return dataset.vectors if dimensions == 0 else whiten(dataset.vectors, dimensions)


def open_index(
    vectors: StoredVectors, options: IndexOptions, k: int, seed: int, cache: Path, quiet: bool
) -> tuple[NeighborIndex, IndexFacts]:
    """The index for up to k neighbors, built or read from the cache, and what it is worth on a sample of the rows."""
    chosen = BuildOptions(k, options.lsh_bits, options.n_probe)
    rng = make_generator(seed, "index")
    index = build_cached_index(options.index, vectors, fingerprint(vectors), cache, chosen, rng, quiet)
    facts = measure_on_sample(index, vectors, k, seed)
    if not quiet:
        print(f"index {options.index}: {facts}", file=sys.stderr)
    return index, facts
