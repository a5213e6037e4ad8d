"""Oracles: who answers the queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Row


class LabelTable:
    """Known labels: replays the annotator of an experiment.

    Args:
        is_positive: (n,) bool, by row.
    """

    def __init__(self, is_positive: NDArray[np.bool_]) -> None:
        self._is_positive = is_positive

    def label(self, query: Row) -> int:
        return int(self._is_positive[query])
