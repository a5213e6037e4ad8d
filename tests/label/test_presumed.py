"""Unlabeled rows that stand in for negatives while negatives are few."""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim.label.events import Seed
from seals_sim.label.learner import PresumedNegatives, ProvisionalModel, SeededLearner, SimilarityModel
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.types import LabeledRows
from tests.label.small import CORPUS, TEXTS, VECTORS


def label(rows, labels):
    return LabeledRows(list(rows), list(labels))


def choose(presumed, labeled, positives=(), n_negative=0):
    vectors = VECTORS[list(positives)].astype(np.float64).reshape(-1, VECTORS.shape[1])
    return presumed.choose(labeled, vectors, n_negative)


def test_as_many_are_presumed_as_negatives_are_missing():
    presumed = PresumedNegatives(VECTORS, 20, seed=0)
    n = len(choose(presumed, label([], [])))
    assert 10 < n <= 20
    assert len(choose(presumed, label([], []), n_negative=15)) == 5
    assert len(choose(presumed, label([], []), n_negative=20)) == 0


def test_at_most_a_tenth_of_a_small_table_is_presumed():
    assert len(choose(PresumedNegatives(VECTORS[:30], 100, seed=0), label([], []))) <= 3
    assert len(choose(PresumedNegatives(VECTORS[:5], 100, seed=0), label([], []))) == 0


def test_neither_labeled_rows_nor_copies_of_positives_are_presumed():
    vectors = np.repeat(VECTORS[:10], 20, axis=0)  # each twenty times
    presumed = PresumedNegatives(vectors, 20, seed=1)
    every = presumed.choose(label([], []), vectors[:0].astype(np.float64), 0)
    positive = every[:1]
    left = presumed.choose(label([], []), positive, 0)
    assert len(left) < len(every)
    assert not (left @ positive.T > 0.999).any()
    all_rows = label(range(len(vectors)), np.ones(len(vectors), dtype=int))
    assert len(presumed.choose(all_rows, vectors[:0].astype(np.float64), 0)) == 0


def test_the_draw_follows_the_seed_alone():
    one, same, other = (choose(PresumedNegatives(VECTORS, 20, seed), label([], [])) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one[:5], other[:5])


def test_a_model_is_provisional_until_both_classes_are_labeled():
    learner = SeededLearner(
        VECTORS,
        [Seed("text", 1, VECTORS[3], CORPUS.index.neighbors(np.array([3]), 5)[0])],
        1.0,
        PresumedNegatives(VECTORS, 20, seed=0),
    )
    alone = learner.fit(label([], []))
    assert isinstance(alone, ProvisionalModel)
    assert not isinstance(alone, SimilarityModel)
    assert not isinstance(learner.fit(label([7], [0])), ProvisionalModel)


def test_with_enough_negatives_the_model_is_the_plain_one():
    presumed = PresumedNegatives(VECTORS, 10, seed=0)
    labeled = label(range(12), [1, 1, *[0] * 10])
    model, plain = SeededLearner(VECTORS, [], 1.0, presumed).fit(labeled), SeededLearner(VECTORS, [], 1.0).fit(labeled)
    assert np.array_equal(model.weights, plain.weights)


def test_the_first_part_of_the_draw_is_random_too():
    table = np.arange(2_000, dtype=np.float32)[:, None] / 1e6  # a row's vector gives its position
    few = PresumedNegatives(table, 100, seed=0).choose(label([], []), table[:0].astype(np.float64), 80)
    assert np.ptp(few) * 1e6 > 1_000


def test_negatives_alone_presume_nothing():
    learner = SeededLearner(VECTORS, [], 1.0, PresumedNegatives(VECTORS, 20, seed=0))
    assert isinstance(learner.fit(label([3], [0])), SimilarityModel)


@pytest.mark.parametrize("pool", ["all", "walk", "seals"])
def test_a_session_that_presumes_asks_the_same_when_it_is_reopened(tmp_path, pool):
    options = SessionOptions(k=12, pool=pool)
    with Session.begin(tmp_path / "a", CORPUS, [TEXTS[3]], options=options) as session:
        first = [asked.row for asked in session.ask(5)]
        session.tell(first, [1, 0, 1, 0, None])
        unbroken = [asked.row for asked in session.ask(5)]
    with Session.begin(tmp_path / "b", CORPUS, [TEXTS[3]], options=options) as session:
        assert [asked.row for asked in session.ask(5)] == first
        session.tell(first, [1, 0, 1, 0, None])
    with Session.open(tmp_path / "b", CORPUS) as session:
        assert [asked.row for asked in session.ask(5)] == unbroken


def test_final_scores_are_of_what_was_labeled_alone(tmp_path):
    scores = []
    for presumed in (0, 100):
        options = SessionOptions(k=12, pool="all", presumed=presumed)
        with Session.begin(tmp_path / str(presumed), CORPUS, [TEXTS[3]], options=options) as session:
            session.tell([5, 9], [1, 0])
            scores.append(session.compute_scores())
    assert np.array_equal(*scores)
