"""The state that results from the events of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seals_sim.label.events import Event
from seals_sim.label.judge.checks import is_drawn
from seals_sim.label.judge.names import is_judge


class Said(NamedTuple):
    """An answer, and the name of the person who gave it; None if it came from a file."""

    who: str | None
    answer: int | None


class SessionState:
    """Rows asked, rows that wait for an answer, and the answers that count.

    A judge's answer counts as long as nobody else has answered its row. A tenth of its answers, and the rows that it
    could not answer, wait for any person.

    Args:
        seed: Seed of the session, for drawing that tenth.

    Attributes:
        asked: The event that asked for each row, in order.
        waiting: Rows that wait for an answer, in the order in which to show them.

    Examples:
        >>> state = SessionState()
        >>> for event in (Event("ask", 5), Event("answer", 5, 1), Event("answer", 5, 0), Event("undo", 5)):
        ...     state.apply(event)
        >>> state.answers, state.waiting, state.find_last_answered()
        ({5: 1}, [], 5)
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.asked: dict[int, Event] = {}
        self.waiting: list[int] = []
        self._waits_for: dict[int, str | None] = {}  # None: any person, but no judge
        self._said: dict[int, list[Said]] = {}  # those that count, latest last
        self._order: dict[str, list[int]] = {}  # the rows that each person answered, latest last
        self._by_person: set[int] = set()
        self._judged: dict[int, None] = {}  # rows that a judge answered, in order
        self._answers: dict[int, int | None] = {}  # follows from _said, and so does the next
        self._disputed: set[int] = set()

    def apply(self, event: Event) -> None:
        """Apply an event, when it happens and when a session is reopened."""
        row = event.row
        match event.kind:
            case "ask":
                self.asked[row] = event
                self._wait(row, event.who, len(self.waiting))
            case "answer":
                self._said.setdefault(row, []).append(Said(None if event.is_imported else event.who, event.answer))
                if not event.is_imported:
                    self._order.setdefault(event.who, []).append(row)
                if row in self.waiting:
                    self.waiting.remove(row)
                if is_judge(event.who):
                    self._judged[row] = None
                    if self.needs_person(row):
                        self._wait(row, None, len(self.waiting))
            case "undo":
                self._undo(row, event.who)
        if event.kind != "ask":
            self._count(row)
            if not event.is_imported and not is_judge(event.who):
                self._by_person.add(row)

    def _count(self, row: int) -> None:
        """Update what follows from the answers to a row: a page asks for it all the time."""
        said = self._said.get(row)
        if said is None:
            self._answers.pop(row, None)
        else:
            self._answers[row] = self.list_said(row)[-1].answer
        if said is not None and len(said) > 1 and is_disputed(said):
            self._disputed.add(row)
        else:
            self._disputed.discard(row)

    def _wait(self, row: int, who: str | None, place: int) -> None:
        self.waiting.insert(place, row)
        self._waits_for[row] = who

    def _undo(self, row: int, who: str) -> None:
        said, order = self._said[row], self._order.get(who, [])
        is_own = order[-1:] == [row]
        if is_own:
            order.pop()
        taken = who if is_own else None  # in early sessions, a person without a name took back answers from files
        del said[max(place for place, one in enumerate(said) if one.who == taken)]
        if self.needs_person(row) or (not said and row in self.asked):
            self._wait(row, who, 0)
        if not said:
            del self._said[row]
            self._judged.pop(row, None)

    def needs_person(self, row: int) -> bool:
        """Whether only judges have answered a row, and the last one could not, or the row is drawn to be checked."""
        said = self._said.get(row)
        if not said or not all(is_judge(one.who) for one in said):
            return False
        return said[-1].answer is None or is_drawn(self._seed, row)

    def list_waiting(self, who: str) -> list[int]:
        """The rows that wait for a person or for anyone, then those that wait for others."""
        rows = [row for row in self.waiting if self._waits_for[row] is not None or not is_judge(who)]
        return sorted(rows, key=lambda row: self._waits_for[row] not in (who, None))

    def count_waiting(self, who: str) -> int:
        """How many rows wait for a person, or for anyone."""
        whose = {who} if is_judge(who) else {who, None}
        return sum(self._waits_for[row] in whose for row in self.waiting)

    def claim_waiting(self, who: str, n: int) -> list[Event]:
        """The first n of `list_waiting` as they were asked; rows that waited for anyone now wait for this person."""
        rows = self.list_waiting(who)[:n]
        for row in rows:
            if self._waits_for[row] is None:
                self._waits_for[row] = who
        return [self.asked.get(row) or Event("ask", row) for row in rows]

    def list_judged(self) -> list[tuple[Said, Said | None]]:
        """A judge's last answer to each row that judges answered, and a person's answer to it if the row is drawn."""
        judged = []
        for row in self._judged:
            said = self._said[row]
            by_judge = [one for one in said if is_judge(one.who)][-1]
            by_person = [one for one in said if one.who is not None and not is_judge(one.who)]
            is_checked = by_person and is_drawn(self._seed, row)
            judged.append((by_judge, by_person[-1] if is_checked else None))
        return judged

    @property
    def shown(self) -> dict[int, int | None]:
        """The answers without a judge's that wait for a person."""
        if not self._judged:
            return self.answers
        return {row: answer for row, answer in self._answers.items() if not self.needs_person(row)}

    @property
    def answers(self) -> dict[int, int | None]:
        """Row to answer (1, 0 or None), in the order of each row's first answer that counts."""
        return dict(self._answers)

    def list_said(self, row: int) -> list[Said]:
        """The answers to a row, judges' first, otherwise latest last: the last one counts."""
        said = self._said.get(row, [])
        if row not in self._judged:
            return list(said)
        return sorted(said, key=lambda one: not is_judge(one.who))

    @property
    def disputed(self) -> list[int]:
        """Rows on which two people differ."""
        return [row for row in self._said if row in self._disputed] if self._disputed else []

    def find_last_answered(self, who: str = "") -> int | None:
        """The row whose answer an undo by this person takes back; answers from files stay."""
        order = self._order.get(who)
        return order[-1] if order else None

    @property
    def seen(self) -> set[int]:
        """Rows that are asked or answered."""
        return self.asked.keys() | self._said.keys()

    def is_decided(self, row: int) -> bool:
        """Whether a person has answered the row or undone an answer to it, so that no import changes it."""
        return row in self._by_person


def is_disputed(said: Sequence[Said]) -> bool:
    """Whether one person says yes to a row and another says no. The next answer, from anyone, settles it.

    A judge disputes nothing: a person is right.

    Examples:
        >>> is_disputed([Said("Ada", 1), Said("Bob", 0)]), is_disputed([Said("Ada", 1), Said("Ada", 0)])
        (True, False)
        >>> is_disputed([Said("Ada", 1), Said("Bob", 0), Said("Bob", 0)])
        False
    """
    standing: dict[str, int | None] = {}
    disputed = False
    for who, answer in said:
        if is_judge(who):
            continue
        if disputed:
            standing = {}
        if who is not None:
            standing[who] = answer
        disputed = {0, 1} <= set(standing.values())
    return disputed
