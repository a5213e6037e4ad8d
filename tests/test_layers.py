"""Rules of the code's structure that import-linter does not check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [path for room in ("seals_sim", "theory", "experiments", "benchmarks") for path in (ROOT / room).rglob("*.py")]
CODE_OF_THE_PAGE = list((ROOT / "seals_sim" / "label" / "web" / "static").glob("*.js"))
MAX_LINES = 350


@pytest.mark.parametrize("path", [*CODE, *CODE_OF_THE_PAGE], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_code_is_short(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "path",
    [path for path in CODE if path.is_relative_to(ROOT / "seals_sim") or path.is_relative_to(ROOT / "theory")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_library_names_no_option_of_a_command_line(path):
    """The command line knows which option a parameter is. If the library named an option, it might not exist."""
    if path.is_relative_to(ROOT / "seals_sim" / "cli"):
        return
    assert not re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text())


def test_imports_go_one_way():
    """The contracts of pyproject.toml."""
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout
