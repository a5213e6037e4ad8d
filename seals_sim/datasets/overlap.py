"""A choice of concepts that overlap little, where they are cut from one hierarchy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seals_sim.types import DatasetRows


def select_low_overlap(concepts: Mapping[str, DatasetRows], n_rows: int, max_shared: float = 0.1) -> list[str]:
    """Names of concepts of which no two share more than `max_shared` of the smaller one's rows.

    From the largest concept to the smallest (equal ones by name), each is kept that fits those kept before.
    concepts: name -> distinct rows of a table of n_rows.

    >>> rows = {"animal": np.arange(10), "seal": np.arange(3), "boat": np.arange(9, 20), "otter": np.array([3])}
    >>> select_low_overlap(rows, 20)
    ['boat', 'animal']
    """
    holders: list[list[int]] = [[] for _ in range(n_rows)]  # for each row the kept concepts that it belongs to
    kept: list[str] = []
    for name in sorted(concepts, key=lambda name: (-len(concepts[name]), name)):
        rows = concepts[name].tolist()
        shared = np.bincount([place for row in rows for place in holders[row]], minlength=1)
        if shared.max() <= max_shared * len(rows):
            for row in rows:
                holders[row].append(len(kept))
            kept.append(name)
    return kept
