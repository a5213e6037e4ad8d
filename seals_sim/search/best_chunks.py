"""Learning from rows that have several vectors each, when a positive answer means only that one of them matches.

This is the rule of MI-SVM (Andrews, Tsochantaridis, Hofmann 2003) with logistic regression. It alternates two steps:
represent each row by its best chunk under the model, then train the model on these chunks. The result depends on the
start. It starts from the chunks that positives have in common and negatives do not (after the diverse density of Maron
and Lozano-Perez 1998), so the model depends on the answers alone and not on earlier models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.learners import LinearModel
from seals_sim.types import Vectors
from seals_sim.vectors.chunked import ChunkedVectors

_MOST_ROUNDS = 10
_COMPARED = 50  # rows per class that chunks are compared with for the start


@dataclass(frozen=True, eq=False)
class LabeledChunks:
    """Examples, some with several chunks.

    Attributes:
        rows: m rows.
        labels: (m,) their labels, 1 or 0.
        seeds: (s, d) float32, further examples with one vector each.
        seed_labels: (s,) their labels, 1 or 0.
    """

    rows: ChunkedVectors
    labels: NDArray[np.int8]
    seeds: Vectors
    seed_labels: NDArray[np.int8]

    def choose_start(self) -> NDArray[np.int64]:
        """Choose a chunk for each row (m,): for a positive the one most like other positives, for a negative the one
        most like those chunks."""
        positives = np.flatnonzero(self.labels == 1)
        own = self.rows[positives]
        liking = self._compute_liking(own, positives)
        best = np.array(
            [int(liking[own.starts[row] : own.starts[row + 1]].argmax()) for row in range(len(own))], dtype=np.int64
        )
        alike = np.concatenate([own.pick(best), self.seeds[self.seed_labels == 1]])
        direction = alike.mean(axis=0) if len(alike) else np.zeros(self.rows.shape[1])
        chosen = self.rows.find_best(direction.astype(np.float32))
        chosen[positives] = best
        return chosen

    def _compute_liking(self, own: ChunkedVectors, positives: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much more each chunk resembles positives than negatives, by the nearest chunk of each."""
        liking = np.zeros(len(own.chunks))
        number = np.repeat(positives, np.diff(own.starts))  # the row each chunk belongs to
        for label, sign in ((1, 1.0), (0, -1.0)):
            seeds = self.seeds[self.seed_labels == label]
            others = np.flatnonzero(self.labels == label)[:_COMPARED]
            total, n = (own.chunks @ seeds.T).sum(axis=1, dtype=np.float64), np.full(len(number), len(seeds))
            for other in others.tolist():
                is_other = number != other
                nearest = (own.chunks @ self.rows.list_chunks(other).T).max(axis=1)
                total += np.where(is_other, nearest, 0)
                n += is_other
            liking += sign * total / np.maximum(n, 1)
        return liking


def fit_best_chunks(examples: LabeledChunks, train: Callable[[NDArray[np.float64]], LinearModel]) -> LinearModel:
    """Train on the best chunk of each row until these chunks no longer change, for at most ten rounds.

    Args:
        examples: The labeled examples.
        train: Trains a model on one vector per row, (m, d).

    Examples:
        >>> table = ChunkedVectors(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32), np.array([0, 2, 3]))
        >>> none = np.empty((0, 2), dtype=np.float32), np.empty(0, dtype=np.int8)
        >>> def train(vectors):
        ...     return LinearModel((vectors[0] - vectors[1]).astype(np.float32), 0.0)
        >>> fit_best_chunks(LabeledChunks(table, np.array([1, 0], dtype=np.int8), *none), train).weights.tolist()
        [-1.0, 1.0]
    """
    before = examples.choose_start()
    model = train(examples.rows.pick(before).astype(np.float64))
    for _ in range(_MOST_ROUNDS):
        best = examples.rows.find_best(model.weights)
        if np.array_equal(best, before):
            break
        model, before = train(examples.rows.pick(best).astype(np.float64)), best
    return model
