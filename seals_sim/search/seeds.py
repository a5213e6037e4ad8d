"""The labeled seed set L_r^0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import LabeledRows, Rows


def draw_seeds(
    is_positive: NDArray[np.bool_], seed_positives: int, seed_negatives: int, rng: np.random.Generator
) -> LabeledRows:
    """Draw random rows of a pool: first the positives, then the negatives (5.1: 5 and 95).

    Args:
        is_positive: (n,) the labels of the pool.
        seed_positives: Number of positives to draw.
        seed_negatives: Number of negatives to draw.
        rng: Random generator.

    Raises:
        UserError: If the pool has fewer positives or negatives than that.

    Examples:
        >>> seeds = draw_seeds(np.arange(10) < 3, 2, 3, np.random.default_rng(0))
        >>> seeds.labels.tolist()
        [1, 1, 0, 0, 0]
    """
    positives = Rows(np.flatnonzero(is_positive))
    return draw_seeds_by_rows(positives, len(is_positive), seed_positives, seed_negatives, rng)


def draw_seeds_by_rows(
    positives: Rows, n_rows: int, seed_positives: int, seed_negatives: int, rng: np.random.Generator
) -> LabeledRows:
    """Draw the same from a pool of any size; memory grows with the positives only.

    Args:
        positives: (m,) sorted rows.
        n_rows: Rows of the pool.
        seed_positives: Number of positives to draw.
        seed_negatives: Number of negatives to draw.
        rng: Random generator.

    Raises:
        UserError: If the pool has fewer positives or negatives than that.

    Examples:
        >>> draw_seeds_by_rows(Rows(np.array([3, 7])), 10**10, 1, 2, np.random.default_rng(0)).rows.tolist()
        [7, 2697867138, 409735241]
    """
    _require(len(positives), n_rows, seed_positives, seed_negatives)
    drawn = rng.choice(positives, seed_positives, replace=False)
    others = find_others(rng.choice(n_rows - len(positives), seed_negatives, replace=False), positives)
    return LabeledRows(np.concatenate([drawn, others]), np.repeat([1, 0], [seed_positives, seed_negatives]))


def find_others(numbers: NDArray[np.int64], excluded: Rows) -> Rows:
    """Map numbers among the rows that are not excluded to the rows themselves.

    Args:
        numbers: (m,), from 0.
        excluded: Sorted rows, each once.

    Examples:
        >>> find_others(np.array([0, 1, 2]), Rows(np.array([1, 2]))).tolist()
        [0, 3, 4]
    """
    return Rows(numbers + np.searchsorted(excluded - np.arange(len(excluded)), numbers, side="right"))


def require_seeds(is_positive: NDArray[np.bool_], seed_positives: int, seed_negatives: int) -> None:
    """Check that a pool has enough rows of each class.

    Args:
        is_positive: (n,) the labels of the pool.
        seed_positives: Positives needed.
        seed_negatives: Negatives needed.

    Raises:
        UserError: If the pool has fewer positives or negatives than that.
    """
    _require(int(is_positive.sum()), len(is_positive), seed_positives, seed_negatives)


def _require(n_positives: int, n_rows: int, seed_positives: int, seed_negatives: int) -> None:
    for kind, n, needed in (
        ("positives", n_positives, seed_positives),
        ("negatives", n_rows - n_positives, seed_negatives),
    ):
        if n < needed:
            raise UserError(f"the pool has only {n} {kind}", parameter=f"seed_{kind}", value=needed)
