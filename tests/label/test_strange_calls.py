"""Calls that reach the page from elsewhere: tokens and cookies, tunnels, and connections that only use up resources."""

from __future__ import annotations

import http.client
import re
import socket
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from seals_sim.label.web.connections import SECONDS_TO_ASK
from seals_sim.label.web.guard import MAX_BODY
from tests.label.small import CORPUS, PLAIN

TOKEN, ONCE, BASE = "the-token", "once-token", "http://127.0.0.1:8123"
SERVER = textwrap.dedent(
    """
    import resource, sys, webbrowser
    from pathlib import Path
    from seals_sim.label.session import Session
    from seals_sim.label.web import connections, serve
    from tests.label.small import CORPUS
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    connections.SECONDS_TO_ASK = float(sys.argv[3])
    if sys.argv[2]:  # a browser that writes down what it was started with
        webbrowser.open = lambda url: Path(sys.argv[2]).write_text(url)
    serve(Session.begin(Path(sys.argv[1]), CORPUS), open_browser=bool(sys.argv[2]), quiet=True)
    """
)


@pytest.fixture
def session(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=PLAIN) as opened:
        yield opened


@pytest.fixture
def app(session):
    return make_app(session, TOKEN, "127.0.0.1", "s", ONCE, ["Lab.Example"])


def visit(app, token, base=BASE):
    """Open the address with a token. The client then has the cookie it was sent, if any."""
    client = TestClient(app, base_url=base, follow_redirects=False)
    return client, client.get(f"/?token={token}")


def test_the_browsers_token_works_once_and_the_printed_one_again(app):
    for _ in range(2):
        assert visit(app, TOKEN)[1].status_code == 303
    client, reply = visit(app, ONCE)
    assert reply.status_code == 303
    assert client.get("/api/status").status_code == 200
    assert visit(app, ONCE)[1].status_code == 403
    assert client.get("/api/status", headers={"X-Token": ONCE}).status_code == 403


def test_the_cookie_is_another_secret_and_that_secret_is_no_token(app, session):
    _, reply = visit(app, TOKEN)
    (cookie,) = SimpleCookie(reply.headers["set-cookie"]).values()
    assert cookie.key == "seals-8123"
    assert len(cookie.value) >= 32
    assert TOKEN not in reply.headers["set-cookie"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    stranger = TestClient(app, base_url=BASE)
    assert stranger.get("/api/status", headers={"X-Token": cookie.value}).status_code == 403
    assert stranger.get("/api/status", headers={"Cookie": f"seals-8123={TOKEN}"}).status_code == 403
    assert stranger.get(f"/?token={cookie.value}").status_code == 403
    elsewhere = make_app(session, f"{TOKEN}2", "127.0.0.1", "s")  # another token: another secret
    reply = TestClient(elsewhere, base_url=BASE).get("/api/status", headers={"Cookie": f"seals-8123={cookie.value}"})
    assert reply.status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost:9999", "127.0.0.1:80", "[::1]:9999", "localhost", "lab.example", "LAB.example:8443"]
)
def test_the_page_is_reached_through_a_tunnel(app, host):
    client, reply = visit(app, TOKEN, f"http://{host.lower()}")
    assert reply.status_code == 303
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/answer", json={"row": 5, "answer": 1}, headers=headers).status_code == 200


def test_a_long_body_is_refused_before_it_is_read(app, session):
    headers = {"X-Token": TOKEN, "Content-Type": "application/json"}
    client = TestClient(app, base_url=BASE, headers=headers)
    n_read = 0

    def send_chunks():
        nonlocal n_read
        for _ in range(1000):
            n_read += 1000
            yield b" " * 1000

    for content in (b" " * (MAX_BODY + 1), send_chunks()):
        refused = client.post("/api/answer", content=content)
        assert refused.status_code == 413
        assert refused.text == "The call is longer than 65,536 bytes.\n"
        assert refused.headers["connection"] == "close"
    assert client.post("/api/answer", content=b" " * 60_000 + b'{"row": 1, "answer": 1}').status_code == 200
    assert session.answers == {1: 1}


@contextmanager
def served(tmp_path, browser="", seconds=SECONDS_TO_ASK):
    """A server process limited to 256 open files: its port, the token it printed, and its stderr."""
    errors = tmp_path / "stderr"
    command = [sys.executable, "-c", SERVER, str(tmp_path / "s"), str(browser), str(seconds)]
    with errors.open("w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            port, token = re.search(r":(\d+)/\?token=(\S+)", process.stdout.readline()).groups()
            yield int(port), token, errors
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


def get(port, path="/", **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def test_the_browser_is_started_with_a_private_file_that_opens_the_page_once(tmp_path):
    started_with = tmp_path / "started"
    with served(tmp_path, started_with) as (port, token, _):
        while not (started_with.exists() and started_with.read_text()):
            time.sleep(0.01)
        url = started_with.read_text()
        assert url.startswith("file:///")
        assert "token" not in url
        file = Path(url.removeprefix("file://"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        once = re.search(rf"http://127\.0\.0\.1:{port}/\?token=([\w-]+)", file.read_text())[1]
        assert once != token
        assert [get(port, f"/?token={once}") for _ in range(2)] == [303, 403]
        assert [get(port, f"/?token={token}") for _ in range(2)] == [303, 303]
    assert not file.parent.exists()


def test_half_open_connections_do_not_keep_the_page_from_answering(tmp_path):
    """Each would hold a descriptor. If none is left, asyncio writes a traceback for each one it cannot accept."""
    with served(tmp_path) as (port, token, errors):
        half_open = []
        try:
            for number in range(400):
                one = socket.create_connection(("127.0.0.1", port), timeout=20)
                half_open.append(one)
                one.sendall((b"", b"GET / HTTP/1.1\r\nHost:", b"\x00nonsense\r\n\r\n")[number % 3])
            start = time.perf_counter()
            for _ in range(3):
                assert get(port, "/api/status", **{"X-Token": token}) == 200
            assert time.perf_counter() - start < 2
        finally:
            for one in half_open:
                one.close()
        assert errors.stat().st_size == 0
    assert errors.stat().st_size == 0


def test_a_connection_that_asks_for_nothing_is_closed(tmp_path):
    with served(tmp_path, seconds=1.5) as (port, token, _):
        silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(3)]
        silent[1].sendall(b"GET / HTTP/1.1\r\n")
        silent[2].sendall(f"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**9}\r\n\r\n".encode())
        start = time.perf_counter()
        said = [one.recv(100) for one in silent]
        assert said[:2] == [b"", b""]
        assert said[2].startswith(b"HTTP/1.1 403")
        assert 1 < time.perf_counter() - start < 6
        assert get(port, "/api/status", **{"X-Token": token}) == 200
        for one in silent:
            one.close()
