"""`seals label --chunks`: content beyond the model's token limit is found, and rows stay those of the table."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import seals_sim
from seals_sim.cli import label as label_command
from seals_sim.cli import main as cli
from seals_sim.embed.chunks import Chunks
from seals_sim.embed.encoder import Encoder
from seals_sim.errors import UserError
from seals_sim.indexes.chunked import ChunkedIndex
from seals_sim.label.chunked_corpus import build_chunked_corpus
from seals_sim.label.concepts import Concepts
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange import SessionFile
from seals_sim.label.exchange.chunk_classifier import ChunkClassifier
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from seals_sim.vectors.chunked import ChunkedVectors
from tests.label.page import replace_page

N = 120
RNG = np.random.default_rng(0)
COUNTS = 1 + np.arange(N) % 4
STARTS = np.concatenate([[0], np.cumsum(COUNTS)])
MEANT = np.flatnonzero(np.arange(N) % 12 == 7)  # four chunks each; the last one matters
CHUNKED = RNG.normal(size=(STARTS[-1], 12))
CHUNKED[STARTS[MEANT + 1] - 1] += 8 * np.eye(12)[0]
CHUNKED = (CHUNKED / np.linalg.norm(CHUNKED, axis=1, keepdims=True)).astype(np.float32)
PIECES = [[f"{row}.{chunk}\U0001f9ad" for chunk in range(count)] for row, count in enumerate(COUNTS)]
TEXTS = list(map(" ".join, PIECES))
OPTIONS = SessionOptions(chunks=True, control_every=5)


def make_corpus(is_long=False):
    middle = "." + 200 * "\U0001f9ad line\n" if is_long else "."
    pieces = [[piece.replace(".", middle) for piece in some] for some in PIECES]
    texts, spans = [], []
    for some in pieces:
        text = ""
        for piece in some:
            spans.append((len(text), len(text) + len(piece)))
            text += f"{piece} "
        texts.append(text[:-1])
    vectors, chunks = ChunkedVectors(CHUNKED, STARTS), Chunks(STARTS, np.array(spans))
    index, encode = ChunkedIndex(vectors), lambda words: CHUNKED[[int(word) for word in words]]
    return Corpus(vectors.as_stored(), index, "chunked", texts, encode, chunks=chunks)


def work(session, n):
    """Answer n rows by their true labels, and return what was asked and marked."""
    seen = []
    for _ in range(n):
        for asked in session.ask(1):
            seen.append((asked.row, asked.score, asked.mark, asked.because))
            session.tell([asked.row], [int(asked.row in MEANT)])
    return seen


def test_rows_are_found_by_one_of_their_chunks_which_is_marked(tmp_path):
    seed = str(STARTS[MEANT[0] + 1] - 1)
    with Session.begin(tmp_path / "s", make_corpus(), [seed], options=OPTIONS) as session:
        asked = work(session, 20)
        assert {row for row, *_ in asked} >= {*MEANT}
        for row, _, mark, because in asked:
            if row in MEANT and because is not None:
                assert TEXTS[row][slice(*mark)] == f"{row}.3\U0001f9ad"
                assert because.row is None or because.text == f"{because.row}.3\U0001f9ad"
        scores = session.compute_scores()
        assert scores.shape == (N,)
        assert {*np.argsort(-scores)[: len(MEANT)].tolist()} == {*MEANT.tolist()}
        assert session.status().n_rows == N
        hits = session.find_similar(int(MEANT[1]), 3)
        assert {hit.row for hit in hits} <= {*MEANT.tolist()} - {int(MEANT[1])}


def test_a_session_that_is_opened_again_asks_what_it_would_have_asked(tmp_path):
    for name, parts in (("once", [24]), ("often", [5, 1, 9, 9])):
        seen = []
        for n in parts:
            path = tmp_path / name
            opened = Session.open(path, make_corpus()) if path.exists() else Session.begin(
                path, make_corpus(), ["3"], options=OPTIONS)  # fmt: skip
            with opened as session:
                seen += work(session, n)
        if name == "once":
            expected = seen
    assert seen == expected


def test_a_row_that_waits_is_marked_when_the_session_is_opened_again(tmp_path):
    with Session.begin(tmp_path / "s", make_corpus(), ["3"], options=OPTIONS) as session:
        first = session.ask(3)
    with Session.open(tmp_path / "s", make_corpus()) as session:
        assert session.ask(3) == first


def test_nothing_is_marked_while_nothing_is_known(tmp_path):
    with Session.begin(tmp_path / "s", make_corpus(), options=OPTIONS) as session:
        assert [asked.mark for asked in session.ask(4)] == [None] * 4


def test_the_page_gets_the_mark(tmp_path):
    with Session.begin(tmp_path / "s", make_corpus(), ["3"], options=OPTIONS) as session:
        app = make_app(session, "t", "127.0.0.1", "s")
        client = TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "t"})
        batch = client.get("/api/batch?n=3").json()["rows"]
        asked = session.ask(3)
        assert [row["mark"] for row in batch] == [None if one.mark is None else [*one.mark] for one in asked]
        assert any(row["mark"] for row in batch)


def test_a_session_does_not_change_between_chunks_and_whole_texts(tmp_path):
    with pytest.raises(UserError, match="does not match how the corpus was built"):
        Session.begin(tmp_path / "s", make_corpus(), ["3"])
    with pytest.raises(UserError, match="all scanned"):
        Session.begin(tmp_path / "s", make_corpus(), ["3"], options=SessionOptions(chunks=True, pool="walk"))
    Session.begin(tmp_path / "s", make_corpus(), ["3"], options=OPTIONS).close()
    whole = Corpus(CHUNKED[STARTS[:-1]], None, "chunked", TEXTS)
    with pytest.raises(UserError, match="began with chunks = True"):
        Session.open(tmp_path / "s", whole)


FILLER = "The weather was mild, the road was dry, and we drove past fields of wheat for hours. " * 15
NEEDLES = (4, 11, 17)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The texts are embedded once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def table(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").symlink_to(cache)
    said = ["A parcel arrived on Tuesday.", "The accounts were settled.", "Nobody was at home."]
    ends = ["The harbor seal had a rare skin disease." if row in NEEDLES else said[row % 3] for row in range(20)]
    path = tmp_path / "reports.jsonl"
    texts = [f"Report {row}. {FILLER} {end} {FILLER[:300]}" for row, end in enumerate(ends)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def label(monkeypatch, words, work):
    """Run `seals label` with `work` on the session instead of the page."""
    results = []

    def serve(session):
        with session:
            results.append(work(session))

    monkeypatch.setattr(label_command, "open_page", replace_page(serve))
    cli.main(["label", "reports.jsonl", "--cache", "cache", *words])
    return results[0]


def test_a_phrase_behind_the_last_token_is_found_with_chunks_and_not_without(table, monkeypatch, capsys):
    like = ["--like", "a sick marine mammal", "--control-every", "0"]
    asked = label(monkeypatch, [*like, "--chunks"], lambda session: session.ask(3))
    assert {one.row for one in asked} == {*NEEDLES}
    assert all("harbor seal" in one.text[slice(*one.mark)] for one in asked)
    said = capsys.readouterr().err
    assert "20 of 20 texts are longer than the model reads; with chunks it reads all of them" in said
    assert "only their beginnings count" not in said
    again = label(monkeypatch, [], lambda session: (session.options.chunks, session.ask(3)))  # the session keeps it
    assert again == (True, asked)
    without = [*like, "--session", "without.seals"]
    asked = label(monkeypatch, without, lambda session: session.ask(3))
    assert {one.row for one in asked} != {*NEEDLES}
    assert "20 of 20 texts are longer than the 256 tokens" in capsys.readouterr().err


def test_what_does_not_go_with_chunks_is_refused_in_one_line(table, tmp_path, refused):
    reasons = {
        "pool walk": ["--pool", "walk"],
        "embed lazy": ["--embed", "lazy"],
        "dimensions": ["--dimensions", "64"],
        "paper": ["--paper"],
        "index ivf-flat": ["--index", "ivf-flat"],
    }
    for words, options in reasons.items():
        said = refused(cli.main, ["label", "reports.jsonl", "--chunks", *options])
        assert words in said
        assert "--chunks" in said
    assert "any length" in refused(cli.main, ["label", "reports.jsonl", "--chunks", "--model", "wordllama"])
    assert not (tmp_path / "reports.seals").exists()
    with pytest.raises(UserError, match="the limit is 5"):
        build_chunked_corpus([FILLER] * 3, tmp_path / "cache", most=5)


LIKE = ["--like", "a sick marine mammal", "--not-like", "mild weather", "--control-every", "0"]


def find_needles(session):
    """Answer some rows, and return the session's scores."""
    for _ in range(6):
        for asked in session.ask(1):
            session.tell([asked.row], [int(asked.row in NEEDLES)])
    return session.compute_scores()


def test_a_saved_classifier_reads_texts_in_chunks_as_the_session_does(table, monkeypatch, capsys):
    scores = label(monkeypatch, [*LIKE, "--chunks"], find_needles)
    assert {*np.argsort(-scores)[:3].tolist()} == {*NEEDLES}
    cli.main(["model", "reports.seals", "--out", "model"])
    assert "trained on 4 positives and 4 negatives" in capsys.readouterr().out
    pipeline = seals_sim.load_classifier("model")
    texts = [json.loads(line)["text"] for line in table.read_text().splitlines()]
    np.testing.assert_allclose(pipeline.predict_proba(texts[2:6])[:, 1], scores[2:6], atol=1e-4)
    new = [f"{FILLER} A harbor seal was ill. {FILLER}", f"{FILLER} All was well. {FILLER}"]
    assert pipeline.predict_proba(new)[:, 1].argmax() == 0
    assert np.array_equal(pipeline.predict_proba(new[:1]), pipeline.predict_proba(new)[:1])
    cli.main(["score", "reports.seals", "reports.jsonl", "--out", "scores.csv", "--quiet"])
    np.testing.assert_allclose(pd.read_csv("scores.csv")["score"], scores, atol=1e-4)
    cli.main(["export", "reports.seals", "--out", "labels.csv"])
    labels = pd.read_csv("labels.csv")
    assert dict(zip(labels["row"], labels["answer"], strict=True)) == {
        row: int(row in NEEDLES) for row in labels["row"]
    }


def test_a_classifier_of_examples_alone_reads_chunks_too(table, monkeypatch):
    label(monkeypatch, [*LIKE, "--chunks"], lambda session: session.ask(1))
    cli.main(["model", "reports.seals", "--out", "model"])
    texts = [json.loads(line)["text"] for line in table.read_text().splitlines()]
    scores = seals_sim.load_classifier("model").predict_proba(texts)[:, 1]
    assert {*np.argsort(-scores)[:3].tolist()} == {*NEEDLES}


def test_a_chunk_classifier_is_an_estimator(table):
    texts = [json.loads(line)["text"] for line in table.read_text().splitlines()][3:6]
    labels = ["other", "seal", "other"]
    classifier = clone(ChunkClassifier(C=10.0)).fit(texts, labels)
    assert classifier.predict(texts).tolist() == labels
    assert classifier.score(texts, labels) == 1
    assert classifier.classes_.tolist() == ["other", "seal"]
    np.testing.assert_allclose(classifier.predict_proba(texts).sum(axis=1), 1)
    for given, kinds in ((texts, ["a"] * 3), (texts[:2], labels), ("text", labels), ([], [])):
        with pytest.raises(ValueError, match=r"needs a label|give a list of"):
            ChunkClassifier().fit(given, kinds)
    with pytest.raises(NotFittedError):
        ChunkClassifier().predict(texts)


def test_a_chunk_classifier_of_a_model_that_cuts_nothing_is_refused_at_once(table, monkeypatch, capsys, refused):
    label(monkeypatch, [*LIKE, "--chunks"], lambda session: session.ask(1))
    cli.main(["model", "reports.seals", "--out", "model"])
    capsys.readouterr()
    config = table.parent / "model" / "config.json"
    config.write_text(config.read_text().replace("all-MiniLM-L6-v2", "wordllama"))
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("something was embedded"))
    said = refused(cli.main, ["score", "model", "reports.jsonl", "--out", "scores.csv"])
    assert "reads texts of any length" in said
    assert not (table.parent / "scores.csv").exists()


def test_a_table_that_has_grown_keeps_answers_and_only_new_chunks_are_embedded(table, monkeypatch, capsys):
    label(monkeypatch, [*LIKE, "--chunks"], find_needles)
    before = SessionFile.read(table.parent / "reports.seals").build_labels_table()
    lines = table.read_text().splitlines()
    more = [json.dumps({"text": f"{name}. {FILLER} {name} was in order. {FILLER[:400]}"}) for name in ("Quay", "Pier")]
    table.write_text("\n".join([*more, *lines[1:]]) + "\n")
    embedded = []
    encode = Encoder.encode

    def keep(self, texts, *more):
        embedded.extend(texts)
        return encode(self, texts, *more)

    monkeypatch.setattr(Encoder, "encode", keep)
    capsys.readouterr()
    session = label(monkeypatch, [], lambda opened: (opened.options.chunks, opened.answers, opened.ask(1)[0].mark))
    said = capsys.readouterr().err
    kept = before[before["row"] > 0]
    assert f"the table has changed; {len(kept)} answers carried over" in said
    assert session[0]
    assert session[1] == dict(zip(kept["row"] + 1, kept["answer"], strict=True))
    assert session[2] is not None
    examples = {"a sick marine mammal", "mild weather", "a sentence"}  # the last one shows how long a vector is
    assert all("Quay" in text or "Pier" in text or text in FILLER * 2 for text in set(embedded) - examples)
    assert len(set(embedded) - examples) <= 6
    assert not any("harbor seal" in text for text in embedded)


def test_a_judge_is_shown_whole_texts(table, monkeypatch):
    pytest.importorskip("openai", reason="the extra [judge] is not installed")
    from tests.label.judge_server import MODEL, NO, YES, JudgeServer

    with JudgeServer(lambda text: YES if "harbor seal" in text else NO) as server:
        words = ["--judge", server.url, "--judge-model", MODEL, "--instruction", "Is it of a seal?", "--no-page"]
        cli.main(["label", "reports.jsonl", "--cache", "cache", *LIKE, "--chunks", *words, "--judge-budget", "8"])
    answers = SessionFile.read(table.parent / "reports.seals").state.answers
    assert len(answers) == 8
    assert answers == {row: int(row in NEEDLES) for row in answers}
    assert {row for row, answer in answers.items() if answer} == {*NEEDLES}
    texts = {json.loads(line)["text"] for line in table.read_text().splitlines()}
    assert set(server.calls) <= texts


def test_several_concepts_search_long_texts(tmp_path):
    examples = {"meant": ([str(STARTS[MEANT[0] + 1] - 1)], ()), "other": (["3"], ())}
    with Concepts.begin(tmp_path / "s", make_corpus(), examples, OPTIONS) as concepts:
        added = concepts.add("third", (["5"], ()), [int(MEANT[0])])
        assert {row for row, *_ in work(concepts.sessions["meant"], 20)} >= {*MEANT}
        assert any(asked.mark for asked in added.ask(3))
