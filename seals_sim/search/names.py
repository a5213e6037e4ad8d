"""Names and defaults of the search for options, kept apart from its code, which takes a second to import."""

from __future__ import annotations

from typing import Literal, get_args

Strategy = Literal[
    "maxent",
    "most_likely_positive",
    "information_density",
    "information_density_frozen",
    "least_confidence",
    "margin",
    "random",
    "k_centers",
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

N_STEP = 30
"""Number of neighbors that each of the best candidates brings in a walk."""
ENTRIES = 8
"""Number of random entry rows of a walk, in multiples of the square root of the table's size."""
