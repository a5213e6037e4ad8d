"""Splits, seeds, generators and metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seals_sim.errors import UserError
from seals_sim.evaluate.metrics import compute_pool_fraction, compute_recall, measure_quality
from seals_sim.evaluate.splits import split_at_random
from seals_sim.randomness import make_generator
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.seeds import draw_seeds
from seals_sim.types import LabeledRows
from tests.conftest import clustered


@given(st.integers(10, 5000))
def test_a_split_takes_every_row_once(n):
    split = split_at_random(n, np.random.default_rng(0))
    assert sorted(np.concatenate([split.pool, split.validation, split.test]).tolist()) == list(range(n))
    assert len(split.test) == round(0.2 * n)
    parts = split.name_parts(n)
    assert [parts[row] for row in split.test] == ["test"] * len(split.test)


def test_split_without_a_pool_is_refused():
    with pytest.raises(UserError, match=r"test_fraction = 0\.99: with 5 rows this leaves none"):
        split_at_random(5, np.random.default_rng(0), 0.99)


def test_generators_differ_by_every_name():
    draws = [
        make_generator(seed, "seeds", concept, repeat).integers(2**62)
        for seed in (0, 1)
        for concept in ("a", "b", "1")
        for repeat in (0, 1)
    ]
    assert len(set(draws)) == len(draws)


def test_seeds_are_drawn_from_both_classes():
    is_positive = np.arange(1000) % 10 == 0
    seeds = draw_seeds(is_positive, 5, 95, np.random.default_rng(0))
    assert is_positive[seeds.rows].tolist() == [True] * 5 + [False] * 95
    assert len(set(seeds.rows.tolist())) == 100
    with pytest.raises(UserError, match="only 100 positives"):
        draw_seeds(is_positive, 101, 5, np.random.default_rng(0))
    with pytest.raises(UserError, match="only 900 negatives"):
        draw_seeds(is_positive, 5, 901, np.random.default_rng(0))


def test_quality_by_hand():
    """Ranking + - + -: precision 1 at recall 1/2 and 2/3 at recall 1; 3 of 4 pairs are in order."""
    vectors = np.array([[4], [3], [2], [1]], dtype=np.float32)
    model = LinearModel(np.ones(1, dtype=np.float32), 0.0)
    measured = measure_quality(model, vectors, np.array([True, False, True, False]))
    assert measured.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert measured.auc == pytest.approx(3 / 4)
    shifted = measure_quality(LinearModel(model.weights, -2.5), vectors, np.array([True, False, True, False]))
    assert (measured.n_called_positive, shifted.n_called_positive) == (4, 2)
    assert (shifted.average_precision, shifted.auc) == (measured.average_precision, measured.auc)


def test_shares_by_hand():
    assert compute_recall(LabeledRows([1, 2, 3], [1, 0, 1]), 8) == 0.25
    assert compute_pool_fraction(90, 1000, 100) == 0.1


def test_the_learner_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    vectors, cluster = clustered(300, 8, 4)
    labels = (cluster == 0).astype(int)
    rows = np.random.default_rng(0).permutation(300)[:80]
    model = LogisticLearner(vectors, 2.0).fit(LabeledRows(rows, labels[rows]))
    reference = LogisticRegression(C=2.0, max_iter=1000).fit(vectors[rows].astype(float), labels[rows])
    np.testing.assert_allclose(model.decision(vectors), reference.decision_function(vectors), atol=1e-3)
