"""Several concepts in one session: one search for each, in one file and over one corpus."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from seals_sim import UserError
from seals_sim.label.concepts import Concepts
from seals_sim.label.events import ImportedFile
from seals_sim.label.exchange import SessionFile
from seals_sim.label.session import Session
from tests.label.small import CLUSTER, CORPUS, PLAIN

OPTIONS = replace(PLAIN, control_every=5, pool="all")
WANTED = {"zero": 0, "one": 1}
EXAMPLES = {
    name: ([f"text {list(CLUSTER).index(cluster)}"], [f"text {list(CLUSTER).index(5)}"])
    for name, cluster in WANTED.items()
}


@pytest.fixture
def concepts(tmp_path):
    with Concepts.begin(tmp_path / "s", CORPUS, EXAMPLES, OPTIONS) as opened:
        yield opened


def judge(row):
    return {name: int(CLUSTER[row] == cluster) for name, cluster in WANTED.items()}


def describe(one):
    return str([(s.ask(3), s.status(), list(s.answers.items()), s.seeds[0].text) for s in one.sessions.values()])


def test_each_concept_searches_as_a_session_of_its_own_would(tmp_path, concepts):
    for name, session in concepts.sessions.items():
        with Session.begin(tmp_path / name, CORPUS, *EXAMPLES[name], OPTIONS) as alone:
            for _ in range(12):
                for one in (session, alone):
                    rows = [asked.row for asked in one.ask(2)]
                    one.tell(rows, [judge(row)[name] for row in rows])
            assert session.answers == alone.answers
            assert str(session.status()) == str(alone.status())
            assert str(session.ask(3)) == str(alone.ask(3))
    assert concepts.sessions["zero"].answers != concepts.sessions["one"].answers
    assert all(session.corpus is CORPUS for session in concepts.sessions.values())
    before = describe(concepts)
    concepts.close()
    shutil.copy(tmp_path / "s", tmp_path / "copy")
    for path in (tmp_path / "s", tmp_path / "copy"):
        with Concepts.open(path, CORPUS) as again:
            assert describe(again) == before


def test_a_row_is_answered_for_all_concepts_at_once_and_taken_back_at_once(tmp_path, concepts):
    asked = []
    for _ in range(8):
        (name, one), *_ = concepts.ask(3)
        asked.append((name, one.row))
        concepts.tell(one.row, judge(one.row))
    assert {name for name, _ in asked} == {"zero", "one"}
    rows = [row for _, row in asked]
    for name, session in concepts.sessions.items():
        assert session.answers == {row: judge(row)[name] for row in rows}
    assert concepts.sessions["zero"].status().n_positive > 0 < concepts.sessions["one"].status().n_positive
    assert concepts.undo() == rows[-1]
    assert all(rows[-1] not in session.answers for session in concepts.sessions.values())
    assert rows[-1] in [one.row for _, one in concepts.ask(20)]
    concepts.sessions["one"].tell([rows[0]], [None])
    concepts.close()
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert again.undo() == rows[0]
        assert again.sessions["one"].answers[rows[0]] == judge(rows[0])["one"]
        assert [again.undo() for _ in range(8)] == [*rows[-2::-1], None]


def test_rows_for_all_concepts_come_once_and_end(concepts):
    for session in concepts.sessions.values():
        session.tell([row for row in range(len(CLUSTER)) if row > 6], [0] * (len(CLUSTER) - 7))
    assert sorted(one.row for _, one in concepts.ask(50)) == list(range(7))
    assert len(concepts.ask(4)) == 4


def test_of_an_answer_for_several_concepts_all_is_kept_or_nothing(tmp_path, concepts):
    before = describe(concepts)
    for row, answers in [(5, {"zero": 1, "one": 2}), (5, {"zero": 1, "two": 1}), (10**6, {"zero": 1})]:
        with pytest.raises(UserError):
            concepts.tell(row, answers)
    assert describe(concepts) == before
    with closing(sqlite3.connect(f"file:{tmp_path / 's'}?mode=ro&immutable=1", uri=True)) as database:
        assert database.execute("SELECT count(*) FROM events WHERE kind = 'answer'").fetchone() == (0,)


def test_a_concept_is_added_to_a_session_that_was_begun_with_none(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS) as session:
        rows = [asked.row for asked in session.ask(6)]
        session.tell(rows, [judge(row)["zero"] for row in rows])
        before = str((session.ask(3), session.status()))
    with Concepts.open(tmp_path / "s", CORPUS) as concepts:
        assert list(concepts.sessions) == [""]
        concepts.add("one", EXAMPLES["one"])
        assert str((concepts.sessions[""].ask(3), concepts.sessions[""].status())) == before
        concepts.sessions["one"].tell([3], [0])
        for name in ("one", "", "all", "unnamed", "a=b", " a", "x" * 101):
            with pytest.raises(UserError, match="concept = "):
                concepts.add(name)
    with Session.open(tmp_path / "s", CORPUS) as session:
        assert str((session.ask(3), session.status())) == before
    with Concepts.open(tmp_path / "s", CORPUS) as concepts:
        assert concepts.sessions["one"].answers == {3: 0}
    assert [file.concept for file in SessionFile.read_all(tmp_path / "s")] == ["", "one"]
    assert SessionFile.read(tmp_path / "s", "one").build_labels_table()["row"].tolist() == [3]
    with pytest.raises(UserError, match="has the concepts unnamed, one; name one of these"):
        SessionFile.read(tmp_path / "s")


def test_a_concept_is_added_whole_or_not_at_all(tmp_path, concepts):
    before = describe(concepts)
    for examples, rows in [((), [10**6]), (["text x"], [3])]:
        with pytest.raises((UserError, ValueError)):
            concepts.add("two", (examples, ()), rows)
        assert list(concepts.sessions) == list(EXAMPLES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "tell", fail_to_write)
        with pytest.raises(UserError, match="full"):
            concepts.add("two", (["text 0"], ()), [3])
    assert describe(concepts) == before
    added = concepts.add("two", (["text 0"], ()), [3], "Ada")
    assert (added.answers, [seed.text for seed in added.seeds]) == ({3: 1}, ["text 0"])
    concepts.close()
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert list(again.sessions) == [*EXAMPLES, "two"]
        assert again.sessions["two"].list_said(3) == [("Ada", 1)]


def fail_to_write(*_):
    raise UserError("the disk is full")


def test_a_concept_is_renamed_with_all_that_is_its_own(tmp_path, concepts):
    file = ImportedFile("digest", "labels.csv")
    for session in concepts.sessions.values():
        session.add_import(file, [(4, 1)])
        session.ask(3)
    before = describe(concepts)
    with pytest.raises(UserError, match="is taken"):
        concepts.rename("zero", "one")
    with pytest.raises(UserError, match="there is no concept two"):
        concepts.rename("two", "three")
    concepts.rename("zero", "zero")
    concepts.rename("zero", "nought")
    assert list(concepts.sessions) == ["nought", "one"]
    assert concepts.sessions["nought"].concept == "nought"
    concepts.tell(7, {"nought": 1, "one": 0})
    concepts.undo()
    assert describe(concepts) == before
    concepts.close()
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert list(again.sessions) == ["nought", "one"]
        assert describe(again) == before
        assert all(session.add_import(file, [(4, 1)]).is_repeated for session in again.sessions.values())
        again.rename("nought", "zero")  # free again
        assert not again.add("nought").add_import(file, [(4, 1)]).is_repeated


def test_a_session_without_a_name_gets_one(tmp_path):
    file = ImportedFile("digest", "labels.csv")
    with Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS) as session:
        session.tell([3], [1])
        session.add_import(file, [(4, 1)])
        concepts = Concepts.around(session)
        concepts.rename("", "zero")
        assert session.concept == "zero"
        concepts.add("one")
        assert Concepts.around(session) is None
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert again.sessions["zero"].answers == {3: 1, 4: 1}
        assert again.sessions["zero"].add_import(file, [(4, 1)]).is_repeated
    assert SessionFile.read(tmp_path / "s", "zero").build_labels_table()["row"].tolist() == [3, 4]


def test_a_file_is_imported_once_for_each_concept(concepts):
    file = ImportedFile("digest", "labels.csv")
    for session in concepts.sessions.values():
        assert session.add_import(file, [(4, 1)]).n_applied == 1
        assert session.add_import(file, [(4, 1)]).is_repeated


@pytest.mark.parametrize(
    "change", ["UPDATE events SET concept = 'two'", "UPDATE seeds SET concept = ''",
               "UPDATE about SET value = '[]' WHERE name = 'concepts'",
               "UPDATE events SET concept = 'one' WHERE kind = 'answer'"]
)  # fmt: skip
def test_a_file_with_concepts_that_do_not_fit_is_refused(tmp_path, concepts, change):
    concepts.tell(3, {"zero": 1, "one": 0})
    concepts.undo()
    concepts.close()
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        database.execute(change)
    with pytest.raises(UserError, match="is damaged"):
        Concepts.open(tmp_path / "s", CORPUS)


def test_notes_are_of_rows_whatever_the_concept(tmp_path, concepts):
    first, second = concepts.sessions.values()
    first.write_note(7, "  ask the\nauthor ", "Ada")
    second.write_note(9, "odd")
    first.write_note(9, "")
    second.tell([7], [1])
    assert second.get_note(7) == "ask the\nauthor"
    assert first.list_noted() == [7]
    for row, text in [(10**6, "x"), (3, "x" * 10_001)]:
        with pytest.raises(UserError):
            first.write_note(row, text)
    concepts.close()
    table = SessionFile.read(tmp_path / "s", "one").build_labels_table()
    assert table[["row", "note"]].values.tolist() == [[7, "ask the\nauthor"]]
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert again.first.get_note(7) == "ask the\nauthor"
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        assert [who for (who,) in database.execute("SELECT who FROM notes")] == ["Ada", "", ""]
        database.execute("UPDATE notes SET row = 1000000")
    with pytest.raises(UserError, match="is damaged"):
        Concepts.open(tmp_path / "s", CORPUS)
