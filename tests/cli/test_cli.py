"""The `seals` command, as people call it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from seals_sim.cli import main as cli
from seals_sim.datasets import read_icd10cm, read_texts
from seals_sim.errors import UserError
from seals_sim.label.corpus import build_corpus
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
    assert "600 vectors of 150 dimensions, in" in capsys.readouterr().out
    vectors = np.load(tmp_path / "x.npy")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cli.main(["index", *common])
    assert "index exact: built in 0.0 s" in capsys.readouterr().out
    cli.main(["index", *common, "--index", "ivf-sq", "--k", "10"])
    assert "index ivf-sq: built in" in (said := capsys.readouterr().out)
    assert "recall@10" in said
    assert list((tmp_path / "cache" / "indexes").rglob("index.faiss"))


def test_a_text_typed_in_gets_the_vector_that_it_has_in_the_table(texts, tmp_path):
    corpus = build_corpus(texts, "exact", tmp_path, model="wordllama")
    np.testing.assert_allclose(corpus.encode_texts(texts[5:8]), corpus.vectors[5:8], atol=1e-5)
    with Session.begin(tmp_path / "s", corpus, ["typhoid fever"]) as session:
        (first,) = session.ask(1)
        assert "yphoid" in first.text
        assert session.find("salmonella", 3)


def test_a_session_of_the_same_words_is_opened_again_and_of_others_refused(texts, tmp_path, capsys):
    corpus = build_corpus(texts, "exact", tmp_path, model="wordllama")
    options = cli.SessionOptions()
    cli._opened(tmp_path / "s", corpus, ["cholera"], [], options).close()
    cli._opened(tmp_path / "s", corpus, ["cholera"], [], options).close()
    cli._opened(tmp_path / "s", corpus, [], [], options).close()
    assert capsys.readouterr().err == ""
    cli._opened(tmp_path / "s", corpus, [], [], cli.SessionOptions(strategy="maxent")).close()
    assert "goes on with the strategy that it was begun with: most_likely_positive" in capsys.readouterr().err
    with pytest.raises(cli.UserError, match="begun with other examples"):
        cli._opened(tmp_path / "s", corpus, ["plague"], [], options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["embed", "none.jsonl"], "none.jsonl: no such file"),
        (["index", "TABLE", "--text-column", "words"], "no column 'words'"),
        (["index", "TABLE", "--text-column", "body", "--index", "annoy"], "--index annoy: there is no such index"),
        (["index", "TABLE", "--text-column", "body", "--index", "graph"], "finds neighbors of rows only"),
        (["index", "TABLE", "--text-column", "body", "--k", "0"], "--k 0: must be at least 1"),
        (["label", "TABLE", "--text-column", "body", "--control-every", "-1"], "--control-every -1"),
        (["find", "TABLE"], "invalid choice: 'find'"),
    ],
)
def test_bad_input(arguments, said, table, tmp_path, refused):
    words = [str(table) if word == "TABLE" else word for word in arguments]
    if words[0] != "find":
        words += ["--cache", str(tmp_path / "cache"), *FAST]
    assert said in refused(cli.main, words)


def test_help_completion_and_the_commands_of_experiments(capsys):
    for words in (["--help"], ["label", "--help"], ["search", "--help"], ["report", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        assert stop.value.code == 0
        assert "usage:" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["--print-completion", "bash"])
    assert "--text-column" in capsys.readouterr().out


def test_the_installed_command_runs():
    ended = subprocess.run([sys.executable, "-m", "seals_sim.cli.main", "--help"], capture_output=True, text=True)
    assert ended.returncode == 0
    assert "seals label TABLE" in ended.stdout


@pytest.mark.parametrize(
    "line", ['{"text": 5}', '{"text": ""}', '{"text": null}', '{"body": "x"}', '{"text": "x"', "[]"]
)
def test_what_is_wrong_on_a_line_is_said_of_that_line(line, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"}\n' + line + "\n")
    with pytest.raises(UserError, match=r"t.jsonl:3: "):
        read_texts(path)
    texts, _, bad = read_texts(path, skip_bad_lines=True)
    assert texts == ["one", "two"]
    assert len(bad.reports) == 1
