"""`seals label --vectors`: whole commands on vectors from elsewhere, with pictures made by the test."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from seals_sim.cli import label as label_command
from seals_sim.cli import main as cli
from seals_sim.embed.encoder import Encoder
from seals_sim.indexes import cached, choice
from seals_sim.label import stored_vectors
from seals_sim.label.exchange import SessionFile, build_labels_table
from seals_sim.label.web import make_app
from seals_sim.progress import follow
from seals_sim.vectors.copies import Copies
from tests.label.page import replace_page

N = 60
PICTURES = ["--image-column", "path", "--image-folder", "pictures"]
COMMON = ["--vectors", "x.npy", "--cache", "cache", "--quiet", "--no-browser"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Simulated: 60 red or blue pictures whose vectors are near if their colors match. All titles are the same two."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for row in range(N):
        Image.new("RGB", (30, 20), "red" if row % 3 == 0 else "blue").save(tmp_path / "pictures" / f"{row}.png")
        lines.append(json.dumps({"id": f"i{row}", "title": f"title {row % 2}", "path": f"{row}.png"}))
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    vectors = rng.normal(size=(N, 8)) + np.where(np.arange(N)[:, None] % 3, 4, -4)
    vectors[33] = vectors[3]
    np.save(tmp_path / "x.npy", vectors)
    return tmp_path


def open_page(monkeypatch, words, work=lambda session, client: None):
    """Run `seals label` with `work` on the session and the calls of its page."""

    def serve(session):
        with session:
            app = make_app(session, "token", "127.0.0.1", "s")
            work(session, TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "token"}))

    monkeypatch.setattr(label_command, "open_page", replace_page(serve))
    cli.main(["label", *words, *COMMON])


def test_a_whole_session_on_pictures(here, monkeypatch):
    words = ["t.jsonl", "--text-column", "title", "--id-column", "id", *PICTURES]

    def answer(session, client):
        status = client.get("/api/status").json()
        assert (status["can_find"], status["has_images"], status["n_copies"]) == (False, True, 1)
        client.post("/api/answer", json={"row": 3, "answer": 1})
        client.post("/api/answer", json={"row": 4, "answer": 0})
        for item in client.get("/api/batch?n=12").json()["rows"]:
            assert item["has_image"]
            assert item["text"] == f"title {item['row'] % 2}"
            assert len({near["row"] for near in item["neighbors"]}) == 5  # rows with the same title are not one row
            assert client.get(f"/image/{item['row']}").headers["content-type"] == "image/jpeg"
            client.post("/api/answer", json={"row": item["row"], "answer": int(item["row"] % 3 == 0)})
        near = client.get("/api/similar?row=3&n=10").json()["rows"]
        assert all(item["row"] % 3 == 0 for item in near)
        assert client.get("/api/find?text=red").status_code == 400
        table = build_labels_table(session)
        assert set(table.columns) == {"row", "id", "text", "answer", "is_control", "path"}
        assert {3, 33} <= set(table["row"])
        scores = session.compute_scores()
        assert scores[np.arange(N) % 3 == 0].min() > scores[np.arange(N) % 3 > 0].max()

    open_page(monkeypatch, words, answer)
    table = SessionFile.read(here / "t.seals").build_labels_table().set_index("row")
    assert table.loc[33, "answer"] == table.loc[3, "answer"] == 1
    assert table.loc[3, "text"] == "title 1"
    assert table["text"].isna().sum() == 1  # of equal vectors the file alone keeps one text, which is no other's
    cli.main(["export", "t.seals", "--out", "answers.csv"])
    open_page(monkeypatch, [*words, "--labels", "answers.csv"], lambda session, _: answer_stands(session, table))


def answer_stands(session, table):
    assert session.answers == dict(table["answer"].items())


def test_the_path_is_the_text_where_there_is_no_other(here, monkeypatch):
    def look(session, client):
        assert session.corpus.get_text(7) == "7.png"
        assert set(session.corpus.columns) == set()
        assert client.get("/image/7?size=small").status_code == 200

    open_page(monkeypatch, ["t.jsonl", *PICTURES], look)


def test_the_path_may_be_among_the_columns_of_exports(here, monkeypatch):
    def look(session, client):
        client.post("/api/answer", json={"row": 7, "answer": 1})
        assert client.get("/export/labels.jsonl").json()["path"] == "7.png"

    words = ["t.jsonl", "--text-column", "title", *PICTURES]
    open_page(monkeypatch, [*words, "--columns", "path,id"], look)
    open_page(monkeypatch, [*words, "--id-column", "path", "--session", "p.seals"], look)


def test_vectors_without_pictures_and_rows_without_texts_keep_their_numbers(here, monkeypatch):
    lines = (here / "t.jsonl").read_text().splitlines()
    lines[5] = json.dumps({"id": "i5", "title": "", "path": None})
    lines[6] = json.dumps({"id": "i6", "title": "six", "path": None})
    (here / "t.jsonl").write_text("\n".join(lines))
    vectors = np.load(here / "x.npy")

    def look(session, client):
        assert session.corpus.find_row(6) == 5
        expected = vectors[6] / np.linalg.norm(vectors[6])
        assert np.allclose(session.corpus.vectors[5], expected, atol=1e-6)
        assert client.get("/api/similar?row=5").status_code == 400

    open_page(monkeypatch, ["t.jsonl", "--text-column", "title"], look)
    open_page(
        monkeypatch,
        ["t.jsonl", "--text-column", "title", "--session", "p.seals", *PICTURES],
        lambda session, client: [look(session, client), not_there(client)],
    )


def not_there(client):
    assert client.get("/image/6").text == "this row has no picture\n"
    assert client.get("/image/7").status_code == 200


def test_words_are_searched_for_with_the_model_of_the_vectors(here, monkeypatch, refused):
    titles = [f"a text about {word}" for word in ("cholera", "fracture", "plague") for _ in range(20)]
    np.save(here / "x.npy", Encoder("wordllama").encode(titles))
    words = ["t.jsonl", "--text-column", "title", "--model", "wordllama", "--like", "fracture of a bone"]

    def look(session, client):
        assert client.get("/api/status").json()["can_find"]
        assert session.seeds[0].text == "fracture of a bone"
        near = client.get("/api/find?text=plague&n=1").json()["rows"]
        assert near[0]["row"] >= 40

    open_page(monkeypatch, words, look)
    np.save(here / "x.npy", np.ones((N, 8)))
    said = refused(cli.main, ["label", *words, *COMMON, "--session", "o.seals"])
    assert "--model wordllama: has 256 dimensions, but x.npy has 8; name the model that made these vectors" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--like", "red"], "--like red: requires the model that made the vectors (--model); or omit it and answer"),
        (["--not-like", "red"], "--not-like red: requires the model that made the vectors"),
        (["--paper"], "whitens texts"),
        (["--dimensions", "9"], "--dimensions 9: whitens texts"),
        (["--vectors", "none.npy"], "none.npy: no such file"),
        (["--vectors", "short.npy"], "short.npy: 59 vectors for the 60 rows of t.jsonl"),
        (["--vectors", "flat.npy"], "flat.npy: must be an (n, d) array of numbers"),
        (["--vectors", "pickled.npy"], "pickled.npy: is not a readable .npy file"),
        (["--vectors", "nan.npy"], "nan.npy: row 7 (counted from 0) has a NaN or an infinite value"),
        (["--image-column", "path"], "--image-column path: requires image_folder"),
        (["--image-folder", "pictures"], "--image-folder pictures: requires image_column"),
        (
            ["--image-column", "picture", "--image-folder", "pictures"],
            "--image-column picture: no such column",
        ),
        (["--image-column", "path", "--image-folder", "none"], "--image-folder none: no such folder"),
        (["--index", "graph"], "--index graph"),
    ],
)
def test_what_does_not_go_together_is_refused(here, options, said, refused):
    np.save(here / "short.npy", np.ones((N - 1, 8)))
    np.save(here / "flat.npy", np.ones(N))
    np.save(here / "pickled.npy", np.array([{}] * N, dtype=object), allow_pickle=True)
    vectors = np.load(here / "x.npy")
    vectors[7, 0] = np.nan
    np.save(here / "nan.npy", vectors)
    common = COMMON[2:] if "--vectors" in options else COMMON
    assert said in refused(cli.main, ["label", "t.jsonl", "--text-column", "title", *common, *options])
    assert not (here / "t.seals").exists()


def test_pictures_need_vectors(here, refused):
    said = refused(cli.main, ["label", "t.jsonl", "--text-column", "title", *PICTURES])
    assert "--image-column path: requires vectors" in said


def test_a_session_opens_with_the_same_vectors_texts_and_paths(here, monkeypatch, refused):
    words = ["t.jsonl", "--text-column", "title", *PICTURES]
    open_page(monkeypatch, words)
    whole = (here / "t.seals").read_bytes()
    kept = np.load(here / "x.npy")
    np.save(here / "x.npy", np.roll(kept, 1, axis=0))
    assert "began with 60 vectors of 8 dimensions" in refused(cli.main, ["label", *words, *COMMON])
    np.save(here / "x.npy", kept)
    (here / "t.jsonl").write_text((here / "t.jsonl").read_text().replace('"9.png"', '"8.png"'))
    assert "open it with the same vectors, texts and paths" in refused(cli.main, ["label", *words, *COMMON])
    assert (here / "t.seals").read_bytes() == whole


def test_answers_go_on_where_vectors_and_table_have_changed(here, monkeypatch, capsys, refused):
    words = ["t.jsonl", "--text-column", "title", "--id-column", "id"]
    given = {3: 1, 4: 0, 33: 1}  # 33 is a copy of 3
    open_page(monkeypatch, words, lambda session, client: session.tell([3, 4], [1, 0]))
    lines = (here / "t.jsonl").read_text().splitlines()
    lines.insert(0, json.dumps({"id": "new", "title": "title 7", "path": "0.png"}))
    (here / "t.jsonl").write_text("\n".join(lines))
    np.save(here / "x.npy", np.random.default_rng(1).normal(size=(N + 1, 5)))
    found = []
    open_page(monkeypatch, words, lambda session, client: found.append(session.answers))
    assert found == [{row + 1: answer for row, answer in given.items()}]
    assert "the table has changed; 2 answers carried over" in capsys.readouterr().err
    (here / "t.seals").unlink()
    (here / "t.before-1.seals").rename(here / "t.seals")
    whole = (here / "t.seals").read_bytes()
    said = refused(cli.main, ["label", *words[:-2], *COMMON])  # titles shared by many rows identify nothing without ids
    assert "belongs to another table (0 of its 2 answered rows are in this table)" in said
    assert (here / "t.seals").read_bytes() == whole


def test_a_wrong_folder_is_told_at_once(here, monkeypatch, capsys):
    (here / "empty").mkdir()
    open_page(monkeypatch, ["t.jsonl", "--image-column", "path", "--image-folder", "empty"])
    assert "empty has none of the first 20 pictures (the first: 0.png)" in capsys.readouterr().err


def test_a_session_that_scans_every_row_needs_no_index(here, monkeypatch):
    monkeypatch.setattr(choice, "EXACT_ROWS", 20)
    words, built = ["t.jsonl", "--text-column", "title"], []

    def note(session, client):
        built.append((session.options.pool, session.corpus.index_name))
        session.tell([3], [1])

    for session in ("a", "a", "b"):
        open_page(monkeypatch, [*words, "--session", session, *(["--pool", "walk"] if session == "b" else [])], note)
    open_page(monkeypatch, [*words, "--session", "b"], note)  # as when it was started
    assert built == [("all", "exact"), ("all", "exact"), ("walk", "ivf-sq"), ("walk", "ivf-sq")]


def ask_and_answer(session, client):
    """The rows asked about and the groups of equal rows, with everything that follows from the vectors."""
    red, blue = map(session.corpus.find_row, (3, 4))
    session.tell([red, blue], [1, 0])
    asked = [row["row"] for row in client.get("/api/batch?n=9").json()["rows"]]
    return asked, session.list_copies(red), session.corpus.vectors[:5].tolist()


@pytest.mark.parametrize("leaves_out", [False, True])
@pytest.mark.parametrize("has_copies", [True, False])
def test_vectors_of_a_large_table_are_read_scaled_and_compared_once(
    here, monkeypatch, refused, capsys, has_copies, leaves_out
):
    if leaves_out:
        (here / "t.jsonl").write_text((here / "t.jsonl").read_text().replace('"title 1"', '""', 1))
    if not has_copies:
        vectors = np.load(here / "x.npy")
        vectors[33] += 1
        np.save(here / "x.npy", vectors)
    words, seen = ["t.jsonl", "--text-column", "title", "--pool", "walk"], []
    monkeypatch.setattr(choice, "EXACT_ROWS", 20)

    def look(session, client):
        seen.append(ask_and_answer(session, client))

    open_page(monkeypatch, [*words, "--session", "small"], look)
    monkeypatch.setattr(stored_vectors, "_KEPT_FROM", 0)
    monkeypatch.setattr(cached, "_KEPT_FROM", 0)
    time.sleep(2.1)  # until the file counts as settled
    with follow() as progress:
        open_page(monkeypatch, [*words, "--session", "large"], look)
    steps = [step.name for step in progress.steps]
    shown = ["checking x.npy", "scaling the vectors to unit length", "looking for equal rows"]
    assert [name for name in steps if name in shown] == shown
    with monkeypatch.context() as patched:
        for place, name in ((stored_vectors, "normalize"), (stored_vectors, "fingerprint"), (Copies, "find")):
            patched.setattr(place, name, lambda *_: pytest.fail("again"))
        open_page(patched, [*words, "--session", "large"], look)
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][1]) == 1 + has_copies
    assert "damaged" not in capsys.readouterr().err
    if leaves_out:
        return
    vectors, before = np.load(here / "x.npy"), (here / "x.npy").stat()
    np.save(here / "x.npy", np.roll(vectors, 1, axis=0))
    os.utime(here / "x.npy", ns=(before.st_atime_ns, before.st_mtime_ns))  # size and time are unchanged
    assert "belongs to another table" in refused(cli.main, ["label", *words, "--session", "large", *COMMON])
