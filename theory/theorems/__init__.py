"""One theorem, one file: its statement, algorithm, guarantee and place; `compare` gives (measured, bound)."""

from __future__ import annotations

from typing import NamedTuple


class Comparison(NamedTuple):
    """A measured value and the bound of the theorem on it.

    Attributes:
        measured: The value of a run, or of the problem itself.
        bound: The bound; infinite or 0 if the theorem says nothing.
        is_upper: Whether the theorem says measured <= bound; otherwise it says measured >= bound.
    """

    measured: float
    bound: float
    is_upper: bool = True

    @property
    def holds(self) -> bool:
        """Whether the inequality of the theorem holds, up to a relative 1e-9."""
        margin = 1e-9 * abs(self.bound)
        return self.measured <= self.bound + margin if self.is_upper else self.measured >= self.bound - margin
