"""What all selectors of rows have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import Model
from seals_sim.types import Row


class RowSelector(ABC):
    """A selection strategy phi and its arg max over candidate rows. One selector serves one pool."""

    @abstractmethod
    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        """The next row, or None if no candidate is left."""

    def forecast(self, n: int) -> list[Row]:
        """Up to n rows that will be selected next, unless new candidates or a new model intervene.

        Empty if a selector cannot know.
        """
        return []
