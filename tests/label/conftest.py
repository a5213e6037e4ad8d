"""What the tests in a real browser share."""

from __future__ import annotations

import pytest


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
