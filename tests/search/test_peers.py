"""Rules from the literature, each checked against a limiting case or its definition written out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from seals_sim import AllPool, ArgMax, ExactIndex, LabelTable, LogisticLearner, PresumingLearner, draw_seeds, run
from seals_sim.randomness import make_generator
from seals_sim.search.anchors import AnchorPool
from seals_sim.search.autotar import GrowingBatches
from seals_sim.search.candidates import FixedTable
from seals_sim.search.covering import CoveringLearner
from seals_sim.search.ens import PRIOR, NonmyopicSearch, VotingLearner
from seals_sim.search.scores import most_likely_positive
from seals_sim.types import LabeledRows, Rows

N = 240


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, 16))
    vectors = (centers[rng.integers(12, size=N)] + 0.5 * rng.normal(size=(N, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    is_positive = vectors @ vectors[0] > 0.55
    assert 15 < is_positive.sum() < 100
    return vectors, is_positive


@pytest.fixture
def seeds(rows):
    return draw_seeds(rows[1], 3, 7, make_generator(0, "seeds"))


def _search(rows, pool, seeds, learner, selector=None, budget=100, batch=10):
    selector = selector or ArgMax(most_likely_positive)
    return list(run(seeds, pool, learner, selector, LabelTable(rows[1]), batch, budget))


def _picks(rounds):
    return rounds[-1].labeled.rows.tolist()


def test_anchors_that_are_all_labeled_rows_with_all_neighbors_are_algorithm_1(rows, seeds):
    vectors, _ = rows
    pool = AnchorPool(seeds, vectors, ExactIndex(vectors), n_anchors=N, k=N, size=N)
    found = _picks(_search(rows, pool, seeds, LogisticLearner(vectors)))
    assert found == _picks(_search(rows, AllPool(seeds, vectors), seeds, LogisticLearner(vectors)))
    assert pool.n_candidates == N - len(seeds)


def test_the_subpool_is_the_unlabeled_rows_most_like_the_anchors(rows, seeds):
    vectors, _ = rows
    pool = AnchorPool(seeds, vectors, ExactIndex(vectors), n_anchors=N, k=N, size=20)
    means = (vectors @ vectors[seeds.rows].T).mean(axis=1)
    means[seeds.rows] = -1
    assert set(pool.candidates(0).rows.tolist()) == set(np.argsort(-means)[:20].tolist())
    rounds = _search(rows, pool, seeds, LogisticLearner(vectors))
    assert 20 < pool.n_candidates < N - len(seeds)
    assert len(set(_picks(rounds))) == 100


def test_few_anchors_are_of_both_classes(rows):
    vectors, is_positive = rows
    every = LabeledRows(np.arange(N), is_positive)
    pool = AnchorPool(every, vectors, ExactIndex(vectors), n_anchors=4, k=5, size=N)
    anchors = pool._choose_anchors(every.rows)
    assert is_positive[anchors].sum() == 4
    assert len(set(anchors.tolist())) == 8
    assert pool.candidates(0).n_live == 0


def test_covering_always_asks_for_the_row_nearest_to_a_positive(rows, seeds):
    vectors, is_positive = rows
    cosines = vectors @ vectors.T
    labeled = seeds.rows.tolist()
    while len(labeled) < 80:
        nearest = cosines[:, [row for row in labeled if is_positive[row]]].max(axis=1)
        nearest[labeled] = -2
        labeled.append(int(nearest.argmax()))
    found = _search(rows, AllPool(seeds, vectors), seeds, CoveringLearner(vectors), budget=80, batch=1)
    assert _picks(found) == labeled


def test_batches_that_grow_train_on_full_batches_alone(rows, seeds):
    vectors, _ = rows
    learner = GrowingBatches(PresumingLearner(vectors, 50), len(seeds))
    rounds = _search(rows, AllPool(seeds, vectors), seeds, learner, batch=1)
    ends = [10, 11, 13, 16, 20, 25, 31, 38, 46, 55, 65, 76, 89]
    changes = [len(b.labeled) for a, b in pairwise(rounds) if b.model is not a.model]
    assert [learner.get_last_end(end) for end in ends] == ends
    assert changes == ends[1:]
    at = rounds[80].labeled
    alone = PresumingLearner(vectors, 50).fit(LabeledRows(at.rows[:89], at.labels[:89]))
    assert (rounds[80].model.weights == alone.weights).all()


def _score_every_row(rows, neighbors, labeled, n_left, prior):
    """The definition: the expected count now, plus the sum of the largest probabilities after each possible answer."""

    def predict(known):
        probabilities = {}
        for row in rows:
            votes = [known[other] for other in neighbors[row] if other in known and other != row]
            probabilities[row] = (prior + sum(votes)) / (1 + len(votes))
        return probabilities

    now = predict(labeled)
    scores = {}
    for row in rows:
        expected = now[row]
        for label, chance in ((1, now[row]), (0, 1 - now[row])):
            after = predict({**labeled, row: label})
            rest = sorted((after[other] for other in rows if other != row), reverse=True)
            expected += chance * sum(rest[: n_left - 1])
        scores[row] = expected
    return scores


@pytest.mark.parametrize("n_left", [1, 2, 7, 40])
def test_the_pick_of_ens_has_the_largest_score_of_all(n_left):
    for trial in range(12):
        rng = np.random.default_rng(trial)
        vectors = rng.normal(size=(40, 3)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index = ExactIndex(vectors)
        known = LabeledRows(rng.permutation(40)[:9], rng.integers(2, size=9))
        prior = PRIOR if trial % 2 else 0.001
        learner = VotingLearner(index, 40, 5, len(known) + n_left, prior)
        table = FixedTable(Rows(np.arange(40)), vectors, known.rows)
        search = NonmyopicSearch(learner.voters)
        row = search.select(table, learner.fit(known))
        neighbors = [[other for other in near.tolist() if other != row] for row, near in
                     enumerate(index.neighbors(np.arange(40), 6))]  # fmt: skip
        labeled = dict(zip(known.rows.tolist(), known.labels.tolist(), strict=True))
        unlabeled = [other for other in range(40) if other not in labeled]
        scores = _score_every_row(unlabeled, neighbors, labeled, n_left, prior)
        assert scores[row] == pytest.approx(max(scores.values()), abs=1e-9)
        assert row == min(other for other in unlabeled if scores[other] > scores[row] - 1e-9)


def test_the_bound_excludes_most_candidates_and_the_last_pick_is_the_likeliest(rows, seeds):
    vectors, _ = rows
    learner = VotingLearner(ExactIndex(vectors), N, 10, 60)
    search = NonmyopicSearch(learner.voters)
    rounds = _search(rows, AllPool(seeds, vectors), seeds, learner, search, budget=60, batch=1)
    found = rounds[-1].labeled.labels[len(seeds) :]
    assert found[25:].mean() > 2 * found[:25].mean(), "it explores first"
    model = learner.fit(rounds[-2].labeled)
    assert model.n_left == 1
    probabilities = model.predict(Rows(np.arange(N)))
    probabilities[rounds[-2].labeled.rows] = -1
    assert rounds[-1].labeled.rows[-1] == probabilities.argmax()
    table = FixedTable(Rows(np.arange(N)), vectors, seeds.rows)
    search.select(table, learner.fit(rounds[30].labeled))
    assert 0 < search.n_scored < N / 4
