"""The candidates of a session: everything, the walk, or the paper's pool."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.search import choice
from tests.label.small import CORPUS, IS_POSITIVE, TEXTS, answer_by_cluster, forget_options

PICKED = SessionOptions(k=12, control_every=7)
POOLS = ("all", "walk", "positives", "seals")


def search(path, options, n, reopened=False):
    """Ask for rows one by one and answer them. Return the rows in order."""
    like = f"text {IS_POSITIVE.argmax()}"
    session, rows = Session.begin(path, CORPUS, [like], [f"text {IS_POSITIVE.argmin()}"], options), []
    for _ in range(n):
        rows += answer_by_cluster(session, 1)
        if reopened:
            session.close()
            session = Session.open(path, CORPUS)
    session.close()
    return rows


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("strategy", ["most_likely_positive", "maxent"])
def test_a_session_that_is_reopened_asks_what_it_would_have_asked(tmp_path, pool, strategy):
    options = replace(PICKED, pool=pool, strategy=strategy)
    assert search(tmp_path / "a", options, 40, reopened=True) == search(tmp_path / "b", options, 40)


def test_with_k_of_n_every_pool_asks_what_a_scan_asks(tmp_path):
    rows = {pool: search(tmp_path / pool, replace(PICKED, pool=pool, k=len(TEXTS)), 40) for pool in POOLS}
    assert rows["walk"] == rows["positives"] == rows["seals"] == rows["all"]


def test_the_walk_finds_the_positives(tmp_path):
    rows = search(tmp_path / "s", replace(PICKED, pool="walk", control_every=0), IS_POSITIVE.sum() + 5)
    assert IS_POSITIVE[rows].sum() >= 0.9 * IS_POSITIVE.sum()


def test_what_a_walk_lets_in(tmp_path):
    options = SessionOptions(k=5, control_every=0, pool="walk")
    with Session.begin(tmp_path / "s", CORPUS, options=options) as session:
        session.tell([1], [0])
        assert session.status().n_candidates == 0
        assert session.status().explanation == "No positives marked yet: rows are drawn at random."
        session.tell([1], [1])
        n = session.status().n_candidates
        assert n > 0
        session.undo()
        session.tell([1], [1])
        assert session.status().n_candidates == n


def test_an_early_session_walks_as_it_did(tmp_path):
    options = SessionOptions(k=5, control_every=0, pool="walk")
    with Session.begin(tmp_path / "s", CORPUS, ["text 1"], options=options) as session:
        assert (session.options.step, session.options.entries) == (30, 8)
    forget_options(tmp_path / "s", "step", "entries")
    with Session.open(tmp_path / "s", CORPUS) as session:
        assert (session.options.step, session.options.entries) == (10, 0)


def test_everything_is_a_candidate_of_a_scan_but_copies(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=SessionOptions(pool="all")) as session:
        assert session.status().n_candidates == session.status().n_rows


def test_the_rule_is_applied_once_when_the_session_begins(tmp_path, monkeypatch):
    Session.begin(tmp_path / "a", CORPUS).close()
    monkeypatch.setattr(choice, "SCAN_BYTES", 100)
    Session.begin(tmp_path / "b", CORPUS).close()
    with Session.open(tmp_path / "a", CORPUS) as a, Session.open(tmp_path / "b", CORPUS) as b:
        assert (a.options.pool, b.options.pool) == ("all", "walk")
