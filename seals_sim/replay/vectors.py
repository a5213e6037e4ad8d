"""Vectors and indexes of a replay, computed once and cached."""

from __future__ import annotations

import sys
from pathlib import Path

from seals_sim.datasets import Dataset
from seals_sim.embed.space import CutTexts, TextSpace
from seals_sim.indexes import IndexFacts, NeighborIndex, fingerprint, measure_on_sample
from seals_sim.indexes import IndexOptions as BuildOptions
from seals_sim.indexes.cached import build_cached_index
from seals_sim.randomness import make_generator
from seals_sim.replay.options import IndexOptions
from seals_sim.types import StoredVectors, Vectors
from seals_sim.vectors.whitening import whiten
from seals_sim.workers import INLINE, Workers


def compute_vectors(
    dataset: Dataset, model: str, dimensions: int | None, cache: Path, quiet: bool, workers: Workers = INLINE
) -> Vectors:
    """Vectors (n, d) of texts by a model, or the user's own, whitened to this many dimensions; 0: not whitened.

    With None, texts are whitened to 256 dimensions or fewer, and vectors are not whitened. Prints on stderr how many
    texts are cut.
    """
    if dataset.texts is not None:
        space = TextSpace(dataset.texts, model, dimensions, cache, quiet, workers=workers)
        vectors = space.compute_vectors()
        report_cut(space.count_cut(), len(vectors))
        return vectors
    assert dataset.vectors is not None
    return whiten(dataset.vectors, dimensions) if dimensions else dataset.vectors


def report_cut(cut: CutTexts | None, n_texts: int) -> None:
    """Print on stderr how many texts are longer than the model reads."""
    if cut is not None:
        is_one, about = cut.n == 1, "about " if cut.is_estimate else ""
        print(
            f"{about}{cut.n:,} of {n_texts:,} texts {'is' if is_one else 'are'} longer than the {cut.max_tokens} "
            f"tokens that the model reads; only {'its beginning counts' if is_one else 'their beginnings count'}",
            file=sys.stderr,
        )


def open_index(
    vectors: StoredVectors,
    options: IndexOptions,
    k: int,
    seed: int,
    cache: Path,
    quiet: bool,
    engine: str | None = None,
    workers: Workers = INLINE,
) -> tuple[NeighborIndex, IndexFacts]:
    """The index for up to k neighbors, built or read from the cache, and its quality on a sample of the rows."""
    chosen = BuildOptions(k, options.lsh_bits, options.n_probe, engine)
    rng = make_generator(seed, "index")
    index = build_cached_index(options.index, vectors, fingerprint(vectors), cache, chosen, rng, quiet, workers)
    facts = measure_on_sample(index, vectors, k, seed)
    if not quiet:
        print(f"index {options.index}: {facts}", file=sys.stderr)
    return index, facts
