"""The graph of a large table against exact neighbors, resumed after kills at every step, and its limits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from seals_sim import ExactIndex, IndexOptions, build_index
from seals_sim.errors import DamagedError, UserError
from seals_sim.indexes import united, uniting
from seals_sim.indexes.united import build_united_graph
from tests.conftest import clustered

VECTORS = np.unique(clustered(3000, 32, 30)[0], axis=0)
N = len(VECTORS)
ALL = np.arange(N)


def build(folder, k=20, vectors=VECTORS, **more):
    return build_united_graph(vectors, "digest", folder, np.random.default_rng(0), k, **more)


def table(graph, k=20, n=N):
    """(n, k), -1 if fewer are found."""
    lists = graph.neighbors(np.arange(n), k)
    return np.array([np.pad(rows, (0, k - len(rows)), constant_values=-1) for rows in lists])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return table(build(tmp_path_factory.mktemp("whole")))


def compute_recall(found, k):
    exact = ExactIndex(VECTORS).neighbors(ALL, k)
    return np.mean([len(np.intersect1d(one, true)) for one, true in zip(found, exact, strict=True)]) / k


def test_most_neighbors_are_found_nearest_first(whole):
    assert compute_recall(whole, 20) > 0.95
    assert (whole[:, 0] == ALL).all()
    assert all(len(set(row)) == 20 for row in whole.tolist())
    similarity = np.einsum("nd,nkd->nk", VECTORS, VECTORS[whole])
    assert (np.diff(similarity, axis=1) < 1e-3).all(), "up to the rounding of float16"


def test_recall_is_estimated_by_the_sample(whole, tmp_path, monkeypatch):
    """Here the sample is all rows. What it misses is searched for from the other end, as in the graph."""
    monkeypatch.setattr(united, "_SAMPLE", N)
    monkeypatch.setattr(united, "_SOUGHT", 20 * N)
    monkeypatch.setattr(united, "RECALL", 0.5)  # so that there is something to miss
    monkeypatch.setattr(united, "_FEWEST_CELLS", 1)
    graph = build(tmp_path)
    last = (tmp_path / "graph-settings-20" / "journal.jsonl").read_text().splitlines()[-1]
    estimated = json.loads(last)["finished"]["recall"]
    recall = compute_recall(table(graph), 20)
    assert 0.5 <= recall < 0.95
    assert estimated == pytest.approx(recall, abs=0.005)


@pytest.mark.parametrize("gain", [0.0, 2.0])
def test_the_last_step_is_halved_if_that_is_enough(gain, tmp_path, monkeypatch):
    """Recall that grows with cells alone, or with compared rows alone."""
    monkeypatch.setattr(united, "RECALL", 0.95)
    monkeypatch.setattr(united, "_MUCH", gain)
    build(tmp_path)
    scan = united.Scan(tmp_path / "graph-scan" / "index.faiss", N)
    for name, enough, chosen in (("n_cells", 21, 24), ("n_cells", 25, 28), ("n_compared", 4, 4), ("n_compared", 5, 5)):
        monkeypatch.setattr(
            united, "_estimate_recall",
            lambda _, one, *rest, name=name, enough=enough: min(1, 0.95 * getattr(one, name) / enough),
        )  # fmt: skip
        settings, recall = united._choose_settings(scan, VECTORS, 20, np.random.default_rng(0))
        assert (getattr(settings, name), recall >= 0.95) == (chosen, True)


def test_a_sample_that_misses_more_makes_the_search_wider(tmp_path, monkeypatch):
    recalls = []
    for wanted in (0.3, 0.999):
        monkeypatch.setattr(united, "RECALL", wanted)
        monkeypatch.setattr(united, "_FEWEST_CELLS", 1)
        recalls.append(compute_recall(table(build(tmp_path / str(wanted))), 20))
    assert recalls[0] < recalls[1] > 0.995


@pytest.mark.parametrize("k", [1, 60, 100])
def test_k_up_to_n(k, tmp_path):
    few = VECTORS[:60]
    found = table(build(tmp_path, k, few), min(k, 60), 60)
    assert found.shape == (60, min(k, 60))
    assert (found[:, 0] == np.arange(60)).all()
    assert k == 1 or (np.sort(found, axis=1) == np.arange(60)).all(), "all that there is"


def test_equal_rows_are_one_neighbor(tmp_path, monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.choice.EXACT_GRAPH_ROWS", 1000)
    twice = np.repeat(VECTORS[:1500], 2, axis=0)
    index = build_index("graph", twice, tmp_path, IndexOptions(k=10), np.random.default_rng(0))
    for row, near in zip((0, 7, 2999), index.neighbors(np.array([0, 7, 2999]), 5), strict=True):
        assert len(near) == 10
        assert set(near[:2].tolist()) == {row - row % 2, row - row % 2 + 1}
        assert len(set((near // 2).tolist())) == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_one_and_two_threads_build_the_same(dtype, tmp_path):
    vectors = VECTORS.astype(dtype)
    graphs = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            graphs.append(table(build(tmp_path / str(n_threads), vectors=vectors)))
    assert np.array_equal(*graphs)


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("step", ["_fill", "_choose_settings", "_find_block", "unite_block"])
def test_a_build_that_was_stopped_goes_on(step, whole, tmp_path, monkeypatch):
    """Blocks of a different size give the same result."""
    monkeypatch.setattr(united, "_ASKED", 512)
    monkeypatch.setattr(uniting, "_READ", 700)
    monkeypatch.setattr(united, "_UNITED", 1000)
    monkeypatch.setattr(uniting, "_PICKED", 77)
    original, calls = getattr(united, step), []

    n_done = 1 if step.endswith("block") else 0

    def kill_after_the_first(*given):
        calls.append(given)
        if len(calls) > n_done:
            raise _KilledError
        return original(*given)

    with monkeypatch.context() as patch:
        patch.setattr(united, step, kill_after_the_first)
        with pytest.raises(_KilledError):
            build(tmp_path)
    n_before = len(calls)

    def count(*given):
        calls.append(given)
        return original(*given)

    with monkeypatch.context() as patch:
        patch.setattr(united, step, count)
        assert np.array_equal(table(build(tmp_path)), whole)
    n_blocks = {"_find_block": -(-N // 512), "unite_block": -(-N // 1000)}.get(step, 1)
    assert len(calls) - n_before == n_blocks - n_done, "what was done is not done again"
    assert not list(tmp_path.glob("graph-found-*/array.npy"))


def test_opening_again_finds_nothing_anew(whole, tmp_path, monkeypatch):
    seconds = build(tmp_path).build_seconds
    for step in ("_fill", "_choose_settings", "_find_block", "unite_block"):
        monkeypatch.setattr(united, step, lambda *given: pytest.fail("done again"))
    again = build(tmp_path)
    assert np.array_equal(table(again), whole)
    assert again.build_seconds == pytest.approx(seconds)


def test_of_other_vectors_or_damaged_it_is_refused(tmp_path):
    build(tmp_path)
    with pytest.raises(UserError, match="was made with a different vectors"):
        build_united_graph(VECTORS, "another", tmp_path, np.random.default_rng(0), 20)
    path = tmp_path / "graph-scan" / "index.faiss"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="is missing or cut off"):
        build(tmp_path)
