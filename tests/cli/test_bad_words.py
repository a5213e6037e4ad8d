"""Whatever is typed, bad input gets one line and exit code 2, and leaves nothing on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import matplotlib.font_manager  # noqa: F401 - writes its cache when it is first imported
import numpy as np
import pandas as pd
import pytest

from benchmarks import rounds, session
from experiments.beyond import __main__ as beyond
from experiments.goodreads import __main__ as goodreads
from experiments.paper import __main__ as paper
from experiments.theory_bounds import __main__ as theory_bounds
from seals_sim.cli import main as cli
from seals_sim.cli.terminal import make_cli, run_cli
from seals_sim.datasets import read_icd10cm
from seals_sim.errors import UserError

QUIET = ["--model", "wordllama", "--quiet"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a table of texts and an array with labels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pd.DataFrame({"text": read_icd10cm().texts[:300]}).to_csv("t.csv", index=False)
    np.save("x.npy", np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32))
    np.save("y.npy", np.arange(300) % 6)
    return tmp_path


def list_files(folder):
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["index", "t.csv", "--k", "1.5"], "--k 1.5: must be a whole number"),
        (["index", "t.csv", "--k", "0x10"], "--k 0x10: must be a whole number"),
        (["index", "t.csv", "--k", "nan"], "--k nan: must be a whole number"),
        (["stopping", "o", "--p", "nan"], "--p nan: must be a finite number"),
        (["stopping", "o", "--target-recall", "1"], "--target-recall 1: must be below 1"),
        (["embed", "t.csv", "--cache", ""], "--cache: is empty; name a file or folder"),
        (["embed", "t.csv", "--model="], "--model : is empty"),
        (["label", "t.csv", "--session="], "--session: is empty"),
        (["replay", "--out", ""], "--out: is empty"),
        (["embed", "t.csv", "--out", "."], "--out .: is a folder, not a file"),
        (["embed", "t.csv", "--out", ""], "--out .: is a folder, not a file"),
        (["embed", "t.csv", "--out", "t.csv/x.npy"], "--out t.csv: cannot be written"),
        (["embed", "t.csv", "--out", "x" * 300], "--out xxx"),
        (["label", "t.csv", "--session", "."], "--session .: is a folder, not a file"),
        (["label", "t.csv", "--session", "x" * 300], "cannot be written: File name too long"),
        (["replay", "--out", "o", "--jobs", "9" * 25], "must be at most 1,000,000,000"),
        (["label", ""], "error: .: has no .txt files"),
        (["embed", "/"], "error: /: is the whole disk; give the folder that holds the texts"),
        (["label", "/"], "error: /: is the whole disk; give the folder that holds the texts"),
        (["label", "."], "error: .: has no .txt files"),
        (["embed", "t.csv", "--quiet", "--model", "x" * 5000], "File name too long"),
        (["label", "t.csv", "--like", "[1]"], "--like 1: must be plain text, but this reads as JSON"),
        (["label", "t.csv", "--like", '{"a": 1}'], "must be plain text, but this reads as JSON"),
        (["label", "t.csv", "--like", "\udce9"], r"'\udce9': not UTF-8; type it as UTF-8, or rename the file"),
        (["embed", "\udce9.csv"], r"'\udce9.csv': not UTF-8"),
        (["embed", "t.csv", "more", "words"], "error: more words: unexpected argument"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(words, said, here, refused):
    before = list_files(here)
    assert said in refused(cli.main, words)
    assert list_files(here) == before


@pytest.mark.parametrize("option", [("--jobs", "999999999"), ("--random-pool-factor", "1e308")])
def test_more_than_there_is_means_all_there_is(option, here):
    data = ["--vectors", "x.npy", "--labels", "y.npy", "--concepts", "1", "--repeats", "2", "--k", "5"]
    labels = ["--seed-positives", "2", "--seed-negatives", "5", "--batch", "10", "--budget", "27"]
    cli.main(["replay", *data, *labels, "--strategies", "maxent", "--quiet", "--out", "o", *option])
    assert (here / "o" / "rounds.csv").exists()


def test_an_error_of_the_disk_is_one_line(refused):
    app = make_cli("x")

    @app.default
    def work():
        raise OSError(28, "No space left on device", "a.txt")

    assert refused(lambda words: run_cli(app, words), []) == "error: a.txt: No space left on device"


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "é"), ("ascii", r"\xe9")])
def test_stdout_shows_what_it_can(encoding, shown, here):
    script = "from seals_sim.cli.main import main; main()"
    words = ["embed", "t.csv", "--out", "é.npy", *QUIET]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    ended = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, env=environment, check=True)
    assert ended.stdout.decode(encoding).endswith(f"written to {shown}.npy\n")


def test_a_closed_pipe_ends_a_command_without_a_word():
    read, write = os.pipe()
    os.close(read)
    script = (
        "from seals_sim.cli import terminal\n"
        "app = terminal.make_cli('x')\n"
        "@app.default\n"
        "def work():\n"
        "    print('result')\n"
        "terminal.run_cli(app, [])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert ended.stderr == ""
    assert ended.returncode == 141


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["label", "--help"]])
def test_help_that_nobody_reads_ends_without_a_word(words, monkeypatch, capsys):
    read, write = os.pipe()
    os.close(read)
    stdout = open(write, "w")  # noqa: SIM115 - closing it flushes what nobody reads
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    monkeypatch.undo()
    with suppress(BrokenPipeError):
        stdout.close()
    assert capsys.readouterr().err == ""
    assert ended.value.code == 141


@pytest.mark.parametrize(
    ("main", "words", "said"),
    [
        (theory_bounds.main, ["--dim", "9" * 25], "--dim 9999999999999999999999999: must be at most 1,000,000"),
        (theory_bounds.main, ["--gamma-over-delta", "1e308"], "--gamma-over-delta 1e308: must be at most 1,000,000"),
        (paper.main, ["--texts", "t.csv", "--models", "wordllama,wordllama"], "wordllama: has a value twice"),
        (paper.main, ["--texts", "t.csv", "--dimensions", "16,16"], "--dimensions 16,16: has a value twice"),
        (paper.main, ["--vectors", "x.npy", "--labels", "y.npy", "--paper-tables", ""], "--paper-tables: is empty"),
        (goodreads.main, ["--simulate", "9" * 25], "must be at most 1,000,000,000"),
        (goodreads.main, ["--simulate", "100", "--memory", "1e400GB"], "--memory 1e400GB: must be above 0"),
        (session.main, ["--work", "w", "--answers", "7"], "--answers 7: must be at least 11"),
        (session.main, ["--work", "w", "--answers", "20,020"], "--answers 20,20: has a value twice"),
        (rounds.main, ["--work", "w", "--n", "3,3"], "--n 3,3: has a value twice"),
        (rounds.main, ["--n", "3"], "error: --work: is required"),
        (beyond.main, ["--vectors", "x.npy", "--only", "walk,walk"], "--only walk,walk: has a value twice"),
        (goodreads.main, ["--simulate", "100", "--threads", "1025"], "--threads 1025: must be at most 1,024"),
    ],
)
def test_the_experiments_say_it_too(main, words, said, here, refused):
    before = list_files(here)
    out = [] if main is session.main else ["--out", "o"]
    assert said in refused(main, [*words, *out])
    assert list_files(here) == before


def test_a_parameter_of_one_is_named_by_the_option_of_all(refused):
    app = make_cli("x")

    @app.default
    def work(*, models: str = ""):
        raise UserError("no such model", parameter="model", value="a")

    assert refused(lambda words: run_cli(app, words), []) == "error: --models a: no such model"


def test_an_ivf_can_be_asked_for_more_cells_than_it_has(here):
    cli.main(["index", "t.csv", "--index", "ivf-sq", "--n-probe", "999999999", *QUIET])


@pytest.mark.parametrize("command", ["report", "stopping"])
def test_damaged_files_of_a_run_are_named(command, here, refused):
    data = ["--vectors", "x.npy", "--labels", "y.npy", "--concepts", "1", "--repeats", "1", "--k", "5"]
    labels = ["--seed-positives", "2", "--seed-negatives", "5", "--batch", "10", "--budget", "27"]
    cli.main(["replay", *data, *labels, "--strategies", "maxent", "--quiet", "--out", "o"])
    cli.main([command, "o"])
    for name in ("config.json", "rounds.csv", "picks.csv"):
        file = here / "o" / name
        whole = file.read_bytes()
        header = whole.split(b"\n")[0] + b"\n"
        for damaged in (
            b"",
            b"{}",
            b"[]",
            b"\xff",
            whole[: len(whole) // 2],
            header,
            whole.replace(b"0", b"x"),
            2 * whole,
        ):
            file.write_bytes(damaged)
            assert f"error: o/{name}: " in refused(cli.main, [command, "o"])
        file.write_bytes(whole)
