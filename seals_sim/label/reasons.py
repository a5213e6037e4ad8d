"""Why a row is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Seed
from seals_sim.label.types import Reason
from seals_sim.vectors.chunked import ChunkedVectors
from seals_sim.vectors.scan import widen


def find_reason(corpus: Corpus, row: int, positives: Sequence[int], seeds: Sequence[Seed]) -> Reason | None:
    """Find the positive example nearest to a row.

    Args:
        corpus: The corpus of the row.
        row: The row.
        positives: Rows that are positive; the row itself is ignored.
        seeds: Examples that need not be rows, of either label.

    Returns:
        None if there is no positive example.
    """
    rows, texts = [other for other in positives if other != row], [seed for seed in seeds if seed.label == 1]
    if not rows and not texts:
        return None
    if isinstance(corpus.vectors, ChunkedVectors):
        own = corpus.vectors.list_chunks(row)
        to_seeds = [float((own @ seed.vector).max()) for seed in texts]
        similarity = np.array([*corpus.vectors[rows].compare(own), *to_seeds])
    else:
        vectors = [widen(corpus.vectors[rows])] if rows else []
        vectors += [seed.vector[None] for seed in texts]
        similarity = np.concatenate(vectors) @ widen(corpus.vectors[[row]])[0]
    best = int(similarity.argmax())
    if best >= len(rows):
        return Reason(None, texts[best - len(rows)].text, float(similarity[best]))
    return Reason(rows[best], _get_text_like(corpus, rows[best], row), float(similarity[best]))


def _get_text_like(corpus: Corpus, row: int, other: int) -> str | None:
    """The text of a row; if it has several chunks, the one most similar to another row."""
    text, vectors = corpus.get_text(row), corpus.vectors
    if text is None or corpus.chunks is None or not isinstance(vectors, ChunkedVectors):
        return text
    similarity = vectors.list_chunks(row) @ vectors.list_chunks(other).T
    start, end = corpus.chunks.get_span(row, int(similarity.max(axis=1).argmax())) or (0, len(text))
    return text[start:end]
