"""Imports go one way: the library knows nothing of the experiments."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "seals_sim": {"seals_sim"},
    "theory": {"seals_sim", "theory"},
    "experiments": {"seals_sim", "theory", "experiments"},
}


@pytest.mark.parametrize("path", [path for layer in ALLOWED for path in sorted(ROOT.glob(f"{layer}/**/*.py"))])
def test_imports_go_one_way(path):
    layer = path.relative_to(ROOT).parts[0]
    ours = {"seals_sim", "experiments", "theory", "tests", "benchmarks"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] not in ours - ALLOWED[layer], f"{path.name} imports {name}"
