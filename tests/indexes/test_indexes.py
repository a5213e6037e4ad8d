"""Every index under one contract: reopening, refusal for other vectors, and limits. Exact ones are checked by brute
force.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from seals_sim import (
    ArgMax,
    IndexOptions,
    LabelTable,
    LogisticLearner,
    UserError,
    build_index,
    build_seals_pool,
    choose_index,
    draw_seeds,
    most_likely_positive,
    run,
)
from seals_sim.indexes import INDEXES, ExactIndex, measure_index
from seals_sim.indexes.graph import build_graph
from tests.conftest import clustered

VECTORS, CLUSTER = clustered(400, 16, 5)
ON_DISK = tuple(name for name in INDEXES if name != "exact")


@pytest.fixture
def build(tmp_path):
    def made(name, vectors, k=10, folder=tmp_path, **options):
        return build_index(name, vectors, folder, IndexOptions(k, **options), np.random.default_rng(0))

    return made


def cut_into_cells(monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.ivf._READ_WHOLE", 255)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("n", [1, 7, 400])
@pytest.mark.parametrize("name", INDEXES)
def test_contract(name, n, dtype, build):
    vectors = (VECTORS if n > 10 else np.eye(16, dtype=np.float32)[:n]).astype(dtype)
    _, number = np.unique(vectors, axis=0, return_inverse=True)  # what each row holds
    index = build(name, vectors)
    again = build(name, vectors)
    for copy in (index, again, pickle.loads(pickle.dumps(index))):
        for k in (10, 3):
            neighbors = copy.neighbors(np.arange(n), k)
            assert len(neighbors) == n
            for rows in neighbors:
                assert rows.dtype == np.int64
                assert len(set(number[rows].tolist())) == min(k, number.max() + 1), "k distinct vectors"
                assert len(rows) == np.isin(number, number[rows]).sum(), "with all their copies"
                assert len(set(rows.tolist())) == len(rows)
                assert ((rows >= 0) & (rows < n)).all()
            assert all((a == b).all() for a, b in zip(neighbors, index.neighbors(np.arange(n), k), strict=True))
    assert again.build_seconds == index.build_seconds
    assert (index.n_bytes > 0) == (name != "exact")


@pytest.mark.parametrize("name", INDEXES)
def test_k_of_n_or_more_gives_everything(name, build):
    for rows in build(name, VECTORS, 500).neighbors(np.array([0, 5]), 500):
        if name == "hnsw":  # its links may not reach every row
            assert len(set(rows.tolist())) == len(rows) > 300
        else:
            assert sorted(rows.tolist()) == list(range(400))


@pytest.mark.parametrize("name", INDEXES)
def test_duplicates_are_all_found(name, build):
    vectors = np.repeat(VECTORS[:40:2], 5, axis=0)  # 20 rows, five times each
    index = build(name, vectors, 5)
    for row, neighbors in enumerate(index.neighbors(np.arange(100), 1)):
        assert neighbors.tolist() == list(range(row - row % 5, row - row % 5 + 5))
    assert {len(neighbors) for neighbors in index.neighbors(np.arange(100), 4)} == {20}


@pytest.mark.parametrize("name", ON_DISK)
def test_an_index_of_other_vectors_is_refused(name, build, tmp_path):
    build(name, VECTORS)
    with pytest.raises(UserError, match=r"was made with a different (vectors|index)"):
        build(name, VECTORS[::-1].copy())
    (file,) = [path for path in tmp_path.rglob("*") if path.name == ("array.npy" if name == "graph" else "index.faiss")]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match="is missing or cut off"):
        build(name, VECTORS)


@pytest.mark.parametrize("name", INDEXES)
def test_seals_over_several_rounds(name, build, monkeypatch):
    cut_into_cells(monkeypatch)
    vectors, cluster = clustered(3000, 16, 30)
    is_positive = cluster < 2
    seeds = draw_seeds(is_positive, 3, 17, np.random.default_rng(0))
    positives = []
    for index in (ExactIndex(vectors), build(name, vectors)):
        selector = ArgMax(most_likely_positive)
        pool = build_seals_pool(seeds, vectors, index, 10, selector)
        *_, last = run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), 20, 200)
        assert len(set(last.labeled.rows.tolist())) == 200
        positives.append(int(last.labeled.labels.sum()))
    assert positives[1] >= 0.9 * positives[0] > 100


@pytest.mark.parametrize("name", INDEXES)
def test_recall_in_cells(name, build, monkeypatch):
    cut_into_cells(monkeypatch)
    vectors, _ = clustered(3000, 32, 30)
    facts = measure_index(build(name, vectors, 20, n_probe=16), vectors, np.arange(0, 3000, 30), 20)
    assert (0.5 if name == "lsh" else 0.85) < facts.recall <= 1
    assert facts.milliseconds > 0
    if name in ("exact", "graph"):
        assert facts.recall > 0.999


@pytest.mark.parametrize("name", ["exact", "graph"])
def test_exact_neighbors_are_the_nearest(name, build):
    vectors = VECTORS[:360]  # no copies
    index = build(name, vectors, 25)
    distance = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    for row, neighbors in enumerate(index.neighbors(np.arange(360), 25)):
        np.testing.assert_allclose(np.sort(distance[row, neighbors]), np.sort(distance[row])[:25], atol=1e-3)


@pytest.mark.parametrize("name", [name for name in INDEXES if name not in ("exact", "graph", "lsh")])
def test_vectors_that_are_no_rows_of_the_table(name, build):
    query = VECTORS[:5] + VECTORS[5:10]
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    for one, other in zip(ExactIndex(VECTORS).nearest(query, 20), build(name, VECTORS).nearest(query, 20), strict=True):
        assert len(np.intersect1d(one, other)) >= 15


def test_lsh_finds_most_neighbors_and_more_bits_find_more(build):
    vectors, _ = clustered(2000, 64, 20)
    recall = [
        measure_index(build("lsh", vectors, n_bits=bits), vectors, np.arange(200), 20).recall
        for bits in (32, 256, 2048)
    ]
    assert recall[0] < recall[1] < recall[2]
    assert recall[2] > 0.75


def test_a_graph_refuses_more_neighbors_than_it_holds(tmp_path):
    graph, _ = build_graph(ExactIndex(VECTORS), "digest", 400, 2, tmp_path)
    with pytest.raises(ValueError, match="holds 2 neighbors"):
        graph.neighbors(np.array([0]), 3)


def test_unknown_index_is_named(build):
    with pytest.raises(UserError, match=r"index = 'annoy': unknown index; choose from auto, exact, lsh"):
        build("annoy", VECTORS)


def test_the_rule_of_auto():
    gigabyte = 2**30
    assert choose_index(65_536, 256, 2_000, gigabyte) == "exact"
    assert choose_index(65_537, 256, 2_000, gigabyte) == "ivf-sq"
    assert choose_index(65_537, 256, 65_537, gigabyte) == "graph"
    assert choose_index(65_537, 256, 65_536, gigabyte) == "ivf-sq"
    assert choose_index(10_000, 256, 2_000 * 5, gigabyte) == "graph"
    assert choose_index(10**7, 256, 2_000, gigabyte) == "ivf-rabitq"
