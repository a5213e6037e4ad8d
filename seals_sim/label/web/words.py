"""Explains the numbers of a session in plain words."""

from __future__ import annotations

import numpy as np

from seals_sim.evaluate.forecast import LEAST_ANSWERS
from seals_sim.label.types import Status

TARGET = 0.95  # the recall that the stopping rule aims for
LEVEL = 0.05


def describe_remaining(status: Status, control_every: int) -> str:
    """How many positives remain, by the forecast and by the rows drawn at random."""
    return f"{_describe_forecast(status)} {_describe_random_rows(status, control_every)}"


def _describe_forecast(status: Status) -> str:
    n_more = LEAST_ANSWERS - status.n_searched
    if n_more > 0:
        answers = "answer" if n_more == 1 else "answers"
        return f"A forecast of how many positives remain needs {n_more} more {answers} to rows that the search chooses."
    forecast = status.forecast
    if forecast is None:
        return "The search still finds too many positives, or none yet, to forecast how many remain."
    return (
        f"About {forecast.guess:,.0f} more positives remain, according to a forecast from the search's latest answers "
        f"({forecast.low:,} to {forecast.high:,} in 95% of the searches that we measured; no guarantee)."
    )


def _describe_random_rows(status: Status, control_every: int) -> str:
    if status.n_control == 0 and control_every == 0:
        return "This session draws no rows at random, so nothing is certain about the rest."
    if status.n_control == 0:
        return f"About one row in {control_every} is drawn at random as a check; none of these has been answered yet."
    n_left = status.n_rows - status.n_answered - status.n_skipped
    interval = status.remaining
    rows = "1 row" if status.n_control == 1 else f"{status.n_control:,} rows"
    left = f"{n_left:,} {'distinct ' if status.n_copies else ''}rows without an answer"
    if interval.guess == 0 < n_left:
        return (
            f"None of the {rows} drawn at random was positive: with 95% confidence, at most {interval.high:,} "
            f"positives remain among the {left}, whatever they look like.{_describe_cost(status, n_left)}"
        )
    return (
        f"Judging by the {rows} drawn at random, about {interval.guess:,.0f} remain among the {left} (95% confidence: "
        f"{interval.low:,} to {interval.high:,}), whatever they look like; this errs on the high side."
    )


def _describe_cost(status: Status, n_left: int) -> str:
    """How many random rows it takes to be sure that fewer positives remain than were found."""
    if not 0 < status.n_positive < n_left:
        return ""
    n = int(np.ceil(np.log(LEVEL / 2) / np.log1p(-status.n_positive / n_left)))
    if n <= status.n_control:
        return ""
    return f" To be as sure that no more remain than you have found takes about {_round(n):,} such rows in total."


def _round(n: int) -> int:
    """Round to two digits."""
    return int(float(f"{n:.1e}"))


def describe_stopping(status: Status) -> str:
    """Whether it is time to stop, by the forecast and by a test that needs no forecast."""
    if status.n_positive == 0:
        return "No positives yet, so it is too early to say when to stop."
    if not status.curve:
        return "The search has no answers yet, so it is too early to say when to stop."
    p = f"p = {status.p_missing:.2g}" if status.p_missing >= 0.001 else "p < 0.001"
    verdict = "You can stop" if status.p_missing < LEVEL else "Too early to stop"
    test = (
        f"{verdict} ({p}; the usual threshold is {LEVEL}). p is the chance of so few positives among the latest "
        f"answers if less than {TARGET:.0%} of all positives had been found."
    )
    if status.forecast is None or status.p_missing < LEVEL:
        return test
    recall = status.n_positive / (status.n_positive + status.forecast.high)
    return f"By the forecast, at least {np.floor(100 * recall):.0f}% of all positives have been found. {test}"
