"""Choosing concepts that overlap little, for concepts taken from one hierarchy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seals_sim.types import DatasetRows


def select_low_overlap(concepts: Mapping[str, DatasetRows], n_rows: int, max_shared: float = 0.1) -> list[str]:
    """Select concepts that overlap little.

    Concepts are tried from the largest to the smallest (ties by name) and selected if they fit those before them.

    Args:
        concepts: Name -> distinct rows.
        n_rows: Rows of the table.
        max_shared: Maximum overlap of two concepts, as a share of the smaller one's rows.

    Returns:
        The names, largest concept first.

    Examples:
        >>> rows = {"animal": np.arange(10), "seal": np.arange(3), "boat": np.arange(9, 20), "otter": np.array([3])}
        >>> select_low_overlap(rows, 20)
        ['boat', 'animal']
    """
    holders: list[list[int]] = [[] for _ in range(n_rows)]  # for each row the selected concepts that it belongs to
    selected: list[str] = []
    for name in sorted(concepts, key=lambda name: (-len(concepts[name]), name)):
        rows = concepts[name].tolist()
        shared = np.bincount([place for row in rows for place in holders[row]], minlength=1)
        if shared.max() <= max_shared * len(rows):
            for row in rows:
                holders[row].append(len(selected))
            selected.append(name)
    return selected
