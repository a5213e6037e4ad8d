"""Why a row is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Seed
from seals_sim.label.types import Reason
from seals_sim.vectors.scan import widen


def find_reason(corpus: Corpus, row: int, positives: Sequence[int], seeds: Sequence[Seed]) -> Reason | None:
    """Find the positive example nearest to a row.

    Args:
        corpus: That the row is in.
        row: The row.
        positives: Rows that are positive; the row itself is passed over.
        seeds: Examples that need not be rows, of either label.

    Returns:
        None where there is no positive example.
    """
    rows, texts = [other for other in positives if other != row], [seed for seed in seeds if seed.label == 1]
    if not rows and not texts:
        return None
    vectors = [widen(corpus.vectors[rows])] if rows else []
    vectors += [seed.vector[None] for seed in texts]
    similarity = np.concatenate(vectors) @ widen(corpus.vectors[[row]])[0]
    best = int(similarity.argmax())
    if best >= len(rows):
        return Reason(None, texts[best - len(rows)].text, float(similarity[best]))
    return Reason(rows[best], corpus.get_text(rows[best]), float(similarity[best]))
