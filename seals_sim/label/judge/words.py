"""Describes in plain words what a judge has done, and how far to trust it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seals_sim.evaluate.agreement import Agreement
from seals_sim.label.beginning import name_concept
from seals_sim.label.judge.judged import JudgedSession, JudgeSummary


def describe_judges(session: JudgedSession) -> str:
    """All of a session's judges; empty if it has none."""
    summaries = session.summarize_judges()
    if not summaries:
        return ""
    n_waiting = session.count_for_people()
    verb = "waits" if n_waiting == 1 else "wait"
    waiting = f" {n_waiting:,} {_plural(n_waiting, 'row')} {verb} for you." if n_waiting else ""
    return _join(summaries) + waiting


def describe_each(sessions: Collection[JudgedSession]) -> str:
    """The judges of several concepts, each with the concept's name; a lone concept without a name gets none."""
    words = {name_concept(session.concept): describe_judges(session) for session in sessions}
    if len(sessions) == 1 and not any(session.concept for session in sessions):
        return "".join(words.values())
    return " ".join(f"{name}: {said}" for name, said in words.items() if said)


def _join(summaries: Sequence[JudgeSummary]) -> str:
    return " ".join(map(_describe, summaries))


def _describe(one: JudgeSummary) -> str:
    unable = f"; it could not answer {one.n_unable:,} more" if one.n_unable else ""
    calls = f"{one.n_calls:,} {_plural(one.n_calls, 'call')}"
    return (
        f"{one.who} has answered {one.n_answered:,} {_plural(one.n_answered, 'row')} in {calls}, "
        f"{one.n_yes:,} of them yes{unable}. {_describe_agreement(one.agreement)}"
    )


def _describe_agreement(agreement: Agreement | None) -> str:
    if agreement is None:
        return "A tenth of its answers, drawn at random, comes to you to check; you have checked none yet."
    kappa = "undefined, with one kind of answer" if agreement.kappa is None else f"{agreement.kappa:.2f}"
    return (
        f"Of the {agreement.n:,} {_plural(agreement.n, 'answer')} drawn at random that you checked, you agree with "
        f"{agreement.n_same:,}: "
        f"{agreement.n_same / agreement.n:.1%} (95% confidence: {agreement.low:.1%} to {agreement.high:.1%}). "
        f"Cohen's kappa: {kappa}. You said no to {agreement.n_first_alone:,} of its yes answers, and yes to "
        f"{agreement.n_second_alone:,} of its no answers. If you disagree, your answer counts."
    )


def _plural(n: int, noun: str) -> str:
    return noun if n == 1 else f"{noun}s"
