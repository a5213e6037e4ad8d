"""Equal texts are asked once, and an answer to one of them counts for all."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex, IndexOptions, build_index
from seals_sim.label.copies import DistinctRows
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import ImportedFile
from seals_sim.label.exchange import (
    build_argilla_records,
    build_label_studio_tasks,
    build_labels_table,
    build_scores_table,
    import_labels,
    read_argilla,
    read_label_studio,
)
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.types import ImportReport

FILE = ImportedFile("digest", "labels.json")
COPIED = [3, 20, 40, 41, 59]  # rows with the text of row 3
N_DISTINCT = 56


def build_small(folder):
    """Simulated: 60 texts in two clusters, one of them repeated five times."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 6)) + np.where(np.arange(60)[:, None] % 2, 2, -2)
    vectors[COPIED] = vectors[3]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    texts = [f"text {3 if row in COPIED else row}" for row in range(60)]
    index = build_index("exact", vectors, folder, IndexOptions(k=5), rng)
    return Corpus(vectors, index, "small", texts, lambda some: vectors[[int(text.split()[1]) for text in some]])


@pytest.fixture
def corpus(tmp_path):
    return build_small(tmp_path)


@pytest.fixture
def session(tmp_path, corpus):
    with Session.begin(
        tmp_path / "s", corpus, ["text 5"], options=SessionOptions(k=5, control_every=3, presumed=0)
    ) as opened:
        yield opened


def test_an_answer_to_a_copy_is_for_all_and_an_undo_takes_it_back_from_all(session):
    session.tell([40], [1])
    assert session.answers == dict.fromkeys(COPIED, 1)
    assert session.distinct_answers == {3: 1}
    session.tell([3], [0])
    session.tell([59], [None])
    assert session.answers == dict.fromkeys(COPIED)
    assert session.undo() == 3
    assert session.answers == dict.fromkeys(COPIED, 0)
    session.undo()
    session.undo()
    assert session.answers == {}
    assert session.list_copies(41) == COPIED
    with pytest.raises(UserError, match="row 60: no such row"):
        session.list_copies(60)


def test_every_text_is_asked_once_and_all_numbers_count_texts(session):
    rows = []
    while asked := session.ask(7):
        for item in asked:
            assert item.n_copies == (5 if item.row == 3 else 1)
            session.tell([item.row], [item.row % 2])
        rows += [item.row for item in asked]
        status = session.status()
        assert status.n_answered == len(rows) == len(status.curve)
        assert status.n_positive == sum(row % 2 for row in rows) == status.curve[-1]
        assert status.n_candidates <= N_DISTINCT
        assert status.remaining.high <= N_DISTINCT - len(rows)
    assert sorted(rows) == sorted(set(range(60)) - set(COPIED[1:]))
    assert (status.n_rows, status.n_copies, status.n_waiting) == (N_DISTINCT, 4, 0)
    assert status.p_missing < 1e-9
    assert len(session.answers) == 60


def test_no_copy_is_in_a_list_of_rows(session):
    session.tell([3, 0], [1, 0])
    hits = [*session.find("text 3", 10), *session.find_similar(5, 10)]
    assert not {hit.row for hit in hits} & set(COPIED[1:])
    assert [hit.row for hit in session.find("text 3", 1)] == [3]
    assert session.find_similar(41, 6) == session.find_similar(3, 6)
    assert not {hit.row for hit in session.find_similar(41, 6)} & set(COPIED)
    assert session.find_words("3") == [3]


def test_the_model_is_that_of_the_texts_without_their_copies(session, corpus, tmp_path):
    firsts = sorted(set(range(60)) - set(COPIED[1:]))
    few = Corpus(
        corpus.vectors[firsts], ExactIndex(corpus.vectors[firsts]), "few",
        [corpus.texts[row] for row in firsts], lambda texts: corpus.encode(texts),
    )  # fmt: skip
    with Session.begin(tmp_path / "few", few, ["text 5"], options=session.options) as other:
        for _ in range(4):
            asked, same = session.ask(5), other.ask(5)
            assert [item.row for item in asked] == [firsts[item.row] for item in same]
            assert [item.score for item in asked] == [item.score for item in same]
            session.tell([item.row for item in asked], [item.row % 2 for item in asked])
            other.tell([item.row for item in same], [item.row % 2 for item in asked])
        assert session.compute_scores()[firsts].tolist() == other.compute_scores().tolist()
        assert str(replace(session.status(), n_copies=0)) == str(other.status())


def test_the_last_label_of_equal_texts_in_a_file_is_for_all_and_the_person_stands(session, tmp_path):
    assert session.add_import(FILE, [(3, 1), (7, 1), (20, 0), (41, 1)]) == ImportReport(2, 0, n_mixed=1)
    assert session.answers == dict.fromkeys([*COPIED, 7], 1)
    session.tell([59], [0])
    assert session.add_import(replace(FILE, digest="2"), [(20, 1), (7, 1)]) == ImportReport(0, 1)
    tasks = [
        {"data": {"text": "text 3"}, "annotations": [{"was_cancelled": True, "result": []}]},
        {"data": {"text": "text 4"}, "annotations": [{"was_cancelled": True, "result": []}]},
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    assert import_labels(session, tmp_path / "tasks.json", "label_studio") == ImportReport(1, 1)
    assert session.answers == {**dict.fromkeys(COPIED, 0), 7: 1, 4: None}


def test_exports_list_every_row_that_has_an_answer(session, tmp_path):
    session.tell([20, 7, 0], [1, None, 0])
    table = build_labels_table(session)
    assert table["row"].tolist() == [*COPIED, 7, 0]
    assert table["text"].tolist() == [*["text 3"] * 5, "text 7", "text 0"]
    assert table["answer"].tolist()[:5] == [1] * 5
    (tmp_path / "tasks.json").write_text(json.dumps(build_label_studio_tasks(session)))
    assert [row for row, _ in read_label_studio(tmp_path / "tasks.json").labels] == table["row"].tolist()
    (tmp_path / "records.json").write_text(json.dumps(build_argilla_records(session)))
    assert [row for row, _ in read_argilla(tmp_path / "records.json").labels] == table["row"].tolist()
    scores = build_scores_table(session)
    assert scores["answer"][COPIED].tolist() == [1] * 5
    assert scores["answer"].notna().sum() == 6


def test_only_the_row_that_was_drawn_is_a_control(corpus, tmp_path):
    with Session.begin(tmp_path / "drawn", corpus, options=SessionOptions(k=5, control_every=1)) as session:
        assert len(session.ask(60)) == N_DISTINCT
        session.tell([20], [1])
        assert [row for row in COPIED if session.is_control(row)] == [3]
        assert (session.status().n_control, session.status().remaining.guess) == (1, N_DISTINCT - 1)


def test_a_reopened_session_has_the_same_answers_and_asks_the_same(session, corpus, tmp_path):
    session.tell([40, 0], [1, 0])
    before = str((session.ask(9), session.answers, session.status()))
    session.close()
    with Session.open(tmp_path / "s", corpus) as again:
        assert str((again.ask(9), again.answers, again.status())) == before
        assert again.options.copies == "together"


def test_apart_each_row_has_its_own_answer(corpus, tmp_path):
    options = SessionOptions(k=5, control_every=0, copies="apart", presumed=0)
    with Session.begin(tmp_path / "s", corpus, ["text 3"], options=options) as session:
        assert [item.row for item in session.ask(5)] == COPIED
        session.tell([20, 41], [1, 0])
        assert session.answers == {20: 1, 41: 0}
        assert (session.status().n_rows, session.status().n_copies) == (60, 0)
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        (content,) = database.execute("SELECT value FROM about WHERE name = 'options'").fetchone()
        known = {name: value for name, value in json.loads(content).items() if name != "copies"}
        database.execute("UPDATE about SET value = ? WHERE name = 'options'", (json.dumps(known),))
    with Session.open(tmp_path / "s", corpus) as session:  # like one that an earlier version started
        assert session.options.copies == "apart"
        assert session.answers == {20: 1, 41: 0}
        assert [item.row for item in session.ask(3)] == [3, 40, 59]


def test_without_texts_equal_vectors_are_answered_together(corpus, tmp_path):
    bare = Corpus(corpus.vectors, ExactIndex(corpus.vectors), "bare")
    with Session.begin(tmp_path / "s", bare, options=SessionOptions(k=5)) as session:
        session.tell([20], [1])
        assert session.answers == dict.fromkeys(COPIED, 1)


def test_draws_are_uniform_among_distinct_rows(corpus):
    rows = DistinctRows(corpus, is_together=True)
    seen = set(range(0, 60, 2)) - set(COPIED)
    rng = np.random.default_rng(0)
    counts = np.bincount([rows.draw_unseen(seen, rng) for _ in range(5400)], minlength=60)
    assert set(np.flatnonzero(counts)) == set(range(60)) - seen - set(COPIED[1:])
    assert counts.max() < 2 * counts[counts > 0].min()
    assert rows.draw_unseen(set(range(60)) - set(COPIED[1:]), rng) is None


@pytest.mark.parametrize("index", ["exact", "hnsw"])
def test_a_hundred_and_fifty_copies_are_asked_once_and_hide_nothing(index, tmp_path):
    """Simulated: recall of a session on rows without copies, and on the same rows with 150 copies of one positive."""
    rng = np.random.default_rng(0)
    centers, cluster = rng.normal(size=(30, 24)), rng.integers(0, 30, 3000)
    plain = (centers[cluster] + 0.5 * rng.normal(size=(3000, 24))).astype(np.float32)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    is_positive = cluster == 0
    copies = rng.choice(np.flatnonzero(~is_positive), 150, replace=False)
    copied, copied_positive = plain.copy(), is_positive.copy()
    copied[copies], copied_positive[copies] = plain[np.flatnonzero(is_positive)[0]], True
    recall = []
    for vectors, truth in ((plain, is_positive), (copied, copied_positive)):
        folder = tmp_path / f"{len(recall)}"
        corpus = Corpus(vectors, build_index(index, vectors, folder, IndexOptions(k=20), rng), "simulated")
        seeds = [*np.flatnonzero(is_positive)[:3].tolist(), *np.flatnonzero(~truth)[:20].tolist()]
        with Session.begin(tmp_path / f"s{len(recall)}", corpus, options=SessionOptions(k=20)) as session:
            session.tell(seeds, truth[seeds].astype(int).tolist())
            for _ in range(15):
                rows = [item.row for item in session.ask(20)]
                assert not set(rows) & set(copies.tolist()) or vectors is plain
                session.tell(rows, truth[rows].astype(int).tolist())
            found = [row for row, answer in session.answers.items() if answer]
        recall.append(len(found) / truth.sum())
    assert recall[1] > recall[0] - 0.01
    assert recall[0] > 0.9
