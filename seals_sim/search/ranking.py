"""The arg max over a pool that changes a little at every pick, without looking at the whole pool again."""

from __future__ import annotations

import heapq

import numpy as np

from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.types import Rows, Scores

_Entry = tuple[float, int, int]  # minus the score, the row, its position


class Ranking:
    """Scores of a table's candidates by position, and the best live one; ties go to the lowest row.

    Only a shortlist is kept in heap order: everything at or above a floor. A newcomer below the floor costs
    nothing, and when the shortlist runs out the floor is lowered. In a large table the floor is set from a sample:
    that changes how long the shortlist is, never what is best.
    """

    _SAMPLE = 8_192

    def __init__(self, candidates: CandidateTable, shortlist: int = 256) -> None:
        self._candidates = candidates
        self._scores = Growing(np.float64, capacity=0)
        self._n_joined = len(candidates.joined)
        self._heap: list[_Entry] = []
        self._waiting: dict[int, _Entry] = {}  # held positions that will enter the heap if they join
        self._floor = np.inf
        self._shortlist = shortlist

    def __len__(self) -> int:
        return len(self._scores.values)

    def append(self, scores: Scores) -> None:
        """Scores of the positions that follow those already here."""
        first = len(self)
        self._scores.extend(len(scores))[:] = scores
        for entry in self._entries(first + np.flatnonzero(scores >= self._floor)):
            self._waiting[entry[2]] = entry

    def best(self) -> int | None:
        """The position of the best live candidate, or None."""
        joined, is_live = self._candidates.joined, self._candidates.is_live
        if len(joined) > self._n_joined:
            new = joined[self._n_joined :]
            for entry in self._entries(new[self._scores.values[new] >= self._floor]):
                self._waiting.pop(entry[2], None)
                heapq.heappush(self._heap, entry)
            self._n_joined = len(joined)
        while True:
            while self._heap:
                position = self._heap[0][2]
                if is_live[position]:
                    return position
                heapq.heappop(self._heap)
            if not self._lower_floor():
                return None

    def likely(self, n: int) -> list[int]:
        """Positions that come next, best first, as things stand and if all that is held joins: up to n of them."""
        return [position for _, _, position in heapq.nsmallest(n, [*self._heap, *self._waiting.values()])]

    def _lower_floor(self) -> bool:
        scores = self._scores.values
        is_below = self._candidates.is_live & (scores < self._floor)
        step = max(1, len(is_below) // self._SAMPLE)
        sample = scores[::step][is_below[::step]]
        if not len(sample):
            sample = scores[is_below]
        if not len(sample):
            return False
        cut = max(len(sample) - 1 - self._shortlist // step, 0)
        self._floor = float(np.partition(sample, cut)[cut])
        self._heap = self._entries(np.flatnonzero(is_below & (scores >= self._floor)))
        heapq.heapify(self._heap)
        self._waiting.clear()
        return True

    def _entries(self, positions: Rows) -> list[_Entry]:
        scores, rows = -self._scores.values[positions], self._candidates.rows[positions]
        return list(zip(scores.tolist(), rows.tolist(), positions.tolist(), strict=True))
