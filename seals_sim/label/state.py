"""What the events of a journal add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from seals_sim.label.events import Event


class Said(NamedTuple):
    """An answer, and the name of the person who gave it; None where it came from a file."""

    who: str | None
    answer: int | None


class SessionState:
    """Rows asked, rows that wait for an answer, and the answers that count.

    Attributes:
        asked: The event that asked for each row, in order; `who` is the person that it waits for.
        waiting: Rows asked and not answered, those to be shown first in front.

    Examples:
        >>> state = SessionState()
        >>> for event in (Event("ask", 5), Event("answer", 5, 1), Event("answer", 5, 0), Event("undo", 5)):
        ...     state.apply(event)
        >>> state.answers, state.waiting, state.find_last_answered()
        ({5: 1}, [], 5)
    """

    def __init__(self) -> None:
        self.asked: dict[int, Event] = {}
        self.waiting: list[int] = []
        self._said: dict[int, list[Said]] = {}  # those that count, latest last
        self._order: dict[str, list[int]] = {}  # the rows that each person answered, latest last
        self._by_person: set[int] = set()

    def apply(self, event: Event) -> None:
        """Change what the event changes, when it happens and when a session is reopened."""
        row = event.row
        match event.kind:
            case "ask":
                self.asked[row] = event
                self.waiting.append(row)
            case "answer":
                self._said.setdefault(row, []).append(Said(None if event.is_imported else event.who, event.answer))
                if not event.is_imported:
                    self._order.setdefault(event.who, []).append(row)
                if row in self.waiting:
                    self.waiting.remove(row)
            case "undo":
                self._undo(row, event.who)
        if event.kind != "ask" and not event.is_imported:
            self._by_person.add(row)

    def _undo(self, row: int, who: str) -> None:
        said, order = self._said[row], self._order.get(who, [])
        is_own = order[-1:] == [row]
        if is_own:
            order.pop()
        taken = who if is_own else None  # in early sessions whoever gave no name took back answers from files
        del said[max(place for place, one in enumerate(said) if one.who == taken)]
        if not said:
            del self._said[row]
            if row in self.asked:
                self.asked[row] = replace(self.asked[row], who=who)
                self.waiting.insert(0, row)

    def list_waiting(self, who: str) -> list[int]:
        """The rows that wait for a person, then those that wait for others."""
        return sorted(self.waiting, key=lambda row: self.asked[row].who != who)

    def count_waiting(self, who: str) -> int:
        """How many rows wait for a person."""
        return sum(self.asked[row].who == who for row in self.waiting)

    @property
    def answers(self) -> dict[int, int | None]:
        """Row to answer (1, 0 or None), in the order of each row's first answer that counts."""
        return {row: said[-1].answer for row, said in self._said.items()}

    def list_said(self, row: int) -> list[Said]:
        """What was answered to a row, latest last."""
        return list(self._said.get(row, ()))

    @property
    def disputed(self) -> list[int]:
        """Rows on which two people differ."""
        return [row for row, said in self._said.items() if len(said) > 1 and is_disputed(said)]

    def find_last_answered(self, who: str = "") -> int | None:
        """The row whose answer an undo by this person takes back; what came from files stays."""
        order = self._order.get(who)
        return order[-1] if order else None

    @property
    def seen(self) -> set[int]:
        """Rows that are asked or answered."""
        return self.asked.keys() | self._said.keys()

    def is_decided(self, row: int) -> bool:
        """Whether a person has answered the row, or taken an answer for it back: no import changes it then."""
        return row in self._by_person


def is_disputed(said: Sequence[Said]) -> bool:
    """Whether one person says yes to a row and another one no. The next answer, whoever gives it, settles that.

    Examples:
        >>> is_disputed([Said("Ada", 1), Said("Bob", 0)]), is_disputed([Said("Ada", 1), Said("Ada", 0)])
        (True, False)
        >>> is_disputed([Said("Ada", 1), Said("Bob", 0), Said("Bob", 0)])
        False
    """
    standing: dict[str, int | None] = {}
    disputed = False
    for who, answer in said:
        if disputed:
            standing = {}
        if who is not None:
            standing[who] = answer
        disputed = {0, 1} <= set(standing.values())
    return disputed
