"""The `seals` command, as users call it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from experiments.goodreads import __main__ as goodreads
from experiments.paper import __main__ as paper
from experiments.theory_bounds import __main__ as theory_bounds
from seals_sim.cli import main as cli
from seals_sim.cli.models import find_downloaded
from seals_sim.cli.sessions import open_session
from seals_sim.cli.tables import name_session
from seals_sim.datasets import read_icd10cm, read_texts
from seals_sim.errors import UserError
from seals_sim.label.corpus import build_corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session

FAST = ["--model", "wordllama", "--quiet"]


@pytest.fixture(scope="module")
def texts():
    return read_icd10cm().texts[:600]


@pytest.fixture
def table(texts, tmp_path):
    path = tmp_path / "codes.jsonl"
    path.write_text("".join(json.dumps({"id": n, "body": text}) + "\n" for n, text in enumerate(texts)))
    return path


def test_embed_and_index_a_table_without_labels(table, tmp_path, capsys):
    common = [str(table), "--text-column", "body", "--cache", str(tmp_path / "cache"), *FAST]
    cli.main(["embed", *common, "--out", str(tmp_path / "x.npy")])
    assert "600 vectors of 256 dimensions written to" in capsys.readouterr().out
    vectors = np.load(tmp_path / "x.npy")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cli.main(["index", *common])
    assert "index exact: built in 0.0 s" in capsys.readouterr().out
    cli.main(["index", *common, "--index", "ivf-sq", "--k", "10"])
    assert "index ivf-sq: built in" in (said := capsys.readouterr().out)
    assert "recall@10" in said
    assert list((tmp_path / "cache" / "indexes").rglob("index.faiss"))


def test_the_table_is_not_overwritten_by_its_vectors(table, tmp_path, refused):
    before = table.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(table)
    for out in (table, tmp_path / "link.jsonl"):
        said = refused(cli.main, ["embed", str(table), "--text-column", "body", "--out", str(out), *FAST])
        assert said == f"error: --out {out}: is the table itself"
    assert table.read_bytes() == before


def test_a_text_typed_in_gets_the_vector_that_it_has_in_the_table(texts, tmp_path):
    corpus = build_corpus(texts, "exact", tmp_path, model="wordllama")
    np.testing.assert_allclose(corpus.encode_texts(texts[5:8]), corpus.vectors[5:8], atol=1e-5)
    with Session.begin(tmp_path / "s", corpus, ["typhoid fever"]) as session:
        (first,) = session.ask(1)
        assert "yphoid" in first.text
        assert session.find("salmonella", 3)


def test_a_session_of_the_same_words_is_opened_again_and_of_others_refused(texts, tmp_path, capsys):
    corpus = build_corpus(texts, "exact", tmp_path, model="wordllama")
    options = SessionOptions()
    open_session(tmp_path / "s", corpus, ["cholera"], [], SessionOptions(k=7, seed=3)).close()
    open_session(tmp_path / "s", corpus, ["cholera"], [], options).close()
    open_session(tmp_path / "s", corpus, [], [], options).close()
    assert capsys.readouterr().err == ""
    open_session(tmp_path / "s", corpus, [], [], SessionOptions(strategy="maxent", k=50)).close()
    said = capsys.readouterr().err
    assert "keeps the strategy that it began with: most_likely_positive" in said
    assert "keeps the k that it began with: 7" in said
    assert said.count("keeps the") == 2
    with pytest.raises(UserError, match="began with other examples"):
        open_session(tmp_path / "s", corpus, ["plague"], [], options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["embed", "none.jsonl"], "none.jsonl: no such file"),
        (["index", "TABLE", "--text-column", "words"], "--text-column words: no such column in"),
        (["index", "TABLE", "--text-column", "body", "--index", "annoy"], "--index annoy: unknown; choose from"),
        (["index", "TABLE", "--text-column", "body", "--index", "graph"], "--index graph: unknown; choose from"),
        (["index", "TABLE", "--text-column", "body", "--k", "0"], "--k 0: must be at least 1"),
        (["label", "TABLE", "--text-column", "body", "--control-every", "-1"], "--control-every -1"),
        (["find", "TABLE"], 'Unknown command "find"'),
    ],
)
def test_bad_input(arguments, said, table, tmp_path, refused):
    words = [str(table) if word == "TABLE" else word for word in arguments]
    if words[0] != "find":
        words += ["--cache", str(tmp_path / "cache"), *FAST]
    assert said in refused(cli.main, words)


def test_help_version_and_completion(capsys):
    for words in (["--help"], ["label", "--help"], ["replay", "--help"], ["report", "--help"]):
        cli.main(words)
        assert capsys.readouterr().out.startswith(" ".join(["Usage: seals", *words[:-1]]))
    cli.main(["--version"])
    assert capsys.readouterr().out == f"seals-sim {version('seals-sim')}\n"
    assert "--text-column" in cli.app.generate_completion(shell="bash")


@pytest.mark.parametrize("app", [cli.app, paper.app, goodreads.app, theory_bounds.app], ids=lambda app: app.name[0])
def test_every_option_has_a_help_text(app):
    apps = [app[name] for name in app if not name.startswith("-")] or [app]
    for command in apps:
        for argument in command.assemble_argument_collection(parse_docstring=True):
            assert argument.parameter.help or argument.children, argument.name


def test_the_installed_command_runs_and_its_help_takes_no_heavy_import():
    script = "import sys; from seals_sim.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("Usage: seals COMMAND")
    assert not {"torch", "faiss", "sklearn", "pandas", "scipy.stats"} & set(ended.stdout.split())


def test_the_page_opens_before_what_only_training_and_exports_need_is_imported():
    """These imports take 1.5 CPU seconds, which everyone who reopens a session would have to wait for."""
    script = "import sys, seals_sim.cli.label; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = set(ended.stdout.split())
    assert not {"torch", "sentence_transformers", "sklearn", "pandas", "scipy", "joblib"} & imported
    assert {"pyarrow", "uvicorn"} <= imported  # checks that the test looks at the right list


def test_a_session_is_named_after_its_table():
    assert name_session(Path("a/reviews.2024.csv.gz")) == Path("a/reviews.2024.seals")
    assert name_session(Path("notes.final.txt")) == Path("notes.final.txt.seals")


def test_a_report_is_drawn_by_what_config_says(tmp_path, refused, capsys):
    """Every committed report is redrawn if its rows are committed; otherwise the error names the missing file."""
    for folder in sorted((Path(__file__).parents[2] / "reports").iterdir()):
        if not (folder / "config.json").exists():
            continue
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        if folder.name == "claims" or (copy / "rounds.csv").exists():
            cli.main(["report", str(copy)])
            assert capsys.readouterr().out == f"{copy / 'index.html'}\n"
        else:
            assert re.search(r"rounds\.(csv|parquet): no such file", refused(cli.main, ["report", copy]))
    assert "there is no run in this folder" in refused(cli.main, ["report", tmp_path])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_command_with_one_line(number, tmp_path):
    script = (
        "import os, signal, sys\n"
        "from seals_sim.cli import terminal\n"
        "app = terminal.make_cli('x')\n"
        "@app.default\n"
        "def work():\n"
        "    os.kill(os.getpid(), int(sys.argv[1]))\n"
        "    signal.pause()\n"
        "terminal.run_cli(app, [])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(int(number))], capture_output=True, text=True)
    assert ended.stderr == "interrupted; rerun the same command to resume\n"
    assert ended.returncode == 128 + number


@pytest.mark.parametrize("line", ['{"text": 5}', '{"body": "x"}', '{"text": "x"', "[]"])
def test_what_is_wrong_on_a_line_is_said_of_that_line(line, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"}\n' + line + "\n")
    with pytest.raises(UserError, match=r"t.jsonl:3: "):
        read_texts(path)
    texts, _, bad = read_texts(path, skip_bad_lines=True)
    assert texts == ["one", "two"]
    assert len(bad.reports) == 1


def test_an_error_about_a_table_names_the_options_that_mend_it(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "skip_bad_lines.csv").write_bytes(b"text\nfine\nb\xe9d\n")
    said = refused(cli.main, ["embed", "skip_bad_lines.csv", "--cache", "cache", *FAST])
    assert said.startswith("error: skip_bad_lines.csv:3: not UTF-8 text ")
    assert said.endswith("; specify its encoding (--encoding); --skip-bad-lines skips such lines")


def test_what_can_be_refused_is_refused_before_the_table_is_embedded(table, tmp_path, refused):
    common = ["label", table, "--text-column", "body", "--cache", tmp_path / "cache", "--no-browser", *FAST]
    (tmp_path / "j.seals").write_text("no session")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for options, message in (
            (["--port", port], f"--port {port}: is in use"),
            (["--port", 99_999], "--port 99999: must be between"),
            (["--host", "192.0.2.1"], "--host 192.0.2.1: cannot be used"),
            (
                ["--allow-host", "https://labels.example.org"],
                "--allow-host https://labels.example.org: must be a host's",
            ),
            (["--allow-host", "labels.example.org:443"], "--allow-host labels.example.org:443: must be a host's name"),
            (["--like", " "], "--like ' ': has no words"),
            (["--labelstudio", tmp_path / "none.json"], "none.json: no such file"),
            (["--argilla", tmp_path / "none.json"], "none.json: no such file"),
            (["--labels", tmp_path / "none.csv"], "none.csv: no such file"),
            (["--session", tmp_path / "j.seals"], "j.seals: is damaged or not a label session"),
            (["--session", tmp_path / ("n" * 300)], "cannot be written: File name too long"),
            (["--session", tmp_path / ("n" * 250)], "cannot be written: File name too long"),
        ):
            assert message in refused(cli.main, [*common, *options])
    assert not (tmp_path / "cache").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes.jsonl", "j.seals"]


def test_a_full_stream_is_told_by_the_exit_code():
    command = [sys.executable, "-m", "seals_sim.cli.main"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*command, "--version"], stdout=full, stderr=subprocess.PIPE, check=False)
        assert (ended.returncode, ended.stderr) == (2, b"error: No space left on device\n")
        assert subprocess.run([*command, "embed", "none.jsonl"], stderr=full, check=False).returncode == 2


def test_downloaded_models_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert find_downloaded() == [], "there is no such folder"
    for name, file, content in (
        ("models--me--sentences", "modules.json", "[]"),
        ("models--me--static", "config.json", '{"model_type": "model2vec"}'),
        ("models--me--chat", "config.json", '{"model_type": "llama"}'),
        ("datasets--me--texts", "modules.json", "[]"),
    ):
        snapshot = tmp_path / "hub" / name / "snapshots" / "0123"
        snapshot.mkdir(parents=True)
        (snapshot / file).write_text(content)
        (snapshot / "model.safetensors").write_bytes(b"")
    assert find_downloaded() == ["me/sentences", "me/static"]


def test_models_are_listed_and_measured_on_the_built_in_texts(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    cache = ["--cache", str(tmp_path), "--quiet", "--backend", "torch"]
    cli.main(["models", *cache])
    head, default, static, joined, *others, about = capsys.readouterr().out.splitlines()
    assert re.split(" {2,}", head) == ["model", "dimensions", "runtime", "texts per second", "10 nearest"]
    for line, d in ((default, "384"), (static, "256"), (joined, "640")):
        assert re.split(" {2,}", line)[1] == d
        assert "not measured" in line
    assert "minishlab/potion-base-8M" in others[0]
    assert all("not downloaded" in line for line in others)
    cli.main(["models", "--measure", "100", *cache])
    *lines, about = capsys.readouterr().out.splitlines()
    assert "on 100 random descriptions of ICD-10-CM" in about
    speeds, shares = [], []
    for line in lines[1:4]:
        cells = re.split(" {2,}", line)
        speeds.append(float(cells[3].replace(",", "")))
        shares.append(float(cells[4].rstrip("%")))
    assert speeds[1] > 10 * speeds[0]
    assert 0 < shares[1] < shares[0] <= 100
    cli.main(["models", "--measure", "100", *cache])
    assert capsys.readouterr().out.splitlines() == [*lines, about], "what was measured is kept"
