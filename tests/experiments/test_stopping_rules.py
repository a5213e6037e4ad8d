"""Stopping rules from the literature on handmade cases: when each one fires, and that it never fires before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.remaining.command import read_sessions, read_stops
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
from experiments.remaining.sessions import run_session
from experiments.remaining.stops import EVERY, TARGETS, ScoreWatcher, compare_rules, describe_stops, summarize_rules
from tests.conftest import clustered

REPORT = Path(__file__).parents[2] / "reports" / "remaining"


def test_a_target_set_is_as_large_as_its_risk_requires():
    for recall in (0.7, 0.8, 0.9, 0.95):
        size = count_target_set(recall)
        assert recall**size <= 0.05 < recall ** (size - 1)


def test_a_target_set_stops_when_its_last_one_is_found_and_never_before():
    assert find_target_stop([3, 17, 5]) == 17
    assert find_target_stop([3, None, 5]) is None
    assert find_target_stop([]) is None


def test_the_knee_waits_for_its_least_answers_and_for_a_positive():
    bent = [1] * 100 + [0] * 2000
    assert not any(is_at_knee(bent[:m]) for m in range(1, 1000))
    assert is_at_knee(bent[:1000])
    assert not any(is_at_knee([0] * m, least=1) for m in range(1, 2000))


def test_the_knee_fires_at_the_ratio_of_its_paper():
    # 40 of 40 before the knee, none in the m - 40 since: the ratio is m - 40, to reach 156 - 40 = 116
    assert not is_at_knee([1] * 40 + [0] * 115, least=1)
    assert is_at_knee([1] * 40 + [0] * 116, least=1)
    assert not is_at_knee([1, 0, 0] * 400, least=1)  # never bends
    assert is_at_knee([1] * 200 + [0] * 6, least=1)  # 150 or more: six times
    assert not is_at_knee([1] * 200 + [0] * 5, least=1)


def test_quant_is_the_share_of_what_the_scores_add_up_to():
    sure = estimate_recall_by_scores(np.array([1.0, 1.0, 1.0, 1.0]), np.array([1.0, 0.0]))
    assert (sure.recall, sure.error) == (0.8, 0.0)
    assert sure.reaches(0.8, 2)
    assert not sure.reaches(0.81)
    unsure = estimate_recall_by_scores(np.full(4, 0.5), np.full(4, 0.5))
    # known 2 of 4; variance 2 ** 2 / 4 ** 4 * 2 + 1 / 4 ** 2
    np.testing.assert_allclose([unsure.recall, unsure.error], [0.5, np.sqrt(2 / 64 + 1 / 16)])
    assert unsure.reaches(0.5)
    assert not unsure.reaches(0.5, 2)
    assert not estimate_recall_by_scores(np.zeros(2), np.zeros(2)).reaches(0.8)


def test_a_prior_is_corrected_as_expectation_and_maximization_do_it_and_as_far_as_the_model_is_trusted():
    rng = np.random.default_rng(0)
    is_positive = rng.random(20_000) < 0.1  # one in ten; the model was trained where every second is positive
    scores = 1 / (1 + np.exp(-rng.normal(np.where(is_positive, 2.0, -2.0), 2.0)))
    corrected = correct_prior(scores, 0.5, 1.0)
    assert scores.mean() > 0.2
    assert corrected.mean() == pytest.approx(0.1, abs=0.01)
    np.testing.assert_allclose(correct_prior(scores, 0.5, 0.0), scores)
    assert corrected.mean() < correct_prior(scores, 0.5, 0.5).mean() < scores.mean()


def test_trust_is_a_cosine_and_a_prior_that_is_off_is_seen():
    assert measure_trust(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0
    assert measure_trust(np.array([0.2, 0.4]), np.array([0.1, 0.2])) == pytest.approx(1)
    labels = np.array([1, 0, 0, 0], dtype=np.int8)
    assert not is_prior_off(labels, np.full(4, 0.25 + 0.22))  # 0.22 / 0.75 is below 0.3
    assert is_prior_off(labels, np.full(4, 0.25 + 0.23))
    assert add_margin(0.8) == pytest.approx(0.96)


def test_rules_by_scores_stop_at_a_look_and_not_at_the_first():
    vectors, cluster = clustered(600, 12, 10)
    positives = np.flatnonzero(cluster == 0)
    is_positive = (cluster == 0).astype(np.int8)
    watcher = ScoreWatcher(is_positive)
    labels = run_session(vectors, positives, 200, np.random.default_rng(0), watcher.observe)
    np.testing.assert_array_equal(labels, run_session(vectors, positives, 200, np.random.default_rng(0)))
    assert watcher.stops
    assert all(n % EVERY == 0 and n >= 2 * EVERY for n in watcher.stops.values())
    assert all(watcher.stops[rule, 0.8] <= n for (rule, _), n in watcher.stops.items())


def test_the_comparison_counts_what_was_found_where_a_rule_stopped():
    # 98 positives: 90 of the first 90 answers, and then none
    labels = "1" * 90 + "0" * 210
    sessions = pd.DataFrame(
        {"table": ["a", "b"], "concept": ["x", "y"], "n_rows": 5000, "n_positive": 98, "labels": labels}
    )
    stops = pd.concat([describe_stops(table, concept, {("quant", 0.9): 50}) for table, concept in ("ax", "by")])
    compared = compare_rules(sessions, stops).set_index(["table", "target", "rule"])
    known = compared.loc[("a", 0.9, "who knows the end")]
    assert (known["n_answers"], bool(known["is_reached"])) == (100, True)  # 0.9 of 98 is 89: the check at 100
    quant = compared.loc[("a", 0.9, "quant")]
    assert quant["recall"] == pytest.approx(50 / 98)
    assert not quant["is_reached"]
    assert ("a", 0.95, "who knows the end") not in compared.index  # it finds only 90 of 98
    assert ("a", 0.8, "quant") not in compared.index
    table = summarize_rules(compared.reset_index(), 2)
    row = table[(table["target"] == 0.9) & (table["rule"] == "quant")].iloc[0]
    assert (row["sessions"], row["stopped"], row["reached"], row["n_answers"]) == (2, 2, 0, 50)
    never = table[(table["target"] == 0.8) & (table["rule"] == "quant")].iloc[0]
    assert never["stopped"] == 0
    assert np.isnan(never["reached"])
    assert set(table["target"]) == set(TARGETS)


def test_the_committed_comparison_is_what_the_committed_sessions_give():
    sessions, stops = read_sessions(REPORT / "sessions.csv.gz"), read_stops(REPORT / "stops.csv.gz")
    committed = pd.read_csv(REPORT / "stopping.csv").set_index(["target", "rule"])
    assert committed.loc[(0.8, "knee"), "sessions"] == len(stops[["table", "concept"]].drop_duplicates()) >= 100
    assert stops["table"].nunique() >= 2
    by_scores = sessions.merge(stops[(stops["rule"] == "sal_tau") & (stops["target"] == 0.9)], on=["table", "concept"])
    recalls = [
        found.labels[: found.n_answers].count("1") / found.n_positive
        for found in by_scores.itertuples()
        if found.n_answers
    ]
    assert committed.loc[(0.9, "sal_tau"), "stopped"] == len(recalls)
    assert committed.loc[(0.9, "sal_tau"), "recall"] == pytest.approx(np.mean(recalls), abs=1e-3)
