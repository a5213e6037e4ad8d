"""Takes label.png and label-grid.png: the tutorial's session in a browser. Run it from a checkout."""

from __future__ import annotations

import json
import re
import signal
import sys
import tempfile
from pathlib import Path

from selenium import webdriver

from seals_sim.datasets import read_icd10cm
from tests.label.browsing import CHROMIUM, DRIVER, By, Keys, Page, Served

HERE = Path(__file__).parent
YES = re.compile(r"hot (drinks|tap|water|fluids|food|vapors)|cooking oils|steam and", re.IGNORECASE)
ONE, GRID = 36, 50  # answers before each picture
PATIENCE = 600  # seconds: a busy machine takes minutes to embed the table


def open_browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in ("--headless=new", "--no-sandbox", "--window-size=1280,940"):
        options.add_argument(word)
    return webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))


def answer_until(page: Page, n: int) -> None:
    while (count := page.count()) < n:
        before = page.row()
        page.press("1" if YES.search(page.text()) else "0")
        page.wait(lambda row=before, count=count: page.row() not in (None, row) and page.count() > count, PATIENCE)


with tempfile.TemporaryDirectory() as folder:
    table = Path(folder, "codes.jsonl")
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in read_icd10cm().texts))
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(table), "--model", "wordllama", "--like",
               "scalded by hot water", "--no-browser", "--quiet", "--cache", folder]  # fmt: skip
    served, browser = Served(table, command=command), open_browser()
    try:
        page = Page(browser)
        browser.get(served.url)
        page.wait(lambda: page.row() is not None, PATIENCE)
        answer_until(page, ONE)
        browser.save_screenshot(str(HERE / "label.png"))
        answer_until(page, GRID)
        print(browser.find_element(By.ID, "counts").text)
        page.press("g")
        page.wait(lambda: len(page.rows()) == 6, PATIENCE)
        page.press("/")
        page.press("burned by steam" + Keys.ENTER)
        page.wait(lambda: "burned by steam" in browser.find_element(By.TAG_NAME, "body").text, PATIENCE)
        browser.save_screenshot(str(HERE / "label-grid.png"))
    finally:
        browser.quit()
        served.end(signal.SIGTERM)
