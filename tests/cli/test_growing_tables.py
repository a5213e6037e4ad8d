"""A table that grows or is corrected keeps its answers, and a foreign table is refused before it is embedded."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from seals_sim.cli import label as label_command
from seals_sim.cli import main as cli
from seals_sim.datasets import read_icd10cm
from seals_sim.embed.encoder import Encoder
from seals_sim.label import journal_file
from seals_sim.label.concepts import Concepts
from seals_sim.label.exchange import SessionFile
from tests.label.page import replace_page
from tests.label.small import OF_VERSION_5

FAST = ["--model", "wordllama", "--quiet", "--cache", "cache", "--like", "cholera", "--id-column", "id"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, texts, first=0):
    lines = [json.dumps({"id": f"i{n}", "text": text}) for n, text in enumerate(texts, start=first)]
    path.write_text("\n".join(lines))


def open_page(monkeypatch, words, work=lambda session: None):
    """Run `seals label` with `work` on the session instead of the page."""

    def serve(session):
        with session:
            work(session)

    monkeypatch.setattr(label_command, "open_page", replace_page(serve))
    cli.main(["label", *words])


def answer(session):
    asked = session.ask(20)
    session.tell([one.row for one in asked], [one.row % 2 for one in asked])


def read_answers(path):
    table = SessionFile.read(path).build_labels_table()
    return dict(zip(table["id"], table["answer"].tolist(), strict=True))


def test_a_session_without_answers_does_not_follow_its_table(here, monkeypatch, refused):
    texts = list(read_icd10cm().texts[:60])
    write(here / "t.jsonl", texts)
    open_page(monkeypatch, ["t.jsonl", *FAST])
    write(here / "t.jsonl", [*texts, "one more"])
    monkeypatch.setattr(label_command, "open_page", replace_page(lambda session: None))
    said = refused(cli.main, ["label", "t.jsonl", *FAST])
    assert "t.seals: has no answers, and the table has changed; delete this session or name another" in said


def test_answers_go_on_in_a_table_that_has_changed(here, monkeypatch, capsys):
    texts = list(read_icd10cm().texts[:300])
    write(here / "t.jsonl", texts)
    open_page(monkeypatch, ["t.jsonl", *FAST], answer)
    before = read_answers(here / "t.seals")
    gone, corrected = list(before)[:2]
    changed = [("new one", "n1"), ("new two", "n2"), *((text, f"i{n}") for n, text in enumerate(texts))]
    changed = [(f"{text}, corrected" if id == corrected else text, id) for text, id in changed if id != gone]
    (here / "t.jsonl").write_text("\n".join(json.dumps({"id": id, "text": text}) for text, id in changed))
    capsys.readouterr()
    seen = []
    open_page(monkeypatch, ["t.jsonl", *FAST], lambda session: seen.append(session.status()))
    said = capsys.readouterr().err
    assert (
        "the table has changed; 19 answers carried over, 1 of them for a text that has changed, 1 dropped, whose row is"
        in said
    )
    assert read_answers(here / "t.seals") == {id: answer for id, answer in before.items() if id != gone}
    assert read_answers(here / "t.before-1.seals") == before
    assert (seen[0].n_answered, seen[0].n_control) == (19, 0)
    open_page(monkeypatch, ["t.jsonl", *FAST])
    assert "changed" not in capsys.readouterr().err
    assert sorted(path.name for path in here.glob("*.seals*")) == ["t.before-1.seals", "t.seals"]


def test_a_foreign_table_or_model_is_refused_before_it_is_embedded(here, monkeypatch, refused):
    texts = read_icd10cm().texts
    write(here / "t.jsonl", texts[:200])
    open_page(monkeypatch, ["t.jsonl", *FAST], answer)
    whole = (here / "t.seals").read_bytes()
    write(here / "other.jsonl", texts[500:900], first=500)
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("something was embedded"))
    said = refused(cli.main, ["label", "other.jsonl", *FAST, "--session", "t.seals"])
    assert "belongs to another table (0 of its 20 answered rows are in this table); name another session" in said
    said = refused(cli.main, ["label", "t.jsonl", *FAST, "--dimensions", "7"])
    assert "began with 200 texts" in said
    assert "open it with the same model and dimensions" in said
    assert (here / "t.seals").read_bytes() == whole


def test_texts_find_their_answers_without_ids(here, monkeypatch, capsys):
    texts = list(read_icd10cm().texts[:200])
    write(here / "t.jsonl", texts)
    words = ["t.jsonl", *FAST[:-2]]
    open_page(monkeypatch, words, answer)
    before = SessionFile.read(here / "t.seals").build_labels_table()
    write(here / "t.jsonl", ["a new first line", *texts])
    open_page(monkeypatch, words)
    assert (
        "the table has changed; 20 answers carried over; copy of the session as it was: t.before-1.seals"
        in capsys.readouterr().err
    )
    after = SessionFile.read(here / "t.seals").build_labels_table()
    assert after["row"].tolist() == [row + 1 for row in before["row"]]
    assert after["text"].tolist() == before["text"].tolist()


def test_a_session_over_old_fingerprints_goes_on(here, monkeypatch, capsys):
    """The file of an early session gets what it lacks when it is opened with its table."""
    write(here / "t.jsonl", read_icd10cm().texts[:200])
    open_page(monkeypatch, ["t.jsonl", *FAST, "--paper"], answer)
    with closing(sqlite3.connect(here / "t.seals")) as database, database:
        for statement in OF_VERSION_5:
            database.execute(statement)
        database.execute("ALTER TABLE events DROP COLUMN who")
        database.execute("DROP TABLE rows")
        database.execute("DROP TABLE space")
        database.execute("PRAGMA user_version = 2")
    open_page(monkeypatch, ["t.jsonl", *FAST])
    assert len(read_answers(here / "t.seals")) == 20
    assert "changed" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "pool", "d"), [([], "all", 256), (["--paper"], "seals", 50), (["--dimensions", "20"], "all", 20)]
)
def test_a_session_goes_on_with_the_dimensions_and_the_pool_it_has(here, monkeypatch, words, pool, d):
    write(here / "t.jsonl", read_icd10cm().texts[:200])
    open_page(monkeypatch, ["t.jsonl", *FAST, *words], answer)
    seen = []

    def look(session):
        seen.append((session.options.pool, session.corpus.vectors.shape[1], len(session.answers)))

    open_page(monkeypatch, ["t.jsonl", *FAST], look)
    assert seen == [(pool, d, 20)]


def test_the_papers_rule_has_its_own_pool(here, monkeypatch, capsys):
    write(here / "t.jsonl", read_icd10cm().texts[:200])
    with pytest.raises(SystemExit, match="2"):
        cli.main(["label", "t.jsonl", *FAST, "--paper", "--pool", "walk"])
    assert "--pool walk: cannot be combined with paper" in capsys.readouterr().err
    assert not (here / "cache").exists()


def test_rows_that_move_since_others_are_left_out_move_in_the_file_too(here, monkeypatch):
    """The texts are the same, so the session is the same; an undo and an opening without ids take nothing from the
    file.
    """
    texts = list(read_icd10cm().texts[:200])
    write(here / "t.jsonl", texts)
    open_page(monkeypatch, ["t.jsonl", *FAST], answer)
    before = SessionFile.read(here / "t.seals").build_labels_table()
    lines = (here / "t.jsonl").read_text().splitlines()
    (here / "t.jsonl").write_text("\n".join(['{"id": "e", "text": ""}', *lines]))
    last = int(before["row"].iloc[0])

    def work(session):
        session.undo()
        session.tell([last], [1])

    open_page(monkeypatch, ["t.jsonl", *FAST[:-2]], work)
    after = SessionFile.read(here / "t.seals").build_labels_table()
    assert after["row"].tolist() == [row + 1 for row in before["row"]][:-1]
    assert after["id"].tolist() == before["id"].tolist()[:-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--id-column", "none"], "--id-column none: no such column in t.csv; its columns are 'id', 'text'"),
        (["--id-column", "none", "--columns", "all"], "--id-column none: no such column in t.csv; its columns are"),
        (["--id-column", "id"], "--id-column id: row 2 of t.csv (counted from 0) is 'a', as in row 0"),
        (["--columns", "none"], "--columns none: no such column in t.csv"),
        (["--negative-label", "x"], "--negative-label x: requires positive_label"),
    ],
)
def test_columns_that_cannot_be(here, refused, words, said):
    (here / "t.csv").write_text("id,text\na,one\nb,two\na,three\n")
    assert said in refused(cli.main, ["label", "t.csv", *FAST[:-2], *words])


def test_a_session_that_can_only_be_read(here, monkeypatch, capsys, refused):
    texts = ["", *read_icd10cm().texts[:60]]
    write(here / "t.jsonl", texts)
    open_page(monkeypatch, ["t.jsonl", *FAST], answer)
    (here / "t.left-out.csv").unlink()
    monkeypatch.setattr(journal_file, "is_writable", lambda _: False)
    capsys.readouterr()
    open_page(monkeypatch, ["t.jsonl", *FAST])
    assert "listed in cache" in capsys.readouterr().err
    write(here / "t.jsonl", [*texts[1:], "one more"])
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("something was embedded"))
    said = refused(cli.main, ["label", "t.jsonl", *FAST])
    assert "t.seals: the table has changed, and this session is read-only" in said
    assert sorted(path.name for path in here.iterdir()) == ["cache", "t.jsonl", "t.seals"]


def test_several_concepts_from_the_command_to_the_exports(here, monkeypatch, capsys, refused):
    fast = [word for word in FAST if word not in ("--like", "cholera")]
    texts = list(read_icd10cm().texts[:200])
    write(here / "t.jsonl", texts)
    words = ["t.jsonl", *fast, "--concept", "a", "--concept", "b", "--like", "a=cholera", "--not-like", "b=typhoid"]

    def answer_both(concepts):
        for row in range(10):
            concepts.tell(row, {"a": row % 2, "b": int(row < 3)})
        concepts.first.write_note(150, "odd")

    open_page(monkeypatch, words, answer_both)
    open_page(monkeypatch, ["t.jsonl", *fast, "--concept", "c", "--like", "c=plague"], lambda opened: opened.ask(3))
    write(here / "t.jsonl", ["a new first line", *texts], first=-1)
    seen: list[object] = []
    counts: list[int] = []
    open_page(monkeypatch, ["t.jsonl", *fast], lambda opened: seen.append(
        [(name, len(one.answers), [seed.text for seed in one.seeds]) for name, one in opened.sessions.items()]
    ))  # fmt: skip
    assert seen == [[("a", 10, ["cholera"]), ("b", 10, ["typhoid"]), ("c", 0, ["plague"])]]
    assert "20 answers carried over" in capsys.readouterr().err
    cli.main(["export", "t.seals", "--out", "all.jsonl"])
    cli.main(["export", "t.seals", "--out", "b.jsonl", "--concept", "b"])
    cli.main(["model", "t.seals", "--out", "model", "--concept", "b"])
    cli.main(["score", "t.seals", "t.jsonl", "--out", "scores.csv", "--concept", "a", "--quiet"])
    saved = [json.loads(line) for line in (here / "all.jsonl").read_text().splitlines()]
    assert {(one["row"], one["concept"]): one["answer"] for one in saved} == {
        (row + 1, name): value for row in range(10) for name, value in (("a", row % 2), ("b", int(row < 3)))
    }
    assert len((here / "b.jsonl").read_text().splitlines()) == 10
    assert SessionFile.read(here / "t.seals", "a").notes == {151: "odd"}
    said = refused(cli.main, ["model", "t.seals", "--out", "other"])
    assert "--concept: t.seals has the concepts a, b, c; name one of these" in said
    for wrong, problem in [
        (["--concept", "d", "--like", "plague"], "--like 'plague': write it as NAME=WORDS"),
        (["--like", "plague"], "t.seals has concepts; write each example as NAME=WORDS"),
        (["--concept", "a", "--like", "a=plague"], "began with other examples"),
        (["--concept", "a=b"], "--concept a=b: a name has at most 100 characters"),
        (["--labels", "b.jsonl"], "--concept: name the one concept that the answers in the file are about"),
    ]:
        assert problem in refused(cli.main, ["label", "t.jsonl", *fast, *wrong])
    open_page(monkeypatch, ["t.jsonl", *fast, "--concept", "c", "--labels", "b.jsonl"],
              lambda opened: counts.append(len(opened.sessions["c"].answers)))  # fmt: skip
    assert counts == [10]


def test_the_command_that_began_a_session_goes_on_with_concepts_that_were_renamed(here, monkeypatch, refused):
    write(here / "t.jsonl", list(read_icd10cm().texts[:100]))
    open_page(monkeypatch, ["t.jsonl", *FAST], lambda session: Concepts.around(session).rename("", "tropical"))
    words, seen = ["t.jsonl", *FAST, "--concept", "b", "--like", "b=plague"], []
    del words[words.index("cholera") - 1 : words.index("cholera") + 1]

    def rename(concepts):
        concepts.rename("tropical", "hot")
        concepts.rename("b", "black")
        concepts.tell(3, {"hot": 1, "black": 0})

    def look(concepts):
        seen.append([(name, [seed.text for seed in one.seeds]) for name, one in concepts.sessions.items()])

    open_page(monkeypatch, ["t.jsonl", *FAST], lambda opened: seen.append(list(opened.sessions)))
    open_page(monkeypatch, words, rename)
    for again in (["t.jsonl", *FAST], words):
        open_page(monkeypatch, again, look)
    assert seen == [["tropical"], *2 * [[("hot", ["cholera"]), ("black", ["plague"])]]]
    assert "began with other examples" in refused(cli.main, ["label", *words[:-1], "b=typhoid"])
    write(here / "t.jsonl", list(read_icd10cm().texts[:101]))
    open_page(monkeypatch, words, look)
    assert seen[-1] == seen[-2]
    open_page(monkeypatch, words, lambda concepts: concepts.add("b"))  # free again
    open_page(monkeypatch, ["t.jsonl", *FAST[:-4], *FAST[-2:]], look)
    assert [name for name, _ in seen[-1]] == ["hot", "black", "b"]
