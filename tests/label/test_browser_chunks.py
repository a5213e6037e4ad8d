"""The page in a real browser: the deciding chunk of a long text is marked and in view."""

from __future__ import annotations

import sys
import textwrap

from tests.label.browsing import Page, Served, needs_browser

pytestmark = needs_browser
SERVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from seals_sim.label.session import Session
    from seals_sim.label.web import serve
    from tests.label.test_chunked_sessions import OPTIONS, make_corpus
    session = Session.begin(Path(sys.argv[1]), make_corpus(is_long=True), ["3"], options=OPTIONS)
    serve(session, open_browser=False, quiet=True)
    """
)
MARKED = """
    const card = document.querySelector('.card'), mark = card.querySelector('mark'), box = card.querySelector('.text');
    const [inner, outer] = [mark, box].map((element) => element.getBoundingClientRect());
    const isInSight = inner.top >= outer.top - 1 && inner.top < outer.bottom;
    return mark ? [mark.textContent, box.textContent, isInSight, box.scrollTop > 0] : null;
"""


def test_the_chunk_that_decides_is_marked_and_in_sight(browser, tmp_path):
    page = Page(browser)
    page.open(Served(None, command=[sys.executable, "-c", SERVER, str(tmp_path / "s")]).url)
    has_scrolled = False
    for n in range(1, 4):  # the first rows all have several chunks
        row = page.row()
        page.wait(lambda: page.js("return document.querySelector('.card mark') !== null"))
        page.wait(lambda: page.js(MARKED)[2])
        marked, text, _, is_down = page.js(MARKED)
        assert marked.startswith(f"{row}.")
        assert marked.endswith("\U0001f9ad")
        assert len(text) > 1000
        assert marked in text
        has_scrolled |= is_down
        page.press("0")
        page.wait(lambda n=n: page.count() == n)
        page.wait(lambda row=row: page.row() != row)
    assert has_scrolled
    assert page.errors() == []
