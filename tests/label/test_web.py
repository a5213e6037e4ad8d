"""The page's server: who is let in, what each call does, and what is exported and read back."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from seals_sim import UserError
from seals_sim.evaluate.remaining import Interval, estimate_remaining
from seals_sim.indexes import ExactIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.web import make_app, serve
from seals_sim.label.web.words import describe_remaining, describe_stopping
from tests.conftest import clustered

VECTORS, CLUSTER = clustered(300, 12, 8)
ODD = {
    7: "<script>alert(1)</script><img src=x onerror=alert(2)>",
    8: "שלום עולם, مرحبا",
    9: "a long text " * 834,
    10: "two\nlines\tand \x00\x07 controls \u2028 \U0001f600",
    11: '=HYPERLINK("http://example.org")',
    12: "  spaces, \"quotes\", commas\r\n",
}  # fmt: skip
TEXTS = [ODD.get(row, f"text {row}, of {cluster}") for row, cluster in enumerate(CLUSTER)]


def encode(texts):
    return VECTORS[[int(re.sub(r"\D", "", text)) for text in texts]]


CORPUS = Corpus(VECTORS, ExactIndex(VECTORS), "fingerprint", TEXTS, encode)
TOKEN, PORT = "the-token", 8123
BASE = f"http://127.0.0.1:{PORT}"
LET_IN = {"X-Token": TOKEN}


@pytest.fixture
def session(tmp_path):
    with Session.begin(
        tmp_path / "s", CORPUS, ["text 3"], ["text 200"], SessionOptions(k=12, control_every=5)
    ) as opened:
        yield opened


@pytest.fixture
def client(session):
    return TestClient(make_app(session, TOKEN, "127.0.0.1", "fractures"), base_url=BASE, headers=LET_IN)


def stranger(session, **options):
    return TestClient(make_app(session, TOKEN, "127.0.0.1", "s"), base_url=BASE, **options)


CALLS = (
    "/",
    "/api/batch",
    "/api/status",
    "/static/page.js",
    "/export/labels.csv",
    "/export/scores.parquet",
    "/nothing",
)


@pytest.mark.parametrize("path", CALLS)
def test_without_the_token_nothing_is_revealed(session, path):
    for headers in ({}, {"X-Token": "another"}, {"X-Token": "\u00e9".encode("latin-1")}):
        refused = stranger(session).get(path, headers=headers)
        assert refused.status_code == 403
        assert refused.text == "Open this page with the address that the program printed, including the token.\n"
    assert session.status().n_waiting == 0


def test_answers_and_undo_need_the_token_too(session):
    client = stranger(session)
    assert client.post("/api/answer", json={"row": 1, "answer": 1}).status_code == 403
    assert client.post("/api/undo").status_code == 403
    assert client.get("/api/status?token=the-token").status_code == 403  # it opens only the page
    assert client.get("/?token=another").status_code == 403
    assert session.answers == {}


def test_the_address_with_the_token_gives_a_cookie_that_opens_the_page(session):
    client = stranger(session, follow_redirects=False)
    moved = client.get(f"/?token={TOKEN}")
    assert (moved.status_code, moved.headers["location"]) == (303, "/")
    cookie = moved.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = client.get("/")
    assert page.status_code == 200
    assert TOKEN not in page.text
    assert client.post("/api/undo", headers={"Origin": BASE}).json()["row"] is None
    by_link = stranger(session).get(f"/?token={TOKEN}", headers={"Sec-Fetch-Site": "cross-site"})
    assert by_link.status_code == 200
    assert 'http-equiv="refresh"' in by_link.text
    assert TOKEN not in by_link.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8123"}, {"Host": "evil.example"}, {"Host": "localhost:x"}, {"Host": ""},
        {"Host": "127.0.0.1.evil.example:8123"}, {"Host": "10.0.0.7:8123"},
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:9999"},
        {"Host": "localhost:9999", "Origin": BASE}, {"Host": "localhost.evil.example:8123"}, {"Host": "[::2]:8123"},
        {"Origin": f"https://127.0.0.1:{PORT}"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_other_hosts_and_other_origins_are_refused(session, client, headers):
    refused = client.post("/api/answer", json={"row": 1, "answer": 1}, headers=headers)
    assert refused.status_code == 403
    assert refused.text.count("\n") == 1
    assert session.answers == {}


def test_a_proxy_may_serve_the_page_by_https(session):
    app = make_app(session, TOKEN, "127.0.0.1", "s", allowed_hosts=["labels.example.org"])
    client = TestClient(app, base_url=BASE, headers=LET_IN)

    def post(host, origin, **headers):
        call = {"row": 1, "answer": 1}
        return client.post("/api/answer", json=call, headers={"Host": host, "Origin": origin, **headers}).status_code

    for host in ("labels.example.org", "labels.example.org:8443", "Labels.example.org"):
        assert post(host, f"https://{host.lower()}", **{"Sec-Fetch-Site": "same-origin"}) == 200
        assert post(host, f"http://{host}") == 200
    host = "labels.example.org:8443"
    for origin in (
        "https://evil.example", "https://labels.example.org", "https://labels.example.org:9999", "null", "https://",
        f"https://{host}.evil.example", f"https://{host}@evil.example", f"wss://{host}", f"https:{host}", host, "",
    ):  # fmt: skip
        assert post(host, origin) == 403, origin
    assert post("evil.example", "https://evil.example") == 403  # a foreign name that points here
    assert post(f"127.0.0.1:{PORT}", f"https://127.0.0.1:{PORT}") == 403  # was not given
    assert post(host, f"https://{host}", **{"Sec-Fetch-Site": "cross-site"}) == 403


def test_a_page_on_another_port_can_do_nothing_with_the_cookie(session):
    """Browsers give that page the cookie and send it with its calls: SameSite ignores ports."""
    client = stranger(session, follow_redirects=False)
    cookie = client.get(f"/?token={TOKEN}").headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert client.get("/api/status", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for headers in ({"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:9999"}):
        assert client.get("/api/status", headers=headers).status_code == 403
        assert client.post("/api/answer", json={"row": 1, "answer": 1}, headers=headers).status_code == 403
    assert session.answers == {}


def test_local_host_names_are_accepted(session, client):
    for name in ("localhost", "127.0.0.1", "LOCALHOST", "[::1]"):
        host = f"{name}:{PORT}"
        assert client.get("/api/status", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200
    anywhere = TestClient(make_app(session, TOKEN, "0.0.0.0", "s"), base_url=BASE, headers=LET_IN)
    assert anywhere.get("/api/status", headers={"Host": f"10.0.0.7:{PORT}"}).status_code == 200
    assert anywhere.get("/api/status", headers={"Host": f"evil.example:{PORT}"}).status_code == 403


@pytest.mark.parametrize("path", CALLS)
def test_every_response_has_security_headers(session, client, path):
    for asking in (client, stranger(session)):
        headers = asking.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_page_is_complete_and_never_inserts_markup(client):
    page, script = client.get("/").text, client.get("/static/page.js").text
    assert not re.findall(r"(?:src|href)=\"(?!/)", page)
    assert " style=" not in page
    assert not re.findall(r"<script(?![^>]* src=)| on\w+=", page)
    for file in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", page):
        assert client.get(file).status_code == 200
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "DOMParser",
        "srcdoc",
    ):
        assert way not in script
    assert "http" not in script.replace("http://www.w3.org/2000/svg", "")
    assert client.get("/static/page.html").status_code == 404
    assert client.get("/static/..%2fapp.py").status_code == 404


def test_batch_answer_undo_and_status(session, client):
    rows = client.get("/api/batch?n=4").json()["rows"]
    assert [item["row"] for item in rows] == [asked.row for asked in session.ask(4)]
    first = rows[0]
    assert first["text"] == TEXTS[first["row"]]
    assert first["because"]["text"] == "text 3"
    assert 0 < first["score"] < 1
    assert len(first["neighbors"]) == 5
    assert first["row"] not in [item["row"] for item in first["neighbors"]]
    assert first["neighbors"][0].keys() == {
        "row", "text", "n_copies", "has_image", "is_answered", "answer", "similarity", "said", "note", "marks",
    }  # fmt: skip

    for item, answer in zip(rows, [1, 0, None, 1], strict=True):
        reply = client.post("/api/answer", json={"row": item["row"], "answer": answer}).json()
        assert reply["row"] == item["row"]
    assert session.answers == dict(zip([item["row"] for item in rows], [1, 0, None, 1], strict=True))
    status = client.get("/api/status").json()
    assert status == reply["status"]
    assert (status["n_answered"], status["n_positive"], status["n_skipped"]) == (3, 2, 1)
    assert status["curve"] == [1, 1, 2]
    assert status["name"] == "fractures"
    assert status["explanation"] == ""
    undone = client.post("/api/undo").json()
    assert undone["row"] == rows[3]["row"]
    assert not undone["left"]["is_answered"]
    assert client.get("/api/batch").json()["rows"][0]["row"] == rows[3]["row"]
    control = [item for item in client.get("/api/batch?n=6").json()["rows"] if item["is_control"]]
    assert len(control) == 1
    assert control[0]["because"] is None


def test_repeated_answer_counts_once(session, client):
    for row, answer, id in [(5, 1, "a"), (5, 1, "a"), (6, None, "b"), (5, 1, "c"), (5, 1, "a")]:
        client.post("/api/answer", json={"row": row, "answer": answer, "id": id})
    assert session.answers == {5: 1, 6: None}
    assert [session.undo(), session.undo(), session.undo(), session.undo()] == [5, 6, 5, None]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"row": 300, "answer": 1}, "row 300: no such row; the table has 300"),
        ({"row": -1, "answer": 1}, "row -1: no such row; the table has 300"),
        ({"row": 5, "answer": 2}, "answer: "),
        ({"row": 5, "answer": True}, "answer: "),
        ({"row": 5}, "answer: "),
        ({"row": "5", "answer": 1}, "row: "),
        ({"row": 5.5, "answer": 1}, "row: "),
        ([], "the call: "),
    ],
)
def test_a_bad_answer_gets_one_line_and_changes_nothing(session, client, call, error):
    refused = client.post("/api/answer", json=call)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith(error)
    assert "\n" not in refused.json()["error"]
    assert session.answers == {}


BAD_CALLS = (
    "batch?n=0",
    "batch?n=101",
    "batch?n=x",
    "similar?row=300",
    "similar?row=-1",
    "similar",
    "find",
    "find?text=%20",
)


@pytest.mark.parametrize("path", [f"/api/{call}" for call in BAD_CALLS])
def test_bad_calls_get_one_line(client, path):
    refused = client.get(path)
    assert refused.status_code == 400
    assert set(refused.json()) == {"error"}


def test_find_and_similar_give_rows_that_can_be_answered(session, client):
    rows = client.get("/api/find?text=text 40&n=3").json()["rows"]
    assert [item["row"] for item in rows] == [hit.row for hit in session.find("text 40", 3)]
    assert rows[0]["row"] == 40 or np.allclose(VECTORS[rows[0]["row"]], VECTORS[40])
    client.post("/api/answer", json={"row": rows[0]["row"], "answer": 0})
    again = client.get("/api/find?text=text 40&n=3").json()["rows"]
    assert (again[0]["is_answered"], again[0]["answer"]) == (True, 0)
    near = client.get(f"/api/similar?row={rows[0]['row']}&n=4").json()["rows"]
    assert [item["row"] for item in near] == [hit.row for hit in session.find_similar(rows[0]["row"], 4)]


def test_lists_of_answers_and_of_texts_with_some_words_come_in_pages(session, client):
    given = {3: 1, 40: 0, 8: None, 250: 0, 9: 1}
    session.tell(list(given), list(given.values()))

    def list_rows(call):
        reply = client.get(f"/api/{call}").json()
        return [item["row"] for item in reply["rows"]], reply["n_found"]

    assert list_rows("answers") == ([9, 250, 8, 40, 3], 5)
    assert list_rows("answers?answer=no") == ([250, 40], 2)
    assert list_rows("answers?answer=skipped") == ([8], 1)
    assert list_rows("answers?answer=yes&words=LONG") == ([9], 1)
    assert list_rows("answers?start=1&n=2") == ([250, 8], 5)
    assert client.get("/api/answers?answer=skipped").json()["rows"][0]["is_answered"] is True
    of_cluster = [row for row, text in enumerate(TEXTS) if re.search(r"of 3$", text)]
    assert list_rows('words?text="Of 3"&n=100') == (of_cluster, len(of_cluster))
    assert list_rows('words?text="of 3"&n=2&start=3') == (of_cluster[3:5], len(of_cluster))
    assert list_rows("words?text=עולם") == ([8], 1)
    assert list_rows("words?text=hyperlink example.org") == ([11], 1)
    assert list_rows("words?text=nowhere") == ([], 0)
    similarities = [item["similarity"] for item in client.get("/api/find?text=text 40&n=3").json()["rows"]]
    np.testing.assert_allclose(similarities, np.sort(VECTORS @ VECTORS[40])[::-1][:3], rtol=1e-5)


def test_a_table_without_texts(tmp_path):
    bare = replace(CORPUS, texts=None, encode=None)
    with Session.begin(tmp_path / "s", bare, options=SessionOptions(k=5)) as session:
        client = TestClient(make_app(session, TOKEN, "127.0.0.1", "s"), base_url=BASE, headers=LET_IN)
        assert client.get("/api/batch").json()["rows"][0]["text"] is None
        assert not client.get("/api/status").json()["can_find"]
        assert "no texts" in client.get("/api/words?text=words").json()["error"]
        refused = client.get("/api/find?text=words")
        assert (refused.status_code, "no texts" in refused.json()["error"]) == (400, True)
        refused = client.get("/export/scores.csv")
        assert (refused.status_code, "Nothing marked yet" in refused.json()["error"]) == (400, True)
        client.post("/api/answer", json={"row": 3, "answer": 1})
        assert pd.read_csv(io.BytesIO(client.get("/export/labels.csv").content))["text"].isna().all()


def test_any_text_round_trips(session, client):
    for row, text in ODD.items():
        client.post("/api/answer", json={"row": row, "answer": 1})
        near = client.get("/api/similar?row=0&n=100").json()["rows"]
        near += [item for other in range(13) for item in client.get(f"/api/similar?row={other}&n=100").json()["rows"]]
        assert text in [item["text"] for item in near if item["row"] == row]
    reply = client.get("/api/similar?row=0&n=100")
    assert reply.headers["content-type"] == "application/json"
    assert reply.content.isascii()


def test_lone_surrogates_can_be_shown_and_saved_as_json_lines(tmp_path):
    """A JSON table may hold one, but UTF-8 cannot."""
    half = "half \ud83d of a pair"
    corpus = replace(CORPUS, texts=[f"{half} {number}" for number in range(300)])
    with Session.begin(tmp_path / "s", corpus, options=SessionOptions(k=5)) as session:
        client = TestClient(make_app(session, TOKEN, "127.0.0.1", "s"), base_url=BASE, headers=LET_IN)
        (asked,) = client.get("/api/batch").json()["rows"]
        half = asked["text"]
        assert half.startswith("half \ud83d of a pair")
        assert len({half, *(item["text"] for item in asked["neighbors"])}) == 6
        client.post("/api/answer", json={"row": asked["row"], "answer": 1})
        assert json.loads(client.get("/export/labels.jsonl").content)["text"] == half
        assert client.get("/export/labelstudio.json").json()[0]["data"]["text"] == half
        assert json.loads(client.get("/export/argilla.jsonl").content)["fields"]["text"] == half
        for format in ("csv", "parquet"):
            refused = client.get(f"/export/labels.{format}")
            assert (refused.status_code, refused.json()["error"]) == (
                400,
                "a text is not valid Unicode (surrogates not allowed); save it as JSONL instead",
            )


def test_an_export_that_finds_no_room_gets_one_line(client, monkeypatch):
    client.post("/api/answer", json={"row": 5, "answer": 1})
    made = []

    def make_file(**options):
        file = tempfile_class(**options)
        made.append(Path(file.name))
        file.file.close()
        file.file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - the export closes it
        return file

    tempfile_class = tempfile.NamedTemporaryFile
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", make_file)
    for name in ("labels.csv", "scores.parquet", "labels.jsonl", "labelstudio.json", "argilla.jsonl"):
        refused = client.get(f"/export/{name}")
        assert refused.status_code == 400
        assert refused.json()["error"].startswith(
            f"{name} cannot be written to the folder for temporary files: No space"
        )
    assert len(made) == 5
    assert not [path for path in made if path.exists()]


def test_the_temporary_file_of_a_download_is_deleted(client, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    client.post("/api/answer", json={"row": 5, "answer": 1})
    reply = client.get("/export/labels.csv")
    assert reply.text == f'row,text,answer,is_control\r\n5,"{TEXTS[5]}",1,False\r\n'
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert client.get("/export/scores.csv").status_code == 200
    assert client.get("/export/labels.xls").status_code == 400
    assert list(folder.iterdir()) == []


def test_an_answer_that_cannot_be_saved_is_an_error_of_one_line(session, client, tmp_path):
    (tmp_path / "s").unlink()
    refused = client.post("/api/answer", json={"row": 5, "answer": 1})
    assert refused.status_code == 400
    assert "was moved, replaced or deleted" in refused.json()["error"]
    assert client.get("/api/status").json()["n_answered"] == 0


def read(content, format):
    file = io.BytesIO(content)
    if format == "csv":
        return pd.read_csv(
            file, dtype={"answer": "Int8", "text": "object"}, keep_default_na=False, na_values={"answer": ""}
        )
    if format == "parquet":
        return pd.read_parquet(file)
    return pd.DataFrame([json.loads(line) for line in file.read().decode().split("\n") if line]).astype(
        {"answer": "Int8"}
    )


@pytest.fixture
def answered(session):
    rows = [9, 11, 7, 8, 10, 12, 100]
    answers = [1, 0, None, 1, 0, 1, 0]
    session.tell(rows, answers)
    asked = session.ask(5)
    session.tell([asked[4].row], [None])
    assert asked[4].is_control
    return [*rows, asked[4].row], [*answers, None]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_labels_are_exported_in_order(client, answered, format):
    reply = client.get(f"/export/labels.{format}")
    assert reply.headers["content-disposition"] == f'attachment; filename="labels.{format}"'
    table = read(reply.content, format)
    rows, answers = answered
    assert list(table.columns) == ["row", "text", "answer", "is_control"]
    assert table["row"].tolist() == rows
    assert [None if pd.isna(answer) else answer for answer in table["answer"]] == answers
    assert table["is_control"].tolist() == [False] * 7 + [True]
    texts = [TEXTS[row] for row in rows]
    if format == "csv":  # cells that a spreadsheet would execute get an apostrophe
        assert texts[1].startswith("=")
        texts[1] = f"'{texts[1]}"
    assert table["text"].tolist() == texts


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_scores_are_exported_for_every_row(session, client, answered, format):
    table = read(client.get(f"/export/scores.{format}").content, format)
    assert list(table.columns) == ["row", "text", "score", "answer"]
    assert table["row"].tolist() == list(range(300))
    np.testing.assert_allclose(table["score"], session.compute_scores(), rtol=1e-12)
    given = {row: answer for row, answer in session.answers.items() if answer is not None}
    assert table["answer"].dropna().to_dict() == given


def test_numbers_are_explained_in_words(session):
    before = session.status()
    assert "needs 135 more answers to rows that the search chooses. About one row in 5" in describe_remaining(before, 5)
    assert "draws no rows at random" in describe_remaining(before, 0)
    assert describe_stopping(before).startswith("No positives yet")
    session.tell([3], [1])
    assert describe_stopping(session.status()).startswith("The search has no answers yet")
    while asked := session.ask(20):
        session.tell([item.row for item in asked], [int(CLUSTER[item.row] == CLUSTER[3]) for item in asked])
    after = session.status()
    assert after.forecast == Interval(0, 0.0, 0)
    assert "about 0 remain among the 0 rows" in describe_remaining(after, 5)
    test = (
        "You can stop (p < 0.001; the usual threshold is 0.05). p is the chance of so few positives among the latest "
        "answers if less than 95% of all positives had been found."
    )
    assert describe_stopping(after) == test


def test_a_forecast_and_random_rows_are_explained_in_words(session):
    random, told = estimate_remaining(9_700, 30, 0), Interval(3, 12.4, 51)
    status = replace(
        session.status(), n_rows=10_000, n_answered=300, n_positive=49, n_control=30, n_searched=270, curve=(1,),
        remaining=random, forecast=told, p_missing=0.5,
    )  # fmt: skip
    assert describe_remaining(status, 10) == (
        "About 12 more positives remain, according to a forecast from the search's latest answers (3 to 51 in 95% of "
        "the searches that we measured; no guarantee). None of the 30 rows drawn at random was positive: with 95% "
        "confidence, at most 1,123 positives remain among the 9,700 rows without an answer, whatever they look like. "
        "To be as sure that no more remain than you have found takes about 730 such rows in total."
    )
    stopping = describe_stopping(status)
    assert stopping.startswith("By the forecast, at least 49% of all positives have been found. Too early")
    early = describe_remaining(replace(status, forecast=None), 10)
    assert early.startswith("The search still finds too many positives, or none yet, to forecast how many remain. None")
    assert estimate_remaining(9_700, 730, 0).high == 49


def test_unusable_ports_and_hosts_are_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for number, (options, message) in enumerate(
            (
                ({"port": port}, f"port = {port}: is in use; choose another, or 0 for a free one"),
                ({"port": 99_999}, "port = 99999: must be between 0 and 65535"),
                ({"host": "no.such.host.invalid"}, "host = 'no.such.host.invalid': not an address of this machine"),
            )
        ):
            session = Session.begin(tmp_path / str(number), CORPUS)
            with pytest.raises(UserError) as error:
                serve(session, open_browser=False, **options)
            assert str(error.value) == message
            Session.open(tmp_path / str(number), CORPUS).close()  # serve had closed it


def test_running_event_loop_is_refused_before_an_address_is_printed(tmp_path, capsys):
    async def notebook():
        serve(Session.begin(tmp_path / "s", CORPUS), open_browser=False)

    with pytest.raises(UserError, match="from inside a running event loop"):
        asyncio.run(notebook())
    assert capsys.readouterr().out == ""


def test_a_closed_stdout_is_no_hindrance(tmp_path):
    script = """
        import os, signal, sys, threading, time
        from pathlib import Path
        from seals_sim.label.session import Session
        from seals_sim.label.web import app, serve
        from tests.label.small import CORPUS
        sys.stdout = None
        def stop():
            while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # not served yet
                time.sleep(0.05)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)
        threading.Thread(target=stop, daemon=True).start()
        serve(Session.begin(Path(sys.argv[1]), CORPUS), open_browser=False)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "s")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_server(tmp_path, number):
    script = """
        import sys
        from pathlib import Path
        from seals_sim.label.session import Session
        from seals_sim.label.web import serve
        from tests.label.small import CORPUS
        serve(Session.begin(Path(sys.argv[1]), CORPUS), open_browser=False, quiet=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "s")]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a program has it in the background
    try:
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with started as process:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
