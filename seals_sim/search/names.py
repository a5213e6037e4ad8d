"""What options say of the search, apart from its code, which takes a second to import."""

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
"""Neighbors that each of the best candidates brings in a walk."""
ENTRIES = 8
"""By how many square roots of the table's rows, drawn at random, a walk may enter it."""
