"""A session on a table stored on disk, and what happens if the table or the disk has changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field

import numpy as np
import pytest
from fastapi.testclient import TestClient

from seals_sim.cli import label as label_command
from seals_sim.cli.main import main
from seals_sim.datasets import stored_table, stored_texts
from seals_sim.embed.lazy_store import LazyStore
from seals_sim.errors import UserError
from seals_sim.label.web import make_app
from seals_sim.types import Rows
from tests.conftest import limited_files
from tests.label.page import replace_page

ANIMALS = ["seal", "gnu", "cat", "owl"]


def write_table(path, n):
    """Every ninth text is empty, and every fifth repeats another."""
    texts = [f"a {ANIMALS[row % 4]} in picture {row - row % 5 // 4}" if row % 9 else "" for row in range(n)]
    path.write_text("".join(json.dumps({"text": text, "id": row}) + "\n" for row, text in enumerate(texts)))
    return texts


@dataclass
class Desk:
    """Serves sessions to a test in place of a browser."""

    words: list[str]
    opened: list = field(default_factory=list)

    def label(self, work, *more):
        def serve(session):
            self.opened.append(session.corpus)
            work(session)
            session.close()

        self.serve = serve
        main([str(word) for word in [*self.words, *more]])


@pytest.fixture
def table(tmp_path):
    return tmp_path / "t.jsonl"


@pytest.fixture
def desk(tmp_path, table, monkeypatch):
    words = ["label", table, "--like", "a seal", "--cache", tmp_path / "cache", "--quiet", "--k", "5"]
    made = Desk([*words, "--columns", "id", "--embed", "lazy"])
    monkeypatch.setattr(label_command, "open_page", replace_page(lambda session: made.serve(session)))
    monkeypatch.setattr(stored_table, "STORED_FROM", 1)
    monkeypatch.setattr(stored_table, "BATCH", 16)
    return made


def test_a_session_goes_on_while_its_table_changes_and_takes_over_the_answers(desk, table, capsys):
    texts, asked = write_table(table, 60), []

    def work(session):
        assert isinstance(session.corpus.texts, stored_texts.StoredTexts)
        client = TestClient(make_app(session, "token", "127.0.0.1:80", "s"), base_url="http://127.0.0.1:80")
        client.headers.update({"X-Token": "token"})
        write_table(table, 70)  # another program rewrites it
        for _ in range(8):
            (row,) = client.get("/api/batch?n=1").json()["rows"]
            assert row["text"] == texts[row["row"]]
            asked.append(row["row"])
            client.post("/api/answer", json={"row": row["row"], "answer": int("seal" in row["text"])})
        found = client.get("/api/words?text=GNU&n=100").json()
        assert {row["row"] for row in found["rows"]} <= {row for row, text in enumerate(texts) if "gnu" in text}
        assert {texts[row["row"]] for row in found["rows"]} == {text for text in texts if "gnu" in text}
        for line in client.get("/export/labels.jsonl").text.splitlines():
            label = json.loads(line)
            assert (label["id"], label["text"]) == (label["row"], texts[label["row"]])
        n_left = client.get("/api/status").json()["n_answered"]
        assert n_left == 8

    desk.label(work)
    left_out = (table.parent / "t.left-out.csv").read_text().splitlines()
    assert [int(line.split(",")[0]) for line in left_out[1:]] == [row for row in range(60) if row % 9 == 0]
    capsys.readouterr()
    desk.label(lambda session: asked.append(len(session.distinct_answers)))
    assert "the table has changed; 8 answers carried over" in capsys.readouterr().err
    assert asked[-1] == 8
    assert len(desk.opened[1].texts) > len(desk.opened[0].texts)


def test_the_copy_of_a_table_may_be_removed_under_a_session(desk, table):
    texts = write_table(table, 60)

    def work(session):
        shutil.rmtree(table.parent / "cache" / "tables")
        for asked in session.ask(3):
            assert asked.text == texts[session.corpus.number_row(asked.row)]
        assert session.find_words("owl")

    desk.label(work)
    desk.label(work)


def test_a_disk_that_is_full_of_vectors_is_one_line_and_a_rerun_goes_on(desk, table, tmp_path, capsys):
    """A file size limit stands in for a full disk. There is room for the texts, but not for the vectors."""
    write_table(table, 300)
    with limited_files(100_000), pytest.raises(SystemExit) as ended:
        desk.label(lambda session: None)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].endswith("array.npy: cannot be written: File too large"), said
    assert not list(tmp_path.rglob(".seals-unfinished-*"))
    assert not list(tmp_path.glob("*.seals"))
    (copy,) = tmp_path.rglob("rows.arrow")
    before = copy.stat().st_mtime_ns
    desk.label(lambda session: session.ask(1))
    assert copy.stat().st_mtime_ns == before, "what was read is not read again"


def test_a_disk_that_was_full_for_a_while_costs_only_what_could_not_be_written(tmp_path):
    """A partially written list entry must not make the entries after it unreadable."""
    store = LazyStore(tmp_path, 100, 1)  # its list, of 12 bytes a row, gets larger than the array
    vectors = np.arange(1, 101, dtype=np.float32).reshape(100, 1)
    store.write(Rows(np.arange(60)), vectors[:60])
    with limited_files(60 * 12 + 7), pytest.raises(UserError, match="cannot be written: File too large"):
        store.write(Rows(np.array([60])), vectors[[60]])
    assert not store.is_there[60]
    store.write(Rows(np.arange(61, 100)), vectors[61:])
    store.close()
    again = LazyStore(tmp_path, 100, 1)
    assert np.flatnonzero(~again.is_there).tolist() == [60]
    again.write(Rows(np.array([60])), vectors[[60]])
    np.testing.assert_array_equal(again.array, vectors)
    again.close()


def test_a_table_that_changes_while_it_is_read_into_memory_is_refused_too(tmp_path, table, monkeypatch):
    from seals_sim.cli.options import TableTextOptions
    from seals_sim.cli.tables import read_table
    from seals_sim.datasets import table as table_module

    write_table(table, 9)
    before = table_module.choose_columns

    def change(*given):
        table.write_text(table.read_text() + '{"text": "one more"}\n')
        return before(*given)

    monkeypatch.setattr(table_module, "choose_columns", change)
    with pytest.raises(UserError, match=r"t\.jsonl: changed while it was being read; rerun"):
        read_table(table, TableTextOptions(), tmp_path / "list.csv")
