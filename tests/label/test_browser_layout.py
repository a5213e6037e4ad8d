"""The layout of the page where much is on it: several concepts asked at once, pictures in a grid, and a name."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from tests.label.browsing import IN_HEADER, Page, Served, needs_browser

pytestmark = needs_browser


def test_concepts_and_pictures_have_room_in_the_grid(browser, tmp_path):
    (tmp_path / "pictures").mkdir()
    for row in range(24):
        Image.new("RGB", (900, 600), (40 + 9 * row, 90, 90)).save(tmp_path / "pictures" / f"{row}.png")
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps({"path": f"{row}.png"}) for row in range(24)))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(24, 6)))
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(tmp_path / "t.jsonl"), "--vectors",
               str(tmp_path / "x.npy"), "--image-column", "path", "--image-folder", str(tmp_path / "pictures"),
               "--concept", "herons", "--concept", "boats", "--concept", "bridges",
               "--cache", str(tmp_path / "cache"), "--no-browser", "--quiet"]  # fmt: skip
    served, page = Served(None, command=command), Page(browser)
    page.open(f"{served.url}&name=Ada")
    page.wait(lambda: len(page.rows()) == 6)
    page.js(
        "const list = document.getElementById('concept'); list.selectedIndex = list.options.length - 1;"
        "list.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    page.wait(lambda: page.js("return document.querySelectorAll('.card .concept').length") == 18)
    page.wait(lambda: page.js("return [...document.images].every((one) => one.complete && one.naturalWidth)"))
    assert page.overlaps(IN_HEADER) == []
    assert page.overlaps(".card") == []
    heights = page.js("return [...document.querySelectorAll('.card img')].map((one) => one.clientHeight)")
    assert min(heights) > 80
    page.press("1")
    page.press("0")
    page.press("s")
    page.wait(lambda: page.js("return document.querySelectorAll('.card.is-answered').length") == 1)
    browser.set_window_size(500, 900)
    assert page.js("return document.documentElement.scrollWidth <= innerWidth")
    assert page.overlaps(IN_HEADER) == []
    assert page.errors() == []
