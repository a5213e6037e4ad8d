"""Adding and renaming concepts on the page, in a real browser."""

from __future__ import annotations

import json
import signal
import sys

from tests.label.browsing import HEBREW, LONG, MARKUP, SERVER, By, Keys, Page, Served, needs_browser
from tests.label.test_browser_lists import FOCUS, read, tab_to

pytestmark = needs_browser


AGAIN = "from seals_sim.label.concepts import Concepts\n" + SERVER.replace("Session.open(", "Concepts.open(")


def export(page, where):
    lines = page.js(f"return fetch('{where}/export/labels.jsonl').then((reply) => reply.text())").splitlines()
    return {(str(one["row"]), one.get("concept")): one["answer"] for one in map(json.loads, lines)}


def choose(page):
    return page.js("const box = document.getElementById('concept'); return [box.hidden, box.selectedOptions[0]?.text]")


def error(page):
    return page.js("const box = document.getElementById('adding-error'); return box.hidden ? '' : box.textContent")


def test_a_concept_is_added_by_keyboard_alone_and_outlives_a_kill(browser, tmp_path):
    page = Page(browser)
    served = Served(tmp_path / "s")
    page.open(served.url)
    first = page.row()
    page.press("1")
    page.wait(lambda: page.count() == 1 and page.row() not in (None, first))
    assert choose(page)[0]
    box = browser.find_element(By.ID, "adding-box")
    page.press("+")
    page.wait(lambda: page.js(FOCUS)[0] == "adding-name")
    page.press(Keys.ENTER)
    page.wait(lambda: error(page) == "Error: a concept needs a name")
    page.press("unnamed" + Keys.ENTER)  # the name of the search so far
    page.wait(lambda: error(page) == "Error: the name 'unnamed' is taken; choose another name")
    page.press(Keys.BACKSPACE * 7 + "<i>rude</i>" + Keys.TAB + "20" + Keys.TAB)
    rows = "return [...document.getElementById('adding-row').options].map((one) => one.text.slice(0, 25))"
    page.wait(lambda: len(page.js(rows)) == 3)
    assert page.js(rows)[2].startswith(f"yes: row {first}, ")
    page.press(Keys.END + Keys.TAB + Keys.ENTER)
    page.wait(lambda: not box.is_displayed())
    page.wait(lambda: choose(page) == [False, "<i>rude</i>"])
    page.wait(lambda: page.row() is not None and read(page, "counts").startswith("1 positive of 1 answered"))
    assert read(page, "notice") == (
        "Added <i>rude</i>. The search so far continues as unnamed; you can rename it in the same place."
    )
    second = page.row()
    page.press("0")
    page.wait(lambda: page.count() == 2)
    expected = {(first, "unnamed"): 1, (first, "<i>rude</i>"): 1, (second, "<i>rude</i>"): 0}
    assert export(page, "/concept/all") == expected
    served.end(signal.SIGKILL)
    words = [str(tmp_path / "s"), str(served.port), MARKUP, LONG, HEBREW]
    Served(tmp_path / "s", command=[sys.executable, "-c", AGAIN, *words])
    third = page.row()
    page.press("0")
    page.wait(lambda: page.count() == 3)
    page.wait(lambda: page.js("return document.getElementById('error').hidden"))
    assert export(page, "/concept/1")[third, "<i>rude</i>"] == 0
    page.press("+")
    page.wait(lambda: page.js(FOCUS)[0] == "adding-name")
    tab_to(page, "renaming-place", 20)
    page.press(Keys.HOME + Keys.TAB + "mild" + Keys.ENTER)
    page.wait(lambda: not box.is_displayed())
    assert read(page, "notice") == "Renamed unnamed to mild."
    assert choose(page) == [False, "<i>rude</i>"]
    assert (first, "mild") in export(page, "/concept/0")
    known = ("ERR_CONNECTION_REFUSED", "status of 400")  # names that were refused
    assert all(any(one in line for one in known) for line in page.errors())


def test_other_tabs_learn_of_it(browser, tmp_path):
    page = Page(browser)
    served = Served(tmp_path / "s")
    page.open(served.url)
    tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    page.open(served.url)
    page.press("+")
    page.wait(lambda: page.js(FOCUS)[0] == "adding-name")
    page.press("odd" + Keys.ENTER)
    page.wait(lambda: choose(page) == [False, "odd"])
    browser.switch_to.window(tab)
    page.js("sessionStorage.setItem('concept', 'all')")  # of a session that this tab had before
    row = page.row()
    page.press("1")
    page.wait(lambda: choose(page) == [False, "unnamed"])
    page.press("0")
    page.wait(lambda: page.count() == 2)
    assert export(page, "/concept/0")[row, None] == 1
    page.press("cc")  # all at once
    lines = "return document.querySelectorAll('.card[aria-current=true] .concept').length"
    page.wait(lambda: page.js(lines) == 2)
    row = page.row()
    page.press("1")
    add = "return fetch('/api/concepts', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '%s'})"
    assert page.js(add % json.dumps({"name": "third"}) + ".then((reply) => reply.status)") == 200
    page.press("0")  # for the two that this tab knows of
    page.wait(lambda: page.js(lines) == 3 and page.row() not in (None, row))
    assert {name: answer for (one, name), answer in export(page, "/concept/all").items() if one == row} == {
        "unnamed": 1, "odd": 0,
    }  # fmt: skip
    row = page.row()
    page.press("101")
    page.wait(lambda: (row, "third") in export(page, "/concept/all"))
    assert page.errors() == []
