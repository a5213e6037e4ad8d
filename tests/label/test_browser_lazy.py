"""The page in a real browser while the corpus is being embedded, and after the server was killed halfway."""

from __future__ import annotations

import re
import signal
import sys
import textwrap

import pytest

from tests.label.browsing import Page, Served, answered, needs_browser

pytestmark = needs_browser
SERVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from seals_sim.label.session import Session
    from seals_sim.label.web import serve
    from tests.label.small_lazy import LIKE, OPTIONS, Model, open_corpus
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    corpus, path = open_corpus(folder / "store", Model(seconds)), folder / "s.seals"
    session = Session.open(path, corpus) if path.exists() else Session.begin(path, corpus, LIKE, [], OPTIONS)
    serve(session, open_browser=False, quiet=True)
    """
)


def serve(folder, seconds):
    return Served(None, command=[sys.executable, "-c", SERVER, str(folder), str(seconds)])


@pytest.mark.slow
def test_answers_are_given_while_the_corpus_is_embedded(browser, tmp_path):
    served, page, given = serve(tmp_path, 0.08), Page(browser), {}  # all 400 texts take half a minute

    def n_embedded():
        shown = page.js("return document.body.textContent")
        match = re.search(r"(\d+) embedded so far", shown)
        return int(match[1]) if match else None

    def answer(n):
        for _ in range(n):
            page.wait(lambda: page.row() not in (None, *given))
            row = page.row()
            given[row] = int(int(re.search(r"cluster</b> (\d+)", page.text())[1]) == 0)
            page.press(str(given[row]))

    page.open(served.url)
    answer(12)
    page.wait(lambda: page.count() == 12)
    first = n_embedded()
    assert first is not None
    assert first < 400
    page.wait(lambda: page.row() not in (None, *given))
    coming = page.row()
    assert page.errors() == []

    served.end(signal.SIGKILL)
    served = serve(tmp_path, 0.08)
    page.open(served.url)
    assert answered(page) == given
    assert page.row() == coming
    assert n_embedded() >= first, "what was embedded is not embedded again"
    answer(3)
    page.wait(lambda: page.count() == 15)
    assert n_embedded() is not None
    assert answered(page) == given
    assert served.end(signal.SIGTERM) == 0
