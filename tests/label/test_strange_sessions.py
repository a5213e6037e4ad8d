"""Session files: from strangers, damaged, or next to another session's leftovers. They open whole or are refused."""

from __future__ import annotations

import os
import shutil
import sqlite3
import warnings
from contextlib import closing, suppress

import numpy as np
import pytest

from seals_sim import UserError
from seals_sim.label import journal_file
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from tests.label.small import CORPUS, PLAIN, answer_by_cluster
from tests.label.test_journal import write_version_1

BAD_ROWS = np.array([5, 400], dtype="<i8").tobytes()
BAD_VECTOR = np.array([np.nan] * 12, dtype="<f4").tobytes()
ASK = "INSERT INTO events (kind, row) VALUES ('ask', {})"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "t.seals"
    with Session.begin(path, CORPUS, ["text 3"], ["text 200"], PLAIN) as session:
        answer_by_cluster(session, 8)
        session.undo()
        session.ask(3)
    return path


def change(path, *statements):
    """Change a session by hand, as a stranger who knows SQLite can."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        for statement, *values in statements:
            database.execute(statement, values)


def refuse(path):
    """Open a session that must be refused in one line and left unchanged. Return the line."""
    before = path.read_bytes()
    with pytest.raises(UserError) as error:
        Session.open(path, CORPUS)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert len(line.splitlines()) == 1
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return line


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "CREATE VIEW v AS SELECT * FROM events",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON events (hex(row))",
        "CREATE VIRTUAL TABLE words USING fts5(x)",
        "ALTER TABLE events ADD COLUMN more",
        "DROP TABLE imports",
    ],
)
def test_a_file_with_another_schema_is_refused(path, statement):
    change(path, (statement,))
    assert "does not have the tables of a label session" in refuse(path)


def test_code_hidden_behind_what_looks_like_a_comment_is_no_comment(path):
    """`'ask--' ...` up to the end of the line is text and code, although a careless reader takes it for a comment."""
    with closing(sqlite3.connect(path)) as database, database:
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'events'").fetchone()
        assert "'ask'" in sql
        database.execute("PRAGMA writable_schema = ON")
        changed = sql.replace("'ask'", "'ask--' OR randomblob(1) OR 'x\n'", 1)
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'events'", (changed,))
    assert "does not have the tables of a label session" in refuse(path)


@pytest.mark.parametrize(
    ("statement", "values", "problem"),
    [
        ("UPDATE about SET value = '{' WHERE name = 'options'", (), "options"),
        ("UPDATE about SET value = ? WHERE name = 'options'", ("[" * 100_000,), "options"),
        ("UPDATE about SET value = json_set(value, '$.more', 1) WHERE name = 'options'", (), "more"),
        ("UPDATE about SET value = json_set(value, '$.k', 'x') WHERE name = 'options'", (), "k = 'x'"),
        ("UPDATE about SET value = json_set(value, '$.k', -5) WHERE name = 'options'", (), "k = -5: must be at least"),
        ("UPDATE about SET value = json_set(value, '$.strategy', 'x') WHERE name = 'options'", (), "strategy"),
        ("UPDATE about SET value = 3 WHERE name = 'fingerprint'", (), "fingerprint"),
        ("DELETE FROM about WHERE name = 'options'", (), "options"),
        ("UPDATE about SET value = x'ff' WHERE name = 'options'", (), "options"),
        ("UPDATE about SET value = CAST(x'ff0a' AS TEXT) WHERE name = 'options'", (), "UTF-8"),
        ("UPDATE seeds SET vector = x'00' WHERE id = 2", (), "seed 2: its vector"),
        ("UPDATE seeds SET vector = substr(vector, 5) WHERE id = 2", (), "seed 2: its vector"),
        ("UPDATE seeds SET vector = ? WHERE id = 1", (BAD_VECTOR,), "seed 1: its vector"),
        ("UPDATE seeds SET neighbors = ? WHERE id = 1", (BAD_ROWS,), "seed 1: row 400 is not in the table"),
        ("UPDATE seeds SET neighbors = x'00' WHERE id = 1", (), "seed 1: its neighbors"),
        ("UPDATE seeds SET label = 7 WHERE id = 1", (), "seed 1"),
        ("UPDATE seeds SET text = x'00' WHERE id = 1", (), "seed 1"),
        ("UPDATE events SET kind = 'guess' WHERE id = 4", (), "event 4: its kind"),
        ("UPDATE events SET kind = x'00' WHERE id = 4", (), "event 4: its kind"),
        ("UPDATE events SET row = 400 WHERE id = 4", (), "event 4: row 400 is not in the table"),
        ("UPDATE events SET row = -1 WHERE id = 4", (), "event 4: row -1 is not in the table"),
        ("UPDATE events SET row = 'x' WHERE id = 4", (), "event 4: its row"),
        ("UPDATE events SET row = 1.5 WHERE id = 4", (), "event 4: its row"),
        ("UPDATE events SET answer = 2 WHERE id = 9", (), "event 9: its answer"),
        ("UPDATE events SET answer = 0.5 WHERE id = 9", (), "event 9: its answer"),
        ("UPDATE events SET is_control = 2 WHERE id = 4", (), "event 4: its is_control"),
        ("UPDATE events SET score = 'x' WHERE id = 4", (), "event 4: its score"),
        ("UPDATE events SET score = 9e999 WHERE id = 4", (), "event 4: its score"),
        ("UPDATE events SET neighbors = ? WHERE id = 4", (BAD_ROWS,), "event 4: row 400 is not in the table"),
        ("UPDATE events SET neighbors = x'0000' WHERE id = 4", (), "event 4: its neighbors"),
        ("UPDATE events SET neighbors = 'text' WHERE id = 4", (), "event 4: its neighbors"),
        ("UPDATE events SET import_id = 3 WHERE id = 9", (), "event 9: its import_id"),
        ("UPDATE events SET id = -1 WHERE kind = 'undo'", (), "event -1: takes back an answer, and there is none"),
        (ASK.format("(SELECT row FROM events WHERE id = 1)"), (), "asks for a row that was asked or answered"),
    ],
)
def test_every_part_of_a_session_is_checked(path, statement, values, problem):
    change(path, (statement, *values))
    line = refuse(path)
    assert problem in line
    assert len(line) < 500


def flip(content, bit):
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


def test_single_wrong_bits_and_cut_files_give_a_session_or_one_line(path):
    """The worst that a disk, a mail program or a stranger can do by chance: no traceback, no hang."""
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    n_opened = 0
    bits = [*rng.integers(8 * len(whole), size=160), *rng.integers(8 * 200, size=20), *rng.integers(8 * 4096, size=20)]
    spoiled = [flip(whole, bit) for bit in bits] + [whole[:n_bytes] for n_bytes in rng.integers(len(whole), size=20)]
    for content in spoiled:
        path.write_bytes(content)
        line, session = "", None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                session = Session.open(path, CORPUS)
            except UserError as error:
                line = str(error)
        if session is None:
            assert line.startswith(f"{path}")
            assert len(line.splitlines()) == 1
            assert path.read_bytes() == content
        else:
            n_opened += 1
            with session:
                assert set(session.answers.values()) <= {0, 1, None}
                assert session.status().n_answered <= 400
                with suppress(UserError):  # a wrong bit in a part that only a writer reads
                    answer_by_cluster(session, 4)
        for file in path.parent.glob("t.seals-*"):
            file.unlink()
    assert n_opened > 20


def crash(path, into):
    """The leftovers of a process killed while writing an answer: the file half written, and its rollback journal."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")  # pages go to the disk at once
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE about SET value = replace(value, '\"n_saved\": ', '\"n_saved\": 1')")
        for row in range(100):
            database.execute("INSERT INTO events (kind, row, answer) VALUES ('answer', ?, 1)", (row,))
        database.execute("UPDATE events SET answer = 0 WHERE id < 20")
        shutil.copy(path, into)
        shutil.copy(f"{path}-journal", f"{into}-journal")
        database.execute("ROLLBACK")
    assert (into.parent / f"{into.name}-journal").read_bytes()[:4] == b"\xd9\xd5\x05\xf9"


def test_its_own_rollback_journal_restores_a_session(path, tmp_path):
    with Session.open(path, CORPUS) as session:
        answers, asked = session.answers, session.ask(3)
    crashed = tmp_path / "crashed.seals"
    crash(path, crashed)
    with Session.open(crashed, CORPUS) as session:
        assert session.answers == answers
        assert session.ask(3) == asked
    assert not list(tmp_path.glob("*.leftover"))


def test_the_rollback_journal_of_another_session_is_set_aside(path, tmp_path):
    """Session A is copied over B, whose process was killed. SQLite would play B's journal into A."""
    other = tmp_path / "other.seals"
    with Session.begin(other, CORPUS, ["text 3"], ["text 200"], PLAIN) as session:
        session.tell(list(range(100, 108)), [1] * 8)
    crashed = tmp_path / "crashed.seals"
    crash(other, crashed)
    with Session.open(path, CORPUS) as session:
        answers, asked = session.answers, session.ask(3)
    shutil.copy(path, crashed)
    leftover = (tmp_path / "crashed.seals-journal").read_bytes()
    with Session.open(crashed, CORPUS) as session:
        assert session.answers == answers
        assert session.ask(3) == asked
    assert (tmp_path / "crashed.seals-journal.leftover").read_bytes() == leftover


def test_a_journal_that_names_another_file_deletes_nothing(path, tmp_path):
    """SQLite deletes the file that a rollback journal names as the one shared by several databases."""
    precious, crashed = tmp_path / "precious", tmp_path / "crashed.seals"
    precious.write_text("a key")
    crash(path, crashed)
    journal, name = tmp_path / "crashed.seals-journal", str(precious).encode()
    pointer = (0x40000000 // 4096 + 1).to_bytes(4, "big") + name
    pointer += len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    content = journal.read_bytes()
    journal.write_bytes(content + bytes(-len(content) % 512) + pointer)
    with suppress(UserError):
        Session.open(crashed, CORPUS).close()
    assert precious.exists()


def test_every_session_has_an_id_of_its_own_also_an_early_one(path, tmp_path):
    def read_id(path):
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT json_extract(value, '$.id') FROM about WHERE name = 'session'").fetchone()

    Session.begin(tmp_path / "b", CORPUS).close()
    assert read_id(path) != read_id(tmp_path / "b")
    change(path, ("DELETE FROM about WHERE name = 'session'",))
    Session.open(path, CORPUS).close()
    assert len(read_id(path)[0]) == 32


def require_reading_alone(path):
    before = path.read_bytes()
    with Session.open(path, CORPUS) as session:
        assert len(session.answers) == 7
        assert len(session.ask(3)) == 3  # asked before
        assert len(session.compute_scores()) == 400
        assert session.status().n_answered == 7
        for write in (lambda: session.tell([9], [1]), session.undo, lambda: session.ask(4)):
            with pytest.raises(UserError, match=r"t\.seals: is read-only: no permission to write the file or its fol"):
                write()
        assert len(session.answers) == 7
    assert path.read_bytes() == before


def test_a_session_that_can_only_be_read_is_read(path, monkeypatch):
    monkeypatch.setattr(journal_file, "is_writable", lambda path: False)
    require_reading_alone(path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("mode", [(0o444, 0o755), (0o644, 0o555)])
def test_a_session_without_the_right_to_write_is_read(path, mode):
    path.chmod(mode[0])
    path.parent.chmod(mode[1])
    try:
        require_reading_alone(path)
    finally:
        path.parent.chmod(0o755)


def test_the_same_process_cannot_open_a_session_twice(path):
    with Session.open(path, CORPUS) as session:
        with pytest.raises(UserError, match="has this session open"):
            Session.open(path, CORPUS)
        session.tell([9], [1])
    Session.open(path, CORPUS).close()


def test_options_as_they_are_written_are_read(tmp_path):
    options = SessionOptions("maxent", k=7, control_every=0, regularization=2, seed=10**20, pool="walk", embed="all")
    Session.begin(tmp_path / "s", CORPUS, options=options).close()
    with Session.open(tmp_path / "s", CORPUS) as session:
        assert session.options == options


def test_the_write_ahead_log_of_another_early_session_is_refused(path, tmp_path):
    """Version 1 keeps its answers in the log. The examples in the file itself show whose log it is."""
    other = tmp_path / "other"
    Session.begin(other, CORPUS, ["text 9"], options=PLAIN).close()
    for source, name in ((path, "a"), (other, "b")):
        write_version_1(source, tmp_path / name)
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with database:
                database.execute("INSERT INTO events (kind, row, answer) VALUES ('answer', 9, 1)")
            shutil.copy(tmp_path / f"{name}-wal", tmp_path / f"{name}.log")
            shutil.copy(tmp_path / name, tmp_path / f"{name}.copy")
    shutil.copy(tmp_path / "a.copy", tmp_path / "t")
    shutil.copy(tmp_path / "b.log", tmp_path / "t-wal")
    with pytest.raises(UserError, match="t-wal: belongs to another session; move it away"):
        Session.open(tmp_path / "t", CORPUS)
    assert (tmp_path / "t-wal").read_bytes() == (tmp_path / "b.log").read_bytes()
    shutil.copy(tmp_path / "a.log", tmp_path / "t-wal")
    with Session.open(tmp_path / "t", CORPUS) as session:
        assert session.answers[9] == 1


def test_an_early_session_that_is_refused_stays_as_it_is(path, tmp_path):
    early = tmp_path / "early" / "t.seals"
    early.parent.mkdir()
    change(path, ("UPDATE events SET row = 400 WHERE id = 4",))
    write_version_1(path, early)
    before = {file.name: file.read_bytes() for file in early.parent.iterdir()}
    with pytest.raises(UserError, match="event 4: row 400"):
        Session.open(early, CORPUS)
    assert {file.name: file.read_bytes() for file in early.parent.iterdir()} == before
