"""The page in a real browser: its lists by keyboard alone, a narrow screen, a server that is down."""

from __future__ import annotations

import json
import re
import signal

from tests.label.browsing import IN_HEADER, By, Keys, Page, Served, answered, needs_browser, webdriver

pytestmark = needs_browser

ITEMS = "return [...document.querySelectorAll('#results-list .item')].map((item) => Number(item.dataset.row))"
FOCUS = "const one = document.activeElement; return [one.id, one.getAttribute('aria-label') ?? one.textContent]"

HOLD = """
    const send = window.fetch, released = new Promise((resolve) => { window.release = resolve; });
    window.fetch = (...call) => released.then(() => send(...call));
"""


def list_names(page):
    """The people who gave the answers that count, as the server exports them."""
    lines = page.js("return fetch('/export/labels.jsonl').then((reply) => reply.text())").splitlines()
    return [json.loads(line)["who"] for line in lines]


def read(page, id):
    return page.js("return document.getElementById(arguments[0]).textContent", id)


def tab_to(page, label, most=60):
    """Press Tab until something with this id or label has the focus."""
    for _ in range(most):
        page.press(Keys.TAB)
        if label in page.js(FOCUS):
            return
    raise AssertionError(f"{label} is not reached by the tab key")


def test_answers_are_looked_through_and_changed_by_keyboard_alone(browser, tmp_path):
    served, page = Served(tmp_path / "s"), Page(browser)
    page.open(served.url)
    page.press("g")
    page.wait(lambda: len(page.rows()) == 6)
    first = page.rows()
    page.press("1n")  # yes to one, no to the five others
    page.wait(lambda: page.count() == 6)
    assert answered(page) == {row: int(row == first[0]) for row in first}
    assert "No to 5 rows" in read(page, "notice")
    page.wait(lambda: len(page.rows()) == 6)
    assert not set(page.rows()) & set(first)
    page.press("u")  # takes back only one of them
    page.wait(lambda: page.count() == 5)
    page.wait(lambda: page.row() == first[-1])
    page.press("g")
    page.press("n")  # the grid is gone, so this is not an answer
    page.press("s")
    page.wait(lambda: page.count() == 6)
    given = {**dict.fromkeys(first[1:-1], 0), first[0]: 1, first[-1]: None}
    assert answered(page) == given

    page.press("a")
    page.wait(lambda: page.js(FOCUS)[0] == "filter-answer")
    assert sorted(page.js(ITEMS)) == sorted(map(int, first))
    assert read(page, "results-count") == "6 in all"
    page.press("n")  # chooses "no" in the box, and answers nothing
    page.wait(lambda: page.js(ITEMS) == [int(row) for row in first[-2:0:-1]])  # most recent first
    tab_to(page, "filter-words")
    page.press(f"ROW {first[1]}")
    page.wait(lambda: page.js(ITEMS) == [int(first[1])])
    tab_to(page, f"Yes, row {first[1]}")
    page.press(Keys.ENTER)
    page.wait(lambda: answered(page) == {**given, first[1]: 1})
    assert page.count() == 6
    page.press(Keys.ESCAPE)
    assert not browser.find_element(By.ID, "results").is_displayed()
    page.press("s")
    page.wait(lambda: page.count() == 7)

    page.press("/")
    webdriver.ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert page.js(FOCUS)[0] == "how"
    page.press("w")  # with the words
    tab_to(page, "words")
    page.press('"of CLUSTER 3"' + Keys.ENTER)
    of_cluster = [row for row in range(300) if row % 6 == 3]
    page.wait(lambda: page.js(ITEMS) == of_cluster[:20])
    assert read(page, "results-count") == f"20 of {len(of_cluster)}"
    tab_to(page, "Show more", 200)
    page.press(Keys.ENTER)
    page.wait(lambda: page.js(ITEMS) == of_cluster[:40])
    assert page.js(FOCUS)[1] == f"Yes, row {of_cluster[20]}"
    assert page.errors() == []
    assert served.end(signal.SIGTERM) == 0


CONTRASTS = """
const number = (color) => color.match(/[\\d.]+/g).map(Number);
const linear = (c) => c <= 10.3 ? c / 3295 : ((c / 255 + .055) / 1.055) ** 2.4;
const light = (color) => { const [r, g, b] = number(color).map(linear);
  return .2126 * r + .7152 * g + .0722 * b; };
const contrast = (a, b) => { const [x, y] = [light(a), light(b)];
  return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
const behind = (element) => { const color = getComputedStyle(element).backgroundColor;
  return number(color)[3] === 0 ? behind(element.parentElement) : color; };
return [...document.querySelectorAll("button, input, select, summary")].filter((one) => one.offsetParent).map((one) => {
  const style = getComputedStyle(one);
  return [one.id || one.textContent, contrast(style.borderTopColor, behind(one)),
    contrast(style.borderTopColor, behind(one.parentElement)), contrast(style.color, behind(one))]; });
"""


def test_no_part_of_the_header_covers_another(browser, tmp_path):
    served, page = Served(tmp_path / "s"), Page(browser)
    page.open(served.url)
    for keys in ("", "g"):  # the grid has a button more
        page.press(keys)
        for width in (1700, 1401, 1280, 1000, 901, 700, 390):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            assert page.overlaps(IN_HEADER) == [], width
            top = "return document.getElementById(arguments[0]).offsetTop"
            assert keys or width < 1280 or page.js(top, "adding") == page.js(top, "help")
    served.end(signal.SIGTERM)


def test_a_narrow_screen_the_menu_and_a_server_that_is_away(browser, tmp_path):
    served, page = Served(tmp_path / "s"), Page(browser)
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.open(served.url)
    page.press("ga")
    page.wait(lambda: browser.find_element(By.ID, "results").is_displayed())
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for name, inside, outside, words in page.js(CONTRASTS):
            assert min(inside, outside) >= 3, (scheme, name)
            assert words >= 4.5, (scheme, name)
    page.press(Keys.ESCAPE)

    summary, menu = (
        browser.find_element(By.CSS_SELECTOR, "summary"),
        browser.find_element(By.CSS_SELECTOR, "#export ul"),
    )
    for close in (
        lambda: page.press(Keys.ESCAPE),
        lambda: browser.find_element(By.ID, "name").click(),
        lambda: menu.find_element(By.CSS_SELECTOR, "a[href='/export/labels.jsonl']").click(),
        lambda: summary.click(),
    ):
        summary.click()
        page.wait(menu.is_displayed)
        left, right = page.js("const box = arguments[0].getBoundingClientRect(); return [box.left, box.right]", menu)
        assert left >= 0
        assert right <= 390
        close()
        page.wait(lambda: not menu.is_displayed())
    page.wait((tmp_path / "downloads" / "labels.jsonl").exists)
    assert page.overlaps("#search, #layout") == []
    assert page.js("return document.documentElement.scrollWidth") <= 390
    for key, id in (("?", "keys"), ("+", "adding-box"), ("w", "note-box")):
        page.press(key)
        box = browser.find_element(By.ID, id)
        page.wait(box.is_displayed)
        left, right = page.js("const box = arguments[0].getBoundingClientRect(); return [box.left, box.right]", box)
        assert 0 <= left < right <= 390, id
        page.press(Keys.ESCAPE)
        page.wait(lambda box=box: not box.is_displayed())

    page.press("g")
    page.press("0")
    page.wait(lambda: page.count() == 1)
    served.end(signal.SIGKILL)
    page.press("0" * 20)  # the rows fetched ahead, and more
    page.wait(lambda: page.row() is None)
    page.wait(lambda: "does not respond" in read(page, "empty"))
    assert browser.find_element(By.ID, "empty").is_displayed()
    page.wait(lambda: re.search(r"\b\d+ answers not saved yet", read(page, "error")))


def test_two_people_in_two_tabs_differ_and_settle(browser, tmp_path):
    served, page = Served(tmp_path / "s"), Page(browser)
    page.open(f"{served.url}&name=Ada")
    assert (read(page, "person"), browser.current_url) == ("Ada", f"http://127.0.0.1:{served.port}/")
    of_ada, first = page.row(), browser.current_window_handle
    browser.switch_to.new_window("tab")
    page.open(served.url)
    assert page.row() != of_ada
    ask = "return fetch('/api/batch?n=4').then((reply) => reply.json())"
    waiting = [str(item["row"]) for item in page.js(ask)["rows"]]
    without_name = page.row()
    browser.find_element(By.ID, "person").click()
    page.press(" Bob " + Keys.ENTER)
    page.wait(lambda: read(page, "person") == "Bob")
    assert page.row() == without_name, "what was asked before is not left to nobody"
    page.press("0")
    page.wait(lambda: page.count() == 1)
    page.press("00")
    page.wait(lambda: page.count() == 3)
    assert sorted(answered(page)) == sorted(waiting[:3])
    page.press("uuu")
    page.wait(lambda: page.count() == 0)
    page.press("/" + of_ada + Keys.ENTER)  # the texts of this table are row numbers
    page.wait(lambda: page.js(ITEMS)[:1] == [int(of_ada)])
    tab_to(page, f"No, row {of_ada}")
    page.press(Keys.ENTER)
    page.wait(lambda: page.count() == 1)
    second = browser.current_window_handle
    browser.switch_to.window(first)
    page.press("1")
    page.wait(lambda: "1 row has different answers" in read(page, "disputed"))
    browser.find_element(By.CSS_SELECTOR, "#disputed button").click()
    page.wait(lambda: page.js(ITEMS) == [int(of_ada)])
    assert "Bob: no, Ada: yes" in read(page, "results-list")
    browser.switch_to.window(second)
    page.press("u")  # takes back Bob's own answer, not Ada's later one
    page.wait(lambda: f"Undid the last answer for row {of_ada}" in read(page, "notice"))
    assert not browser.find_element(By.ID, "disputed").is_displayed()
    assert answered(page) == {of_ada: 1}

    ask = "return fetch('/api/batch?n=6', {headers: {'X-Person': 'Bob'}}).then((reply) => reply.json())"
    of_bob = [str(item["row"]) for item in page.js(ask)["rows"]]
    page.js(HOLD)
    page.press("ggs1")  # the grid asks for rows; the answers are Bob's, though Cy takes over before they are sent
    browser.find_element(By.ID, "person").click()
    page.press(Keys.BACKSPACE * 3 + "Cy" + Keys.ENTER)
    page.wait(lambda: read(page, "person") == "Cy")
    page.js("window.release()")
    page.wait(lambda: page.count() == 3)
    assert list_names(page) == ["Ada", "Bob", "Bob"]
    page.wait(lambda: page.row() not in (None, *of_bob))
    page.press("0")
    page.wait(lambda: page.count() == 4)
    assert list_names(page)[-1] == "Cy"
    assert page.errors() == []
