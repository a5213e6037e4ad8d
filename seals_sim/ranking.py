"""The arg max over a pool that changes a little at every pick, without looking at the whole pool again."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from seals_sim.candidates import CandidateTable

Scores = NDArray[np.float64]


class Ranking:
    """Scores of a table's candidates by position, and the best live one; ties go to the lowest row.

    Only a shortlist is kept in heap order: everything at or above a floor. A newcomer below the floor costs
    nothing, and when the shortlist runs out the floor is lowered. In a large table the floor is set from a sample:
    that changes how long the shortlist is, never what is best.
    """

    _SAMPLE = 65_536

    def __init__(self, candidates: CandidateTable, shortlist: int = 256) -> None:
        self._candidates = candidates
        self._scores = self._room = np.empty(0)
        self._heap: list[tuple[float, int, int]] = []
        self._floor = np.inf
        self._shortlist = shortlist

    def __len__(self) -> int:
        return len(self._scores)

    def append(self, scores: Scores) -> None:
        """Scores of the positions that follow those already here."""
        first, end = len(self._scores), len(self._scores) + len(scores)
        if first == end:
            return
        if end > len(self._room):
            self._room = np.concatenate([self._scores, scores, np.empty(first)])
        else:
            self._room[first:end] = scores
        self._scores = self._room[:end]
        for position in first + np.flatnonzero(scores >= self._floor):
            heapq.heappush(self._heap, self._entry(position))

    def best(self) -> int | None:
        """The position of the best live candidate, or None."""
        is_live = self._candidates.is_live
        while True:
            while self._heap:
                position = self._heap[0][2]
                if is_live[position]:
                    return position
                heapq.heappop(self._heap)
            if not self._lower_floor():
                return None

    def likely(self, n: int) -> list[int]:
        """Positions of live candidates that come next, best first, as things stand: up to n of them."""
        is_live = self._candidates.is_live
        return [position for _, _, position in heapq.nsmallest(n, self._heap) if is_live[position]]

    def _lower_floor(self) -> bool:
        is_below = self._candidates.is_live[: len(self._scores)] & (self._scores < self._floor)
        step = max(1, len(is_below) // self._SAMPLE)
        sample = self._scores[::step][is_below[::step]]
        if not len(sample):
            sample = self._scores[is_below]
        if not len(sample):
            return False
        cut = max(len(sample) - 1 - self._shortlist // step, 0)
        self._floor = float(np.partition(sample, cut)[cut])
        self._heap = [self._entry(position) for position in np.flatnonzero(is_below & (self._scores >= self._floor))]
        heapq.heapify(self._heap)
        return True

    def _entry(self, position: np.int64) -> tuple[float, int, int]:
        return -float(self._scores[position]), int(self._candidates.rows[position]), int(position)
