"""The judges of a session: what they did, and how far people agree with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seals_sim.evaluate.agreement import Agreement, compare_answers
from seals_sim.label.journal import Journal
from seals_sim.label.judge.records import JudgeRecord
from seals_sim.label.state import SessionState


@dataclass(frozen=True)
class JudgeSummary:
    """What a judge has done in a session.

    Attributes:
        who: The judge's name.
        n_calls: Calls made.
        n_answered: Rows that it answered with yes or no.
        n_yes: Rows that it answered with yes.
        n_unable: Rows that it could not answer.
        agreement: Agreement with the person on the rows drawn to be checked; None while none has been checked.
    """

    who: str
    n_calls: int
    n_answered: int
    n_yes: int
    n_unable: int
    agreement: Agreement | None


class JudgedSession:
    """The part of a session that deals with its judges."""

    concept: str
    _state: SessionState
    _journal: Journal

    def read_judge(self, who: str) -> JudgeRecord | None:
        """The stored record of a judge for this concept, besides its answers."""
        return self._journal.read_judges(self.concept).get(who)

    def note_judge(self, who: str, record: JudgeRecord) -> None:
        """Store the record of a judge; it is on disk when this returns.

        Raises:
            UserError: If it cannot be written.
        """
        self._journal.note_judge(who, record, self.concept)

    def needs_person(self, row: int) -> bool:
        """Whether a row that a judge answered waits for a person."""
        return self._state.needs_person(row)

    def find_purpose(self, row: int) -> Literal["", "check", "unable"]:
        """Why a person gets a row that a judge has: "check" the answer, or it was "unable"; empty if neither."""
        if not self._state.needs_person(row):
            return ""
        return "unable" if self._state.list_said(row)[-1].answer is None else "check"

    def count_for_people(self) -> int:
        """The number of waiting rows that judges have left to people, or that people are to check."""
        return sum(map(self._state.needs_person, self._state.waiting))

    def summarize_judges(self) -> list[JudgeSummary]:
        """What each judge has done, and how far people agree with it."""
        judged = self._state.list_judged()
        if not judged:
            return []
        records, summaries = self._journal.read_judges(self.concept), []
        for who in dict.fromkeys(str(by_judge.who) for by_judge, _ in judged):
            mine = [(said.answer, by_person) for said, by_person in judged if said.who == who]
            answers = [answer for answer, _ in mine if answer is not None]
            pairs = [
                (answer, by_person.answer)
                for answer, by_person in mine
                if answer is not None and by_person is not None and by_person.answer is not None
            ]
            n_calls = records[who].n_calls if who in records else len(mine)
            agreement = compare_answers(pairs)
            summaries.append(
                JudgeSummary(who, n_calls, len(answers), sum(answers), len(mine) - len(answers), agreement)
            )
        return summaries
