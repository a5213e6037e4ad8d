"""A sample of `make fuzz`: every kind of damage once, each either refused in one line or handled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fuzz.cases import KINDS, list_cases
from tests.fuzz.fixtures import make_at_least

ROOT = Path(__file__).parents[2]
N_SAMPLE = 30


def test_the_inputs_are_many_and_always_the_same(tmp_path):
    make_at_least(tmp_path)
    assert sum(kind.n for kind in KINDS) >= 1500
    one, other = list_cases(tmp_path), list_cases(tmp_path)
    assert [(case.file, case.content, case.words) for case in one] == [
        (case.file, case.content, case.words) for case in other
    ]


def test_a_sample_is_refused_in_one_line_or_served():
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "tests.fuzz", "--sample", str(N_SAMPLE), "--without-experiments"]
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"| all | {N_SAMPLE} |" in ended.stdout
