"""Sessions whose texts are embedded as they become candidates."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from seals_sim.cli import label as label_command
from seals_sim.cli import sessions
from seals_sim.cli.main import main
from seals_sim.embed.lazy_store import LazyStore
from seals_sim.embed.space import TextSpace
from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.lazy_corpus import build_lazy_corpus
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from seals_sim.types import Rows
from tests.label.page import replace_page
from tests.label.small import IS_POSITIVE, TEXTS, VECTORS, answer_by_cluster, encode
from tests.label.small_lazy import LIKE, OPTIONS, STATIC, D, Model, N, open_corpus

PARTS = ("hand", "foot", "left ear", "upper arm", "face", "back of the knee")


@pytest.fixture
def corpus(tmp_path):
    opened = open_corpus(tmp_path / "store")
    yield opened
    opened.lazy.close()


def search(path, corpus, n, options=OPTIONS):
    with Session.begin(path, corpus, LIKE, [], options) as session:
        return [row for _ in range(n) for row in answer_by_cluster(session, 1)]


@pytest.mark.parametrize("pool", ["auto", "walk", "seals"])
def test_a_session_that_is_reopened_asks_what_it_would_have_asked(tmp_path, corpus, pool):
    options, rows = replace(OPTIONS, pool=pool), []
    expected = search(tmp_path / "a", corpus, 20, options)
    again = open_corpus(tmp_path / "other")
    session = Session.begin(tmp_path / "b", again, LIKE, [], options)
    for _ in range(20):
        session.close()
        again.lazy.close()
        again = open_corpus(tmp_path / "other")
        session = Session.open(tmp_path / "b", again)
        rows += answer_by_cluster(session, 1)
    session.close()
    assert rows == expected
    assert IS_POSITIVE[rows].sum() > 6


def test_what_is_asked_does_not_depend_on_the_background(tmp_path, corpus):
    expected, n = search(tmp_path / "a", corpus, 25), corpus.lazy.n_embedded
    assert n < N
    other = open_corpus(tmp_path / "other")
    with Session.begin(tmp_path / "b", other, LIKE, [], OPTIONS) as session:
        session.embed_in_background()
        assert [row for _ in range(25) for row in answer_by_cluster(session, 1)] == expected
        wait_until(lambda: other.lazy.is_complete)
    assert search(tmp_path / "c", other, 25) == expected


def test_only_candidates_examples_and_presumed_negatives_are_embedded(tmp_path):
    model = Model()
    corpus = open_corpus(tmp_path / "store", model)
    with Session.begin(tmp_path / "s", corpus, LIKE, [], replace(OPTIONS, control_every=0)) as session:
        answer_by_cluster(session, 12)
        n_candidates = session.status().n_candidates
        assert n_candidates >= 2 * OPTIONS.k
        assert len(set(model.seen)) <= n_candidates + N // 10 + len(LIKE)
        assert len(set(model.seen)) >= n_candidates
        assert len(model.seen) - len(set(model.seen)) <= len(LIKE), "a text is embedded once"


def test_with_k_of_n_it_asks_what_an_eager_session_asks(tmp_path, corpus):
    whole = Corpus(VECTORS, ExactIndex(VECTORS), "fingerprint", TEXTS, encode)
    options = replace(OPTIONS, k=N, pool="positives")
    eager = search(tmp_path / "a", whole, 30, replace(options, embed="all"))
    assert search(tmp_path / "b", corpus, 30, options) == eager
    assert corpus.lazy.is_complete
    with Session.open(tmp_path / "a", whole) as session, Session.open(tmp_path / "b", corpus) as other:
        np.testing.assert_allclose(session.compute_scores(), other.compute_scores(), atol=1e-6)


def test_an_answer_that_cannot_be_embedded_is_not_taken(tmp_path):
    options = replace(OPTIONS, control_every=0)
    row = int(IS_POSITIVE.nonzero()[0][-1])
    bad = next(near for near in ExactIndex(STATIC).neighbors(Rows(np.array([row])), 20)[0] if near != row)
    corpus = open_corpus(tmp_path / "store", Model(bad=bad))
    with Session.begin(tmp_path / "s", corpus, options=options) as session:
        session.tell([0], [0])
        with pytest.raises(UserError, match=rf"not finite for the text 'text {bad} ") as error:
            session.tell([row], [1])
        assert "\n" not in str(error.value)
        assert session.answers == {0: 0}
        session.embed_in_background()  # reports the error and stops
        session.tell([0], [None])


def test_a_model_of_another_dimension_is_refused(tmp_path):
    corpus = open_corpus(tmp_path / "store", Model(width=D - 1))
    with pytest.raises(UserError, match="11 dimensions but gave 12 before"):
        corpus.lazy.embed(Rows(np.arange(3)))


def test_it_must_be_opened_as_it_was_begun(tmp_path, corpus):
    search(tmp_path / "s", corpus, 1)
    with pytest.raises(UserError, match="began with embed = lazy"):
        Session.open(tmp_path / "s", Corpus(VECTORS, ExactIndex(VECTORS), "fingerprint", TEXTS, encode))
    with pytest.raises(UserError, match="pool = 'all'"):
        search(tmp_path / "t", corpus, 1, replace(OPTIONS, pool="all"))


def test_equal_texts_are_embedded_once(tmp_path):
    first = np.arange(N) % (N // 2)
    model, texts = Model(), [TEXTS[row] for row in first]
    corpus = open_corpus(tmp_path / "store", model, texts, first)
    with Session.begin(tmp_path / "s", corpus, LIKE, [], replace(OPTIONS, copies="together")) as session:
        session.tell([N - 1], [1])
        session.embed_in_background()
        wait_until(lambda: corpus.lazy._store is None)
        assert session.answers == {N // 2 - 1: 1, N - 1: 1}
        assert len(model.seen) <= N // 2 + len(LIKE)
    np.testing.assert_allclose(corpus.vectors[:], VECTORS[first], atol=1e-6)


def test_a_list_or_array_that_is_damaged_is_believed_in_part(tmp_path):
    store = LazyStore(tmp_path, 9, 4)
    vectors = np.arange(36, dtype=np.float32).reshape(9, 4) + 1
    store.write(Rows(np.array([5, 2, 7])), vectors[[5, 2, 7]])
    store.close()
    with (store.folder / "list.bin").open("ab") as file:
        file.write(b"\x01\x00\x00")  # part of an entry that was being written
    with (store.folder / "array.npy").open("r+b") as file:
        file.seek(store.array.offset + 2 * 16)
        file.write(b"\xff")
    opened = LazyStore(tmp_path, 9, 4)
    assert np.flatnonzero(opened.is_there).tolist() == [5, 7]
    opened.write(Rows(np.array([2])), vectors[[2]])
    second = LazyStore(tmp_path, 9, 4)  # the first is in use
    assert second.folder != opened.folder
    assert not second.is_there.any()
    opened.close()
    second.close()
    again = LazyStore(tmp_path, 9, 4)
    assert np.flatnonzero(again.is_there).tolist() == [2, 5, 7]
    np.testing.assert_array_equal(again.array[[2, 5, 7]], vectors[[2, 5, 7]])
    again.close()
    other = LazyStore(tmp_path, 9, 3)  # from another model, so it starts over
    assert not other.is_there.any()
    other.close()


KILLED = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from seals_sim.embed.background import BackgroundEmbedding
    from tests.label.small_lazy import N, Model, open_corpus
    corpus = open_corpus(Path(sys.argv[1]), Model(seconds=0.002))
    background = BackgroundEmbedding(corpus.lazy, corpus.index, [1] * N)
    background.start()
    print("begun", flush=True)
    time.sleep(60)
    """
)


def test_a_kill_loses_nothing(tmp_path):
    n_there = []
    for seconds in (0.1, 0.2):
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=os.getcwd())
        assert process.stdout.readline() == "begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        corpus = open_corpus(tmp_path)
        n_there.append(corpus.lazy.n_embedded)
        rows = np.flatnonzero(corpus.lazy._is_there)
        np.testing.assert_array_equal(corpus.lazy._array[rows], 3 * VECTORS[rows])
        corpus.lazy.close()
    assert 0 < n_there[0] < n_there[1]
    assert [path.name for path in tmp_path.iterdir()] == ["lazy-0"]


def test_once_complete_it_is_what_embedding_the_table_gives(tmp_path):
    texts = [f"a burn of the {part}, number {n}" for n, part in enumerate(PARTS * 10)] * 2
    space = TextSpace(texts, "wordllama", 0, tmp_path / "cache")
    assert space.count_new(tmp_path / "cache") == 60
    lazy = space.open_lazily(tmp_path / "cache")
    lazy.embed(Rows(np.arange(10)))
    lazy.close()
    lazy = space.open_lazily(tmp_path / "cache")
    assert lazy.n_embedded == 10
    lazy.embed(Rows(np.arange(120)))
    before = lazy[:]
    lazy.finish()
    assert space.count_new(tmp_path / "cache") == 0
    np.testing.assert_array_equal(lazy[:], before)
    vectors, _ = space.load_vectors(tmp_path / "cache")
    np.testing.assert_array_equal(vectors, before)
    np.testing.assert_array_equal(vectors, TextSpace(texts, "wordllama", 0, tmp_path / "b").compute_vectors())
    assert space.open_lazily(tmp_path / "cache").is_complete
    grown = TextSpace([*texts, "new"], "wordllama", 0, tmp_path / "cache")
    assert grown.count_new(tmp_path / "cache") == 1
    lazy = grown.open_lazily(tmp_path / "cache")
    assert lazy.find_missing().tolist() == [120]
    lazy.close()


def test_answers_are_taken_while_texts_are_embedded(tmp_path):
    corpus = open_corpus(tmp_path / "store", Model(seconds=0.05))
    with Session.begin(tmp_path / "s", corpus, LIKE, [], OPTIONS) as session:
        session.embed_in_background()
        client = TestClient(make_app(session, "token", "127.0.0.1", "t"), base_url="http://127.0.0.1")
        client.headers["X-Token"] = "token"
        longest = 0.0
        for _ in range(10):
            start = time.perf_counter()
            row = client.get("/api/batch").json()["rows"][0]["row"]
            assert client.post("/api/answer", json={"row": row, "answer": int(IS_POSITIVE[row])}).status_code == 200
            longest = max(longest, time.perf_counter() - start)
        status = client.get("/api/status").json()
        assert 20 < status["n_embedded"] < N
        assert longest < 5, "all texts together take 20 seconds"
        assert len(client.get("/api/find", params={"text": LIKE[0], "n": 5}).json()["rows"]) == 5
        refused = client.get("/export/scores.csv")
        assert refused.status_code == 400
        assert f"of {N} are embedded" in refused.json()["error"]
        corpus.lazy._encoder.seconds = 0
        wait_until(lambda: client.get("/api/status").json()["n_embedded"] == N)
        assert client.get("/export/scores.csv").status_code == 200


@pytest.mark.parametrize("copies", ["together", "apart"])
def test_all_is_embedded_in_the_end_whether_copies_are_counted_or_not(tmp_path, copies):
    first = np.arange(N)
    first[-3:] = 5
    corpus = open_corpus(tmp_path / "store", texts=[TEXTS[row] for row in first], first=first)
    with Session.begin(tmp_path / "s", corpus, LIKE, [], replace(OPTIONS, copies=copies)) as session:
        assert session.status().n_embedded < session.status().n_rows
        corpus.lazy.embed(Rows(np.arange(N)))
        assert session.status().n_embedded == session.status().n_rows
    corpus.lazy.close()


def test_rows_like_another_are_in_order_by_the_model(tmp_path, corpus):
    with Session.begin(tmp_path / "s", corpus, LIKE, [], OPTIONS) as session:
        hits = session.find_similar(7, 10)
    assert len(hits) == 10
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
    nearest = [row for row in np.argsort(-VECTORS @ VECTORS[7]).tolist() if row != 7]
    assert len({hit.row for hit in hits} & set(nearest[:10])) >= 9


def test_a_table_is_embedded_lazily_from_a_size_on(tmp_path, monkeypatch, refused):
    table = tmp_path / "t.jsonl"
    table.write_text("".join(f'{{"text": "text number {row}"}}\n' for row in range(40)))
    served = []

    def serve(session):
        served.append(session.options)
        session.close()

    monkeypatch.setattr(label_command, "open_page", replace_page(serve))
    words = ["label", table, "--like", "text number 7", "--cache", tmp_path / "cache", "--quiet", "--k", "3"]

    def label(session, *more):
        main([str(word) for word in [*words, "--session", tmp_path / session, *more]])
        return served[-1].embed, served[-1].pool, served[-1].k

    monkeypatch.setattr(sessions, "LAZY_FROM", 30)
    assert label("a") == ("lazy", "positives", 3)
    assert label("a") == ("lazy", "positives", 3)
    assert label("b", "--embed", "all") == ("all", "all", 3)
    assert label("c") == ("all", "all", 3), "now all is in the cache"
    assert label("a") == ("lazy", "positives", 3)
    assert label("d", "--embed", "lazy") == ("lazy", "positives", 3)
    assert label("e", "--model", "wordllama") == ("all", "all", 3)
    for more in (["--model", "wordllama"], ["--paper"], ["--dimensions", "8"], ["--pool", "all"]):
        said = refused(main, [*words, "--session", tmp_path / "f", "--embed", "lazy", *more])
        assert said.startswith("seals label: --embed 'lazy': not possible: ") or "embed" in said, said
    assert not (tmp_path / "f").exists()


def wait_until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_model_is_loaded_to_open_a_session_again(tmp_path):
    """It would take ten CPU seconds, mostly to import what models need."""
    texts = [
        f"a fracture of {part}, {kind} {number}" for part in PARTS for kind in ("open", "old") for number in range(9)
    ]
    corpus = build_lazy_corpus(texts, "auto", tmp_path)
    with Session.begin(
        tmp_path / "s", corpus, ["a fracture of the hand"], [], replace(OPTIONS, copies="together")
    ) as one:
        expected = [(asked.row, one.find_similar(asked.row, 5)) for asked in one.ask(3)]
    corpus.lazy.close()
    script = f"""
        import sys
        from pathlib import Path
        from seals_sim.label.lazy_corpus import build_lazy_corpus
        from seals_sim.label.session import Session
        corpus = build_lazy_corpus({texts}, "auto", Path({str(tmp_path)!r}))
        with Session.open(Path({str(tmp_path / "s")!r}), corpus) as session:
            print([(asked.row, session.find_similar(asked.row, 5)) for asked in session.ask(3)])
        print(*sys.modules)
        """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    asked, modules = ended.stdout.splitlines()
    assert asked == repr(expected)
    assert not {"torch", "sentence_transformers", "sklearn", "pandas"} & set(modules.split())
