"""Vector engines under the contract of indexes: milvus-lite in a file and LanceDB in a folder."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from seals_sim import ArgMax, LabelTable, LogisticLearner, UserError, build_seals_pool, draw_seeds, max_entropy, run
from seals_sim.indexes import ENGINES, ExactIndex, IndexOptions, build_index
from tests.conftest import clustered

pytest.importorskip("pymilvus", reason="needs the extra [milvus]")
pytest.importorskip("lancedb", reason="needs the extra [lancedb]")

VECTORS, CLUSTER = clustered(3000, 16, 30)
PLACES = {"milvus": "vectors.db", "lancedb": "vectors"}


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


@pytest.fixture
def build(name, tmp_path):
    def made(vectors=VECTORS, made_from=None, place=PLACES[name]):
        options = IndexOptions(10, engine=str(tmp_path / place))
        return build_index(name, vectors, tmp_path / "cache", options, np.random.default_rng(0), made_from)

    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("n", [1, 7, 400])
def test_contract(n, dtype, build):
    vectors = (VECTORS[:n] if n > 10 else np.eye(16, dtype=np.float32)[:n]).astype(dtype)
    _, number = np.unique(vectors, axis=0, return_inverse=True)
    index = build(vectors)
    for copy in (index, build(vectors), pickle.loads(pickle.dumps(index))):
        for k in (500, 3):
            neighbors = copy.neighbors(np.arange(n), k)
            for row, rows in enumerate(neighbors):
                assert rows.dtype == np.int64
                assert rows[0] == row or number[rows[0]] == number[row]
                assert len(set(number[rows].tolist())) == min(k, number.max() + 1), "k distinct vectors"
                assert len(rows) == np.isin(number, number[rows]).sum(), "with all their copies"
            assert all((a == b).all() for a, b in zip(neighbors, index.neighbors(np.arange(n), k), strict=True))
