"""The committed reports are whole, and small enough for a clone."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = re.compile(r"""\b(?:src|href)\s*=\s*["']([^"']+)["']""")
LARGEST_BYTES = 3_250_000


@pytest.fixture(scope="module")
def committed():
    """The files under reports/ that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "reports"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return {ROOT / name for name in listing.split("\0") if name}


def test_pages_refer_only_to_committed_files(committed):
    references = [
        (page, page.parent / name)
        for page in committed
        if page.suffix == ".html"
        for name in REFERENCE.findall(page.read_text(encoding="utf-8"))
        if not name.startswith(("http:", "https:", "#"))
    ]
    assert len(references) >= 20  # otherwise the pattern misses them
    assert [(str(page), str(file)) for page, file in references if file.resolve() not in committed] == []


def test_pages_hold_no_figures(committed):
    pages = [file for file in committed if file.suffix == ".html"]
    assert pages
    assert [str(page) for page in pages if ";base64," in page.read_text(encoding="utf-8")] == []


def test_reports_are_small(committed):
    assert sum(file.stat().st_size for file in committed) < LARGEST_BYTES
