"""Oracles: who answers the queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class LabelTable:
    """Known labels, (n,) bool: replays the annotator of an experiment."""

    def __init__(self, is_positive: NDArray[np.bool_]) -> None:
        self._is_positive = is_positive

    def label(self, query: int) -> int:
        return int(self._is_positive[query])
