"""`seals label --chunks`: what stands behind the model's last token is found, and the rows stay those of the table."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from seals_sim.cli import label as label_command
from seals_sim.cli import main as cli
from seals_sim.embed.chunks import Chunks
from seals_sim.errors import UserError
from seals_sim.indexes.chunked import ChunkedIndex
from seals_sim.label.chunked_corpus import build_chunked_corpus
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from seals_sim.vectors.chunked import ChunkedVectors
from tests.label.page import replace_page

N = 120
RNG = np.random.default_rng(0)
COUNTS = 1 + np.arange(N) % 4
STARTS = np.concatenate([[0], np.cumsum(COUNTS)])
MEANT = np.flatnonzero(np.arange(N) % 12 == 7)  # of four chunks each, of which the last is meant
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
    """Answer n rows by what is meant, and say what was asked and marked."""
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
    with pytest.raises(UserError, match="not how the corpus was built"):
        Session.begin(tmp_path / "s", make_corpus(), ["3"])
    with pytest.raises(UserError, match="all scanned"):
        Session.begin(tmp_path / "s", make_corpus(), ["3"], options=SessionOptions(chunks=True, pool="walk"))
    Session.begin(tmp_path / "s", make_corpus(), ["3"], options=OPTIONS).close()
    whole = Corpus(CHUNKED[STARTS[:-1]], None, "chunked", TEXTS)
    with pytest.raises(UserError, match="begun with chunks = True"):
        Session.open(tmp_path / "s", whole)


FILLER = "The weather was mild, the road was dry, and we drove past fields of wheat for hours. " * 15
NEEDLES = (4, 11, 17)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = ["A parcel arrived on Tuesday.", "The accounts were settled.", "Nobody was at home."]
    ends = ["The harbor seal had a rare skin disease." if row in NEEDLES else said[row % 3] for row in range(20)]
    path = tmp_path / "reports.jsonl"
    texts = [f"Report {row}. {FILLER} {end} {FILLER[:300]}" for row, end in enumerate(ends)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def label(monkeypatch, words, work):
    """`seals label`, with `work` done on the session in the place of the page."""
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
    with pytest.raises(UserError, match="up to 5 are taken"):
        build_chunked_corpus([FILLER] * 3, tmp_path / "cache", most=5)


def test_no_classifier_is_saved_that_reads_beginnings_alone(table, monkeypatch, capsys, refused):
    label(monkeypatch, ["--like", "a seal", "--not-like", "a road", "--chunks"], lambda session: session.ask(1))
    capsys.readouterr()
    said = refused(cli.main, ["model", "reports.seals", "--out", "model"])
    assert "in chunks" in said
    assert not (table.parent / "model").exists()
