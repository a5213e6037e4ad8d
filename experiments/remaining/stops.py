"""Where each rule would have stopped each session, and what the session had found by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.remaining.measure import learn, list_moments
from experiments.remaining.rules import (
    add_margin,
    correct_prior,
    count_target_set,
    estimate_recall_by_scores,
    find_target_stop,
    is_at_knee,
    is_prior_off,
    measure_trust,
)
from experiments.remaining.sessions import N_EXAMPLES
from seals_sim.evaluate.forecast import Forecast
from seals_sim.evaluate.remaining import compute_p_missing, estimate_remaining
from seals_sim.label.options import SessionOptions
from seals_sim.label.search import compute_scores
from seals_sim.randomness import make_generator
from seals_sim.types import Row, Scores

TARGETS = (0.8, 0.9, 0.95)
EVERY = 50  # answers between two checks
LEVEL = 0.05
_EVERY_DRAWN = SessionOptions().control_every
_LEAST_ROUNDS = 2
_BY_SCORES = ("quant", "quant_ci", "sal_tau", "sal_tau_r")
RULES = ("who knows the end", "test (p < 0.05)", "forecast", "target set", "knee", "knee (from 100)", *_BY_SCORES)
_LARGEST_SCORE = 1 - 1e-9


class ScoreWatcher:
    """Watches a session for the rules that need the scores of all rows.

    Args:
        is_positive: (n,) 1 or 0.
    """

    def __init__(self, is_positive: NDArray[np.int8]) -> None:
        self._is_positive = is_positive
        self._last: tuple[NDArray[np.float64], list[Row]] | None = None
        self.stops: dict[tuple[str, float], int] = {}

    def observe(self, decision: Scores, rows: Sequence[Row]) -> None:
        """Note the rules that say stop for the first time."""
        n_answers = len(rows) - N_EXAMPLES
        if n_answers % EVERY or n_answers == 0:
            return
        scores = np.clip(compute_scores(decision), 1 - _LARGEST_SCORE, _LARGEST_SCORE)
        if self._last is not None and n_answers >= _LEAST_ROUNDS * EVERY:
            for name, target in self._list_reached(scores, rows, *self._last):
                self.stops.setdefault((name, target), n_answers)
        self._last = scores, list(rows)

    def _list_reached(
        self, scores: NDArray[np.float64], rows: Sequence[Row], last_scores: NDArray[np.float64], last_rows: list[Row]
    ) -> Iterator[tuple[str, float]]:
        is_left = np.ones(len(scores), dtype=np.bool_)
        is_left[rows] = False
        quant = estimate_recall_by_scores(scores[rows], scores[is_left])
        corrected = self._correct(scores, rows, last_scores, last_rows)
        sal = estimate_recall_by_scores(corrected[rows], corrected[is_left])
        for target in TARGETS:
            reached = (quant.reaches(target), quant.reaches(target, 2), sal.reaches(target))
            for name, is_reached in zip(_BY_SCORES, (*reached, sal.reaches(add_margin(target))), strict=True):
                if is_reached:
                    yield name, target

    def _correct(
        self, scores: NDArray[np.float64], rows: Sequence[Row], last_scores: NDArray[np.float64], last_rows: list[Row]
    ) -> NDArray[np.float64]:
        """The scores, with those of the last check, corrected as in SAL-tau, for the rows that had no answer then."""
        was_left = np.ones(len(scores), dtype=np.bool_)
        was_left[last_rows] = False
        new = rows[len(last_rows) :]
        trust = measure_trust(last_scores[new], scores[new])
        corrected = scores.copy()
        corrected[was_left] = correct_prior(last_scores[was_left], float(last_scores[last_rows].mean()), trust)
        return scores if is_prior_off(self._is_positive[new], corrected[new]) else corrected


def describe_stops(table: str, concept: str, stops: dict[tuple[str, float], int]) -> pd.DataFrame:
    """Rows of stops.csv.gz. n_answers is where a rule stopped, or 0 if it did not."""
    kinds = [(rule, target) for rule in _BY_SCORES for target in TARGETS]
    return pd.DataFrame(
        [{"table": table, "concept": concept, "rule": rule, "target": target,
          "n_answers": stops.get((rule, target), 0)} for rule, target in kinds]
    )  # fmt: skip


def compare_rules(sessions: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """One row for each session, target and rule that stopped.

    Returns:
        table, concept, rule, target, n_answers (with those for a target set), recall (at the stop), is_reached.
    """
    by_scores = {tuple(key): part for key, part in stops.groupby(["table", "concept"])}
    moments, rows = list_moments(sessions), []
    for table in sessions["table"].unique():
        forecast = learn(moments[moments["table"] != table])  # learned on the other tables
        for session in sessions[sessions["table"] == table].itertuples():
            labels = np.array(list(str(session.labels)), dtype=np.int8)
            n_rows, n_positive = int(session.n_rows), int(session.n_positive)
            found = np.concatenate([[0], np.cumsum(labels, dtype=np.int64)])
            about = {"table": table, "concept": session.concept}
            rng = make_generator(0, "target set", str(table), str(session.concept))
            part = by_scores.get((table, session.concept))
            others = [] if part is None else list(part[["rule", "target", "n_answers"]].itertuples(index=False))
            for target in TARGETS:
                given = [(rule, n, n) for rule, its_target, n in others if its_target == target and n]
                for rule, n_search, n_answers in [
                    *_list_stops(labels, n_rows, n_positive, target, forecast),
                    *_stop_by_target_set(labels, n_rows, n_positive, target, rng),
                    *given,
                ]:
                    recall = 1.0 if n_search is None else float(found[n_search] / n_positive)
                    rows.append(
                        {**about, "rule": rule, "target": target, "n_answers": n_answers, "recall": recall,
                         "is_reached": recall >= target}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def _list_stops(
    labels: NDArray[np.int8], n_rows: int, n_positive: int, target: float, forecast: Forecast
) -> Iterator[tuple[str, int, int]]:
    """Rules that depend only on the labels, each with (twice) the number of answers at which it first says stop."""
    rules: dict[str, Callable[[NDArray[np.int8]], bool]] = {
        "who knows the end": lambda given: bool(given.sum() / n_positive >= target),
        "test (p < 0.05)": lambda given: compute_p_missing(given.tolist(), n_rows, target) < LEVEL,
        "forecast": lambda given: _is_foretold(given, n_rows, target, forecast),
        "knee": lambda given: is_at_knee(given.tolist()),
        "knee (from 100)": lambda given: is_at_knee(given.tolist(), 100),
    }
    for name, says_stop in rules.items():
        for n in range(EVERY, len(labels) + 1, EVERY):
            if says_stop(labels[:n]):
                yield name, n, n
                break


def _is_foretold(given: NDArray[np.int8], n_rows: int, target: float, forecast: Forecast) -> bool:
    """Whether the target is reached even at the upper end of the forecast, as the page says it."""
    is_drawn = np.arange(1, len(given) + 1) % _EVERY_DRAWN == 0
    drawn = estimate_remaining(n_rows - len(given), int(is_drawn.sum()), int(given[is_drawn].sum()))
    told = forecast.predict(given[~is_drawn].tolist(), drawn)
    n_found = int(given.sum())
    return told is not None and n_found > 0 and n_found / (n_found + told.high) >= target


def _stop_by_target_set(
    labels: NDArray[np.int8], n_rows: int, n_positive: int, target: float, rng: np.random.Generator
) -> Iterator[tuple[str, int | None, int]]:
    """A target set drawn before the session, with the answers it costs. If there are too few positives, all rows are
    drawn.
    """
    size = count_target_set(target)
    if n_positive < size:
        yield "target set", None, n_rows
        return
    n_draws = int(np.sort(rng.choice(n_rows, n_positive, replace=False))[size - 1]) + 1
    places = [int(place) + 1 for place in np.flatnonzero(labels)]
    is_found_at: list[int | None] = [*places, *[None] * (n_positive - len(places))]
    stop = find_target_stop([is_found_at[place] for place in rng.choice(n_positive, size, replace=False)])
    if stop is not None:
        yield "target set", stop, n_draws + stop


def summarize_rules(compared: pd.DataFrame, n_sessions: int) -> pd.DataFrame:
    """By target and rule: how many sessions it stopped, and the fraction of those that had reached the target."""
    rows = []
    for target, rule in ((target, rule) for target in TARGETS for rule in RULES):
        part = compared[(compared["target"] == target) & (compared["rule"] == rule)]
        rows.append(
            {
                "target": target,
                "rule": rule,
                "sessions": n_sessions,
                "stopped": len(part),
                "reached": part["is_reached"].mean(),
                "recall": part["recall"].mean(),
                "lowest_tenth": part["recall"].quantile(0.1),
                "n_answers": part["n_answers"].median(),
            }
        )
    return pd.DataFrame(rows)
