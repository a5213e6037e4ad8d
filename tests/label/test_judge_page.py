"""The page with a judge running, in a real browser."""

from __future__ import annotations

import sys
import textwrap

import pytest

pytest.importorskip("openai", reason="the extra [judge] is not installed")

from tests.label.browsing import Page, Served, answered, needs_browser
from tests.label.judge_server import MODEL, NO, YES, JudgeServer, number

SCRIPT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from seals_sim.label.judge.client import Judge
    from seals_sim.label.judge.judging import Judging
    from seals_sim.label.session import Session
    from seals_sim.label.web import serve
    from tests.label.small import CORPUS, PLAIN
    session = Session.begin(Path(sys.argv[1]), CORPUS, ["text 3"], options=PLAIN)
    judging = Judging(session, Judge(sys.argv[2], sys.argv[3], "Is it even?"), 60)
    serve(session, open_browser=False, quiet=True, judging=judging)
    """
)


@needs_browser
def test_the_page_follows_a_judge_and_puts_a_tenth_to_the_person(browser, tmp_path):
    with JudgeServer(lambda text: YES if number(text) % 2 else NO) as server:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "s"), server.url, MODEL]
        page = Page(browser)
        page.open(Served(tmp_path / "s", command=command).url)

        def words():
            return page.js("return document.getElementById('judge').textContent")

        page.wait(lambda: f"judge:{MODEL} has answered 60 rows in 60 calls" in words())
        assert "you have checked none yet" in words()
        why = "return document.querySelector('.card[aria-current=true] .why')?.textContent ?? ''"
        for _ in range(12):
            if "drawn at random for you to check" in page.js(why):
                break
            before = page.row()
            page.press("0")
            page.wait(lambda before=before: page.row() not in (None, before))
        row = page.row()
        page.press("1" if int(row) % 2 else "0")
        page.wait(lambda: "Of the 1 answer drawn at random that you checked, you agree with 1: 100.0%" in words())
        page.wait(lambda: answered(page)[row] == int(row) % 2)
        assert page.errors() == []
