"""The page in a real browser while the table is being prepared: it shows progress, and then the question."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

from tests.label.browsing import Page, Served, needs_browser
from tests.label.test_browser_accessible import Checked

pytestmark = needs_browser
LINE = 't.jsonl:7: not valid JSON (<b>"\u05e9"</b>); --skip-bad-lines leaves such lines out'
SERVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from seals_sim.label.session import Session
    from seals_sim.label.web import server
    from seals_sim.progress import begin_step, track
    from tests.label.small import CORPUS, PLAIN
    server._ANNOUNCED_AFTER = 0
    path = Path(sys.argv[1])
    with server.open_page(open_browser=False, quiet=True, name="<i>t</i>.seals", token_beside=path) as page:
        begin_step("loading the model")
        with track("reading t.jsonl", 80_000_000, "B") as bar:
            for words in sys.stdin:  # what the test wants next
                if words == "fail\\n":
                    raise ValueError(sys.argv[2])
                if words == "ready\\n":
                    break
                bar.advance_to(int(words))
        page.serve(Session.open(path, CORPUS) if path.exists() else Session.begin(path, CORPUS, ["text 3"], [], PLAIN))
    """
)
SHOWN = "return document.querySelector('#opening:not([hidden])')?.innerText ?? ''"


class Program(Served):
    """A program that does its work on demand."""

    def __init__(self, path):
        command = [sys.executable, "-c", SERVER, str(path), LINE]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.started.append(self.process)
        self.url = self.process.stdout.readline().strip()

    def tell(self, words):
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()


@pytest.fixture
def page(browser):
    return Page(browser)


def test_the_page_shows_how_far_it_is_and_becomes_the_question(page, tmp_path):
    program = Program(tmp_path / "s")
    page.browser.get(program.url)
    page.wait(lambda: "Reading t.jsonl" in page.js(SHOWN))
    assert page.js("return document.getElementById('name').textContent") == "<i>t</i>.seals"
    assert "token" not in page.browser.current_url
    page.js("window.isOld = true")
    program.tell(20_000_000)
    page.wait(lambda: "20 of 80 MB" in page.js(SHOWN))
    bar = "const bar = document.querySelector('progress'); return [bar.value, bar.max, bar.getAttribute('aria-label')]"
    assert page.js(bar) == [25, 100, "Reading t.jsonl"]
    page.wait(lambda: page.js("return document.getElementById('said').textContent") == "Reading t.jsonl: 25%")
    page.wait(lambda: "left" in page.js(SHOWN))
    assert page.js("return document.title") == "25%: <i>t</i>.seals"
    assert page.js("return window.isOld") is True
    program.tell("ready")
    page.wait(lambda: page.row() is not None)
    assert "?" not in page.browser.current_url
    page.press("1")
    page.wait(lambda: page.count() == 1)
    assert page.errors() == []
    assert program.end(signal.SIGTERM) == 0


def test_the_page_shows_an_error_and_goes_on_when_the_program_does(page, tmp_path):
    program, alert = Program(tmp_path / "s"), "return document.getElementById('error').textContent"
    page.browser.get(program.url)
    page.wait(lambda: "Reading t.jsonl" in page.js(SHOWN))
    program.tell("fail")
    page.wait(lambda: page.js(alert) != "")
    assert page.js(alert) == f"Error: {LINE}"
    assert page.js(SHOWN) == "", "nothing is coming"
    assert program.process.wait(20) == 1
    again = Program(tmp_path / "s")
    assert again.url == program.url
    page.wait(lambda: page.js(alert) == "" and "Reading t.jsonl" in page.js(SHOWN))
    again.end(signal.SIGKILL)
    page.wait(lambda: "does not respond" in page.js("return document.getElementById('notice').textContent"))
    last = Program(tmp_path / "s")
    last.tell("ready")
    page.wait(lambda: page.row() is not None)
    assert last.end(signal.SIGTERM) == 0


def test_a_tab_that_is_open_says_what_it_waits_for(page, tmp_path):
    program = Program(tmp_path / "s")
    program.tell("ready")
    page.open(program.url)
    program.end(signal.SIGTERM)
    page.press("1")  # has not been sent yet
    again = Program(tmp_path / "s")
    page.wait(lambda: "being prepared (reading" in page.js("return document.getElementById('error').textContent"))
    again.tell("ready")
    page.wait(lambda: page.count() == 1)
    assert again.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_axe_finds_nothing_on_the_page_that_waits(browser, tmp_path, axe):
    program, page = Program(tmp_path / "s"), Checked(browser, axe)
    browser.get(program.url)
    program.tell(20_000_000)
    page.wait(lambda: "20 of 80 MB" in page.js(SHOWN) and "left" in page.js(SHOWN))
    page.check("light")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    page.check("dark")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    page.check("dark, 390 px")
    assert page.js("return document.documentElement.scrollWidth") <= 390
    program.tell("fail")
    page.wait(lambda: page.js("return !document.getElementById('error').hidden"))
    page.check("error")
    assert page.js("return document.documentElement.scrollWidth") <= 390
    assert page.found == {}, page.found
