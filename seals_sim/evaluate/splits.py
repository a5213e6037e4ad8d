"""Splitting rows into the unlabeled pool and held-out rows for validation and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import DatasetRows
from seals_sim.vectors.copies import Copies

# 7.12: of 17.67 million sentences 20 % for test, 10,000 for validation, the rest for the pool.
PAPER_TEST_FRACTION = 0.2
PAPER_VALIDATION = 10_000
PAPER_SENTENCES = 17_670_000


@dataclass(frozen=True, eq=False)
class Split:
    """The rows of a table, sorted, each in at most one part.

    Attributes:
        pool: Rows to search.
        validation: Rows for choosing settings.
        test: Rows for measuring models.
    """

    pool: DatasetRows
    validation: DatasetRows
    test: DatasetRows

    def name_parts(self, n: int) -> list[str]:
        """List the part that each row belongs to.

        Args:
            n: Rows of the table.

        Returns:
            n names: pool, validation or test.
        """
        names = np.empty(n, dtype=object)
        names[self.pool], names[self.validation], names[self.test] = "pool", "validation", "test"
        return list(names)


def compute_validation_size(n: int) -> int:
    """Scale the paper's 10,000 of 17.67 million (7.12) down proportionally for smaller data.

    Args:
        n: Rows of the table.

    Returns:
        Rows for validation, at most 10,000.

    Examples:
        >>> compute_validation_size(17_670_000), compute_validation_size(1_767_000), compute_validation_size(100)
        (10000, 1000, 1)
    """
    return min(PAPER_VALIDATION, -(-n * PAPER_VALIDATION // PAPER_SENTENCES))


def split_at_random(n: int, rng: np.random.Generator, test_fraction: float = PAPER_TEST_FRACTION) -> Split:
    """Split rows at random (7.12).

    Args:
        n: Rows of the table.
        rng: Random generator for the split.
        test_fraction: Share of rows for test.

    Returns:
        The parts.

    Raises:
        UserError: If test or the pool would be empty.

    Examples:
        >>> split = split_at_random(100, np.random.default_rng(0))
        >>> len(split.pool), len(split.validation), len(split.test)
        (79, 1, 20)
    """
    n_test, n_validation = round(test_fraction * n), compute_validation_size(n)
    if not 0 < n_test < n - n_validation:
        problem = f"with {n} rows this leaves none for test or none for the pool"
        raise UserError(problem, parameter="test_fraction", value=test_fraction)
    order = rng.permutation(n)
    test, validation, pool = np.split(order, [n_test, n_test + n_validation])
    return Split(*(DatasetRows(np.sort(part)) for part in (pool, validation, test)))


def keep_copies_together(split: Split, copies: Copies) -> Split:
    """Move every copy to the part of the first equal row, so that no test row equals a row of the pool.

    A model that has seen a row knows its copy, label included, and that would be measured as skill.

    Args:
        split: A split of all rows of the table.
        copies: The equal rows of the table.

    Returns:
        The parts; their sizes may change a little.

    Raises:
        UserError: If test or the pool would be empty.

    Examples:
        >>> halves = Split(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2, 3]))
        >>> together = keep_copies_together(halves, Copies.find_texts(["a", "b", "c", "a"]))
        >>> together.pool, together.test
        (array([0, 1, 3]), array([2]))
    """
    part_of = np.empty(len(copies.number), dtype=np.int64)
    parts = (split.pool, split.validation, split.test)
    for part, rows in enumerate(parts):
        part_of[rows] = part
    part_of = part_of[copies.first[copies.number]]
    pool, validation, test = (DatasetRows(np.flatnonzero(part_of == part)) for part in range(len(parts)))
    if not len(test) or not len(pool):
        n = len(copies.first)
        raise UserError(f"{len(copies.number)} rows hold {n} distinct ones: too few to hold some out for test")
    return Split(pool, validation, test)


def split_by_group(
    groups: NDArray[np.int64], rng: np.random.Generator, test_fraction: float = PAPER_TEST_FRACTION
) -> Split:
    """Split rows at random such that no group, for example the sentences of one book, is in two parts.

    Whole groups are assigned to test, then to validation, until each part has at least its size.

    Args:
        groups: (n,), the number of each row's group, from 0.
        rng: Random generator for the split.
        test_fraction: Share of rows for test.

    Returns:
        The parts.

    Raises:
        UserError: If test or the pool would be empty.
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
        raise UserError(f"{len(sizes)} groups in {len(groups)} rows: too few to hold some out for test")
    return Split(pool, validation, test)
