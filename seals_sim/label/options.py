"""The options of a label session."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, NonNegativeInt, PositiveFloat, PositiveInt
from seals_sim.search.choice import AutoPoolChoice
from seals_sim.search.names import ENTRIES, N_STEP

SessionStrategy = Literal["most_likely_positive", "maxent"]
EARLY_OPTIONS = {"copies": "apart", "pool": "seals", "presumed": 0, "embed": "all", "step": 10, "entries": 0}
"""What sessions did before they had these options."""
WIDENING = 2
"""Neighbors by a static model for each of k by a good one, so that nothing is lost (reports/beyond)."""
GROWTH = 500
"""Answers with which k more neighbors join, up to twice as many: what is near the first positives is known by then."""
CopiesOption = Literal["together", "apart"]
EmbedOption = Literal["auto", "lazy", "all"]


@dataclass(frozen=True, config=CHECKED)
class SessionOptions:
    """How a session searches; fixed when it begins.

    Raises:
        pydantic.ValidationError: Where a value is out of bounds.
    """

    strategy: SessionStrategy = "most_likely_positive"
    """most_likely_positive finds most; maxent trains the better model."""
    k: PositiveInt = 100
    """Neighbors of each positive (walk) or labeled row (seals) that join the candidates."""
    control_every: NonNegativeInt = 10
    """Draw every Nth row at random from all that are left, to estimate how many positives remain; 0 draws none."""
    regularization: PositiveFloat = 1.0
    """scikit-learn's C of the logistic regression."""
    seed: NonNegativeInt = 0
    """Of the random draws."""
    presumed: NonNegativeInt = 100
    """Unlabeled rows that stand in for negatives until as many are labeled, at most a tenth of the table; 0: none."""
    copies: CopiesOption = "together"
    """together: equal texts are asked once, and the answer is for all of them; apart: each row is asked."""
    pool: AutoPoolChoice = "auto"
    """Candidates: all scans every row; walk takes neighbors of positives and of the model's best; positives: of
    positives alone; seals is the paper's; auto: all where a scan takes milliseconds, else walk; if lazy, positives."""
    step: PositiveInt = N_STEP
    """Neighbors that each of the best candidates brings, where the pool is a walk."""
    entries: NonNegativeInt = ENTRIES
    """By how many square roots of the table's rows, drawn at random, a walk may enter parts that no example is near."""
    embed: EmbedOption = "auto"
    """lazy: a static model finds the candidates, 2 to 4 times as many, and the model embeds them when found, the rest
    in the background; all: it embeds the whole table first; auto: lazy where that would be more than 20,000 texts."""
    chunks: bool = False
    """Read long texts to their end: they are cut into chunks that the model reads whole, and the best one decides.
    Every chunk is scanned for each model; for tables of up to 150,000 chunks."""

    @property
    def n_neighbors(self) -> int:
        """That join the candidates with an example."""
        return self.count_neighbors(0)

    def count_neighbors(self, n_answered: int) -> int:
        """That join the candidates with a row that is answered after so many others.

        Examples:
            >>> [SessionOptions(embed="lazy").count_neighbors(n) for n in (0, 300, 1000, 5000)]
            [200, 260, 400, 400]
        """
        if self.embed != "lazy":
            return self.k
        return WIDENING * self.k + min(WIDENING * self.k, self.k * n_answered // GROWTH)
