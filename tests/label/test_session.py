"""Label sessions: the loop of the experiments, one step at a time."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from pydantic import ValidationError

from seals_sim import ArgMax, LabelTable, LogisticLearner, SealsPool, UserError, most_likely_positive, run
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.options import to_user_error
from seals_sim.types import LabeledRows
from tests.label.small import CLUSTER, CORPUS, IS_POSITIVE, PLAIN, TEXTS, VECTORS, answer_by_cluster


def test_session_asks_what_a_replay_labels(tmp_path):
    seeds = LabeledRows([*np.flatnonzero(IS_POSITIVE)[:4], *np.flatnonzero(~IS_POSITIVE)[:16]], [1] * 4 + [0] * 16)
    pool = SealsPool(seeds, VECTORS, CORPUS.index, 12)
    *_, last = run(
        seeds, pool, LogisticLearner(VECTORS), ArgMax(most_likely_positive), LabelTable(IS_POSITIVE), 15, 20 + 60
    )
    with Session.begin(tmp_path / "s", CORPUS, options=PLAIN) as session:
        session.tell(seeds.rows.tolist(), seeds.labels.tolist())
        asked = [row for _ in range(4) for row in answer_by_cluster(session, 15)]
        assert asked == last.labeled.rows[20:].tolist()
        n_seeds_that_entered = session.status().n_candidates - last.n_candidates  # before they were answered
        assert 0 <= n_seeds_that_entered < 20
        assert session.status().n_positive == last.labeled.labels.sum()


def test_asked_rows_give_their_reason(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], ["text 200"], PLAIN) as session:
        (first,) = session.ask(1)
        assert first.text == TEXTS[first.row]
        assert first.because.text == "text 3"
        assert first.because.row is None
        assert first.because.similarity == pytest.approx(float(VECTORS[3] @ VECTORS[first.row]), abs=1e-5)
        session.tell([first.row], [1])
        near = [asked for asked in session.ask(5) if asked.because.row == first.row]
        assert near
        assert near[0].because.text == first.text
        assert 0 < near[0].score < 1


def test_one_class_alone_is_explained_and_rows_are_ordered_by_similarity(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=PLAIN) as session:
        assert session.status().explanation.startswith("No negatives marked yet: ")
        asked = session.ask(3)
        similarity = VECTORS @ VECTORS[3]
        assert asked[0].row == int(np.argmax(similarity))  # the lower row of exact duplicates
        with pytest.raises(UserError, match=r"there are no scores yet\. No negatives marked yet"):
            session.compute_scores()
        is_like_text_3 = np.equal(CLUSTER, CLUSTER[3])
        session.tell([a.row for a in asked], is_like_text_3[[a.row for a in asked]].astype(int).tolist())
        session.tell([int(np.flatnonzero(~is_like_text_3)[0])], [0])
        assert session.status().explanation == ""
        scores = session.compute_scores()
        assert scores.shape == (400,)
        assert scores[is_like_text_3].min() > np.median(scores[~is_like_text_3])
    with Session.begin(tmp_path / "n", CORPUS, [], ["text 3"], PLAIN) as session:
        assert session.status().explanation.startswith("No positives marked yet: ")
        assert len(session.ask(5)) == 5


def test_with_nothing_marked_rows_are_drawn_and_every_row_is_asked_once(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=SessionOptions(k=5, control_every=4)) as session:
        assert session.ask(1)[0].is_control
        rows = []
        while batch := answer_by_cluster(session, 50):
            rows += batch
        assert sorted(rows) == list(range(400))
        assert session.ask(5) == []
        status = session.status()
        assert (status.n_answered, status.n_positive, status.n_waiting) == (400, int(IS_POSITIVE.sum()), 0)
        assert status.remaining.high == 0
        assert list(status.curve) == np.cumsum([IS_POSITIVE[row] for row in rows]).tolist()


def test_a_row_answered_twice_counts_once_and_the_journal_has_both_answers(tmp_path):
    path = tmp_path / "s"
    with Session.begin(path, CORPUS, ["text 3"], options=PLAIN) as session:
        session.tell([7, 7], [1, 0])
        assert session.answers == {7: 0}
        assert session.undo() == 7
        assert session.answers == {7: 1}
        assert session.undo() == 7
        assert session.answers == {}
        assert session.undo() is None
    with sqlite3.connect(path) as database:
        kinds = database.execute("SELECT kind, row, answer FROM events ORDER BY id").fetchall()
    assert kinds == [("answer", 7, 1), ("answer", 7, 0), ("undo", 7, None), ("undo", 7, None)]


def test_a_row_whose_answer_is_undone_is_asked_again_first(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=PLAIN) as session:
        first, second, *_ = [asked.row for asked in session.ask(4)]
        session.tell([first, second], [1, None])
        assert session.status().n_skipped == 1
        assert session.undo() == second
        assert session.ask(4)[0].row == second


def test_one_bad_answer_rejects_them_all(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=PLAIN) as session:
        with pytest.raises(UserError, match="row 400: no such row; the table has 400"):
            session.tell([5, 400], [1, 1])
        with pytest.raises(UserError, match="row 5: 2 is not an answer; use 1, 0, or None to skip"):
            session.tell([5], [2])
        assert session.answers == {}


def test_an_unknown_strategy_is_refused(tmp_path):
    with pytest.raises(ValidationError) as error:
        SessionOptions(strategy="margin")
    problem = "unknown; choose from 'most_likely_positive' or 'maxent'"
    assert str(to_user_error(error.value)) == f"strategy = 'margin': {problem}"


def test_unasked_answers_do_not_count_for_stopping_or_the_curve(tmp_path):
    """Of 40 positives half come from elsewhere, followed by 200 negatives: a search would have been over by then."""
    positives, negatives = np.flatnonzero(IS_POSITIVE), np.flatnonzero(~IS_POSITIVE)
    n = len(positives) // 2
    rows = [*positives[:n].tolist(), *negatives[:200].tolist()]
    with Session.begin(tmp_path / "s", CORPUS, options=PLAIN) as session:
        session.tell(rows, [1] * n + [0] * 200)
        status = session.status()
        assert (status.n_answered, status.n_positive, status.curve, status.p_missing) == (n + 200, n, (), 1.0)
        asked = answer_by_cluster(session, 30)
        status = session.status()
        assert status.curve == tuple(np.cumsum(IS_POSITIVE[asked]))
        assert 0 < status.p_missing <= 1
        answer_by_cluster(session, 400)
        assert session.status().p_missing < 1e-9
        assert session.status().n_answered == 400
