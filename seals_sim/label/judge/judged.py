"""What a session says of its judges."""

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
        who: Its name.
        n_calls: Calls made.
        n_answered: Rows that it said yes or no to.
        n_yes: Of these, yes.
        n_unable: Rows that it could not answer.
        agreement: With the person, on the rows drawn to be checked; None while none is checked.
    """

    who: str
    n_calls: int
    n_answered: int
    n_yes: int
    n_unable: int
    agreement: Agreement | None


class JudgedSession:
    """The part of a session that is about its judges."""

    concept: str
    _state: SessionState
    _journal: Journal

    def read_judge(self, who: str) -> JudgeRecord | None:
        """What the file keeps of a judge for this concept, beside its answers."""
        return self._journal.read_judges(self.concept).get(who)

    def note_judge(self, who: str, record: JudgeRecord) -> None:
        """Keep it; on disk when this returns.

        Raises:
            UserError: If it cannot be written.
        """
        self._journal.note_judge(who, record, self.concept)

    def needs_person(self, row: int) -> bool:
        """Whether a row that a judge answered waits for a person."""
        return self._state.needs_person(row)

    def find_purpose(self, row: int) -> Literal["", "check", "unable"]:
        """Why a row that a judge answered is put to a person: to check it, or it could not; empty if neither."""
        if not self._state.needs_person(row):
            return ""
        return "unable" if self._state.list_said(row)[-1].answer is None else "check"

    def count_for_people(self) -> int:
        """Rows that judges have left to people, or that people are to check, and which wait."""
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
