"""The labelled seed set L_r^0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import LabeledRows


def draw_seeds(
    is_positive: NDArray[np.bool_], n_positive: int, n_negative: int, rng: np.random.Generator
) -> LabeledRows:
    """Random rows of a pool with labels (n,) bool: first the positives, then the negatives (5.1: 5 and 95).

    Raises UserError where the pool has fewer of either.

    >>> seeds = draw_seeds(np.arange(10) < 3, 2, 3, np.random.default_rng(0))
    >>> seeds.labels.tolist()
    [1, 1, 0, 0, 0]
    """
    positives, negatives = np.flatnonzero(is_positive), np.flatnonzero(~is_positive)
    if len(positives) < n_positive:
        raise UserError(f"--seed-positives {n_positive}: the pool has only {len(positives)} positives")
    if len(negatives) < n_negative:
        raise UserError(f"--seed-negatives {n_negative}: the pool has only {len(negatives)} negatives")
    rows = [rng.choice(positives, n_positive, replace=False), rng.choice(negatives, n_negative, replace=False)]
    return LabeledRows(np.concatenate(rows), np.repeat([1, 0], [n_positive, n_negative]))
