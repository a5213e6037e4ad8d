"""The inverted file: what it finds, its limits, and that a stopped build goes on to the same index."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from seals_sim import ExactIndex, LabelTable, LogisticLearner, SealsPool, build_selector, draw_seeds, run
from seals_sim.errors import UserError
from seals_sim.ivf import build_ivf, cells_for, measured_recall
from seals_sim.stages import ArrayStage
from tests.conftest import clustered


@pytest.fixture(autouse=True)
def cells_for_few_rows(monkeypatch):
    monkeypatch.setattr("seals_sim.ivf._READ_WHOLE", 255)


@pytest.fixture(scope="module")
def vectors():
    return clustered(3000, 16, 30)[0].astype(np.float16)


def built(vectors, folder, **options):
    return build_ivf(vectors, "digest", folder, np.random.default_rng(0), **options)[0]


def test_all_cells_looked_into_miss_only_what_the_codes_confuse(vectors, tmp_path):
    index = built(vectors, tmp_path, n_probe=cells_for(3000))
    recall, milliseconds = measured_recall(index, vectors, np.arange(0, 3000, 30), 20)
    assert recall > 0.95
    assert milliseconds > 0
    few, _ = measured_recall(built(vectors, tmp_path, n_probe=1), vectors, np.arange(0, 3000, 30), 20)
    assert 0.2 < few < recall


def test_k_of_n_gives_the_whole_table(tmp_path):
    vectors = clustered(60, 8, 3)[0].astype(np.float16)
    index = built(vectors, tmp_path)
    (found,) = index.neighbors(np.array([7]), 100)
    assert sorted(found.tolist()) == list(range(60))


def test_one_row(tmp_path):
    vectors = np.array([[0.6, 0.8]], dtype=np.float16)
    assert built(vectors, tmp_path).neighbors(np.array([0]), 3)[0].tolist() == [0]


def test_seals_over_several_rounds_comes_near_that_with_exact_neighbours(vectors, tmp_path):
    is_positive = clustered(3000, 16, 30)[1] < 2
    seeds = draw_seeds(is_positive, 3, 17, np.random.default_rng(0))
    found = []
    for index in (ExactIndex(vectors.astype(np.float32)), built(vectors, tmp_path)):
        selector = build_selector(
            "most_likely_positive", beta=1, rng=np.random.default_rng(0), n_rows=3000, centers=vectors[seeds.rows]
        )
        pool, learner = SealsPool(seeds, vectors, index, 10), LogisticLearner(vectors)
        *_, last = run(seeds, pool, learner, selector, LabelTable(is_positive), 20, 200)
        assert len(set(last.labeled.rows.tolist())) == 200
        found.append(last.labeled.labels.sum())
    assert found[1] >= 0.9 * found[0] > 100


def test_a_stopped_build_goes_on_to_the_same_index(vectors, tmp_path, monkeypatch):
    whole = built(vectors, tmp_path / "whole")
    write, calls = ArrayStage.write, []

    def stopping(self, rows):
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(self, rows)

    monkeypatch.setattr("seals_sim.ivf._BLOCK", 1000)
    with monkeypatch.context() as context:
        context.setattr(ArrayStage, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            built(vectors, tmp_path / "stopped")
    again = built(vectors, tmp_path / "stopped")
    rows = np.arange(0, 3000, 100)
    for one, other in zip(whole.neighbors(rows, 20), again.neighbors(rows, 20), strict=True):
        assert np.array_equal(one, other)


def test_an_index_of_other_vectors_is_refused(vectors, tmp_path):
    built(vectors, tmp_path)
    with pytest.raises(UserError, match="index-training: was made with another vectors"):
        build_ivf(vectors, "another", tmp_path, np.random.default_rng(0))
    (tmp_path / "index-lists" / "index.faiss").write_bytes(b"x")
    with pytest.raises(UserError, match=r"index.faiss: is missing or cut off"):
        built(vectors, tmp_path)


def test_sent_to_another_process(vectors, tmp_path):
    index = built(vectors, tmp_path)
    copy = pickle.loads(pickle.dumps(index))
    assert np.array_equal(copy.neighbors(np.array([5]), 9)[0], index.neighbors(np.array([5]), 9)[0])
