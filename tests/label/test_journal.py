"""The journal: one file that loses nothing, however a session ends."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from seals_sim import UserError
from seals_sim.label.events import ImportedFile
from seals_sim.label.session import Session
from tests.conftest import clustered
from tests.label.small import CORPUS, PLAIN, answer_by_cluster

VERSION_1 = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE seeds (id INTEGER PRIMARY KEY, text TEXT NOT NULL, label INTEGER NOT NULL CHECK (label IN (0, 1)),
    vector BLOB NOT NULL, neighbors BLOB NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL CHECK (kind IN ('ask', 'answer', 'undo')), row INTEGER NOT NULL,
    answer INTEGER CHECK (answer IN (0, 1)), is_control INTEGER NOT NULL DEFAULT 0, score REAL, neighbors BLOB);
"""


def test_a_copy_made_while_the_session_is_open_holds_every_answer(tmp_path):
    path, copy = tmp_path / "t.seals", tmp_path / "copy.seals"
    with Session.begin(path, CORPUS, ["text 3"], options=PLAIN) as session:
        for n_answers in range(1, 26):
            answer_by_cluster(session, 1)
            shutil.copy(path, copy)
            with Session.open(copy, CORPUS) as opened:
                assert len(opened.answers) == n_answers
                assert opened.answers == session.answers
            copy.unlink()
    assert [file.name for file in tmp_path.iterdir()] == ["t.seals"]


def test_a_session_whose_process_died_is_one_file(tmp_path):
    path = tmp_path / "t.seals"
    script = """
        import os, sys
        from pathlib import Path
        from seals_sim.label.session import Session
        from tests.label.small import CORPUS, PLAIN, answer_by_cluster
        session = Session.begin(Path(sys.argv[1]), CORPUS, ["text 3"], options=PLAIN)
        answer_by_cluster(session, 25)
        os._exit(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=True)
    path.rename(tmp_path / "renamed.seals")
    with Session.open(tmp_path / "renamed.seals", CORPUS) as session:
        assert len(session.answers) == 25


def write_version_1(source, path):
    """Write the session at `source` as version 1 did: all events in the write-ahead log next to the file."""
    writing = path.with_name("writing")
    with closing(sqlite3.connect(writing)) as database:
        database.executescript(VERSION_1)
        database.execute(f"PRAGMA application_id = {0x5EA15EA1}")
        database.execute("PRAGMA user_version = 1")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("ATTACH ? AS source", [str(source)])
        columns = "id, time, kind, row, answer, is_control, score, neighbors"
        with database:
            for table, names in (("about", "*"), ("seeds", "id, text, label, vector, neighbors"), ("events", columns)):
                database.execute(f"INSERT INTO {table} SELECT {names} FROM source.{table}")
        shutil.copy(writing, path)
        shutil.copy(f"{writing}-wal", f"{path}-wal")
    writing.unlink()


def test_a_version_1_session_whose_answers_are_in_its_write_ahead_log_is_upgraded_in_place(tmp_path):
    path = tmp_path / "old.seals"
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=replace(PLAIN, control_every=4)) as session:
        answer_by_cluster(session, 12)
        session.undo()
        expected, answers = session.ask(5), session.answers
    write_version_1(tmp_path / "s", path)
    for _ in range(2):
        with Session.open(path, CORPUS) as opened:
            assert opened.ask(5) == expected
            assert opened.answers == answers
        assert not list(tmp_path.glob("old.seals-*"))
    file, row = ImportedFile("digest", "labels.json"), next(row for row in range(400) if row not in answers)
    with Session.open(path, CORPUS) as opened:
        assert opened.add_import(file, [(row, 1)]).n_applied == 1
        assert opened.add_import(file, [(row, 0)]).is_repeated
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (5,)


def test_leftovers_of_another_session_are_ignored(tmp_path):
    path = tmp_path / "t.seals"
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=PLAIN) as session:
        answer_by_cluster(session, 30)
    write_version_1(tmp_path / "s", path)
    leftover = (tmp_path / "t.seals-wal").read_bytes()
    (tmp_path / "t.seals-journal").write_bytes(b"anything")
    path.unlink()
    with Session.begin(path, CORPUS, ["text 9"], options=PLAIN) as session:
        assert session.answers == {}
        assert (tmp_path / "t.seals-wal.leftover").read_bytes() == leftover
        assert (tmp_path / "t.seals-journal.leftover").read_bytes() == b"anything"
        rows = answer_by_cluster(session, 3)
    (tmp_path / "t.seals-wal").write_bytes(leftover)
    with Session.open(path, CORPUS) as session:
        assert list(session.answers) == rows
        assert not (tmp_path / "t.seals-wal").exists()


@pytest.mark.parametrize("change", ["unlink", "rename", "replace"])
def test_missing_file_is_noticed_at_the_next_answer(tmp_path, change):
    path = tmp_path / "t.seals"
    with Session.begin(path, CORPUS, ["text 3"], options=PLAIN) as session:
        (row, *_) = answer_by_cluster(session, 1)
        match change:
            case "unlink":
                path.unlink()
            case "rename":
                path.rename(tmp_path / "elsewhere")
            case "replace":
                shutil.copy(path, tmp_path / "copy")
                os.replace(tmp_path / "copy", path)
        for change_answers in (lambda: session.tell([7], [1]), session.undo):
            with pytest.raises(UserError, match=r"t\.seals: was moved, replaced or deleted while"):
                change_answers()
        assert list(session.answers) == [row]


def test_other_texts_other_versions_and_damaged_files_are_refused_and_left_alone(tmp_path):
    path = tmp_path / "s"
    Session.begin(path, CORPUS, ["text 3"], options=PLAIN).close()
    with pytest.raises(UserError, match="already exists; open it, or choose another name"):
        Session.begin(path, CORPUS)
    with pytest.raises(UserError, match="began with vectors, but is being opened with 9 texts"):
        Session.open(path, replace(CORPUS, fingerprint="another", about="9 texts"))
    with pytest.raises(UserError, match="none: no such session"):
        Session.open(tmp_path / "none", CORPUS)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="is a version 99 session; this program reads versions 1 to 5"):
        Session.open(path, CORPUS)
    path.unlink()
    Session.begin(path, CORPUS, ["text 3"], options=PLAIN).close()
    whole = path.read_bytes()
    for content in (b"not a database at all", whole[:6000], whole[:4096] + b"\xff" * (len(whole) - 4096), b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"is damaged|cannot be used"):
            Session.open(path, CORPUS)
        assert path.read_bytes() == content


def test_rows_not_saved_on_a_full_disk_are_not_asked(tmp_path):
    """SQLite's own page limit stands in for a full disk."""
    path = tmp_path / "s"
    with Session.begin(path, CORPUS, ["text 3"], options=PLAIN) as session:
        database = session._journal._database
        (n_pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {n_pages + 1}")
        asked = session.ask(5)
        with pytest.raises(UserError, match="full"):
            session.ask(395)
        assert session.status().n_waiting == 5
        assert session.ask(5) == asked
        candidates = session.status().n_candidates
    with Session.open(path, CORPUS) as again:
        assert again.ask(5) == asked
        assert again.status().n_candidates == candidates


def test_a_second_process_cannot_open_the_session(tmp_path):
    path = tmp_path / "s"
    session = Session.begin(path, CORPUS, ["text 3"], options=PLAIN)
    script = (
        "import sys; from pathlib import Path; from seals_sim.label.journal import Journal; Journal(Path(sys.argv[1]))"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert "another process has this session open" in ended.stderr
    session.tell([5], [1])
    session.close()
    assert subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True).returncode == 0


def test_random_kills_lose_at_most_the_current_answer(tmp_path):
    """Another process answers and is killed at random times. The journal must hold everything it reported as safe."""
    worker = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        import numpy as np
        from seals_sim.indexes import ExactIndex
        from seals_sim.label.corpus import Corpus
        from seals_sim.label.session import Session
        from seals_sim.label.options import SessionOptions
        vectors = np.load(sys.argv[1], mmap_mode="r")
        path, sent = Path(sys.argv[2]), open(sys.argv[3], "a", buffering=1)
        corpus = Corpus(vectors, ExactIndex(vectors), "soak")
        options = SessionOptions(k=10, control_every=5, copies="apart")
        session = Session.open(path, corpus) if path.exists() else Session.begin(path, corpus, options=options)
        while asked := session.ask(10):
            for a in asked:
                sent.write(f"{a.row} {a.row % 3 % 2} sending\\n")
                session.tell([a.row], [a.row % 3 % 2])
                sent.write(f"{a.row} {a.row % 3 % 2} safe\\n")
                print(a.row, flush=True)
        """
    )
    vectors, _ = clustered(1000, 8, 30)
    np.save(tmp_path / "x.npy", vectors)
    path, sent = tmp_path / "s", tmp_path / "sent.txt"
    command = [sys.executable, "-c", worker, str(tmp_path / "x.npy"), str(path), str(sent)]
    rng, n_kills, errors = np.random.default_rng(0), 0, tmp_path / "errors.txt"
    while True:
        with errors.open("w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process:
            answers = int(rng.integers(100, 250))
            if sum(1 for _ in itertools.islice(process.stdout, answers)) < answers:
                break
            time.sleep(rng.uniform(0, 0.02))
            process.kill()
            n_kills += 1
    assert process.returncode == 0, errors.read_text()
    assert n_kills >= 3
    lines = [line.split() for line in sent.read_text().splitlines()]
    safe = [(int(row), int(answer)) for row, answer, state in lines if state == "safe"]
    with sqlite3.connect(path) as database:
        written = database.execute("SELECT row, answer FROM events WHERE kind = 'answer' ORDER BY id").fetchall()
    assert len({row for row, _ in written}) == len(written) == 1000
    places = {pair: place for place, pair in enumerate(written)}
    assert set(safe) <= set(written)
    assert [places[pair] for pair in safe] == sorted(places[pair] for pair in safe)
    assert len(written) - len(safe) <= n_kills  # on disk, but the kill came before it was reported
