"""The page in a real browser: what axe-core finds on each view, and a whole session by keyboard."""

from __future__ import annotations

import json
import signal
import sys
import textwrap

import pytest

from tests.label.browsing import HEBREW, LONG, MARKUP, SERVER, By, Keys, Page, Served, needs_browser
from tests.label.test_browser_lists import FOCUS, read, tab_to

pytestmark = needs_browser

FIND_VIOLATIONS = """
    const done = arguments[0];
    axe.run().then(
      ({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes.map((one) => one.html).join(" ")}`)),
      (error) => done([String(error)]),
    );
"""
CONCEPTS = textwrap.dedent(
    """
    from seals_sim.label.concepts import Concepts
    examples = {"spoiler": (["18"], ["1"]), "rude": (["20"], ["1"]), "odd": ([], [])}
    opened = Concepts.open(path, corpus) if path.exists() else Concepts.begin(path, corpus, examples, options)
    serve(opened, port=int(sys.argv[2]), open_browser=False, quiet=True, name="made up <i>texts</i>")
    """
)


def serve_concepts(path):
    script = SERVER[: SERVER.index("session = Session")] + CONCEPTS
    return Served(path, command=[sys.executable, "-c", script, str(path), "0", MARKUP, LONG, HEBREW])


class Checked(Page):
    """Checks each view with axe-core."""

    def __init__(self, browser, axe):
        super().__init__(browser)
        self.axe, self.found = axe, {}

    def check(self, view):
        self.browser.execute_script(self.axe)
        violations = self.browser.execute_async_script(FIND_VIOLATIONS)
        if violations:
            self.found[view] = violations

    def check_views(self, name):
        self.check(f"{name}: question")
        self.press("g")
        self.wait(lambda: len(self.rows()) == 6)
        self.check(f"{name}: grid")
        before = read(self, "counts")
        self.press("100" if self.browser.find_elements(By.CSS_SELECTOR, ".card .concept") else "1")
        self.wait(lambda: read(self, "counts") != before)
        self.press("a")
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#results-list .item"))
        self.check(f"{name}: answers")
        self.press(Keys.ESCAPE)
        self.press("/")
        self.press("18" + Keys.ENTER)
        self.wait(lambda: "Results for" in read(self, "results-title"))
        self.check(f"{name}: search")
        for _ in range(3):  # leaves the box, the list, and the box again, which then has the focus
            self.press(Keys.ESCAPE)
        for key, box in (("?", "keys"), ("w", "note-box"), ("+", "adding-box")):
            self.press(key)
            shown = self.browser.find_element(By.ID, box)
            self.wait(shown.is_displayed)
            self.check(f"{name}: {box}")
            self.press(Keys.ESCAPE)
            self.wait(lambda shown=shown: not shown.is_displayed())
        self.browser.find_element(By.ID, "person").click()
        self.check(f"{name}: person")
        self.press(Keys.ESCAPE)
        self.browser.find_element(By.CSS_SELECTOR, "#export summary").click()
        self.check(f"{name}: export")
        self.press(Keys.ESCAPE)
        self.press("g")
        self.wait(lambda: len(self.rows()) == 1)


@pytest.mark.slow
def test_axe_finds_nothing(browser, tmp_path, axe):
    page = Checked(browser, axe)
    page.open(serve_concepts(tmp_path / "s").url)
    page.check_views("light")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    page.check_views("dark")
    for _ in range(3):
        page.press("c")
        page.wait(lambda: page.row() is not None)
    page.wait(lambda: browser.find_elements(By.CSS_SELECTOR, ".card .concept"))
    page.check_views("dark, all concepts")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    page.check_views("390 px, all concepts")
    assert page.js("return document.documentElement.scrollWidth") <= 390
    page.press("c")
    page.wait(lambda: not browser.find_elements(By.CSS_SELECTOR, ".card .concept"))
    page.check_views("390 px")
    assert page.found == {}, "\n".join(f"{view}: {one[:300]}" for view, found in page.found.items() for one in found)
    assert page.errors() == []


def test_that_axe_would_find_something(browser, tmp_path, axe):
    page = Checked(browser, axe)
    page.open(serve_concepts(tmp_path / "s").url)
    page.js("document.getElementById('how').removeAttribute('aria-label')")
    page.js("document.getElementById('counts').style.color = '#bbb'")
    page.check("broken")
    assert {words.partition(":")[0] for words in page.found["broken"]} == {"select-name", "color-contrast"}


def is_focus_visible(page):
    return page.js("const style = getComputedStyle(document.activeElement); return parseFloat(style.outlineWidth) > 0")


def test_all_concepts_from_opening_to_export_by_keyboard_alone(browser, tmp_path):
    path, page = tmp_path / "s", Page(browser)
    served = serve_concepts(path)
    page.open(served.url)
    page.press("ccc")  # all at once
    lines = """return [...document.querySelectorAll('.card[aria-current=true] .concept')]
        .map((one) => one.classList.contains('is-next'))"""
    page.wait(lambda: page.row() is not None and page.js(lines) == [True, False, False])
    first = page.row()
    page.press("1")
    assert page.js(lines) == [False, True, False]
    page.press("0")
    page.press("u")  # takes back the no, which has not been sent yet
    assert page.js(lines) == [False, True, False]
    assert page.row() == first
    page.press("1s")
    page.wait(lambda: page.row() not in (None, first))
    page.wait(lambda: read(page, "counts") == (
        "spoiler: 1 positive of 1 answered; rude: 1 positive of 1 answered; odd: 0 positive of 0 answered"
    ))  # fmt: skip
    page.press("w")
    page.wait(lambda: page.js(FOCUS)[0] == "note-words")
    noted = page.row()
    page.press("ask the author" + Keys.TAB + Keys.ENTER)
    page.wait(lambda: page.js("return document.querySelector('.card .note').textContent") == "ask the author")
    assert page.row() == noted
    assert "Text of row" in page.js(FOCUS)[1]  # the focus is back where it was
    page.press("000")
    page.wait(lambda: page.row() not in (None, first, noted))
    page.wait(lambda: read(page, "counts").startswith("spoiler: 1 positive of 2 answered"))
    page.press("c")  # the first concept again
    page.wait(lambda: read(page, "counts").startswith("1 positive of 2 answered"))
    page.press("u")  # of this concept alone
    page.wait(lambda: read(page, "counts").startswith("1 positive of 1 answered"))
    page.press("ccc")
    page.wait(lambda: page.js(lines) == [True, False, False])
    tab_to(page, "Save the labels", 100)
    assert is_focus_visible(page)
    page.press(Keys.ENTER)
    tab_to(page, "JSONL")
    assert is_focus_visible(page)
    page.press(Keys.ENTER)
    saved = tmp_path / "downloads" / "labels.jsonl"
    page.wait(saved.exists)
    given = [json.loads(line) for line in saved.read_text().splitlines()]
    answers = {(str(one["row"]), one["concept"]): one["answer"] for one in given}
    assert answers == {
        (first, "spoiler"): 1, (first, "rude"): 1, (first, "odd"): None,
        (noted, "rude"): 0, (noted, "odd"): 0,
    }  # fmt: skip
    assert "ask the author" in saved.read_text()
    assert page.errors() == []
    assert served.end(signal.SIGTERM) == 0


def test_by_keyboard_alone_each_thing_has_a_visible_focus_and_gives_it_back(browser, tmp_path):
    page = Page(browser)
    page.open(Served(tmp_path / "s").url)
    seen, order = set(), []
    page.js("document.activeElement.blur()")
    for _ in range(60):
        page.press(Keys.TAB)
        place = page.js("return [...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if place in seen:
            break
        seen.add(place)
        order.append(place)
        assert is_focus_visible(page), page.js(FOCUS)
    reachable = """return [...document.querySelectorAll('button, select, input, summary, a, [tabindex]')]
        .filter((one) => one.checkVisibility() && !one.disabled).length"""
    assert len(order) >= page.js(reachable)
    for label, box, first in (("? Keys", "keys", ""), ("person", "person-box", "person-name"),
                              ("adding", "adding-box", "adding-name")):  # fmt: skip
        tab_to(page, label, 100)
        page.press(Keys.ENTER)
        page.wait(browser.find_element(By.ID, box).is_displayed)
        assert not first or page.js(FOCUS)[0] == first
        page.press(Keys.ESCAPE)
        page.wait(lambda label=label: label in page.js(FOCUS))
    tab_to(page, "answers", 100)
    page.press(Keys.ENTER)
    page.wait(lambda: page.js(FOCUS)[0] == "filter-answer")
    page.press(Keys.ESCAPE)
    assert page.js(FOCUS)[0] == "answers"
    assert page.errors() == []
