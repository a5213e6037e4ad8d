"""Chooses the rows that a judge answers next, for each concept that it has an instruction for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from seals_sim.label.judge.records import JudgeRecord
from seals_sim.label.session import Session


@dataclass(eq=False)
class Assignment:
    """A concept that a judge answers for.

    Attributes:
        session: The search for it.
        who: The judge's name.
        instruction: The instruction: which texts to say yes to.
        n_calls: Calls made for it so far.
    """

    session: Session
    who: str
    instruction: str
    n_calls: int

    def count(self, n: int) -> None:
        """Count calls that are about to be made; the count is on disk when this returns."""
        if n:
            self.session.note_judge(self.who, JudgeRecord(instruction=self.instruction, n_calls=self.n_calls + n))
            self.n_calls += n


class Call(NamedTuple):
    """A row to answer for a concept."""

    assignment: Assignment
    row: int


def take_calls(assignments: Collection[Assignment], busy: Collection[Call], n: int) -> list[Call]:
    """Choose up to n rows to answer; fewer if no more are left.

    Concepts with fewer calls so far come first. The calls are not counted here.

    Args:
        assignments: The assignments of the judge.
        busy: Calls in progress.
        n: The number of rows.
    """
    taken: list[Call] = []
    left = list(assignments)
    while left and len(taken) < n:
        for assignment, share in _share_out(left, taken, n - len(taken)):
            mine = {call.row for call in (*busy, *taken) if call.assignment is assignment}
            asked = assignment.session.ask(len(mine) + share, assignment.who)
            rows = [one.row for one in asked if one.row not in mine][:share]
            taken += [Call(assignment, row) for row in rows]
            if len(rows) < share:
                left.remove(assignment)
    return taken


def _share_out(left: Collection[Assignment], taken: Collection[Call], n: int) -> list[tuple[Assignment, int]]:
    """How many of n calls each assignment gets, to even out their numbers."""
    counts = {one: one.n_calls + sum(call.assignment is one for call in taken) for one in left}
    shares = dict.fromkeys(left, 0)
    for _ in range(n):
        least = min(counts, key=counts.__getitem__)
        counts[least] += 1
        shares[least] += 1
    return [(one, share) for one, share in shares.items() if share]
