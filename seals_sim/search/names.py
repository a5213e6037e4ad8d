"""The names of the selection strategies, apart from the code, which takes a second to import."""

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
