"""The answers of a session, and who gave them."""

from __future__ import annotations

from collections.abc import Callable

from seals_sim.label.copies import DistinctRows
from seals_sim.label.state import Said, SessionState


class AnsweredSession:
    """The part of a session that is about its answers."""

    _state: SessionState
    _rows: DistinctRows
    _require_row: Callable[[int], None]

    def list_said(self, row: int) -> list[Said]:
        """Who answered a row and how, latest last; the last answer counts."""
        return self._state.list_said(self._rows.find(row))

    @property
    def disputed(self) -> list[int]:
        """Rows to which one person said yes and another no, until the next answer settles it."""
        return self._state.disputed

    def is_control(self, row: int) -> bool:
        """Whether the row was asked because it was drawn at random; its copies were not drawn."""
        return row in self._state.asked and self._state.asked[row].is_control

    @property
    def answers(self) -> dict[int, int | None]:
        """Row to answer (1, 0 or None), copies included, in the order of each row's first answer that counts."""
        return self._rows.expand(self._state.answers)

    @property
    def distinct_answers(self) -> dict[int, int | None]:
        """`answers` without copies: for rows that are answered together, only the first."""
        return self._state.answers

    @property
    def shown_answers(self) -> dict[int, int | None]:
        """`distinct_answers` without a judge's answers that a person is to check, and so must not see."""
        return self._state.shown

    @property
    def n_handled(self) -> int:
        """How many of the rows that the session asked for no longer wait for an answer."""
        return len(self._state.asked) - len(self._state.waiting)

    def list_copies(self, row: int) -> list[int]:
        """All rows that are answered together with a row, itself included, in order.

        Raises:
            UserError: For a row that the table does not have.
        """
        self._require_row(row)
        return self._rows.list_rows(row)
