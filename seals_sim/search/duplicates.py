"""A selector that passes over near-duplicates of labeled rows, since their labels are as good as known.

What counts as a near-duplicate depends on the table. Two dictionary definitions with a cosine of .9 say nearly the
same thing; among the codes of a classification most have neighbors that close, and each of them counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.search.learners import Model
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Place, Row, Rows, StoredVectors
from seals_sim.vectors.scan import gather, widen

_ROUNDING = 1e-6  # rounding error of a float32 cosine: that of equal rows is 1 up to this
_SOME_ROWS, _SOME_NEIGHBORS = 500, 20  # more neighbors than a row has copies, so that other rows are seen too
_BIN = 0.01
_COPIES_FROM = 0.9  # the cosine of two copies is above this
_REACH = 0.1  # the valley is at most this far below their mode
_DEPTH = 4  # the valley has this many times fewer than either side of it
_FEWEST = 0.01  # smallest share of all similarities above the valley, and below it


class PassOver(RowSelector):
    """The pick of another selector, skipping picks whose cosine with a labeled row is at least a threshold.

    Skipped rows are chosen once nothing else is left.

    Args:
        build_selector: Builds the selector, and a second one for the skipped rows.
        vectors: (n, d) l2-normalized, the pool.
        seeds: (m,) rows labeled before the first pick.
        threshold: A cosine. 1 skips only equal rows; a value above 1 skips none.
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


def find_copy_threshold(vectors: StoredVectors, index: NeighborIndex, rng: np.random.Generator) -> float:
    """Find the cosine from which two rows of a table count as near-duplicates, from the similarities of its neighbors.

    Args:
        vectors: (n, d) l2-normalized.
        index: An index of the same rows.
        rng: Random generator for the sample of rows.

    Returns:
        The threshold for `PassOver`. Copies form a mode of their own near 1 with a valley below it, and that valley is
        returned. If there is no such valley, similar rows are in the nature of this table: the result is then 1, for
        equal rows only, or infinity if those are few too.

    Examples:
        >>> from seals_sim import ExactIndex
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(400, 32))
        >>> copied = np.concatenate([rows, rows[:100] + 0.2 * rng.normal(size=(100, 32))])
        >>> for table in (rows, copied):
        ...     vectors = (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)
        ...     print(0.9 < find_copy_threshold(vectors, ExactIndex(vectors), rng) < 0.99)
        False
        True
    """
    n = len(vectors)
    rows = Rows(np.sort(rng.choice(n, size=min(n, _SOME_ROWS), replace=False)))
    lists = index.neighbors(rows, min(_SOME_NEIGHBORS + 1, n))
    others = [near[near != row][:_SOME_NEIGHBORS] for row, near in zip(rows.tolist(), lists, strict=True)]
    cosines = [
        gather(vectors, near) @ gather(vectors, Rows(rows[place : place + 1]))[0] for place, near in enumerate(others)
    ]
    return _find_valley(np.concatenate(cosines))


def _find_valley(cosines: NDArray[np.float32]) -> float:
    is_other = cosines < 1 - _ROUNDING  # equal rows are copies in any case
    counts = np.histogram(cosines[is_other], np.linspace(-1, 1, round(2 / _BIN) + 1))[0]
    counts = np.convolve(counts, np.ones(3) / 3, mode="same")
    lowest = round((_COPIES_FROM + 1) / _BIN)
    mode = lowest + int(counts[lowest:].argmax())
    before = mode - round(_REACH / _BIN)
    valley = mode - 1 - int(counts[before:mode][::-1].argmin())
    threshold = (valley + 0.5) * _BIN - 1
    is_deep = _DEPTH * counts[valley] <= min(counts[mode], counts[:valley].max())
    is_common = is_other.any() and _FEWEST <= (cosines[is_other] >= threshold).mean() <= 1 - _FEWEST
    if is_deep and is_common:
        return float(threshold)
    return np.inf if (~is_other).mean() < _FEWEST else 1.0
