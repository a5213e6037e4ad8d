"""The page is available before the session is: what it shows meanwhile, and what happens to it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pandas as pd
import pytest

from benchmarks.served import ServedPage
from seals_sim.datasets import stored_table
from seals_sim.errors import UserError
from seals_sim.label.session import Session
from seals_sim.label.web import server
from seals_sim.label.web.kept_token import KeptToken, place_token
from seals_sim.label.web.server import open_page
from seals_sim.progress import Bar, begin_step, follow, track
from tests.label.small import CORPUS, PLAIN

COMMAND = textwrap.dedent(
    """
    import sys
    from seals_sim.cli.main import main
    from seals_sim.label.web import server
    server._ANNOUNCED_AFTER = 0
    main(sys.argv[1:])
    """
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.seals"


@pytest.fixture
def at_once(monkeypatch):
    """Announce the page without waiting for a second."""
    monkeypatch.setattr(server, "_ANNOUNCED_AFTER", 0)


@contextmanager
def opened(path, **options):
    """The page of a program in this process, and a way to call it: from path and headers to status, headers and
    content.
    """
    with open_page(open_browser=False, quiet=True, name="t", token_beside=path, **options) as page:
        deadline = time.monotonic() + 20
        while not place_token(path).exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        kept = KeptToken.read(path)

        def call(place, method="GET", **headers):
            headers.setdefault("X-Token", kept.token)
            asked = urllib.request.Request(f"http://127.0.0.1:{kept.port}{place}", None, headers, method=method)
            try:
                with urllib.request.urlopen(asked, timeout=20) as reply:
                    return reply.status, reply.headers, reply.read().decode()
            except urllib.error.HTTPError as refused:
                return refused.code, refused.headers, refused.read().decode()

        yield page, call


def test_the_page_says_how_far_it_is_and_then_gives_way_to_the_session(path, at_once):
    with opened(path) as (page, call):
        begin_step("reading t.jsonl")
        with track("embedding", 300, "text", done=100) as bar:
            bar.advance(50)
            told = json.loads(call("/api/opening")[2])
        assert (told["name"], told["is_ready"], told["error"]) == ("t", False, None)
        (step,) = told["steps"]  # steps that took no time are not listed
        assert (step["name"], step["done"], step["total"], step["unit"]) == ("embedding", 150, 300, "text")
        assert "Getting your texts ready" in call("/")[2]
        for place, method in (("/api/batch?n=1", "GET"), ("/api/answer", "POST"), ("/export/labels.csv", "GET")):
            status, headers, content = call(place, method)
            assert (status, headers["Retry-After"]) == (503, "1"), place
            assert json.loads(content)["error"] == "the table is being prepared (embedding)"
            assert headers["X-Frame-Options"] == "DENY"
        assert call("/static/opening.js")[0] == 200
        for refused in ({"X-Token": "another"}, {"Origin": "http://foreign.example"}, {"Host": "rebound.example:80"}):
            assert call("/api/opening", **refused)[0] == 403
            assert call("/", **refused)[0] == 403

        def look():
            while call("/api/status")[0] == 503:
                time.sleep(0.01)
            seen.append(json.loads(call("/api/opening")[2])["is_ready"])
            seen.append("Rows to label" in call("/")[2])
            page.stop()

        seen: list[bool] = []
        looking = threading.Thread(target=look)
        looking.start()
        page.serve(Session.begin(path, CORPUS, ["text 3"], options=PLAIN))
        looking.join()
    assert seen == [True, True]
    Session.open(path, CORPUS).close()  # it was closed


def test_a_page_that_waits_for_its_answer_gets_it_as_soon_as_there_is_one(path, at_once):
    told = []
    with pytest.raises(UserError, match="no such thing"), opened(path) as (_, call):  # noqa: PT012
        call("/")
        start = time.monotonic()
        assert json.loads(call("/api/opening?again")[2])["error"] is None
        assert time.monotonic() - start > 0.4
        asking = threading.Thread(target=lambda: told.append(json.loads(call("/api/opening?again")[2])["error"]))
        asking.start()
        raise UserError("no such thing", parameter="k", value=3)
    asking.join()
    assert told == ["k = 3: no such thing"]


def test_nobody_is_waited_for_who_is_not_there(path, at_once):
    start = time.monotonic()
    with pytest.raises(UserError), opened(path):
        raise UserError("no such thing")
    assert time.monotonic() - start < 1.5


def test_what_is_soon_done_is_not_announced_by_a_page_that_waits(path, capsys, monkeypatch):
    browser: list[str] = []
    monkeypatch.setattr("webbrowser.open", browser.append)
    with pytest.raises(UserError), open_page(token_beside=path):
        raise UserError("no such thing")
    time.sleep(1.2)
    assert capsys.readouterr().out == ""
    assert browser == []
    assert not place_token(path).exists()


def test_steps_follow_each_other():
    with follow() as progress:
        with track("embedding", 4, "text") as bar:
            bar.advance(1)
            begin_step("loading the model")
            assert progress.steps[0].ended is not None
            bar.advance(2)
        begin_step("the next one")
    assert [(step.name, step.done, step.ended is None) for step in progress.steps] == [
        ("loading the model", 0, False),
        ("embedding", 3, False),
        ("the next one", 0, False),
    ]


def begin(folder, *more):
    command = [sys.executable, "-c", COMMAND, "label", "t.jsonl", "--like", "a seal", "--model", "wordllama"]
    command += ["--cache", "cache", "--no-browser", "--quiet", *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_bad_line_is_said_on_the_page_as_in_the_terminal(tmp_path):
    lines = [json.dumps({"text": f"text {row}", "label": str(row)}) for row in range(300_000)]
    (tmp_path / "t.jsonl").write_text("\n".join([*lines, "{bad"]))
    with begin(tmp_path, "--columns", "label") as process:
        page = ServedPage(process.stdout.readline())
        assert "Getting your texts ready" in page.open()
        told = page.call("/api/opening")
        while told["error"] is None:
            told = page.call("/api/opening?again")
        said = process.stderr.read()
        assert process.wait(20) == 2
    assert said == f"error: {told['error']}\n"
    assert told["error"].startswith("t.jsonl:300001: not valid JSON")
    assert not (tmp_path / "t.seals").exists()
    assert not list(tmp_path.rglob(".seals-unfinished-*"))


def test_ctrl_c_before_the_first_question_leaves_nothing_half_written_and_the_page_goes_on(tmp_path):
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": f"a seal {row}"}) + "\n" for row in range(300)))
    with begin(tmp_path) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == "interrupted; rerun the same command to resume\n"
    assert not (tmp_path / "t.seals").exists()
    assert not list(tmp_path.rglob(".seals-unfinished-*"))
    with begin(tmp_path) as process:
        assert process.stdout.readline() == line
        assert len(ServedPage(line).call("/api/batch?n=2")["rows"]) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_reading_a_large_table_says_how_far_it_is(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(stored_table, "STORED_FROM", 1)
    table, seen = tmp_path / f"t.{ending}", []
    frame = pd.DataFrame({"text": [f"text {row}" for row in range(3_000)]})
    {
        "jsonl": lambda: frame.to_json(table, orient="records", lines=True),
        "csv": lambda: frame.to_csv(table, index=False),
        "parquet": lambda: frame.to_parquet(table, row_group_size=1_000),
    }[ending]()

    def advance(bar, n):
        before(bar, n)
        seen.append(progress.steps[-1].done)

    before = Bar.advance
    monkeypatch.setattr(Bar, "advance", advance)
    with follow() as progress:
        read = stored_table.read_stored_table(table, tmp_path / "cache")
    assert len(read.texts) == 3_000
    last = progress.steps[-1]
    assert last.name == f"reading {table.name}"
    assert last.total == (3_000 if ending == "parquet" else table.stat().st_size)
    assert seen[-1] == last.total
    assert 0 < min(one for one in seen if one) < last.total or ending == "parquet"


def test_a_signal_that_lands_in_made_code_ends_the_page_without_an_error(tmp_path):
    """As during the import of a library: Python would end with the signal, however the interrupt is handled."""
    script = """
        import sys
        from pathlib import Path
        from seals_sim.label.session import Session
        from seals_sim.label.web import serve
        from tests.label.small import CORPUS
        session = Session.begin(Path(sys.argv[1]), CORPUS)
        made = "import signal, time; signal.raise_signal(signal.SIGTERM); time.sleep(0.1)"
        session.embed_in_background = lambda: exec(made)
        serve(session, open_browser=False, quiet=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "s")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
