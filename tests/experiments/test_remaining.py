"""The forecast of remaining positives matches the committed sessions, and its coverage is as claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.remaining.__main__ import main
from experiments.remaining.command import read_sessions
from experiments.remaining.measure import learn, list_moments, measure_on_other_tables, summarize
from experiments.remaining.sessions import run_session
from seals_sim.evaluate.forecast import FORECAST, MOST_ANSWERS, can_foretell, describe_search, forecast_remaining
from seals_sim.evaluate.remaining import Interval, estimate_remaining
from tests.conftest import clustered

REPORT = Path(__file__).parents[2] / "reports" / "remaining"


@pytest.fixture(scope="module")
def moments():
    return list_moments(read_sessions(REPORT / "sessions.csv.gz"))


def test_the_forecast_is_what_the_committed_sessions_give(moments):
    learned = learn(moments)
    np.testing.assert_allclose([*learned.weights, learned.error], [*FORECAST.weights, FORECAST.error], atol=1e-5)


def test_what_is_shown_covers_and_is_narrow_on_tables_it_was_not_learned_on(moments):
    at_300 = moments[moments["n_answers"] == 300]
    others = moments[moments["n_answers"] != 300]
    measured = measure_on_other_tables(pd.concat([at_300, others[others["n_answers"].isin([150, 1000])]]))
    found = summarize(measured, ["n_answers"]).set_index("n_answers")
    assert found.loc[300, "sessions"] == 280
    assert (found["coverage"] >= 0.93).all()
    assert found.loc[300, "width_ratio"] <= 1 / 3
    assert found.loc[300, "told"] >= 200
    committed = pd.read_csv(REPORT / "coverage.csv").set_index("n_answers")
    assert (committed["coverage"] >= 0.93).all()
    assert committed.loc[300, "random_width"] == found.loc[300, "random_width"]


def test_a_forecast_falls_with_a_longer_dry_run_and_stays_within_the_random_rows():
    nothing = Interval(0, float("nan"), 50_000)
    told = [forecast_remaining([1] * 40 + [0] * n, nothing) for n in (100, 200, 400)]
    assert told[0].high > told[1].high > told[2].high > 0
    assert all(one.low == 0 < one.guess < one.high for one in told)
    assert forecast_remaining([1] * 40 + [0] * 100, Interval(0, 0.0, 7)).high == 7
    assert forecast_remaining([1] * 40 + [0] * 400, estimate_remaining(50_000, 40, 20)) is None  # they contradict it
    assert not can_foretell([1] * 40 + [0] * 94)  # too few
    assert not can_foretell([0] * 500)
    assert not can_foretell(np.ones(1000, dtype=np.int8))  # far from its end
    np.testing.assert_array_equal(describe_search([0] * 2000)[3], np.log(MOST_ANSWERS))


def test_a_recorded_session_finds_what_it_looks_for_and_draws_every_tenth_row():
    vectors, cluster = clustered(400, 12, 10)
    positives = np.flatnonzero(cluster == 0)
    labels = run_session(vectors, positives, 100, np.random.default_rng(0))
    assert len(labels) == 100
    is_drawn = np.arange(1, 101) % 10 == 0
    assert labels[~is_drawn][: len(positives) // 2].mean() > 0.8
    assert labels[is_drawn].mean() < 0.4
    assert labels.sum() <= len(positives) - 2


def test_the_command_records_sessions_once(tmp_path):
    vectors, cluster = clustered(600, 8, 20)
    np.save(tmp_path / "x.npy", vectors)
    np.save(tmp_path / "y.npy", cluster)
    vectors_and_labels = ["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]
    out = tmp_path / "sessions.csv.gz"
    words = ["record", str(out), "made", *vectors_and_labels, "--concepts", "1", "--budget", "160"]
    main(words)
    first = out.read_bytes()
    main(words)
    assert out.read_bytes() == first
    assert read_sessions(out)["labels"].str.len().tolist() == [160]
