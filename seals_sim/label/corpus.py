"""From a table of texts to what a session searches: embeddings and an index, from the cache where they are there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seals_sim.embed.embedding import DEFAULT_MODEL, TextSpace
from seals_sim.errors import UserError
from seals_sim.indexes import (
    ExactIndex,
    IndexOptions,
    NeighborIndex,
    StoredIndex,
    VectorIndex,
    build_index,
)
from seals_sim.label.session import Corpus
from seals_sim.randomness import generator
from seals_sim.types import StoredVectors


def corpus_of_texts(
    texts: Sequence[str],
    index: str,
    cache: Path,
    model: str = DEFAULT_MODEL,
    dimensions: int | None = None,
    options: IndexOptions | None = None,
    quiet: bool = True,
) -> Corpus:
    """dimensions: to whiten to; None for 256, or as many as a small table has. index: one that takes any vector, that
    is, all but the graph. Raises UserError.
    """
    space = TextSpace(texts, model, dimensions, cache, quiet)
    vectors, made_from = space.kept_vectors(cache)
    found = kept_index(index, vectors, made_from, cache, options or IndexOptions(), generator(0, "index"), quiet)
    digest = hashlib.sha256(f"vectors {made_from} texts {space.texts_digest}".encode()).hexdigest()
    return Corpus(vectors, _searchable(found, index), digest, texts, space.encode)


def kept_index(
    name: str,
    vectors: StoredVectors,
    made_from: str,
    cache: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    quiet: bool,
) -> NeighborIndex:
    """The index called `name`, kept among the caches under `made_from`, a digest of the vectors."""
    folder = cache / "indexes" / made_from[:32]
    return build_index(name, vectors, folder, options, rng, made_from, quiet)


def _searchable(index: NeighborIndex, name: str) -> VectorIndex:
    if isinstance(index, ExactIndex | StoredIndex):
        return index
    raise UserError(f"--index {name}: finds neighbours of rows alone, and texts typed in are to be looked for too")
