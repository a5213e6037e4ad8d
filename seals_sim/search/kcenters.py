"""Greedy k-centers, a strategy based on distances alone (3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import Model
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Row, StoredVectors, Vectors
from seals_sim.vectors.scan import widen


class KCenters(RowSelector):
    """Sener & Savarese 2018, Algorithm 1: the candidate farthest from its nearest labeled row.

    Args:
        centers: (m, d) float32, vectors of the rows labeled before the first pick.
    """

    def __init__(self, centers: Vectors) -> None:
        self._centers = centers
        self._n_measured = 0  # centers already included in the distances below
        self._n_removed_read = 0
        self._distance: NDArray[np.float32] = np.empty(0, dtype=np.float32)  # squared, to the nearest center

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        picked = widen(candidates.vectors[candidates.removed[self._n_removed_read :]])
        self._n_removed_read = len(candidates.removed)
        self._centers = np.concatenate([self._centers, picked])
        if not candidates.n_live:
            return None
        n_old = len(self._distance)
        old = _squared_distance_to_nearest(candidates.vectors[:n_old], self._centers[self._n_measured :])
        new = _squared_distance_to_nearest(candidates.vectors[n_old:], self._centers)
        self._n_measured = len(self._centers)
        self._distance = np.concatenate([np.minimum(self._distance, old), new])

        farthest = np.where(candidates.is_live, self._distance, -np.inf)
        return Row(int(candidates.rows[farthest == farthest.max()].min()))


def _squared_distance_to_nearest(vectors: StoredVectors, centers: Vectors, block: int = 4096) -> NDArray[np.float32]:
    """For each of vectors (m, d), to the nearest of centers (c, d); each pair has its own dot product."""
    nearest = np.empty(len(vectors), dtype=np.float32)
    norms = np.vecdot(centers, centers)
    for first in range(0, len(vectors), block):
        rows = widen(vectors[first : first + block])
        products = np.vecdot(rows[:, None], centers[None])
        nearest[first : first + block] = np.vecdot(rows, rows) + (norms - 2 * products).min(axis=1, initial=np.inf)
    return nearest
