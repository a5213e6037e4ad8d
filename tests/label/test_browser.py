"""The page in a real browser: a person's keys, a server that is killed, texts that look like markup."""

from __future__ import annotations

import json
import signal
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image

from seals_sim.datasets import read_icd10cm
from tests.label.browsing import HEBREW, LONG, MARKUP, SERVER, By, Keys, Page, Served, answered, needs_browser
from tests.label.test_strange_calls import SERVER as STARTING_A_BROWSER

pytestmark = needs_browser


def test_fifty_answers_by_keyboard_survive_the_server_being_killed(browser, tmp_path):
    path, page, given = tmp_path / "s", Page(browser), {}
    served = Served(path)
    page.open(served.url)
    assert "token" not in browser.current_url
    for place in range(50):
        page.wait(lambda: page.row() not in (None, *given))
        row, text = page.row(), page.text()
        expected = {"0": MARKUP, "6": LONG, "12": HEBREW}
        assert text == expected.get(row, f"row {row} of cluster {int(row) % 6}\n  second line")
        if row == "6":
            assert page.js("const box = document.querySelector('.text'); return box.scrollHeight > box.clientHeight")
            assert page.js("return document.documentElement.scrollHeight <= window.innerHeight")
        if row == "12":
            assert page.js("return getComputedStyle(document.querySelector('.text')).direction") == "rtl"
        key = "s" if place % 12 == 5 else "1" if int(row) % 6 == 0 else "0"
        given[row] = {"1": 1, "0": 0, "s": None}[key]
        page.press(key)
        if place == 20:
            browser.save_screenshot(str(tmp_path / "one.png"))
    page.wait(lambda: page.count() == 50)
    page.wait(lambda: page.row() not in (None, *given))
    assert answered(page) == given
    assert {"0", "6", "12"} < given.keys()
    before = page.row()
    assert page.errors() == []

    page.wait(page.is_filled)
    served.end(signal.SIGKILL)
    page.press("0")  # while nothing answers: it is sent once the server is back
    page.wait(lambda: "does not respond" in browser.find_element(By.ID, "error").text)
    assert "1 answer not saved yet" in browser.find_element(By.ID, "error").text
    assert page.row() != before
    (tmp_path / "s.token").unlink()
    served = Served(path, served.port)
    page.wait(lambda: "has expired" in browser.find_element(By.ID, "error").text)  # it has another token
    browser.get_log("browser")
    page.open(served.url)
    assert page.row() == before
    assert answered(page) == given
    assert page.count() == 50

    page.press("1")
    page.press("u")
    page.press("0")  # meant for the row that comes back
    given[before] = 0
    page.wait(lambda: answered(page) == given)
    script = "return fetch('/api/batch?n=4').then((reply) => reply.json()).then(({rows}) => rows.map(({row}) => row))"
    coming = page.js(script)
    page.press("1s0")  # faster than any reply
    given.update(zip(map(str, coming), (1, None, 0), strict=False))
    page.wait(lambda: answered(page) == given)
    page.wait(lambda: page.count() == 54)
    page.press("g")
    page.wait(lambda: len(page.rows()) == 6)
    browser.save_screenshot(str(tmp_path / "grid.png"))
    assert all((tmp_path / name).stat().st_size > 20_000 for name in ("one.png", "grid.png"))
    assert page.errors() == []
    assert served.end(signal.SIGTERM) == 0


def test_an_open_tab_goes_on_when_the_server_is_killed_and_started_again(browser, tmp_path):
    path, page = tmp_path / "s", Page(browser)
    served = Served(path)
    page.open(served.url)
    page.press("1")
    page.wait(lambda: page.count() == 1)
    browser.execute_script("window.isSame = true")
    for n_before in (1, 3):
        page.wait(page.is_filled)
        served.end(signal.SIGKILL)
        page.press("0s")  # on rows that the tab already has
        page.wait(lambda: "2 answers not saved yet" in browser.find_element(By.ID, "error").text)
        waiting = page.row()
        again = Served(path)  # any free port: the one at which the tab waits
        assert again.url == served.url
        page.wait(lambda n=n_before: page.count() == n + 2)
        page.wait(lambda: not browser.find_element(By.ID, "error").text)
        assert page.row() == waiting
        served = again
    assert sorted(answered(page).values(), key=str) == [0, 0, 1, None, None]
    assert page.js("return window.isSame")
    assert served.end(signal.SIGTERM) == 0


def test_a_grid_arrows_a_search_and_texts_that_look_like_markup(browser, tmp_path):
    served, page = Served(tmp_path / "s"), Page(browser)
    page.open(served.url)
    page.press("?")
    assert browser.find_element(By.ID, "keys").is_displayed()
    page.press("1")  # has no effect while the keys are shown
    page.press(Keys.ESCAPE)
    page.press("g")
    page.wait(lambda: len(page.rows()) == 6)
    rows = page.rows()
    assert page.row() == rows[0]
    page.press(Keys.ARROW_RIGHT)
    page.press(Keys.ARROW_DOWN)
    assert page.row() == rows[4]
    page.press("110")  # 4, 5, 0
    page.wait(lambda: page.count() == 3)
    assert answered(page) == {rows[4]: 1, rows[5]: 1, rows[0]: 0}
    assert page.rows() == rows
    page.press("10s")
    page.wait(lambda: page.count() == 6)
    page.wait(lambda: len(page.rows()) == 6)
    assert not set(page.rows()) & set(rows)

    browser.execute_script("window.isSame = true")
    page.press("/")
    page.press("0" + Keys.ENTER)  # the texts of this table are row numbers; in the box, 0 is not an answer
    page.wait(lambda: browser.find_elements(By.CSS_SELECTOR, "#results-list .item"))
    first = browser.find_element(By.CSS_SELECTOR, "#results-list .item")
    assert first.get_attribute("data-row") == "0"
    text = first.find_element(By.CLASS_NAME, "text")
    assert text.get_property("textContent") == MARKUP
    assert text.find_elements(By.CSS_SELECTOR, "*") == []
    assert browser.find_elements(By.CSS_SELECTOR, "img, main script, b, i") == []
    assert browser.find_element(By.ID, "name").text == "made up <i>texts</i>"
    first.find_element(By.CSS_SELECTOR, "[data-answer='1']").click()
    page.wait(lambda: page.count() == 7)
    assert answered(page)["0"] == 1
    assert first.find_element(By.CSS_SELECTOR, "[data-answer='1']").get_attribute("aria-pressed") == "true"
    near = browser.find_element(By.CSS_SELECTOR, "#near-list .item:not(.is-answered)")
    near.find_element(By.CSS_SELECTOR, "[data-answer='0']").click()
    page.wait(lambda: page.count() == 8)
    assert answered(page)[near.get_attribute("data-row")] == 0
    assert page.js("return document.getElementById('curve').querySelectorAll('polyline').length") == 1

    browser.find_element(By.CSS_SELECTOR, "#export summary").click()
    browser.find_element(By.CSS_SELECTOR, "a[href='/export/labels.csv']").click()
    page.wait((tmp_path / "downloads" / "labels.csv").exists)
    assert (tmp_path / "downloads" / "labels.csv").read_text().startswith("row,text,answer,is_control")

    browser.set_window_size(500, 800)
    width = page.js("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    assert page.js("return window.isSame")
    assert page.errors() == []
    assert served.end(signal.SIGINT) == 0


@pytest.mark.slow
def test_the_command_on_the_built_in_texts(browser, tmp_path):
    """Fifty texts answered by keyboard, with the command killed and rerun in between."""
    texts, page, given = read_icd10cm().texts[::30], Page(browser), {}
    table = tmp_path / "codes.jsonl"
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(table), "--like", "fracture of a finger",
               "--not-like", "poisoning by a drug", "--model", "wordllama", "--cache", str(tmp_path / "cache"),
               "--no-browser", "--quiet"]  # fmt: skip
    for n_answers, by in ((30, signal.SIGKILL), (50, signal.SIGTERM)):
        served = Served(None, command=command)
        if not given:
            page.open(served.url)  # which then continues by itself
        page.press("0")
        page.wait(lambda: page.count() == len(given) + 1)
        page.press("u")
        page.wait(lambda: page.count() == len(given))
        browser.get_log("browser")
        while len(given) < n_answers:
            page.wait(lambda: page.row() not in (None, *given))
            row, text = page.row(), page.text()
            assert text == texts[int(row)]
            given[row] = int("fracture" in text.lower())
            page.press(str(given[row]))
        page.wait(lambda n=n_answers: page.count() == n)
        assert answered(page) == given
        served.end(by)
    prevalence = sum("fracture" in text.lower() for text in texts) / len(texts)
    assert sum(given.values()) / 50 > 1.5 * prevalence
    assert page.errors() == []


def test_the_file_that_the_browser_is_started_with_leads_to_the_page(browser, tmp_path):
    started_with = tmp_path / "started"
    command = [sys.executable, "-c", STARTING_A_BROWSER, str(tmp_path / "s"), str(started_with), "10"]
    served, page = Served(None, command=command), Page(browser)
    page.wait(lambda: started_with.exists() and started_with.read_text())
    page.open(started_with.read_text())
    assert browser.current_url == f"http://127.0.0.1:{served.port}/"
    page.press("1")
    page.wait(lambda: page.count() == 1)
    browser.get(f"http://localhost:{served.port}/")  # no cookie for this name
    assert "Open this page with the address that the program printed" in browser.page_source
    assert served.end(signal.SIGTERM) == 0


COPIED = """
    texts[100:120] = ["the same text"] * 20
    vectors[100:120] = vectors[100]
    encode ="""


def test_copies_are_shown_once_with_their_number(browser, tmp_path):
    script = SERVER.replace("\nencode =", textwrap.dedent(COPIED))
    command = [sys.executable, "-c", script, str(tmp_path / "s"), "0", MARKUP, LONG, HEBREW]
    page, n_seen, given = Page(browser), 0, set()
    page.open(Served(tmp_path / "s", command=command).url)
    counts = "return document.getElementById('counts').textContent"
    assert "; 281 distinct rows (300 with copies)" in page.js(counts)
    while not n_seen or len(given) < 12:
        page.wait(lambda: page.row() not in (None, *given))
        shown = page.js("return document.querySelector('.card[aria-current=true] .facts').textContent")
        assert ("20 copies" in shown) == (page.text() == "the same text")
        n_seen += page.text() == "the same text"
        given.add(page.row())
        page.press("1")
    page.wait(lambda: page.count() == len(given))
    assert n_seen == 1
    assert len(answered(page)) == len(given) + 19
    assert page.errors() == []


def test_pictures_are_shown_and_a_broken_one_can_be_skipped(browser, tmp_path):
    (tmp_path / "pictures").mkdir()
    rng, n = np.random.default_rng(0), 24
    for row in range(n):
        Image.new("RGB", (900, 600), (40 + 9 * row, 90, 90)).save(tmp_path / "pictures" / f"{row}.png")
        if row % 4 == 1:
            (tmp_path / "pictures" / f"{row}.png").write_text("no picture")
    lines = (json.dumps({"path": f"{row}.png"}) for row in range(n))
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    np.save(tmp_path / "x.npy", rng.normal(size=(n, 6)))
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(tmp_path / "t.jsonl"), "--vectors",
               str(tmp_path / "x.npy"), "--image-column", "path", "--image-folder", str(tmp_path / "pictures"),
               "--cache", str(tmp_path / "cache"), "--no-browser", "--quiet"]  # fmt: skip
    served, page, given = Served(None, command=command), Page(browser), {}
    page.open(served.url)
    page.wait(lambda: len(page.rows()) == 6)  # the grid comes first
    shown = "return [...document.querySelectorAll(arguments[0])].map((one) => [one.naturalWidth, one.clientHeight])"
    loaded = "return [...document.images].every((one) => one.complete && one.naturalWidth)"
    page.wait(lambda: page.js(loaded))
    assert {width for width, _ in page.js(shown, ".card img")} == {480}
    assert {width for width, _ in page.js(shown, "#near-list img")} == {480}
    browser.save_screenshot(str(tmp_path / "grid.png"))
    assert min(height for _, height in page.js(shown, ".card img")) > 60
    page.press("g")
    page.wait(lambda: len(page.rows()) == 1)
    while len(given) < 12:
        page.wait(lambda: page.row() not in (None, *given))
        row = page.row()
        is_broken = int(row) % 4 == 1
        kind = ".card p.missing" if is_broken else ".card img"
        page.wait(lambda kind=kind: page.js("return document.querySelectorAll(arguments[0]).length", kind) == 1)
        if not is_broken:
            page.wait(lambda: page.js(loaded))
            width, height = page.js(shown, ".card img")[0]
            assert width == 900
            assert height > 200
            browser.save_screenshot(str(tmp_path / "one.png"))
        given[row] = None if is_broken else int(row) % 2
        page.press("s" if is_broken else str(given[row]))
    page.wait(lambda: page.count() == 12)
    assert answered(page) == given
    assert None in given.values()
    how = "return [...document.getElementById('how').options].map((option) => [option.value, option.disabled])"
    assert page.js(how) == [["find", True], ["words", False]]  # paths can be searched; no model gives them meaning
    assert [line for line in page.errors() if "/image/" not in line] == []  # a browser logs each 404
