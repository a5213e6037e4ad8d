"""Selects the answers of a judge that a person checks: a tenth of them, drawn at random by row."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seals_sim.randomness import make_generator

SHARE = 0.1
_BLOCK = 1024  # rows drawn together, since creating a generator takes longer than drawing


def is_drawn(seed: int, row: int) -> bool:
    """Whether a judge's answer to a row is to be checked; deterministic, so that nothing needs to be stored.

    Args:
        seed: Seed of the session.
        row: Row of the table.

    Examples:
        >>> sum(is_drawn(0, row) for row in range(10_000))
        1017
    """
    return bool(_draw(seed, row // _BLOCK)[row % _BLOCK])


@lru_cache(maxsize=4096)
def _draw(seed: int, block: int) -> NDArray[np.bool_]:
    return make_generator(seed, "check of a judge", block).random(_BLOCK) < SHARE
