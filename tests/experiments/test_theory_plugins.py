"""Parts that a theorist registers run in the bench by name, with the code from the how-to page."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.theory_bounds import __main__ as theory_bounds
from theory.problems import make_example_1
from theory.registry import ALGORITHMS, ORACLES, PROBLEMS, run_to

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-your-own-theorem.md"
PARTS = ("one third", "boundary near the other class", "wrong at the tenth query")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The page's module, `mine.py`, in its own folder. What it registers is forgotten afterward."""
    for registry in (ALGORITHMS, PROBLEMS, ORACLES):
        entries = {name: entry for name, entry in registry._entries.items() if name not in PARTS}
        monkeypatch.setattr(registry, "_entries", entries)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    path = tmp_path / "mine.py"
    path.write_text("\n".join(blocks[:2]))
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    for name in [name for name in sys.modules if name == "mine" or name.startswith("theory_plugin_")]:
        del sys.modules[name]


def _run(out, *words):
    theory_bounds.main([*words, "--dim", "3", "--epsilon", "1e-2,1e-4", "--quiet", "--jobs", "2", "--out", str(out)])
    return {name: pd.read_csv(out / f"{name}.csv", dtype={"algorithm": str}) for name in ("rounds", "bounds")}


def test_each_part_on_the_page_takes_less_than_30_lines():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    assert all(0 < len(block.splitlines()) < 30 for block in blocks)


def test_the_parts_of_the_page_run_in_the_bench(plugin, tmp_path):
    words = ["--plugin", "mine", "--problem", f"example1,{PARTS[1]}", "--algorithm", f"3,{PARTS[0]}"]
    tables = _run(tmp_path / "run", *words, "--gamma-over-delta", "4")
    bounds = tables["bounds"].set_index(["problem", "algorithm", "epsilon"]).sort_index()
    own = bounds.loc[PARTS[1], PARTS[0], 1e-4]
    made = PROBLEMS.get(PARTS[1])(3, np.random.default_rng(0))
    assert own["queries_to_error"].item() == run_to(made, 1e-4, PARTS[0])
    assert own["gamma_over_delta"].item() == pytest.approx(10)
    assert math.isfinite(own["stated_log2"].item())
    assert own["lower"].item() > 0
    example_1 = make_example_1(3, gamma_over_delta=4)
    for name in ("3", PARTS[0]):
        assert bounds.loc["example1", name, 1e-4]["queries_to_error"].item() == run_to(example_1, 1e-4, name)
    page = (tmp_path / "run" / "index.html").read_text()
    assert page.count("one third") > 3
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert len(config["data_fingerprint"]) == 64


def test_a_plugin_may_be_a_file_and_its_oracle_is_not_trusted(plugin, tmp_path, capsys):
    words = ["--plugin", str(plugin), "--problem", "spread", "--algorithm", f"3,{PARTS[0]}", "--oracle", PARTS[2]]
    tables = _run(tmp_path / "run", *words, "--gamma-over-delta", "4")
    assert set(tables["rounds"]["oracle"]) == {PARTS[2]}
    assert tables["rounds"]["certificate"].isna().all()
    assert tables["bounds"]["stated_ln"].isna().all()
    assert "Warning: 2 runs may have had wrong labels" in capsys.readouterr().out


def test_another_code_is_another_run(plugin, tmp_path, refused):
    words = ["--plugin", str(plugin), "--problem", "example1", "--algorithm", "3", "--gamma-over-delta", "4"]
    _run(tmp_path / "run", *words)
    plugin.write_text(plugin.read_text() + "\n# changed\n")
    again = [*words, "--dim", "3", "--epsilon", "1e-2,1e-4", "--quiet", "--out", tmp_path / "run"]
    assert "holds a run with a different data" in refused(theory_bounds.main, again)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--plugin", "no_such_module"], "--plugin no_such_module: no such module"),
        (["--plugin", "no/such/file.py"], "--plugin no/such/file.py: no such file"),
        (["--algorithm", "one third"], "--algorithm one third: unknown; choose from '3', '4', "),
        (["--oracle", "mine"], "--oracle mine: unknown; choose from 'exact', "),
        (["--oracle", "majority of 3", "--noise", "0.1"], "--oracle majority of 3: cannot be combined with --noise"),
    ],
)
def test_unknown_parts_are_refused(words, message, tmp_path, refused, plugin):
    assert message in refused(theory_bounds.main, [*words, "--out", tmp_path / "run"])
    assert not (tmp_path / "run").exists()
