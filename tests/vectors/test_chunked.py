"""Rows with several chunks, against loops over their chunks."""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim.indexes.chunked import ChunkedIndex
from seals_sim.search.best_chunks import LabeledChunks, fit_best_chunks
from seals_sim.search.learners import LinearModel, fit_logistic
from seals_sim.types import Rows
from seals_sim.vectors.chunked import ChunkedVectors
from seals_sim.vectors.scan import compute_dots, iterate_blocks

RNG = np.random.default_rng(0)
COUNTS = np.array([3, 1, 200, 2, 1])  # 200: more than one comparison takes at a time
CHUNKS = RNG.normal(size=(207, 6)).astype(np.float32)
STARTS = np.array([0, 3, 4, 204, 206, 207])
TABLE = ChunkedVectors(CHUNKS, STARTS)
PARTS = np.split(CHUNKS, STARTS[1:-1])


def test_a_row_is_worth_its_best_chunk():
    weights = RNG.normal(size=6).astype(np.float32)
    expected = [max(float(np.vecdot(chunk, weights)) for chunk in part) for part in PARTS]
    assert compute_dots(TABLE.as_stored(), weights).tolist() == expected
    model = LinearModel(weights, 0.5)
    blocks = [model.decision(block) for _, block in iterate_blocks(TABLE.as_stored(), size=2)]
    assert np.concatenate(blocks).tolist() == model.decision(TABLE.as_stored()).tolist()
    best = TABLE.find_best(weights)
    assert best.tolist() == [int((part @ weights).argmax()) for part in PARTS]
    assert TABLE.pick(best).tolist() == [part[place].tolist() for part, place in zip(PARTS, best, strict=True)]


@pytest.mark.parametrize("rows", [[3, 0, 3], [], [2], slice(1, 4), slice(4, 9), slice(0, 0), slice(3, 1), slice(None)])
def test_some_rows_have_their_chunks(rows):
    some = TABLE[rows]
    expected = [PARTS[row] for row in (range(5)[rows] if isinstance(rows, slice) else rows)]
    assert [some.list_chunks(row).tolist() for row in range(len(some))] == [part.tolist() for part in expected]
    assert some.shape == (len(expected), 6)
    assert len(compute_dots(some.as_stored(), np.ones(6, dtype=np.float32))) == len(expected)
    assert some.draw(np.random.default_rng(0)).shape == (len(expected), 6)


def test_a_row_without_a_chunk_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        ChunkedVectors(CHUNKS, np.array([0, 3, 3, 207]))


def test_neighbors_are_rows_of_the_best_pairs():
    index = ChunkedIndex(TABLE)
    for row in range(5):
        similarity = [float((part @ PARTS[row].T).max()) for part in PARTS]
        expected = sorted(range(5), key=lambda other: -similarity[other])
        assert index.neighbors(Rows(np.array([row])), 5)[0].tolist() == expected
    query = RNG.normal(size=(1, 6)).astype(np.float32)
    similarity = [float((part @ query[0]).max()) for part in PARTS]
    assert index.nearest(query, 3)[0].tolist() == sorted(range(5), key=lambda other: -similarity[other])[:3]


def test_the_chunk_that_makes_rows_positive_is_found():
    """40 rows of 8 random chunks. In half of them, one chunk is near a direction that the learner does not know."""
    rng = np.random.default_rng(1)
    chunks = rng.normal(size=(320, 20))
    rows, labels = np.arange(40), (np.arange(40) % 2).astype(np.int8)
    meant = 8 * rows + rng.integers(8, size=40)
    chunks[meant[labels == 1]] += 6 * np.eye(20)[3]
    chunks /= np.linalg.norm(chunks, axis=1, keepdims=True)
    table = ChunkedVectors(chunks.astype(np.float32), np.arange(0, 321, 8))
    fit = lambda vectors: fit_logistic(vectors, labels, 1.0)  # noqa: E731
    none = np.empty((0, 20), dtype=np.float32), np.empty(0, dtype=np.int8)
    model = fit_best_chunks(LabeledChunks(table[rows], labels, *none), fit)
    found = 8 * rows + table.find_best(model.weights)
    assert (found == meant)[labels == 1].mean() >= 0.9
    scores = model.decision(table.as_stored())
    assert scores[labels == 1].min() > scores[labels == 0].max()
