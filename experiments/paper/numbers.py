"""Numbers that the paper prints, for comparison with ours."""

from __future__ import annotations

from typing import NamedTuple


class Table2Row(NamedTuple):
    """A row of Table 2 for ImageNet.

    Attributes:
        map: Mean average precision.
        recall: Recall in percent.
        pool: Share of the pool considered, in percent.
        total: Seconds for a whole run.
        selection: Seconds for scoring and selecting.
        neighbor: Seconds for the k-NN search, with SEALS.
        training: Seconds for training.
    """

    map: float
    recall: float
    pool: float
    total: float
    selection: float
    neighbor: float | None
    training: float


TABLE_2 = {
    ("maxent", "all", 2000): Table2Row(0.695, 57.2, 100.0, 45.23, 44.65, None, 0.59),
    ("maxent", "seals", 2000): Table2Row(0.695, 56.9, 6.6, 12.49, 1.73, 10.27, 0.50),
    ("most_likely_positive", "all", 2000): Table2Row(0.693, 74.5, 100.0, 43.32, 42.75, None, 0.57),
    ("most_likely_positive", "seals", 2000): Table2Row(0.692, 74.2, 6.0, 12.03, 1.48, 9.94, 0.63),
    ("information_density", "all", 2000): Table2Row(0.688, 50.8, 100.0, 4654.59, 4653.55, None, 1.05),
    ("information_density", "seals", 2000): Table2Row(0.688, 50.9, 6.9, 104.57, 94.22, 9.76, 0.60),
    ("information_density", "all", 1000): Table2Row(0.646, 26.3, 100.0, 4620.04, 4619.78, None, 0.28),
    ("information_density", "seals", 1000): Table2Row(0.654, 27.8, 4.7, 36.66, 31.95, 4.56, 0.17),
    ("information_density", "all", 500): Table2Row(0.586, 12.5, 100.0, 4602.64, 4602.57, None, 0.09),
    ("information_density", "seals", 500): Table2Row(0.601, 13.5, 3.2, 9.75, 7.75, 1.95, 0.05),
    ("information_density", "all", 200): Table2Row(0.506, 4.7, 100.0, 4588.76, 4588.73, None, 0.04),
    ("information_density", "seals", 200): Table2Row(0.511, 4.8, 2.0, 1.53, 1.03, 0.49, 0.02),
}

COSINES = {"ImageNet": "0.453 ± 0.077", "OpenImages": "0.361 ± 0.105", "Goodreads spoilers": "0.004"}  # 7.12.3
