"""A selector that passes over near-duplicates of rows that are labeled already: their labels are as good as known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.search.learners import Model
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Place, Row, Rows, StoredVectors
from seals_sim.vectors.scan import gather, widen

_ROUNDING = 1e-6  # of a cosine in float32: that of equal rows is 1 up to this


class PassOver(RowSelector):
    """The pick of another selector, unless its cosine with a labeled row is at least a threshold: then its next pick.

    What was passed over is chosen once nothing else is left.

    Args:
        build_selector: Makes the selector, and another one for what was passed over.
        vectors: (n, d) l2-normalized, the pool.
        seeds: (m,) rows that are labeled before the first pick.
        threshold: A cosine. 1 passes over equal rows alone, and more passes over none.
    """

    def __init__(
        self, build_selector: Callable[[], RowSelector], vectors: StoredVectors, seeds: Rows, threshold: float
    ) -> None:
        self._build, self._threshold = build_selector, threshold - _ROUNDING
        self._selector = build_selector()
        self._labeled = Growing(np.float32, vectors.shape[1:])
        self._labeled.extend(len(seeds))[:] = gather(vectors, seeds)
        self._n_removed_read = 0
        self._is_last = False

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        self._read_labeled(candidates)
        while (row := self._selector.select(candidates, model)) is not None:
            place = candidates.find(row)
            assert place is not None
            if self._is_last or not self._is_known(candidates, place):
                return row
            candidates.postpone(place)
        if self._is_last or not candidates.restore():
            return None
        self._selector, self._is_last = self._build(), True
        return self._selector.select(candidates, model)

    def forecast(self, n: int) -> list[Row]:
        return self._selector.forecast(n)

    def _read_labeled(self, candidates: CandidateTable) -> None:
        new = candidates.removed[self._n_removed_read :]
        self._labeled.extend(len(new))[:] = widen(candidates.vectors[new])
        self._n_removed_read = len(candidates.removed)

    def _is_known(self, candidates: CandidateTable, place: Place) -> bool:
        labeled = self._labeled.values
        return bool(len(labeled)) and bool((labeled @ widen(candidates.vectors[[place]])[0]).max() >= self._threshold)
