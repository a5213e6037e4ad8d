"""What the events of a journal add up to."""

from __future__ import annotations

from seals_sim.label.events import Event


class SessionState:
    """Rows asked, rows that wait for an answer, and the answers that count.

    Attributes:
        asked: The event that asked for each row, in order.
        waiting: Rows asked and not answered, those to be shown first in front.

    Examples:
        >>> state = SessionState()
        >>> for event in (Event("ask", 5), Event("answer", 5, 1), Event("answer", 5, 0), Event("undo", 5)):
        ...     state.apply(event)
        >>> state.answers, state.waiting, state.last_answered
        ({5: 1}, [], 5)
    """

    def __init__(self) -> None:
        self.asked: dict[int, Event] = {}
        self.waiting: list[int] = []
        self._answers: dict[int, list[int | None]] = {}  # those that count, latest last
        self._order: list[int] = []  # their rows, latest last
        self._by_person: set[int] = set()

    def apply(self, event: Event) -> None:
        """Change what the event changes, when it happens and when a session is reopened."""
        row = event.row
        match event.kind:
            case "ask":
                self.asked[row] = event
                self.waiting.append(row)
            case "answer":
                self._answers.setdefault(row, []).append(event.answer)
                self._order.append(row)
                if row in self.waiting:
                    self.waiting.remove(row)
            case "undo":
                self._undo()
        if event.kind != "ask" and not event.is_imported:
            self._by_person.add(row)

    def _undo(self) -> None:
        row = self._order.pop()
        self._answers[row].pop()
        if not self._answers[row]:
            del self._answers[row]
            if row in self.asked:
                self.waiting.insert(0, row)

    @property
    def answers(self) -> dict[int, int | None]:
        """Row to answer (1, 0 or None), in the order of each row's first answer that counts."""
        return {row: answers[-1] for row, answers in self._answers.items()}

    @property
    def last_answered(self) -> int | None:
        """The row whose answer an undo takes back."""
        return self._order[-1] if self._order else None

    @property
    def seen(self) -> set[int]:
        """Rows that are asked or answered."""
        return self.asked.keys() | self._answers.keys()

    def is_decided(self, row: int) -> bool:
        """Whether the person has answered the row, or taken an answer for it back: no import changes it then."""
        return row in self._by_person
