"""What a session file alone provides: answers, a classifier, scores for other tables."""

from __future__ import annotations

import json
import sqlite3
import warnings
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

import seals_sim
from seals_sim import UserError
from seals_sim.cli import main as cli
from seals_sim.cli.options import ColumnOptions, SearchIndexOptions, TextOptions
from seals_sim.cli.sessions import open_session
from seals_sim.cli.tables import build_table_corpus
from seals_sim.datasets import read_icd10cm
from seals_sim.embed.vectorizer import TextVectorizer
from seals_sim.label.exchange import SessionFile, build_labels_table, read_label_studio
from seals_sim.label.options import SessionOptions
from seals_sim.replay.options import CacheOptions
from tests.label.small import OF_VERSION_5

N = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table with gaps and copies, its session with 40 answers, the session's own results, and another table."""
    folder = tmp_path_factory.mktemp("files")
    texts = list(read_icd10cm().texts[:N])
    texts[7], texts[31] = "", texts[30]
    lines = [json.dumps({"code": f"c{row}", "text": text, "n": row}) for row, text in enumerate(texts)]
    (folder / "t.jsonl").write_text("\n".join(lines))
    (folder / "new.csv").write_text("id,text,n\nx,cholera of a traveler,1\ny,,2\nz,a broken arm,3\n")
    text, columns = TextOptions(model="wordllama", dimensions=40), ColumnOptions(id_column="code", columns=("n",))
    cache = CacheOptions(cache=folder / "cache", quiet=True)
    corpus = build_table_corpus(folder / "t.jsonl", text, SearchIndexOptions(), 20, cache, folder / "left.csv", columns)
    with open_session(folder / "t.seals", corpus, ["cholera"], [], SessionOptions(k=20, control_every=4)) as concepts:
        session = concepts.first
        rows = [asked.row for asked in session.ask(40)]
        session.tell(rows, [None if row % 11 == 0 else int("cholera" in corpus.get_text(row).lower()) for row in rows])
        session.tell([corpus.find_row(31)], [0])
        labels, scores = build_labels_table(session), session.compute_scores()
    labels.to_pickle(folder / "labels.pkl")
    np.save(folder / "scores.npy", scores)
    cli.main(["model", str(folder / "t.seals"), "--out", str(folder / "model")])
    return folder


def test_answers_come_out_of_the_file_alone(folder, tmp_path):
    expected = pd.read_pickle(folder / "labels.pkl")
    assert {30, 31} <= set(expected["row"])
    lines = [json.loads(line) for line in (folder / "t.jsonl").read_text().splitlines()]
    assert [lines[row]["text"] for row in expected["row"]] == expected["text"].tolist()
    assert [lines[row]["code"] for row in expected["row"]] == expected["code"].tolist()
    for ending in ("csv", "jsonl", "parquet"):
        cli.main(["export", str(folder / "t.seals"), "--out", str(tmp_path / f"l.{ending}")])
    table = pd.read_parquet(tmp_path / "l.parquet")
    assert list(table.columns) == ["row", "id", "text", "answer", "is_control"]
    for name in ("row", "text", "is_control"):
        assert table[name].tolist() == expected[name].tolist()
    assert table["id"].tolist() == expected["code"].tolist()
    assert table["answer"].fillna(-1).tolist() == expected["answer"].fillna(-1).tolist()
    cli.main(["export", str(folder / "t.seals"), "--out", str(tmp_path / "ls.json"), "--format", "labelstudio"])
    answers = [None if answer is pd.NA else int(answer) for answer in expected["answer"]]
    assert read_label_studio(tmp_path / "ls.json").labels == list(zip(expected["row"].tolist(), answers, strict=True))
    cli.main(["export", str(folder / "t.seals"), "--out", str(tmp_path / "a.jsonl"), "--format", "argilla"])
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == len(expected)


def test_the_classifier_scores_as_the_session_does(folder):
    pipeline = seals_sim.load_classifier(folder / "model")
    texts = [json.loads(line)["text"] for line in (folder / "t.jsonl").read_text().splitlines()]
    texts.pop(7)
    scores = pipeline.predict_proba(texts)[:, 1]
    np.testing.assert_allclose(scores, np.load(folder / "scores.npy"), atol=1e-4)
    assert pipeline.predict(texts).tolist() == (scores > 0.5).astype(int).tolist()
    assert sorted(path.name for path in (folder / "model").iterdir()) == ["config.json", "model.safetensors"]
    is_high = scores > np.median(scores)
    assert clone(pipeline).fit(texts, is_high).score(texts, is_high) > 0.8


@pytest.mark.parametrize("source", ["t.seals", "model"])
def test_other_tables_are_scored(folder, tmp_path, capsys, source):
    out = tmp_path / "s.csv"
    cli.main(["score", str(folder / source), str(folder / "new.csv"), "--out", str(out), "--columns", "all", "--quiet"])
    table = pd.read_csv(out)
    assert list(table.columns) == ["row", "text", "score", "id", "n"]
    assert table["row"].tolist() == [0, 2]
    assert table["id"].tolist() == ["x", "z"]
    assert table["score"][0] > table["score"][1]
    assert pd.read_csv(tmp_path / "s.csv.left-out.csv")["row"].tolist() == [1]
    said = capsys.readouterr()
    assert "2 scores written to" in said.out
    assert "left out 1 row (the last: " in said.err


def test_rows_left_out_of_the_session_are_listed(folder):
    assert (folder / "left.csv").read_text().splitlines()[1:] == [f"7,{folder / 't.jsonl'}:8,'text' is empty"]


def test_a_copied_session_of_an_early_version_says_what_to_do(folder, tmp_path, refused):
    path = tmp_path / "early.seals"
    path.write_bytes((folder / "t.seals").read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        for statement in OF_VERSION_5:
            database.execute(statement)
        database.execute("ALTER TABLE events DROP COLUMN who")
        database.execute("DROP TABLE rows")
        database.execute("DROP TABLE space")
        database.execute("PRAGMA user_version = 2")
    assert "open it once with its table" in refused(cli.main, ["export", path, "--out", tmp_path / "x.csv"])
    assert not (tmp_path / "x.csv").exists()


def spoil(database, statement):
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET table_rows = x'00'",
        "UPDATE rows SET text = '7'",
        "UPDATE rows SET ids = '[1, 2, 3, 4]'",
        "UPDATE rows SET text = '{'",
        "UPDATE space SET value = x'0000c07f' WHERE name = 'mean'",
        "DELETE FROM space WHERE name = 'digest'",
        "DELETE FROM space WHERE name = 'directions'",
    ],
)
def test_what_a_file_keeps_is_checked(folder, tmp_path, statement):
    path = tmp_path / "bad.seals"
    path.write_bytes((folder / "t.seals").read_bytes())
    spoil(path, statement)
    with pytest.raises(UserError, match=r"bad.seals: is damaged"):
        SessionFile.read(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "t.seals", "--out", "x.doc"], "--out x.doc: must end in .csv, .jsonl, .parquet"),
        (["export", "t.jsonl", "--out", "x.csv"], "t.jsonl: is damaged or not a label session, the .seals file that"),
        (["export", "none.seals", "--out", "x.csv"], "none.seals: no such session"),
        (["export", "t.seals", "--out", "t.seals", "--format", "csv"], "--out t.seals: is the input file"),
        (
            ["export", "t.seals", "--out", "t.jsonl"],
            "--out t.jsonl: already exists and may be the table of this session",
        ),
        (["score", "t.seals", "new.csv", "--out", "t.jsonl"], "--out t.jsonl: already exists and may be the table"),
        (["model", "t.seals", "--out", "cache"], "--out cache: holds other files; name a new folder"),
        (["score", "model", "new.csv", "--out", "new.csv"], "--out new.csv: is the input file"),
        (["score", "cache", "new.csv", "--out", "y.csv"], "config.json: is missing"),
        (
            ["score", "t.seals", "new.csv", "--out", "y.csv", "--id-column", "w"],
            "--id-column w: no such",
        ),
    ],
)
def test_what_is_refused(folder, monkeypatch, refused, words, said):
    monkeypatch.chdir(folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert said in refused(cli.main, words)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_damaged_classifier_is_refused_and_another_model_is_said(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / "model" / name).read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_digest": "another"}))
    with pytest.warns(UserWarning, match="the files of the model wordllama are not those it was trained with"):
        seals_sim.load_classifier(tmp_path)
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model.safetensors: does not match config.json"):
        seals_sim.load_classifier(tmp_path)


def test_scikit_learns_own_checks(folder):
    """Checks for numeric input do not apply. The classifier is scikit-learn's own, with its coefficients set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which checks do not apply
        check_estimator(TextVectorizer("wordllama"))
    classifier = seals_sim.load_classifier(folder / "model")[-1]
    assert type(classifier) is LogisticRegression
    check_estimator(clone(classifier), on_skip=None)
    vectorizer = TextVectorizer("wordllama", dimensions=3)
    texts = ["a cat", "dogs bark", "the sea", "a ship", "a cat"]
    vectors = vectorizer.fit(texts).transform(texts)
    assert vectors.shape == (5, 3)
    assert np.array_equal(vectors[0], vectors[4])
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    for bad in ("one text", [], [1, 2]):
        with pytest.raises(ValueError, match="a list of"):
            vectorizer.transform(bad)
