"""Several people in one session: each has their own rows and their own undo, and answers may differ."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from seals_sim.label.events import ImportedFile
from seals_sim.label.exchange import SessionFile, build_labels_table
from seals_sim.label.exchange.growth import carry_over, match_session
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from tests.label.small import CORPUS, IS_POSITIVE, OF_VERSION_5, PLAIN, TEXTS

OPTIONS = replace(PLAIN, control_every=5, pool="all")


@pytest.fixture
def session(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=OPTIONS) as opened:
        yield opened


def at_page(session, name):
    """The calls from one person's tab."""
    headers = {"X-Token": "t", "X-Person": quote(name)}
    return TestClient(make_app(session, "t", "127.0.0.1", "s"), base_url="http://127.0.0.1:80", headers=headers)


def list_rows(client, n=4):
    return [item["row"] for item in client.get(f"/api/batch?n={n}").json()["rows"]]


def test_each_has_rows_and_an_undo_of_their_own(session):
    ada, bob = at_page(session, "Ada"), at_page(session, "Bób")
    of_ada, of_bob = list_rows(ada), list_rows(bob)
    assert not set(of_ada) & set(of_bob)
    assert (list_rows(ada), list_rows(bob)) == (of_ada, of_bob)
    ada.post("/api/answer", json={"row": of_ada[0], "answer": 1})
    bob.post("/api/answer", json={"row": of_bob[0], "answer": 0})
    assert ada.post("/api/undo").json()["row"] == of_ada[0]
    assert list_rows(ada)[0] == of_ada[0]
    assert session.answers == {of_bob[0]: 0}
    assert ada.post("/api/undo").json()["row"] is None
    table = build_labels_table(session)
    assert table[["row", "answer", "who"]].values.tolist() == [[of_bob[0], 0, "Bób"]]
    assert at_page(session, "x" * 101).get("/api/batch").status_code == 400


def test_a_session_that_is_opened_again_knows_who_did_what(tmp_path, session):
    for name in ("Ada", "", "Bob") * 5:
        for row in [asked.row for asked in session.ask(3, name)][:2]:
            session.tell([row], [int(IS_POSITIVE[row])], name)
    session.undo("Bob")
    rows = list(session.answers)
    session.tell(rows[:3], [1 - session.answers[row] for row in rows[:3]], "Cy")

    def describe(one):
        waiting = {name: one.ask(5, name) for name in ("Ada", "", "Bob")}
        return str((waiting, one.disputed, one.status(), [one.list_said(row) for row in one.answers]))

    before = describe(session)
    assert session.disputed
    session.close()
    with Session.open(tmp_path / "s", CORPUS) as again:
        assert describe(again) == before
        table = build_labels_table(again)
        assert again.undo("Ada") is not None
        again.tell([rows[0]], [1], "Ada")
    kept = SessionFile.read(tmp_path / "s").build_labels_table()
    assert set(kept["who"].dropna()) == set(table["who"].dropna()) == {"Ada", "Bob", "Cy"}


def test_answers_that_differ_are_listed_and_the_next_one_settles_them(session):
    ada, bob = at_page(session, "Ada"), at_page(session, "Bob")
    (row, other) = list_rows(ada, 2)
    for client, answer in ((ada, 1), (bob, 0), (ada, 1)):  # Ada's comes again: its reply was lost
        reply = client.post("/api/answer", json={"row": row, "answer": answer, "id": str(answer)}).json()
        client.post("/api/answer", json={"row": other, "answer": 1})
    assert reply["status"]["n_disputed"] == 1
    listed = bob.get("/api/answers?answer=disputed").json()
    assert listed["n_found"] == 1
    assert listed["rows"][0]["said"] == [{"who": "Ada", "answer": 1}, {"who": "Bob", "answer": 0}]
    assert session.answers[row] == 0  # the last one, until then
    settled = ada.post("/api/answer", json={"row": row, "answer": 1}).json()["status"]
    assert settled["n_disputed"] == 0
    assert session.answers[row] == 1
    ada.post("/api/undo")
    assert session.disputed == [row]


def test_a_row_waits_for_whoever_took_back_an_answer_to_it(session):
    (of_ada,), (of_bob,) = ([asked.row for asked in session.ask(1, who)] for who in ("Ada", "Bob"))
    session.tell([of_ada], [1], "Bob")
    assert session.undo("Bob") == of_ada
    assert [asked.row for asked in session.ask(2, "Bob")] == [of_ada, of_bob]
    assert of_ada not in [asked.row for asked in session.ask(2, "Ada")]


def test_at_the_end_the_rows_of_others_are_left(session):
    of_ada = [asked.row for asked in session.ask(3, "Ada")]
    while rows := [asked.row for asked in session.ask(50, "Bob") if asked.row not in of_ada]:
        session.tell(rows, [0] * len(rows), "Bob")
    assert [asked.row for asked in session.ask(50, "Bob")] == of_ada


def test_a_session_of_the_version_before_goes_on(tmp_path, session):
    rows = [asked.row for asked in session.ask(4)]
    session.tell(rows[:2], [1, 0])
    session.close()
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        for statement in OF_VERSION_5:
            database.execute(statement)
        database.execute("ALTER TABLE events DROP COLUMN who")
        database.execute("PRAGMA user_version = 3")
    with Session.open(tmp_path / "s", CORPUS) as again:
        assert again.answers == dict(zip(rows, (1, 0), strict=False))
        assert again.undo() == rows[1]
        assert [asked.row for asked in again.ask(3)] == rows[1:]
        assert "who" not in build_labels_table(again).columns
        again.tell([rows[1]], [1], "Ada")
        assert again.list_said(rows[1])[-1].who == "Ada"


def test_who_said_what_goes_on_in_a_table_that_has_grown(tmp_path):
    texts = [*TEXTS[:-1], TEXTS[7]]
    before = replace(CORPUS, texts=texts, fingerprint="before")
    now = replace(CORPUS, texts=["another", *texts[1:]], fingerprint="now")
    with Session.begin(tmp_path / "s", before, options=OPTIONS) as session:
        for row, answer, who in [(7, 1, "Ada"), (9, 1, "Ada"), (9, 0, "Bob"), (5, 0, ""), (7, None, "Ada")]:
            session.tell([row], [answer], who)
        session.add_import(ImportedFile("digest", "name"), [(11, 1)])
        session.tell([11], [0], "Ada")
        assert session.list_copies(7) == [7, len(texts) - 1]
        said = {row: session.list_said(row) for row in (5, 7, 9)}
    carry_over(match_session([SessionFile.read(tmp_path / "s")], now.texts, None), now)
    with Session.open(tmp_path / "s", now) as session:
        assert {row: session.list_said(row) for row in (5, 7, 9)} == said
        assert session.disputed == [9]
        assert [session.undo("Bob"), session.undo("Bob"), session.undo("")] == [9, None, 5]
        assert list(session.distinct_answers.items()) == [(7, None), (9, 1), (11, 0)]
