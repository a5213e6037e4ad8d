"""One cluster of real processes on loopback for the whole file: the same results as locally, whichever worker dies."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seals_sim import AllPool, ArgMax, LabelTable, LogisticLearner, UserError, draw_seeds, max_entropy, run, workers
from seals_sim.embed import blocks
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.known import KnownTexts
from seals_sim.errors import DamagedError
from seals_sim.indexes import IndexOptions, build_index
from seals_sim.packing import pack
from seals_sim.search.partitioned import PartitionedArgMax, PartitionedPool
from seals_sim.search.scores import most_likely_positive
from seals_sim.types import Rows
from seals_sim.vectors.partitions import PartitionedVectors
from seals_sim.workers import INLINE, ClusterWorkers, open_threads, open_workers, require_cluster
from tests.conftest import clustered
from tests.replay.commands import replay
from tests.worker_functions import LetterCounts, add, damage, sum_row, wait_and_tell

psutil = pytest.importorskip("psutil", reason="needs the extra [dask]")
pytest.importorskip("distributed", reason="needs the extra [dask]")


@pytest.fixture(scope="module")
def cluster():
    with open_workers("local:2") as two:
        yield two


@pytest.fixture(scope="module")
def address(cluster):
    return cluster._client.scheduler_info()["address"]


def test_results_are_those_of_this_thread(cluster):
    for shared in (5, np.arange(100_000)):
        expected = [np.sum(add(shared, number)) for number in range(50)]
        with open_threads(2) as threads:
            for someone in (INLINE, threads, cluster):
                assert [np.sum(sums) for sums in someone.map(add, shared, range(50))] == expected
                assert sorted(map(np.sum, someone.map(add, shared, range(50), in_order=False))) == sorted(expected)


def test_workers_listen_on_loopback_alone(cluster):
    ours = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (ours, *ours.children(recursive=True))
        for connection in process.net_connections()
        if connection.status == "LISTEN"
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_mapped_arrays_travel_by_path(cluster, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(500, 300)))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for array in (mapped, np.asarray(mapped), mapped[7:90], np.asarray(mapped)[7:90][1:]):
        assert len(pack(array)) < 1000
        again = pickle.loads(pack(array))
        assert isinstance(again, np.memmap)
        np.testing.assert_array_equal(again, array)
        assert list(cluster.map(sum_row, array, [3])) == [(float(array[3].sum()), True)]
    np.testing.assert_array_equal(pickle.loads(pack(mapped[:, ::2])), mapped[:, ::2])


def test_a_worker_that_is_killed_changes_nothing(cluster):
    shared = np.full(20_000, 0.02)[0:1].item()
    results = cluster.map(wait_and_tell, shared, range(60))
    first, _ = killed = next(results)
    os.kill(first, signal.SIGKILL)
    results = [killed, *results]
    assert [argument for _, argument in results] == list(range(60))
    assert results[-1][0] != first


def test_errors_of_workers_are_those_of_this_thread(cluster):
    for someone in (INLINE, cluster):
        with pytest.raises(DamagedError, match="x: is damaged; remove y") as raised:
            list(someone.map(damage, None, [1]))
        assert raised.value.folder == Path("y")


def test_a_module_that_workers_lack_is_one_line(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def double(shared, argument):\n    return 2 * argument\n")
    monkeypatch.syspath_prepend(tmp_path)
    from only_here import double  # type: ignore[import-not-found]

    assert list(INLINE.map(double, None, [1])) == [2]
    with pytest.raises(UserError, match=r"cluster = 'local:2': .* lack the module only_here; install the same"):
        list(cluster.map(double, None, [1]))


SCHEDULER = """
import asyncio, sys
from distributed import Scheduler, Worker
async def serve():
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0", dashboard=False) as scheduler:
        async with Worker(scheduler.address, host="127.0.0.1", nthreads=2):
            print(scheduler.address, flush=True)
            await asyncio.sleep(60)
asyncio.run(serve())
"""


def test_a_scheduler_that_dies_is_one_line(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        address = process.stdout.readline().strip()
        with open_workers(address) as other:
            assert other.n == 2
            results = other.map(wait_and_tell, 0.05, range(1000))
            next(results)
            threading.Timer(0.1, process.kill).start()
            with pytest.raises(UserError, match=f"cluster = '{address}': the scheduler is gone or dropped the work"):
                list(results)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_nobody_there_is_one_line(monkeypatch):
    monkeypatch.setattr(workers, "_CONNECT_SECONDS", 0.3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"  # nobody listens
        with pytest.raises(UserError, match=rf"cluster = '{address}': no scheduler answers .* start it with"):
            open_workers(address).__enter__()


@pytest.mark.parametrize(
    "address",
    ["local", "local:", "local:0", "local:-1", "local:two", "local:9999", "http://h:1", "tcp://h", "tcp://:1",
     "tcp://h:port", "tcp://me:secret@h:1", "tcp://h:1/x", "10.0.0.1:8786", ""],
)  # fmt: skip
def test_addresses(address):
    with pytest.raises(UserError, match="must be a scheduler, such as") as refused:
        require_cluster(address)
    assert "secret" not in str(refused.value)


def test_an_address_is_refused_before_anything_is_written(vectors_and_labels, tmp_path, refused):
    said = refused(replay, [*vectors_and_labels, "--cluster", "somewhere", "--out", str(tmp_path / "out")])
    assert said.startswith("error: --cluster somewhere: must be a scheduler")
    assert not (tmp_path / "out").exists()


VECTORS, CLUSTER = clustered(3000, 16, 12)


def write_partitions(folder: Path, form: str) -> PartitionedVectors:
    folder.mkdir()
    for number, part in enumerate(np.split(VECTORS, [700, 701, 2400])):
        if form == "parquet":
            lists = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), part.shape[1])
            pq.write_table(pa.table({"vector": lists}), folder / f"part-{number}.parquet", row_group_size=500)
        else:
            np.save(folder / f"part-{number}.npy", part.astype(form))
    return PartitionedVectors.open(folder, partition_rows=300)


def label(pool, selector, vectors, seeds):
    oracle = LabelTable(CLUSTER < 2)
    states = list(run(seeds, pool, LogisticLearner(vectors), selector, oracle, batch_size=20, budget=120))
    return [(state.labeled.rows.tolist(), state.n_candidates) for state in states]


@pytest.mark.parametrize("form", ["float32", "float16", "parquet"])
@pytest.mark.parametrize("score", [max_entropy, most_likely_positive])
def test_scans_of_partitions_pick_what_the_whole_scan_picks(form, score, cluster, tmp_path):
    """A tenth of the rows are copies of rows in other partitions, so that scores tie."""
    seeds = draw_seeds(CLUSTER < 2, 3, 17, np.random.default_rng(0))
    whole = VECTORS.astype(np.float16) if form == "float16" else VECTORS
    expected = label(AllPool(seeds, whole), ArgMax(score), whole, seeds)
    table = write_partitions(tmp_path / "parts", form)
    assert len(table.partitions) >= 9
    with open_threads(2) as threads:
        for someone in (INLINE, threads, cluster):
            for n_best in (20, 7):  # 7: the table is scanned again within a batch
                if someone is cluster and (n_best == 7 or form == "float16"):  # for which each worker imports torch
                    continue
                selector = PartitionedArgMax(score, n_best, someone)
                assert label(PartitionedPool(seeds, table), selector, table, seeds) == expected


def test_partitions_that_run_dry_and_rows_that_are_read(tmp_path):
    table = write_partitions(tmp_path / "parts", "float32")
    rows = np.random.default_rng(0).integers(3000, size=400)
    np.testing.assert_array_equal(table[Rows(rows)], VECTORS[rows])
    small = PartitionedVectors.open([tmp_path / "parts" / "part-1.npy"])
    assert small.shape == (1, 16)
    seeds = draw_seeds(CLUSTER < 2, 3, 17, np.random.default_rng(0))
    every = label(PartitionedPool(seeds, small), PartitionedArgMax(max_entropy), VECTORS, seeds)
    assert every[-1][0] == [*seeds.rows.tolist(), 0] or 0 in seeds.rows


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "holds no .npy or .parquet file"),
        ({"a.npy": np.zeros((2, 3))}, r"a.npy: must hold vectors \(n, d\) in float32 or float16, not \(2, 3\) float64"),
        ({"a.npy": np.zeros((2, 3), "f4"), "b.npy": np.zeros((2, 4), "f4")}, "3 dimensions of float32, .*b.npy has 4"),
        ({"a.npy": np.zeros((0, 3), "f4")}, "these files hold no rows"),
        ({"a.parquet": {"x": [[1.0]]}}, "has no column 'vector'; it has x"),
        ({"a.parquet": {"vector": [[1.0], [1.0, 2.0]]}}, "must all have the same number of dimensions"),
        ({"a.parquet": {"vector": [[1.0], None]}}, "must hold lists of numbers and no empty cells"),
        ({"a.parquet": {"vector": ["1"]}}, "must hold lists of numbers and no empty cells, not string"),
        ({"a.parquet": b"nothing"}, "is not a readable Parquet file"),
        ({"a.npy": b"nothing"}, "is not a readable .npy file"),
    ],
)
def test_files_that_are_no_partitions(files, problem, tmp_path):
    for name, content in files.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        elif isinstance(content, dict):
            pq.write_table(pa.table(content), tmp_path / name)
        else:
            np.save(tmp_path / name, content)
    with pytest.raises(UserError, match=problem):
        PartitionedVectors.open(tmp_path)


def test_a_partition_that_has_changed_is_refused(tmp_path):
    table = write_partitions(tmp_path / "parts", "float32")
    np.save(tmp_path / "parts" / "part-0.npy", VECTORS[:650])
    with pytest.raises(UserError, match=r"part-0.npy: its rows or dimensions have changed since it was opened"):
        table[Rows(np.array([699]))]


def test_texts_are_embedded_as_here_and_what_is_done_is_kept(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 8)
    texts = [f"text {number} of {number % 7} kinds" for number in range(100)]

    def embed(cache, someone):
        known = KnownTexts(cache, "letters")
        return blocks.embed_resumably(texts, LetterCounts(), cache, "letters", True, known, someone)

    here = embed(tmp_path / "here", INLINE)
    write = blocks.ArrayStage.write

    def stop(self, rows):
        if self.n_done >= 48:
            raise KeyboardInterrupt
        write(self, rows)

    with monkeypatch.context() as stopped:
        stopped.setattr(blocks.ArrayStage, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            embed(tmp_path / "there", cluster)
    sent = []

    class Recording(ClusterWorkers):
        def map(self, function, shared, arguments, in_order=True):
            sent.extend(arguments)
            return super().map(function, shared, sent, in_order)

    there = embed(tmp_path / "there", Recording(cluster._client, 2, "local:2"))
    assert sum(map(len, sent)) == 100 - 48
    np.testing.assert_array_equal(here, there)


def test_a_model_with_other_files_on_a_worker_is_refused():
    encoder = Encoder("wordllama")
    assert pickle.loads(pickle.dumps(encoder)).digest == encoder.digest
    encoder.digest = "another"
    with pytest.raises(UserError, match="model = 'wordllama': a worker has different files under this name"):
        pickle.loads(pickle.dumps(encoder))


@pytest.mark.parametrize("n_exact", [131_072, 1_000])
def test_graphs_are_those_of_this_thread(n_exact, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.choice.EXACT_GRAPH_ROWS", n_exact)
    monkeypatch.setattr("seals_sim.indexes.graph._BLOCK", 400)
    monkeypatch.setattr("seals_sim.indexes.united._ASKED", 400)
    monkeypatch.setattr("seals_sim.indexes.united._UNITED", 1_100)
    np.save(tmp_path / "x.npy", VECTORS)
    graphs = []
    for name, someone in (("here", INLINE), ("there", cluster)):
        vectors = np.load(tmp_path / "x.npy", mmap_mode="r")
        options = IndexOptions(k=10)
        graph = build_index("graph", vectors, tmp_path / name, options, np.random.default_rng(0), workers=someone)
        graphs.append(graph.neighbors(np.arange(3000), 10))
    assert all((a == b).all() for a, b in zip(*graphs, strict=True))


def test_replays_on_a_cluster_find_what_they_find_here(address, vectors_and_labels, tmp_path):
    words = [*vectors_and_labels, "--budget", "60", "--batch", "20", "--seed-negatives", "15", "--concepts", "2",
             "--repeats", "2", "--quiet", "--k", "5", "--strategies", "maxent", "--index", "graph"]  # fmt: skip
    replay([*words, "--cache", tmp_path / "a", "--out", tmp_path / "here"])
    replay([*words, "--cache", tmp_path / "b", "--out", tmp_path / "there", "--cluster", address])
    picks = [(tmp_path / out / "picks.csv").read_text() for out in ("here", "there")]
    assert picks[0] == picks[1]
    assert picks[0].count("\n") > 100


def test_one_worker_picks_the_same(cluster, tmp_path):
    """The last test in this file, since it removes a worker."""
    cluster._client.cluster.scale(1)
    deadline = time.monotonic() + 20
    while len(cluster._client.scheduler_info()["workers"]) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(cluster._client.scheduler_info()["workers"]) == 1
    seeds = draw_seeds(CLUSTER < 2, 3, 17, np.random.default_rng(0))
    expected = label(AllPool(seeds, VECTORS), ArgMax(max_entropy), VECTORS, seeds)
    table = write_partitions(tmp_path / "parts", "float32")
    assert label(PartitionedPool(seeds, table), PartitionedArgMax(max_entropy, 20, cluster), table, seeds) == expected
