"""The options of a label session."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, NonNegativeInt, PositiveFloat, PositiveInt
from seals_sim.search.choice import AutoPoolChoice
from seals_sim.search.names import ENTRIES, N_STEP

SessionStrategy = Literal["most_likely_positive", "maxent"]
EARLY_OPTIONS = {
    "copies": "apart", "pool": "seals", "presumed": 0, "embed": "all", "step": 10, "entries": 0, "widening": 2,
}  # fmt: skip
"""The behavior of sessions that are older than these options."""
WIDENING = 10
"""Neighbors from a static model for each of k from a good one, so that nothing is lost (reports/beyond)."""
GROWTH = 1_000
"""Answers after which twice as many neighbors join if they were fewer: rows near the first positives are known by
then."""
CopiesOption = Literal["together", "apart"]
EmbedOption = Literal["auto", "lazy", "all"]


@dataclass(frozen=True, config=CHECKED)
class SessionOptions:
    """How a session searches; fixed when it begins.

    Raises:
        pydantic.ValidationError: If a value is out of bounds.
    """

    strategy: SessionStrategy = "most_likely_positive"
    """most_likely_positive finds the most; maxent trains the better model."""
    k: PositiveInt = 100
    """Neighbors of each positive (walk) or labeled row (seals) that join the candidates."""
    control_every: NonNegativeInt = 10
    """Draw every Nth row at random from all remaining rows, to estimate how many positives remain; 0: never."""
    regularization: PositiveFloat = 1.0
    """C of scikit-learn's logistic regression."""
    seed: NonNegativeInt = 0
    """Seed for the random draws."""
    presumed: NonNegativeInt = 100
    """Unlabeled rows used as negatives until that many are labeled, at most a tenth of the table; 0: none."""
    copies: CopiesOption = "together"
    """together: equal texts are asked once and share the answer; apart: every row is asked."""
    pool: AutoPoolChoice = "auto"
    """Candidates: all: every row; walk: neighbors of positives and of the model's best candidates; positives: neighbors
    of positives alone; seals: as in the paper; auto: positives if lazy, otherwise all if a scan takes milliseconds, and
    walk if not."""
    step: PositiveInt = N_STEP
    """With a walk: neighbors that each of the best candidates adds."""
    entries: NonNegativeInt = ENTRIES
    """With a walk: random rows that let it reach regions far from every example, as a multiple of the square root of
    the number of rows."""
    embed: EmbedOption = "auto"
    """lazy: a static model finds the candidates; the model embeds these when they are found, and the rest in the
    background; all: the model embeds the whole table first; auto: lazy if that would be more than 20,000 texts."""
    widening: PositiveInt = WIDENING
    """With lazy embedding: how many times k neighbors of a positive join the candidates. Less than 10 grows to twice as
    many within 1,000 answers, but not beyond 10."""
    chunks: bool = False
    """Read long texts to the end: cut them into chunks that fit the model; a text counts as its best chunk. Every
    retraining scans every chunk; for tables of up to 150,000 chunks."""

    @property
    def n_neighbors(self) -> int:
        """Neighbors that join the candidates with an example."""
        return self.count_neighbors(0)

    def count_neighbors(self, n_answered: int) -> int:
        """Neighbors that join the candidates with a row that is answered after `n_answered` others.

        Examples:
            >>> [SessionOptions(embed="lazy", widening=4).count_neighbors(n) for n in (0, 300, 1000, 5000)]
            [400, 520, 800, 800]
            >>> [SessionOptions(embed="lazy").count_neighbors(n) for n in (0, 5000)]
            [1000, 1000]
        """
        if self.embed != "lazy":
            return self.k
        n_first = self.widening * self.k
        n_most = max(n_first, WIDENING * self.k)
        return min(n_first + min(n_first, n_first * n_answered // GROWTH), n_most)
