"""Answers in a real PostgreSQL, which is started on loopback and stopped again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from seals_sim.cli.main import main
from seals_sim.label.session import Session
from tests.label.small import CORPUS

psycopg = pytest.importorskip("psycopg", reason="needs the extra [postgres]")

USER, PASSWORD = "labels", "between us"


def find_server() -> Path | None:
    """The folder of PostgreSQL's own programs."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


@pytest.fixture(scope="module")
def address():
    """A server that asks for a password, and that root must not run."""
    programs = find_server()
    if programs is None:
        pytest.skip("needs the PostgreSQL server (initdb), which is not installed")
    who: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="seals-postgres-"))
    try:
        if who:
            shutil.chown(folder, "nobody", "nogroup")
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-N",
        ]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-F"]
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-p", str(port), *options],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
        )  # fmt: skip
        try:
            place = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
            _wait_for(place)
            yield place
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder)


def _wait_for(place):
    until = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(place, password=PASSWORD).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "s.seals"
    with Session.begin(path, CORPUS) as labeling:
        labeling.tell([3, 5, 8], [1, 0, None])
    return path


def read(place, table="seals_labels"):
    with psycopg.connect(place, password=PASSWORD) as connection:
        return connection.execute(f'SELECT row, text, answer, is_control FROM "{table}" ORDER BY row').fetchall()


def test_writing_twice_is_writing_once_and_later_answers_replace_earlier_ones(address, session, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for _ in range(2):
        main(["export", str(session), "--to", address])
        expected = [(row, CORPUS.get_text(row), answer, False) for row, answer in ((3, 1), (5, 0), (8, None))]
        assert read(address) == expected
    with Session.open(session, CORPUS) as labeling:
        labeling.tell([5, 9], [1, 0])
    main(["export", str(session), "--to", address])
    assert [(row, answer) for row, _, answer, _ in read(address)] == [(3, 1), (5, 1), (8, None), (9, 0)]
    main(["export", str(session), "--to", address, "--into", 'an "odd" name; DROP'])
    with psycopg.connect(address, password=PASSWORD) as connection:
        assert connection.execute("SELECT count(*) FROM seals_labels").fetchone() == (4,)
        assert connection.execute('SELECT count(*) FROM "an ""odd"" name; DROP"').fetchone() == (4,)


def refuse(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_does_not_fit_is_one_line(address, session, monkeypatch, capsys):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    export = ["export", session, "--to"]
    assert "PostgreSQL failed (" in refuse(capsys, [*export, address])
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with psycopg.connect(address, password=PASSWORD) as connection:
        connection.execute("CREATE TABLE of_others (row bigint PRIMARY KEY, text text)")
        connection.execute("CREATE TABLE without_key (row bigint, text text, answer int, is_control boolean)")
    assert "--into of_others: has no column 'answer'" in refuse(capsys, [*export, address, "--into", "of_others"])
    assert "no unique or exclusion constraint" in refuse(capsys, [*export, address, "--into", "without_key"])
    nobody = address.replace(address.rpartition(":")[2], "1/postgres")
    assert "--to" in refuse(capsys, [*export, nobody])
    with_password = address.replace("@", ":secret@")
    said = refuse(capsys, [*export, with_password])
    assert "contains a password" in said
    assert "secret" not in said
    assert "must be the address of a database" in refuse(capsys, [*export, "mysql://h/d"])
    assert "--to" in refuse(capsys, [*export, address, "--out", session.with_name("x.csv")])
    assert "--out" in refuse(capsys, ["export", session])
