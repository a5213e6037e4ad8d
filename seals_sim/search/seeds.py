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
    require_seeds(is_positive, seed_positives, seed_negatives)
    rows = [
        rng.choice(np.flatnonzero(of_class), n, replace=False)
        for of_class, n in ((is_positive, seed_positives), (~is_positive, seed_negatives))
    ]
    return LabeledRows(np.concatenate(rows), np.repeat([1, 0], [seed_positives, seed_negatives]))


def require_seeds(is_positive: NDArray[np.bool_], seed_positives: int, seed_negatives: int) -> None:
    """Check that a pool has so many rows of each class.

    Args:
        is_positive: (n,) the labels of the pool.
        seed_positives: Positives that are needed.
        seed_negatives: Negatives that are needed.

    Raises:
        UserError: Where the pool has fewer of either.
    """
    n_positives = int(is_positive.sum())
    for kind, n, needed in (
        ("positives", n_positives, seed_positives),
        ("negatives", len(is_positive) - n_positives, seed_negatives),
    ):
        if n < needed:
            raise UserError(f"the pool has only {n} {kind}", parameter=f"seed_{kind}", value=needed)
