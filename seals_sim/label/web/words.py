"""What the numbers of a session mean, in plain words."""

from __future__ import annotations

from seals_sim.label.types import Status

TARGET = 0.95  # recall that the stopping rule aims for
LEVEL = 0.05


def describe_remaining(status: Status, control_every: int) -> str:
    """How many positives remain."""
    if status.n_control == 0 and control_every == 0:
        return "This session draws no rows at random, so it cannot estimate how many positives remain."
    if status.n_control == 0:
        return (
            "No estimate yet of how many positives remain: it is based on rows drawn at random, about one in "
            f"{control_every}, and none of those has been answered."
        )
    n_left = status.n_rows - status.n_answered - status.n_skipped
    interval = status.remaining
    rows = "1 row" if status.n_control == 1 else f"{status.n_control:,} rows"
    left = f"{n_left:,} {'distinct ' if status.n_copies else ''}rows without an answer"
    if interval.guess == 0 < n_left:
        return (
            f"None of the {rows} drawn at random was positive: with 95% confidence, at most {interval.high:,} "
            f"positives remain among the {left}. More random rows will narrow this."
        )
    return (
        f"About {interval.guess:,.0f} more positives may remain among the {left} (95% confidence: {interval.low:,} to "
        f"{interval.high:,}). The estimate is based on {rows} drawn at random and errs on the high side; more random "
        "rows will narrow it."
    )


def describe_stopping(status: Status) -> str:
    """Whether it is time to stop."""
    if status.n_positive == 0:
        return "No positives yet, so it is too early to say when to stop."
    if not status.curve:
        return "The search has no answers yet, so it is too early to say when to stop."
    p = f"p = {status.p_missing:.2g}" if status.p_missing >= 0.001 else "p < 0.001"
    verdict = "You can stop" if status.p_missing < LEVEL else "Too early to stop"
    return (
        f"{verdict} ({p}; the usual threshold is {LEVEL}). p is the chance of so few positives among the latest "
        f"answers if less than {TARGET:.0%} of all positives had been found."
    )
