"""Fixtures shared by the browser tests."""

from __future__ import annotations

import shutil
import subprocess
import tarfile

import pytest

AXE = "axe-core@4.14.1"  # by Deque, under the MPL; fetched only for the test


@pytest.fixture
def none_is_left_running():
    from tests.label.browsing import Served

    yield
    while Served.started:
        process = Served.started.pop()
        process.kill()
        process.wait()


@pytest.fixture
def browser(tmp_path, none_is_left_running):
    from tests.label.browsing import CHROMIUM, DRIVER, webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,800",
                     "--force-prefers-reduced-motion", f"--user-data-dir={tmp_path / 'profile'}"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


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
