"""The wheel, installed away from the checkout, as users get it."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from benchmarks.served import ServedPage
from seals_sim.datasets import read_icd10cm

ROOT = Path(__file__).parents[1]
FAST = ["--model", "wordllama", "--quiet", "--cache", "cache"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    path: Path = next(folder.glob("*.whl"))
    return path


@pytest.fixture(scope="module")
def seals(wheel, tmp_path_factory) -> Callable[..., list[str]]:
    """The command that runs `seals` in an environment with the wheel and its dependencies, but without the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    # a .pth in a folder named by another .pth is not read, so the editable checkout stays hidden
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return lambda *words: [str(folder / "bin" / "seals"), *words]


@pytest.fixture(scope="module")
def run(seals, tmp_path_factory) -> Callable[..., str]:
    """Runs `seals` in the folder of a table, and returns what it printed."""
    folder = tmp_path_factory.mktemp("home")
    texts = read_icd10cm().texts
    assert texts is not None
    lines = (json.dumps({"text": text, "label": int("fever" in text)}) + "\n" for text in texts[:1500])
    (folder / "codes.jsonl").write_text("".join(lines))

    def run_words(*words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        ended = subprocess.run(seals(*words), cwd=folder, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    run_words.folder = folder
    return run_words


def test_the_wheel_is_this_package_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"seals_sim"}
    inside = {name for name in names if not name.endswith(".py")}
    for part in (
        "py.typed",
        "__init__.pyi",
        "label/web/static/page.html",
        "label/web/static/calls.js",
        "replay/templates/report.html",
    ):
        assert f"seals_sim/{part}" in inside


def test_the_installed_package_is_not_the_checkout(seals):
    script = "import seals_sim; print(seals_sim.__file__)"
    python = str(Path(seals()[0]).with_name("python"))
    printed = subprocess.run([python, "-c", script], cwd="/", capture_output=True, text=True, check=True).stdout
    assert not printed.startswith(str(ROOT))


def test_every_subcommand_works(run):
    assert run("--version").startswith("seals-sim ")
    assert "1,500 vectors of 256 dimensions" in run("embed", "codes.jsonl", *FAST)
    assert "index ivf-sq: built in" in run("index", "codes.jsonl", "--index", "ivf-sq", "--k", "10", *FAST)
    small = ["--k", "8", "--budget", "60", "--batch", "20", "--seed-negatives", "15", "--repeats", "1"]
    run("replay", "--texts", "codes.jsonl", "--strategies", "maxent", *small, "--out", "run", *FAST)
    page = run.folder / "run" / "index.html"
    page.unlink()
    assert run("report", "run") == "run/index.html\n"
    assert page.exists()
    assert "too_early" in run("stopping", "run")


def test_label_serves_its_page(seals, run):
    words = seals("label", "codes.jsonl", "--like", "typhoid fever", "--no-browser", *FAST)
    with subprocess.Popen(words, cwd=run.folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            ServedPage(url).call("/api/status")  # the page is available before the session is
            with build_opener(HTTPCookieProcessor()).open(url, timeout=20) as reply:
                assert "Rows to label" in reply.read().decode()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert (run.folder / "codes.seals").exists()


def test_a_run_of_an_experiment_says_where_it_can_be_redrawn(seals, tmp_path):
    (tmp_path / "config.json").write_text('{"experiment": "paper", "options": {}}')
    ended = subprocess.run(seals("report", str(tmp_path)), cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "redraw it from a checkout of seals-sim" in ended.stderr


def test_what_is_imported_is_declared():
    """Every package that seals_sim imports is among its dependencies, or in the module's extra."""
    settings, providers_of = (ROOT / "pyproject.toml").read_text(), packages_distributions()
    for path in (ROOT / "seals_sim").rglob("*.py"):
        extras = (list_declared(settings, name) for name in EXTRAS.get(path.name, ()))
        names = list_declared(settings, "dependencies").union(*extras)
        for module in list_imports(path):
            if module in sys.stdlib_module_names or module == "seals_sim":
                continue
            providers = {normalize(name) for name in providers_of[module]}
            assert providers & (names | IMPLIED), f"{path} imports {module}"


def list_declared(settings, name):
    declared = re.search(rf"^{name} = \[\n(.*?)^\]", settings, flags=re.DOTALL | re.MULTILINE)[1]
    return {normalize(package) for package in re.findall(r'^\s*"([\w.-]+)', declared, flags=re.MULTILINE)}


EXTRAS = {
    "milvus.py": ["milvus"],
    "lance.py": ["lancedb"],
    "workers.py": ["dask"],
    "postgres.py": ["postgres"],
    "client.py": ["judge"],
    "runtimes.py": ["onnx", "openvino"],
}
"""Modules that are imported only where their extra is asked for."""
IMPLIED = {
    "dask",
    "grpcio",
    "torch",
    "transformers",
    "huggingface-hub",
    "safetensors",
    "tokenizers",
    "starlette",
    "pydantic-core",
    "typing-extensions",
}
"""What sentence-transformers, fastapi, pydantic and pymilvus need, and bring in any version that they work with."""


def list_imports(path: Path) -> set[str]:
    """The top-level packages that a module imports by absolute name."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
    return modules


def normalize(name: str) -> str:
    return name.lower().replace("_", "-")
