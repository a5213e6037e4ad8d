"""The docs are true: snippets run, commands parse, files and names exist, and the site builds."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import seals_sim
from seals_sim.cli.main import app as seals
from seals_sim.label.exchange import LABEL_STUDIO_CONFIG

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODULES = [
    *(f"experiments.{name}" for name in ("paper", "goodreads", "theory_bounds", "beyond", "claims")),
    *(
        f"benchmarks.{name}"
        for name in (
            "chunks",
            "cluster",
            "entries",
            "first_question",
            "graph_join",
            "judge",
            "large",
            "peers",
            "procedural",
            "rounds",
            "session",
            "solvers",
            "where",
        )
    ),
]
OF_OTHERS = {"--help", "--version", "--install-completion"}
ROOMS = re.compile(r"`((?:seals_sim|theory|experiments|benchmarks|tests|docs|examples)/[\w/.-]+\.\w+)`")


def find_blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def find_commands(page: Path) -> list[list[str]]:
    """The words of each line of a page's bash blocks."""
    lines = "".join(find_blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def load_app(module: str):
    """The application of an experiment or benchmark."""
    name = f"{module}.__main__" if module.startswith("experiments.") else module
    return importlib.import_module(name).app


def list_options(app) -> set[str]:
    """The names of the options of an app and its commands."""
    own = app.assemble_argument_collection() if app.default_command else []
    commands = [app[name] for name in app if not name.startswith("-")]
    return {name for argument in own for name in argument.names}.union(*map(list_options, commands))


def name_page(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


COMMANDS = [
    pytest.param(words, id=f"{name_page(page)}: {shlex.join(words)[:60]}")
    for page in PAGES
    for words in find_commands(page)
    if words[0] == "seals" or words[:2] == ["python", "-m"]
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_in_the_docs_parses(words):
    app, rest = (seals, words[1:]) if words[0] == "seals" else (load_app(words[2]), words[3:])
    app.parse_args(rest, exit_on_error=False, print_error=False)


def test_there_are_commands_to_parse_and_a_wrong_one_does_not():
    assert len(COMMANDS) > 15
    with pytest.raises(Exception, match="--labels-per-day"):
        seals.parse_args(["label", "t.csv", "--labels-per-day", "5"], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_an_option_named_in_the_text_exists(page):
    known = OF_OTHERS | list_options(seals).union(*(list_options(load_app(module)) for module in MODULES))
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    quoted = " ".join(re.findall(r"`([^`\n]+)`", text))
    assert set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", quoted)) <= known


@pytest.mark.parametrize("page", [page for page in PAGES if find_blocks(page, "python")], ids=name_page)
def test_python_in_the_docs_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "docs"}
    for block in find_blocks(page, "python"):
        exec(compile(block, name_page(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_files_named_in_the_docs_exist(page):
    missing = [name for name in ROOMS.findall(page.read_text()) if not (ROOT / name).exists()]
    assert missing == []


def test_names_in_the_walks_of_the_architecture_are_in_their_files():
    text = (ROOT / "docs/explanation/architecture.md").read_text()
    pairs = re.findall(r"`([\w.]+)`\s+in\s+`([\w/.]+)`", text)
    assert len(pairs) > 10
    for name, path in pairs:
        source = (ROOT / path).read_text()
        for part in name.split("."):
            assert re.search(rf"(def|class|function) {part}\b", source), f"{name} is not in {path}"


def test_the_rooms_of_the_architecture_are_those_that_import_linter_checks():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"\w+", layer) for contract in contracts for layer in contract.get("layers", [])]
    table = (ROOT / "docs/explanation/architecture.md").read_text().partition("|---|---|\n")[2].partition("\n\n")[0]
    assert [re.findall(r"`(\w+)`", line.split("|")[1]) for line in table.splitlines()] == layers


def test_the_api_has_all_that_the_package_offers():
    documented = re.findall(r"^::: ([\w.]+)$", (ROOT / "docs/reference/api.md").read_text(), flags=re.MULTILINE)
    assert set(seals_sim.__all__) <= {name.rpartition(".")[2] for name in documented}


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_beside_the_site_lead_somewhere(page):
    """Those into reports/ too, which the builder of the site does not look at."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_example_is_in_the_docs():
    text = "".join(page.read_text() for page in PAGES)
    assert all(f"\n[`examples/{path.name}`](" in text for path in (ROOT / "examples").glob("*.py"))


def test_the_readme_is_a_page():
    assert len((ROOT / "README.md").read_bytes()) <= 6_000
    assert "ssh -L" in (ROOT / "README.md").read_text()  # what many look for first


def test_the_labeling_interface_is_the_one_that_exports_are_made_for():
    assert find_blocks(ROOT / "docs/how-to/label-studio.md", "xml") == [LABEL_STUDIO_CONFIG + "\n"]


def test_the_citation_names_the_authors_of_the_paper():
    names = re.findall(r"family-names: ([\w-]+)", (ROOT / "CITATION.cff").read_text())
    assert " ".join(names) == "Coleman Chou Katz-Samuels Culatana Bailis Berg Nowak Sumbaly Zaharia Yalniz"


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    reference = (tmp_path / "reference/command-line.html").read_text()
    assert all(f"<code>{name}</code>" in reference for name in ("--control-every", "--side-concepts", "--book-cosine"))
    for page, quoted in (("how-to/own-vectors", "Judge"), ("explanation/architecture", "_Stopwatch")):
        assert quoted in (tmp_path / f"{page}.html").read_text()  # a file and a function, instead of links to them
    for page in tmp_path.glob("*/*.html"):
        loaded = re.findall(r"<(?:script|img|link)\b[^>]*?(?:src|href)=[\"']?(https?:[^\"'\s>]+)", page.read_text())
        assert loaded == [], page
