"""Which of a judge's answers are put to a person: a tenth of them, drawn at random by their rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seals_sim.randomness import make_generator

SHARE = 0.1
_BLOCK = 1024  # rows drawn together, since to make a generator takes longer than to draw


def is_drawn(seed: int, row: int) -> bool:
    """Whether a judge's answer to a row is to be checked; the same whenever it is asked, so that nothing is kept.

    Args:
        seed: Of the session.
        row: Of the table.

    Examples:
        >>> sum(is_drawn(0, row) for row in range(10_000))
        1017
    """
    return bool(_draw(seed, row // _BLOCK)[row % _BLOCK])


@lru_cache(maxsize=4096)
def _draw(seed: int, block: int) -> NDArray[np.bool_]:
    return make_generator(seed, "check of a judge", block).random(_BLOCK) < SHARE
