"""Estimates of the remaining positives, and the stopping rule."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, hypergeom

from seals_sim.cli.main import main
from seals_sim.evaluate.remaining import compute_p_missing, estimate_remaining
from tests.replay.commands import replay


@pytest.mark.parametrize("n_drawn", [20, 100])
def test_interval_has_the_stated_coverage(n_drawn):
    rng = np.random.default_rng(0)
    hits, width = 0, 0.0
    for _ in range(400):
        n_positive = int(rng.hypergeometric(50, 950, n_drawn))
        interval = estimate_remaining(1000 - n_drawn, n_drawn, n_positive)
        hits += interval.low <= 50 - n_positive <= interval.high
        width += (interval.high - interval.low) / 400
    assert hits >= 0.95 * 400
    normal = 2 * 1.96 * np.sqrt(0.05 * 0.95 / n_drawn) * (1000 - n_drawn)
    assert normal < width < 1.5 * normal  # an exact interval is wider than the normal one, but is as informative


def test_the_interval_is_that_of_clopper_and_pearson():
    for n in (1, 2, 9, 60, 3_000):
        for k in {0, 1, n // 10, n // 2, n - 1, n}:
            part = binomtest(k, n).proportion_ci(0.95, method="exact")
            ours = estimate_remaining(10**9, n, k)
            assert (ours.low, ours.high) == pytest.approx((part.low * 10**9, part.high * 10**9), abs=2)


def test_stopping_rule_has_the_stated_level_on_random_orders():
    """On rows in random order, its test is exact for one i and stops too early in about 5 % of the runs. The smallest
    of many p may do so more often, within what its authors report.
    """
    rng = np.random.default_rng(0)
    early = 0
    for _ in range(60):
        labels = rng.permutation([1] * 30 + [0] * 270)
        for m in range(20, 300, 20):
            if compute_p_missing(labels[:m], 300, 0.9) < 0.05:
                early += labels[:m].sum() < 0.9 * 30
                break
    assert early <= 9
    assert compute_p_missing([0] * 299, 300) == 1.0
    assert compute_p_missing([1, *[0] * 299], 300) < 1e-9


def test_earlier_positives_count_but_are_not_in_the_sequence():
    """10 positives from before, then 10 and 200 negatives in a search through 390 rows. If the target had been missed,
    there would be 22 positives: the last 200 of the 380 rows left held neither of the last two.
    """
    assert compute_p_missing([], 300, n_positive_before=20) == 1.0
    p = compute_p_missing([1] * 10 + [0] * 200, 390, n_positive_before=10)
    assert p == pytest.approx((180 * 179) / (380 * 379))
    assert compute_p_missing([1] * 10 + [0] * 380, 390, n_positive_before=10) == 0.0


def test_the_smallest_p_is_that_over_every_number_of_last_rows():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n = int(rng.integers(20, 200))
        labels = (rng.random(int(rng.integers(1, n))) < rng.random()).astype(int)
        if not labels.any():
            continue
        m, least = len(labels), int(labels.sum() / 0.9) + 1
        every = [
            hypergeom.cdf(found, n - m + i, min(least - labels.sum() + found, n - m + i), i)
            for i in range(1, m + 1)
            for found in [labels[m - i :].sum()]
        ]
        assert compute_p_missing(labels.tolist(), n, 0.9) == pytest.approx(min(every), rel=1e-9)


@pytest.mark.parametrize("n_rows", [10_001, 60_000])
@pytest.mark.parametrize(("m", "n_before"), [(1, 0), (150, 0), (150, 4_000), (2_000, 0), (9_000, 0)])
def test_the_stopping_rule_of_a_large_table_is_that_of_scipy(n_rows, m, n_before, monkeypatch):
    labels = (np.random.default_rng(m).random(m) < np.linspace(1, 0, m)).astype(int).tolist()
    ours = compute_p_missing(labels, n_rows, n_positive_before=n_before)
    monkeypatch.setattr("seals_sim.evaluate.remaining._LARGE", n_rows)
    assert ours == pytest.approx(compute_p_missing(labels, n_rows, n_positive_before=n_before), rel=1e-9)


def test_the_stopping_rule_takes_no_time_by_the_row():
    """scipy took 500 seconds."""
    since = time.process_time()
    assert 0.9 < compute_p_missing([1, 0] * 70, 10**10) < 1
    assert time.process_time() - since < 1


def test_the_stopping_rule_over_a_finished_replay(vectors_and_labels, tmp_path, capsys):
    out = tmp_path / "o"
    options = "--concepts 2 --repeats 2 --seed-negatives 10 --k 20 --batch 20 --budget 195 --pools all,seals --quiet"
    where = ["--cache", str(tmp_path), "--out", str(out)]
    strategies = ["--strategies", "most_likely_positive,random"]
    replay([*vectors_and_labels, *options.split(), *strategies, *where])
    capsys.readouterr()
    main(["stopping", str(out), "--target-recall", "0.7"])
    assert "most_likely_positive" in capsys.readouterr().out
    table = pd.read_csv(out / "stopping.csv")
    assert len(table) == 2 * 2 * 2 * 2
    stopped = table[table["is_stopped"]]
    assert len(stopped)
    assert stopped["is_reached"].mean() > 0.9
    assert (table.loc[~table["is_stopped"], "n_labeled"] == 195).all()
    median = stopped.groupby("strategy")["n_labeled"].median()
    assert median["most_likely_positive"] < median["random"]
