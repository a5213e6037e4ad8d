"""A server and a page in a real browser, for the tests that need them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from typing import ClassVar

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

__all__ = ["CHROMIUM", "DRIVER", "HEBREW", "IN_HEADER", "LONG", "MARKUP", "SERVER", "By", "Keys", "Page", "Served",
           "answered", "needs_browser", "webdriver"]  # fmt: skip

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver (Debian: chromium, chromium-driver)"
)

MARKUP = "<script>document.title = 'run'; alert(1)</script><img src=x onerror=alert(2)><b>bold</b>"
IN_HEADER = "header > :not(#search), #search > *"
LONG, HEBREW = "long text " * 1000, "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
SERVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import numpy as np
    from seals_sim.indexes import ExactIndex
    from seals_sim.label.corpus import Corpus
    from seals_sim.label.session import Session
    from seals_sim.label.options import SessionOptions
    from seals_sim.label.web import serve
    rng = np.random.default_rng(0)
    cluster = np.arange(300) % 6
    vectors = rng.normal(size=(6, 16))[cluster] + 0.6 * rng.normal(size=(300, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    texts = [f"row {row} of cluster {number}\\n  second line" for row, number in enumerate(cluster)]
    texts[0], texts[6], texts[12] = sys.argv[3:]
    encode = lambda words: vectors[[int(word) for word in words]]
    corpus = Corpus(vectors, ExactIndex(vectors), "made up", texts, encode)
    path, options = Path(sys.argv[1]), SessionOptions(k=20, control_every=10)
    session = Session.open(path, corpus) if path.exists() else Session.begin(path, corpus, ["18"], ["1"], options)
    name = "made up <i>texts</i>"
    serve(session, port=int(sys.argv[2]), open_browser=False, quiet=True, name=name, token_beside=path)
    """
)


class Served:
    """A server process on a session file, and the address that it printed."""

    started: ClassVar[list] = []

    def __init__(self, path, port=0, command=None):
        command = command or [sys.executable, "-c", SERVER, str(path), str(port), MARKUP, LONG, HEBREW]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.started.append(self.process)
        self.url = self.process.stdout.readline().strip()
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def end(self, by):
        self.process.send_signal(by)
        return self.process.wait(timeout=20)


class Page:
    """What a person sees and does on the page."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, url):
        self.browser.get(url)
        self.wait(lambda: self.row() is not None, seconds=60)  # it is available before the table is read

    def wait(self, condition, seconds=15):
        WebDriverWait(self.browser, seconds, poll_frequency=0.02).until(lambda _: condition())

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def row(self):
        return self.js("return document.querySelector('.card[aria-current=true]')?.dataset.row ?? null")

    def rows(self):
        return self.js("return [...document.querySelectorAll('.card')].map((card) => card.dataset.row)")

    def text(self):
        return self.js("return document.querySelector('.card[aria-current=true] .text').textContent")

    def overlaps(self, selector):
        """Pairs of elements that cover one another, by id or text, apart from what only a screen reader reads."""
        return self.js(
            """
            const boxes = [...document.querySelectorAll(arguments[0])]
              .filter((one) => getComputedStyle(one).clipPath === "none" && one.getClientRects().length)
              .map((one) => [one.id || one.textContent.slice(0, 20), one.getBoundingClientRect()]);
            const meet = (a, b) =>
              a.right > b.left && b.right > a.left && a.bottom > b.top && b.bottom > a.top;
            return boxes.flatMap(([name, a], place) =>
              boxes.slice(place + 1).filter(([, b]) => meet(a, b)).map(([other]) => [name, other]));
            """,
            selector,
        )

    def press(self, keys):
        """Press a key in whatever has the focus, so that none is lost if an element is redrawn meanwhile."""
        webdriver.ActionChains(self.browser, duration=0).send_keys(keys).perform()

    def count(self):
        """Answers and skips that the server has saved."""
        counts = self.js("return document.getElementById('counts').textContent")
        match = re.match(r"(\d+) positive of (\d+) answered, (\d+) skipped", counts)
        return int(match[2]) + int(match[3]) if match else -1

    def is_filled(self):
        """Whether rows have been prefetched since the last answer was saved."""
        return self.js(
            "const list = (part) => performance.getEntriesByType('resource').filter((one) => one.name.includes(part));"
            "const fetched = list('/api/batch').at(-1)?.startTime ?? -1;"
            "return fetched >= (list('/api/answer').at(-1)?.responseEnd ?? 0)"
        )

    def errors(self):
        return [
            entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]


def answered(page):
    """Row to answer, as the server exports them."""
    lines = page.js("return fetch('/export/labels.jsonl').then((reply) => reply.text())").splitlines()
    return {str(item["row"]): item["answer"] for item in map(json.loads, lines)}
