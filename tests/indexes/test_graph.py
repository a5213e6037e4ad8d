"""The k-NN graph on disk: it has the neighbors of the index it was built with, resumes, and is refused for other
indexes.
"""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim import ExactIndex
from seals_sim.errors import UserError
from seals_sim.indexes import build_graph
from tests.conftest import clustered

VECTORS = clustered(300, 8, 6)[0]


def test_lookups_are_what_the_index_finds(tmp_path, monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.graph._BLOCK", 64)
    index, rows = ExactIndex(VECTORS), np.arange(300)
    graph, stage = build_graph(index, "digest", rows, 9, tmp_path)
    assert [block["end"] for block in stage.blocks] == [64, 128, 192, 256, 300]
    some = np.array([250, 3, 3, 77])
    for k in (1, 4, 9):
        for one, other in zip(graph.neighbors(some, k), index.neighbors(some, 9), strict=True):
            assert np.array_equal(one, other[:k])


def test_of_some_rows_only(tmp_path):
    graph, _ = build_graph(ExactIndex(VECTORS), "digest", np.array([5, 9, 200]), 4, tmp_path)
    assert [neighbors[0] for neighbors in graph.neighbors(np.array([9, 200]), 4)] == [9, 200]
    for rows, k in (([9, 10], 4), ([299], 4), ([9], 5)):
        with pytest.raises(ValueError, match="this graph holds 4 neighbors for each of 3 rows"):
            graph.neighbors(np.array(rows), k)


def test_more_neighbors_than_rows(tmp_path):
    graph, _ = build_graph(ExactIndex(VECTORS[:3]), "digest", np.arange(3), 10, tmp_path)
    assert sorted(graph.neighbors(np.array([1]), 10)[0].tolist()) == [0, 1, 2]


def test_a_graph_of_another_index_is_refused(tmp_path):
    build_graph(ExactIndex(VECTORS), "digest", np.arange(300), 4, tmp_path)
    with pytest.raises(UserError, match="graph: was made with a different index"):
        build_graph(ExactIndex(VECTORS), "another", np.arange(300), 4, tmp_path)
