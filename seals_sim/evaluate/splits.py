"""Which rows are the unlabelled pool, and which are kept for validation and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import DatasetRows

# 7.12: of 17.67 million sentences 20 % for test, 10,000 for validation, the rest for the pool.
PAPER_TEST_FRACTION = 0.2
PAPER_VALIDATION = 10_000
PAPER_SENTENCES = 17_670_000


@dataclass(frozen=True, eq=False)
class Split:
    """Sorted rows of the table, each in at most one part."""

    pool: DatasetRows
    validation: DatasetRows
    test: DatasetRows

    def parts(self, n: int) -> list[str]:
        """The part of each of the n rows, by name."""
        names = np.empty(n, dtype=object)
        names[self.pool], names[self.validation], names[self.test] = "pool", "validation", "test"
        return list(names)


def compute_validation_size(n: int) -> int:
    """The paper's 10,000 of 17.67 million, scaled down in proportion for smaller data and never more.

    >>> compute_validation_size(17_670_000), compute_validation_size(1_767_000), compute_validation_size(100)
    (10000, 1000, 1)
    """
    return min(PAPER_VALIDATION, -(-n * PAPER_VALIDATION // PAPER_SENTENCES))


def random_split(n: int, rng: np.random.Generator, test_fraction: float = PAPER_TEST_FRACTION) -> Split:
    """Split n rows at random. Raises UserError where a part would be empty."""
    n_test, n_validation = round(test_fraction * n), compute_validation_size(n)
    if not 0 < n_test < n - n_validation:
        problem = f"of {n} rows this leaves none for test or none for the pool"
        raise UserError(problem, parameter="test_fraction", value=test_fraction)
    order = rng.permutation(n)
    test, validation, pool = np.split(order, [n_test, n_test + n_validation])
    return Split(*(DatasetRows(np.sort(part)) for part in (pool, validation, test)))


def group_split(
    groups: NDArray[np.int64], rng: np.random.Generator, test_fraction: float = PAPER_TEST_FRACTION
) -> Split:
    """Split n rows at random so that no group, such as the sentences of one book, is in two parts.

    groups: (n,) numbers of 0 and up. Whole groups go to test, then to validation, until each has its size or the first
    row above it. Raises UserError where a part would be empty.
    """
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]  # rows of the groups that come first
    n_test = round(test_fraction * len(groups))
    part_of = np.full(len(sizes), 2)
    part_of[order[before < n_test]] = 0
    part_of[order[(before >= n_test) & (before < n_test + compute_validation_size(len(groups)))]] = 1
    test, validation, pool = (DatasetRows(np.flatnonzero(part_of[groups] == part)) for part in range(3))
    if not len(test) or not len(pool):
        raise UserError(f"{len(sizes)} groups of {len(groups)} rows: too few to hold some out for test")
    return Split(pool, validation, test)
