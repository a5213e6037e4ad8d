"""Which pool to search with.

The rule: if a pass over all vectors takes a few milliseconds, scan everything (Algorithm 1), which loses nothing.
Beyond that, use the walk (`WalkPool`): it finds what the scan finds within a point (reports/beyond), and its cost does
not grow with the table. SEALS as in the paper (Algorithm 2) is available but not the default: it finds 2 to 3 points
less.
"""

from __future__ import annotations

from typing import Literal

PoolChoice = Literal["all", "walk", "positives", "seals"]
AutoPoolChoice = Literal["auto", PoolChoice]

SCAN_BYTES = 2**28  # of float32: 174,762 rows of 384 dimensions, some 10 ms per scan on two cores


def choose_pool(n: int, d: int) -> Literal["all", "walk"]:
    """Choose a pool by the rule above.

    Args:
        n: Rows of the table.
        d: Dimensions.

    Examples:
        >>> choose_pool(100_000, 384), choose_pool(1_000_000, 384)
        ('all', 'walk')
    """
    return "all" if 4 * n * d <= SCAN_BYTES else "walk"


def resolve_pool(name: AutoPoolChoice, n: int, d: int) -> PoolChoice:
    """Resolve `auto` for a table of n rows and d dimensions; any other name is returned as it is."""
    return choose_pool(n, d) if name == "auto" else name
