"""Vector engines under the contract of indexes, and their failures: milvus-lite in a file and LanceDB in a folder."""

from __future__ import annotations

import pickle
import resource
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from seals_sim import ArgMax, LabelTable, LogisticLearner, UserError, build_seals_pool, draw_seeds, max_entropy, run
from seals_sim.cli.main import main
from seals_sim.indexes import ENGINES, ExactIndex, IndexOptions, build_index
from seals_sim.indexes.engines.address import require_engine
from seals_sim.indexes.engines.index import EngineIndex
from seals_sim.indexes.engines.protocol import EngineUnavailableError
from tests.conftest import clustered

pytest.importorskip("pymilvus", reason="needs the extra [milvus]")
pytest.importorskip("lancedb", reason="needs the extra [lancedb]")

VECTORS, CLUSTER = clustered(2000, 16, 20)
DISTINCT = VECTORS[:1800]
PLACES = {"milvus": "vectors.db", "lancedb": "vectors"}


@pytest.fixture(autouse=True)
def limited_memory():
    """milvus-lite has been seen to use 22 GB; a test that needs that much fails."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


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
    vectors = (VECTORS[-n:] if n > 10 else np.eye(16, dtype=np.float32)[:n]).astype(dtype)
    _, number = np.unique(vectors, axis=0, return_inverse=True)
    rows, index = np.arange(n)[::10], build(vectors)
    for copy in (index, build(vectors), pickle.loads(pickle.dumps(index))):
        for k in (500, 3):
            neighbors = copy.neighbors(rows, k)
            for row, found in zip(rows, neighbors, strict=True):
                assert found.dtype == np.int64
                assert number[found[0]] == number[row]
                assert len(set(number[found].tolist())) == min(k, number.max() + 1), "k distinct vectors"
                assert len(found) == np.isin(number, number[found]).sum(), "with all their copies"
            assert all((a == b).all() for a, b in zip(neighbors, index.neighbors(rows, k), strict=True))


def test_picks_are_those_of_the_exact_index(build, tmp_path):
    is_positive = CLUSTER < 2
    seeds = draw_seeds(is_positive, 3, 17, np.random.default_rng(0))
    picks = []
    for index in (build_index("exact", VECTORS, tmp_path, IndexOptions(), np.random.default_rng(0)), build()):
        selector = ArgMax(max_entropy)
        pool = build_seals_pool(seeds, VECTORS, index, 10, selector)
        *_, last = run(seeds, pool, LogisticLearner(VECTORS), selector, LabelTable(is_positive), 20, 200)
        picks.append(last.labeled.rows.tolist())
    assert picks[0] == picks[1]


def test_vectors_that_are_no_rows(build):
    queries = DISTINCT[:5] + DISTINCT[5:10]
    for one, other in zip(ExactIndex(DISTINCT).nearest(queries, 20), build(DISTINCT).nearest(queries, 20), strict=True):
        assert len(np.intersect1d(one, other)) >= 17  # queries of any length: milvus goes by the angle


def test_a_load_that_was_stopped_goes_on(build, name, monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.engines.index._BLOCK_VALUES", 16 * 500)
    upserted, upsert = [], EngineIndex._upsert

    def stopping(self, start, end):
        upserted.append(start)
        if start == 1000 and upserted.count(1000) == 1:
            self._ask(lambda engine: engine.upsert(start, DISTINCT[start : start + 100]))  # part of the block is in
            raise KeyboardInterrupt
        return upsert(self, start, end)

    monkeypatch.setattr(EngineIndex, "_upsert", stopping)
    with pytest.raises(KeyboardInterrupt):
        build(DISTINCT)
    index = build(DISTINCT)
    assert upserted == [0, 500, 1000, 1000, 1500]
    assert index.build_seconds > 0
    assert build(DISTINCT).build_seconds == 0
    exact = ExactIndex(DISTINCT).neighbors(np.arange(50), 10)
    assert all((a == b).all() for a, b in zip(exact, index.neighbors(np.arange(50), 10), strict=True))


def test_other_vectors_have_a_place_of_their_own(build):
    first, second = build(DISTINCT[:900]), build(DISTINCT[900:1000])
    assert first.neighbors(np.array([5]), 1)[0].tolist() == second.neighbors(np.array([5]), 1)[0].tolist() == [5]
    assert len(first.neighbors(np.array([0]), 1800)[0]) == 900


def test_a_collection_that_is_not_ours_is_refused(build, name, monkeypatch):
    """This must never happen: another table under this one's name."""
    monkeypatch.setattr("seals_sim.indexes.engines.opening.name_table", same_name)
    build(DISTINCT[:200])
    with pytest.raises(UserError, match=r"engine = .* not 8( dimensions)?"):
        build(np.ascontiguousarray(DISTINCT[:200, :8]))
    with pytest.raises(UserError, match="holds 200 rows for a table of 100"):
        build(DISTINCT[:100])


def test_an_engine_that_comes_back_without_its_rows_is_refused(build, name, tmp_path):
    """As a server in a container without a volume does: the next connection makes the collection again, empty."""
    index = build(DISTINCT)
    if name == "milvus":
        engine = index._engine
        engine._client.drop_collection(engine._table.name)
    else:
        shutil.rmtree(tmp_path / PLACES[name])
    with pytest.raises(UserError, match=r"engine = .*: now holds 0 rows of 1,800; rerun the same command"):
        index.neighbors(np.array([5]), 3)
    assert build(DISTINCT).neighbors(np.array([5]), 1)[0].tolist() == [5], "loaded again"


def same_name(made_from, vectors, n_cells, n_probe):
    from seals_sim.indexes.engines.protocol import EngineTable

    n, d = vectors.shape
    return EngineTable("seals_same", n, d, 1, 1)


def test_a_server_that_is_away_for_a_while_is_asked_again(monkeypatch):
    class Flaky:
        most_neighbors = 5
        n_calls = 0

        def count(self):
            return len(DISTINCT)

        def finish(self):
            pass

        def search(self, queries, k):
            Flaky.n_calls += 1
            if Flaky.n_calls < 3:
                raise EngineUnavailableError("no route")
            return ExactIndex(DISTINCT).nearest(queries, k)

    index = EngineIndex(Flaky, DISTINCT, "here")
    assert index.neighbors(np.array([7]), 1)[0].tolist() == [7]
    with pytest.raises(UserError, match="k = 6: the engine finds at most 5 neighbors"):
        index.neighbors(np.array([7]), 6)
    Flaky.n_calls = -100
    with pytest.raises(UserError, match=r"engine = 'here': does not answer \(no route\); start it and rerun the same"):
        EngineIndex(Flaky, DISTINCT, "here", patience_seconds=0.3).neighbors(np.array([7]), 1)


def test_a_dead_address_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(EngineIndex.__init__, "__defaults__", (True, 0.3))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        options = IndexOptions(engine=f"http://127.0.0.1:{closed.getsockname()[1]}")  # nobody listens
        with pytest.raises(UserError, match=rf"engine = '{options.engine}': does not answer \(Connection refused"):
            build_index("milvus", DISTINCT, tmp_path, options, np.random.default_rng(0))


def test_a_file_of_milvus_lite_serves_one_process(tmp_path):
    script = (
        "import sys, numpy as np; from pathlib import Path; from seals_sim import IndexOptions, build_index\n"
        "from seals_sim.errors import UserError\n"
        "try: build_index('milvus', np.eye(4, dtype=np.float32), Path('x'), IndexOptions(engine=sys.argv[1]), None)\n"
        "except UserError as error: print(error)\n"
    )
    place = str(tmp_path / "vectors.db")
    build_index("milvus", DISTINCT[:50], tmp_path, IndexOptions(engine=place), np.random.default_rng(0))
    other = subprocess.run([sys.executable, "-c", script, place], capture_output=True, text=True, timeout=60)
    assert "only one process at a time can use a milvus-lite file" in other.stdout
    assert other.stderr == ""


@pytest.mark.parametrize(
    ("index", "address", "problem"),
    [
        ("milvus", None, "index = 'milvus': needs an engine: a server"),
        ("lancedb", None, "index = 'lancedb': needs an engine: a folder"),
        ("exact", "x.db", "engine = 'x.db': applies only to the indexes milvus and lancedb"),
        ("milvus", "vectors", "engine = 'vectors': must be a server"),
        ("milvus", "ftp://host", "must be a server"),
        ("milvus", "http://host:port", "must be a server"),
        ("milvus", "http://", "must be a server"),
        ("milvus", "nowhere/x.db", "its folder does not exist"),
        ("lancedb", "http://host", "must be a folder, or object storage"),
        ("lancedb", __file__, "is a file that was not made by LanceDB"),
        ("milvus", "https://me:secret@host", r"engine = 'https://...@host': contains a name or password"),
    ],
)
def test_addresses(index, address, problem):
    with pytest.raises(UserError, match=problem) as refused:
        require_engine(index, address)
    assert "secret" not in str(refused.value)


def test_a_password_is_refused_before_anything_is_written(vectors_and_labels, tmp_path, capsys):
    words = ["replay", *vectors_and_labels, "--index", "milvus", "--engine", "http://me:secret@127.0.0.1:1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert not (tmp_path / "out").exists()
    error = capsys.readouterr().err
    assert "--engine" in error
    assert "secret" not in error


def test_replays_with_an_engine_find_what_exact_ones_find(name, vectors_and_labels, tmp_path):
    fast = ["--budget", "60", "--batch", "20", "--seed-negatives", "15", "--concepts", "1", "--repeats", "1", "--quiet"]
    words = ["replay", *vectors_and_labels, *fast, "--k", "5", "--pools", "seals", "--strategies", "maxent"]
    words += ["--cache", str(tmp_path / "cache")]
    main([*words, "--index", "exact", "--out", str(tmp_path / "exact")])
    place = str(tmp_path / PLACES[name])
    main([*words, "--index", name, "--engine", place, "--out", str(tmp_path / "engine")])
    picks = [(tmp_path / out / "picks.csv").read_text() for out in ("exact", "engine")]
    assert picks[0] == picks[1]
