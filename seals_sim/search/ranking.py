"""The arg max over a pool that changes a little with every pick, without rescanning the whole pool."""

from __future__ import annotations

import heapq

import numpy as np

from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.types import Place, Places, Row, Scores

_Entry = tuple[float, int, int]  # minus the score, the row, its place


class Ranking:
    """Scores of a table's candidates by place, and the best live one; ties go to the lowest row.

    Only a shortlist is in heap order: everything at or above a floor. Newcomers below the floor cost nothing, and when
    the shortlist runs out the floor is lowered. In a large table the floor is set from a sample. That affects the
    length of the shortlist, never the result.

    Args:
        candidates: The table.
        shortlist: Approximate number of candidates to order at a time.
    """

    _SAMPLE = 8_192

    def __init__(self, candidates: CandidateTable, shortlist: int = 256) -> None:
        self._candidates = candidates
        self._scores = Growing(np.float64, capacity=0)
        self._n_joined = len(candidates.joined)
        self._heap: list[_Entry] = []
        self._waiting: dict[int, _Entry] = {}  # held places that will enter the heap if they join
        self._floor = np.inf
        self._shortlist = shortlist

    def __len__(self) -> int:
        return len(self._scores.values)

    def append(self, scores: Scores) -> None:
        """Append the scores of the next places."""
        first = len(self)
        self._scores.extend(len(scores))[:] = scores
        for entry in self._entries(Places(first + np.flatnonzero(scores >= self._floor))):
            self._waiting[entry[2]] = entry

    def best(self) -> Place | None:
        """The place of the best live candidate, or None."""
        self._push_joined()
        is_live = self._candidates.is_live
        while True:
            while self._heap:
                place = self._heap[0][2]
                if is_live[place]:
                    return Place(place)
                heapq.heappop(self._heap)
            if not self._lower_floor():
                return None

    def forecast(self, n: int) -> list[Row]:
        """Up to n rows that would come next, best first, if nothing changed and all held rows joined."""
        return [Row(row) for _, row, _ in heapq.nsmallest(n, [*self._heap, *self._waiting.values()])]

    def _push_joined(self) -> None:
        """Push rows that have become candidates since the last call onto the heap."""
        joined = self._candidates.joined
        if len(joined) > self._n_joined:
            new = joined[self._n_joined :]
            for entry in self._entries(Places(new[self._scores.values[new] >= self._floor])):
                self._waiting.pop(entry[2], None)
                heapq.heappush(self._heap, entry)
            self._n_joined = len(joined)

    def _lower_floor(self) -> bool:
        """Refill the heap with about a shortlist of the rows below the floor; False if there are none."""
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
        self._heap = self._entries(Places(np.flatnonzero(is_below & (scores >= self._floor))))
        heapq.heapify(self._heap)
        self._waiting.clear()
        return True

    def _entries(self, places: Places) -> list[_Entry]:
        scores, rows = -self._scores.values[places], self._candidates.rows[places]
        return list(zip(scores.tolist(), rows.tolist(), places.tolist(), strict=True))
