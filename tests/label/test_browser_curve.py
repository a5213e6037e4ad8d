"""A session's progress in a real browser: the counts, and the curve, whose labels do not touch its line."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np

from tests.label.browsing import Page, Served, needs_browser

pytestmark = needs_browser

DRAW = """
    const [curve, done] = arguments;
    import("/static/curve.js").then(({ drawCurve }) => {
      document.getElementById("curve").replaceChildren(drawCurve(curve));
      const svg = document.querySelector("#curve svg"), scale = svg.getScreenCTM();
      const measure = (one) => { const { left, top, right, bottom } = one.getBoundingClientRect();
        return [left, top, right, bottom]; };
      const points = [...svg.querySelector("polyline").points].map((one) => one.matrixTransform(scale));
      done([measure(svg), points.map(({ x, y }) => [x, y]), [...svg.querySelectorAll("text")].map(measure)]);
    }, (error) => done(String(error)));
"""
CURVES = {
    "nothing": [],
    "one": [1],
    "none found": [0] * 40,
    "all at once": list(range(1, 41)),
    "late": [0] * 300 + [1, 2, 3],
    "thousands": [min(i, 2_345) for i in range(5_000)],
    "tens of thousands": [min(i, 23_456) for i in range(0, 50_000, 5)],
}
COUNT = """
    const [changed, done] = arguments;
    Promise.all([import("/static/status.js"), fetch("/api/status").then((reply) => reply.json())])
      .then(([{ showStatus }, status]) => {
        showStatus({ ...status, ...changed });
        done(document.getElementById("counts").textContent);
      }, (error) => done(String(error)));
"""


def test_the_words_of_the_curve_are_apart_from_its_line_and_each_other(browser, tmp_path):
    page, found = Page(browser), []
    page.open(Served(tmp_path / "s").url)
    for name, curve in CURVES.items():
        frame, points, words = browser.execute_async_script(DRAW, curve)
        along = [np.linspace(a, b, 50) for a, b in pairwise(points)]
        line = np.vstack([points, *along])
        assert len(words) == 4
        for left, top, right, bottom in words:
            if left < frame[0] or top < frame[1] or right > frame[2] or bottom > frame[3]:
                found.append(f"{name}: words outside the picture")
            x, y = line.T
            if ((x > left - 1) & (x < right + 1) & (y > top - 1) & (y < bottom + 1)).any():  # the line is 2 pixels wide
                found.append(f"{name}: words on the line")
        for one, other in combinations(words, 2):
            if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]:
                found.append(f"{name}: words on words")
    assert found == []


def test_nothing_is_said_of_a_part_that_is_nearly_all_rows(browser, tmp_path):
    page = Page(browser)
    page.open(Served(tmp_path / "s").url)
    for n_candidates in (300, 296, 271):
        words = browser.execute_async_script(COUNT, {"n_candidates": n_candidates, "n_rows": 300})
        assert words.endswith("skipped; 300 rows"), words
    words = browser.execute_async_script(COUNT, {"n_candidates": 9_870, "n_rows": 1_000_000, "n_embedded": 1_000_000})
    assert words.endswith("skipped; 1.0% of 1,000,000 rows reached"), words
    assert page.errors() == []
