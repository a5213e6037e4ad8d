"""The numbers that section 7.12 of the paper gives for the Goodreads spoilers, for comparison with ours."""

from __future__ import annotations

from typing import NamedTuple


class GoodreadsNumber(NamedTuple):
    """A recall given in 7.12.

    Attributes:
        pool: The method's pool.
        strategy: The method's strategy.
        n_labeled: The number of labels at which it is measured.
        recall: In percent: the mean, with the standard deviation if 7.12 gives one.
    """

    pool: str
    strategy: str
    n_labeled: int
    recall: str


GOODREADS_RECALL = (
    GoodreadsNumber("all", "most_likely_positive", 2_000, "0.15 ± 0.02"),
    GoodreadsNumber("seals", "most_likely_positive", 2_000, "0.17 ± 0.05"),
    GoodreadsNumber("all", "maxent", 2_000, "0.14 ± 0.04"),
    GoodreadsNumber("seals", "maxent", 2_000, "0.11 ± 0.06"),
    GoodreadsNumber("all", "most_likely_positive", 50_000, "about 3.7"),
    GoodreadsNumber("seals", "most_likely_positive", 50_000, "about 3.7"),
    GoodreadsNumber("all", "maxent", 50_000, "about 3.7"),
    GoodreadsNumber("seals", "maxent", 50_000, "about 3.7"),
)
GOODREADS_COMPONENT = {"10": 28.4, "100": 96.7}  # 7.12.3: % of spoilers in the largest component, by k
GOODREADS_COSINE = "0.004"  # 7.12.3
