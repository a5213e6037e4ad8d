"""The page in a real browser: what axe-core finds on each of its views, and a session from beginning to end by keys."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import textwrap

import pytest

from tests.label.browsing import HEBREW, LONG, MARKUP, SERVER, By, Keys, Page, Served, needs_browser
from tests.label.test_browser_lists import read

pytestmark = needs_browser

AXE = "axe-core@4.14.1"  # by Deque, under the MPL; it is fetched for the test alone
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


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {AXE} with: what it finds on the page is NOT checked")
    fetched = subprocess.run([npm, "pack", AXE], cwd=folder, capture_output=True, timeout=120)
    if fetched.returncode:
        pytest.skip(f"{AXE} is not to be had: what it finds on the page is NOT checked")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


class Checked(Page):
    """Looks at each view with axe-core."""

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
        for _ in range(3):  # out of the box, the list, and the box again, which has the focus back
            self.press(Keys.ESCAPE)
        for key, box in (("?", "keys"), ("w", "note-box")):
            self.press(key)
            self.wait(self.browser.find_element(By.ID, box).is_displayed)
            self.check(f"{name}: {box}")
            self.press(Keys.ESCAPE)
        self.browser.find_element(By.ID, "person").click()
        self.check(f"{name}: person")
        self.press(Keys.ESCAPE)
        self.browser.find_element(By.CSS_SELECTOR, "#export summary").click()
        self.check(f"{name}: export")
        self.press(Keys.ESCAPE)
        self.press("g")
        self.wait(lambda: len(self.rows()) == 1)


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
