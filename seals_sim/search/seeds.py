"""The labeled seed set L_r^0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import LabeledRows


def draw_seeds(
    is_positive: NDArray[np.bool_], seed_positives: int, seed_negatives: int, rng: np.random.Generator
) -> LabeledRows:
    """Draw random rows of a pool: first the positives, then the negatives (5.1: 5 and 95).

    Args:
        is_positive: (n,) the labels of the pool.
        seed_positives: How many positives to draw.
        seed_negatives: How many negatives to draw.
        rng: Draws them.

    Raises:
        UserError: Where the pool has fewer of either.

    Examples:
        >>> seeds = draw_seeds(np.arange(10) < 3, 2, 3, np.random.default_rng(0))
        >>> seeds.labels.tolist()
        [1, 1, 0, 0, 0]
    """
    rows = []
    for parameter, n, of_class in (
        ("seed_positives", seed_positives, np.flatnonzero(is_positive)),
        ("seed_negatives", seed_negatives, np.flatnonzero(~is_positive)),
    ):
        if len(of_class) < n:
            kind = parameter.removeprefix("seed_")
            raise UserError(f"the pool has only {len(of_class)} {kind}", parameter=parameter, value=n)
        rows.append(rng.choice(of_class, n, replace=False))
    return LabeledRows(np.concatenate(rows), np.repeat([1, 0], [seed_positives, seed_negatives]))
