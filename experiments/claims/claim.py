"""A claim of the paper, and what our stored runs say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from experiments.claims.estimates import Holds
from experiments.claims.stored import MissingRun, StoredRuns

FEWEST_CONCEPTS = 10
"""A run on fewer concepts refutes nothing: repeats show how seeds vary, not how concepts do."""


class Verdict(StrEnum):
    """The verdict on a claim, on the data that were tested."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    SHARPENED = "sharpened"
    NOT_TESTABLE = "not testable here"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Finding:
    """What was measured, with its spread, and what follows.

    Attributes:
        measured: The measurement in words and numbers.
        verdict: The verdict by the rule of the claim.
        why: A comment on the verdict: what differs, or what is missing.
        folders: The stored runs that it was measured on, if the claim's sources also hold others.
    """

    measured: str
    verdict: Verdict
    why: str = ""
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A claim that anyone can read and check.

    Attributes:
        place: The section of the paper, followed by the theorem, figure, table or line.
        words: A few words of the paper, to find the passage.
        says: The claim, in our words.
        test: How it is tested.
        rule: How the verdict follows from the measurement.
        sources: The files it uses, relative to the folder of reports.
        find: Computes the finding from them.
    """

    place: str
    words: str
    says: str
    test: str
    rule: str
    sources: tuple[str, ...]
    find: Callable[[StoredRuns], Finding]

    def evaluate(self, runs: StoredRuns) -> Finding:
        """Compute the finding. If a run is missing, say which, and how to make it.

        Raises:
            UserError: If a file exists but is damaged.
        """
        try:
            return self.find(runs)
        except MissingRun as missing:
            return Finding("", Verdict.NOT_RUN, str(missing))


class Section:
    """The claims of one part of the paper, each declared next to the function that tests it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.claims: list[Claim] = []

    def claim(
        self, *, place: str, words: str, says: str, test: str, rule: str, sources: tuple[str, ...]
    ) -> Callable[[Callable[[StoredRuns], Finding]], Callable[[StoredRuns], Finding]]:
        """Declare the claim that the decorated function tests."""

        def declare(find: Callable[[StoredRuns], Finding]) -> Callable[[StoredRuns], Finding]:
            self.claims.append(Claim(place, words, says, test, rule, sources, find))
            return find

        return declare

    def leave_untested(self, *, place: str, words: str, says: str, why: str) -> None:
        """Declare a claim that nothing here can test, and the reason."""
        finding = Finding("", Verdict.NOT_TESTABLE, why)
        self.claims.append(Claim(place, words, says, "none", "none", (), lambda runs: finding))


def judge(
    measured: str, holds: Holds, *, concepts: int | None = None, refuted: str = "", confirmed: str = ""
) -> Finding:
    """The finding of a test that a claim passes or fails.

    Args:
        measured: The measurement in words and numbers.
        holds: Whether the claim passes; None if the intervals cross the limit.
        concepts: Number of concepts measured, if a failure on too few does not count.
        refuted: Comment if it fails, such as how text differs from images.
        confirmed: Comment if it passes.

    Examples:
        >>> str(judge("", True).verdict), str(judge("", False).verdict), str(judge("", False, concepts=3).verdict)
        ('confirmed', 'refuted', 'not testable here')
    """
    if holds is None:
        return Finding(measured, Verdict.NOT_TESTABLE, "undecided: an interval reaches across the limit")
    if holds:
        return Finding(measured, Verdict.CONFIRMED, confirmed)
    if concepts is not None and concepts < FEWEST_CONCEPTS:
        few = (
            f"fails on {concepts} concepts, which are too few to refute it; run with --side-concepts {FEWEST_CONCEPTS}"
        )
        return Finding(measured, Verdict.NOT_TESTABLE, f"{few} or more. {refuted}".strip())
    return Finding(measured, Verdict.REFUTED, refuted)
