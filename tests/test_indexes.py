"""Every index under one contract, and the exact ones against brute force."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from seals_sim import UserError, build_index
from seals_sim.indexes import INDEXES, GraphIndex
from tests.conftest import clustered


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("n", [1, 7, 400])
def test_contract(name, n):
    vectors, _ = clustered(n, 16, 5) if n > 10 else (np.eye(16, dtype=np.float32)[:n], None)
    index = build_index(name, vectors, 10)
    for copy in (index, pickle.loads(pickle.dumps(index))):
        found = copy.neighbors(np.arange(n), 10)
        assert len(found) == n
        for rows in found:
            assert rows.dtype == np.int64
            assert len(rows) == min(10, n)
            assert len(set(rows.tolist())) == len(rows)
            assert ((rows >= 0) & (rows < n)).all()
    assert all((a == b).all() for a, b in zip(found, index.neighbors(np.arange(n), 10), strict=True))


@pytest.mark.parametrize("name", ["exact", "graph"])
def test_exact_neighbours_are_the_nearest(name):
    vectors, _ = clustered(400, 16, 5)
    index = build_index(name, vectors, 25)
    distance = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    for row, found in enumerate(index.neighbors(np.arange(400), 25)):
        np.testing.assert_allclose(np.sort(distance[row, found]), np.sort(distance[row])[:25], atol=1e-3)


@pytest.mark.parametrize("name", INDEXES)
def test_k_equal_n_gives_everything(name):
    vectors, _ = clustered(200, 16, 5)
    for rows in build_index(name, vectors, 200).neighbors(np.array([0, 5]), 200):
        assert sorted(rows.tolist()) == list(range(200))


def test_lsh_finds_most_neighbours_and_more_bits_find_more():
    vectors, _ = clustered(2000, 64, 20)
    exact = build_index("exact", vectors, 20).neighbors(np.arange(200), 20)
    recall = []
    for n_bits in (32, 256, 2048):
        found = build_index("lsh", vectors, 20, n_bits).neighbors(np.arange(200), 20)
        recall.append(np.mean([len(np.intersect1d(a, b)) / 20 for a, b in zip(exact, found, strict=True)]))
    assert recall == sorted(recall)
    assert recall[-1] > 0.75


def test_a_graph_refuses_more_neighbours_than_it_holds():
    index = GraphIndex(np.eye(4, dtype=np.float32), 2)
    with pytest.raises(ValueError, match="holds 2 neighbours"):
        index.neighbors(np.array([0]), 3)


def test_unknown_index_is_named():
    with pytest.raises(UserError, match=r"--index annoy: .* exact, lsh, graph"):
        build_index("annoy", np.eye(2, dtype=np.float32), 1)
