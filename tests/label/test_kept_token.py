"""The token next to a session: kept for its owner, and not trusted if others could have written it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from seals_sim.label.web.kept_token import KeptToken, place_token
from tests.label.small import CORPUS


@pytest.fixture
def session(tmp_path):
    return tmp_path / "calls.v2.csv.seals"


def test_only_the_owner_can_read_it(session):
    before = os.umask(0)
    try:
        KeptToken.make().save(session)
    finally:
        os.umask(before)
    assert place_token(session).name == "calls.v2.csv.seals.token"
    assert stat.S_IMODE(place_token(session).stat().st_mode) == 0o600


def test_one_that_others_could_have_written_is_replaced(session, tmp_path):
    known, path = KeptToken("k" * 32, 8765), place_token(session)
    elsewhere = tmp_path / "elsewhere"

    def link():
        path.rename(elsewhere)
        path.symlink_to(elsewhere)

    def hold():
        os.link(path, elsewhere)

    for spoil in (lambda: path.chmod(0o640), lambda: path.chmod(0o602), link, hold, lambda: path.write_text("k" * 32),
                  lambda: path.write_bytes(b"\xff" * 40), lambda: path.write_text("")):  # fmt: skip
        path.unlink(missing_ok=True)
        elsewhere.unlink(missing_ok=True)
        known.save(session)
        assert KeptToken.read(session) == known
        spoil()
        new = KeptToken.read(session)
        assert new.token != known.token
        assert new.port == 0
        new.save(session)
        assert KeptToken.read(session) == new
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        assert not elsewhere.exists() or new.token not in elsewhere.read_text()


def test_one_of_another_user_is_not_believed(session):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    known = KeptToken("k" * 32)
    known.save(session)
    os.chown(place_token(session), 65_534, 65_534)
    assert KeptToken.read(session) != known


@pytest.mark.parametrize("spoil", ["a pipe", "a folder"])
def test_what_is_no_file_stops_nothing(session, spoil):
    path = place_token(session)
    os.mkfifo(path, 0o600) if spoil == "a pipe" else path.mkdir()
    new = KeptToken.read(session)
    new.save(session)
    assert len(new.token) == 32


def test_a_cookie_is_good_for_the_same_token_alone(tmp_path):
    address = "http://127.0.0.1:80"
    with Session.begin(tmp_path / "s", CORPUS) as session:
        before = TestClient(make_app(session, "t", "127.0.0.1", "s"), base_url=address)
        assert before.get("/?token=t").status_code == 200
        for token, status in (("t", 200), ("another", 403)):
            again = TestClient(make_app(session, token, "127.0.0.1", "s"), base_url=address, cookies=before.cookies)
            assert again.get("/api/status").status_code == status
        foreign = TestClient(make_app(session, "t", "127.0.0.1", "s"), base_url=address, cookies=before.cookies)
        assert foreign.get("/api/status", headers={"Host": "rebound.example:80"}).status_code == 403
        assert foreign.get("/api/status", headers={"Origin": "http://rebound.example"}).status_code == 403


def test_an_answer_that_came_before_the_server_was_killed_counts_once(tmp_path):
    headers = {"X-Token": "t"}
    with Session.begin(tmp_path / "s", CORPUS) as session:
        for is_again in (False, True):  # for one server, and then for the next
            client = TestClient(make_app(session, "t", "127.0.0.1", "s"), base_url="http://127.0.0.1:80")
            call = {"row": 7, "answer": 1, "id": "tab-1", "is_again": is_again}
            assert client.post("/api/answer", json=call, headers=headers).status_code == 200
        assert session.answers == {7: 1}
        assert session.undo() == 7
        assert session.answers == {}


def test_where_the_port_is_taken_meanwhile_another_is_used(tmp_path):
    script = """
import sys
from pathlib import Path
from seals_sim.label.session import Session
from seals_sim.label.web import serve
from tests.label.small import CORPUS
path = Path(sys.argv[1])
session = Session.open(path, CORPUS) if path.exists() else Session.begin(path, CORPUS)
serve(session, open_browser=False, quiet=True, token_beside=path)
"""

    def run():
        command = [sys.executable, "-c", script, str(tmp_path / "s")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            url = process.stdout.readline()
            process.kill()
        return url.partition("?token=")

    first, again = run(), run()
    assert first == again
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(first[0].rstrip("/").rpartition(":")[2])))
        taken.listen()
        other = run()
    assert other[2] == first[2]
    assert other[0] != first[0]
