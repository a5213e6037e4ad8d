"""What the numbers of a session mean, in plain words."""

from __future__ import annotations

from seals_sim.label.session import Status

TARGET = 0.95  # part of all positives that the rule for stopping is about
LEVEL = 0.05


def remaining_in_words(status: Status, control_every: int) -> str:
    """How many positives are left."""
    if status.n_control == 0 and control_every == 0:
        return "This session draws no rows at random, so that nothing can be said of how many are left."
    if status.n_control == 0:
        return (
            "How many are left cannot be said yet: it is judged by rows drawn at random, about one in "
            f"{control_every}, and none of those has been answered."
        )
    n_left = status.n_rows - status.n_answered - status.n_skipped
    interval = status.remaining
    rows = "1 row" if status.n_control == 1 else f"{status.n_control:,} rows"
    if interval.guess == 0 < n_left:
        return (
            f"Of {rows} drawn at random none was positive: with 95 % confidence at most {interval.high:,} are left "
            f"among the {n_left:,} rows without an answer. More rows drawn at random narrow this."
        )
    return (
        f"About {interval.guess:,.0f} more may be left among the {n_left:,} rows without an answer; with 95 % "
        f"confidence between {interval.low:,} and {interval.high:,}. This is judged by {rows} drawn at random, and "
        "errs to the high side; more of them narrow it."
    )


def stopping_in_words(status: Status) -> str:
    """Whether one may stop."""
    if status.n_positive == 0:
        return "None has been found yet, so that there is nothing to say about stopping."
    p = f"p = {status.p_missing:.2g}" if status.p_missing >= 0.001 else "p is below 0.001"
    verdict = "You may stop" if status.p_missing < LEVEL else "Too early to stop"
    return (
        f"{verdict}: if less than {100 * TARGET:.0f} % of all had been found, so few finds among the latest "
        f"answers would be as likely as this: {p}. Below {LEVEL} is the usual place to stop."
    )
