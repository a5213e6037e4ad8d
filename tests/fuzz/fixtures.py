"""The files to damage, made by the commands themselves at the smallest size that has all parts."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
from PIL import Image

from experiments.beyond import __main__ as beyond
from experiments.claims import __main__ as claims
from experiments.claims.stored import SOURCES
from experiments.goodreads import __main__ as goodreads
from experiments.paper import __main__ as paper
from experiments.theory_bounds import __main__ as theory
from seals_sim.cli import main as cli
from seals_sim.embed import blocks
from seals_sim.embed.encoder import Encoder
from seals_sim.label.session import Session
from seals_sim.replay.store import RunStore
from seals_sim.types import Vectors
from tests.conftest import clustered
from tests.label.page import replace_page

REPORTS = Path(__file__).parents[2] / "reports"
TEXT = ["--model", "wordllama", "--dimensions", "6", "--cache", "cache", "--quiet"]
SEARCH = [
    "--seed-positives",
    "2",
    "--seed-negatives",
    "5",
    "--budget",
    "20",
    "--batch",
    "5",
    "--repeats",
    "2",
    "--k",
    "4",
    "--quiet",
]
REPLAY = [
    "replay",
    "--vectors",
    "x.npy",
    "--labels",
    "y.npy",
    "--concepts",
    "1",
    "--strategies",
    "maxent,random",
    "--pools",
    "all,seals",
    "--index",
    "graph",
    "--cache",
    "cache",
    *SEARCH,
    "--out",
    "run",
]
LABEL = ["label", "t.csv", "--index", "exact", "--no-browser", *TEXT]
GOODREADS = ["--simulate", "300", "--dimensions", "8", "--threads", "1", "--memory", "2GB", *SEARCH, "--out", "good"]
THEORY = [
    "--problem",
    "example1",
    "--algorithm",
    "3,passive",
    "--dim",
    "2",
    "--gamma-over-delta",
    "2",
    "--epsilon",
    "1e-2",
    "--passive-queries",
    "20",
    "--jobs",
    "1",
    "--quiet",
    "--out",
    "theory",
]
PAPER = [
    "--vectors",
    "x.npy",
    "--labels",
    "y.npy",
    "--concepts",
    "1",
    "--side-concepts",
    "1",
    "--only",
    "main",
    "--cache",
    "cache",
    *SEARCH,
    "--out",
    "paper",
]
BEYOND = [
    "--vectors",
    "x.npy",
    "--labels",
    "y.npy",
    "--concepts",
    "1",
    "--seed-positives",
    "2",
    "--seed-negatives",
    "5",
    "--budget",
    "20",
    "--batch",
    "5",
    "--repeats",
    "1",
    "--only",
    "all,walk",
    "--cache",
    "cache",
    "--quiet",
    "--out",
    "beyond",
]
CLAIMS = ["--reports", "reports", "--quiet", "--out", "ledger"]
OWN = ["label", "pictures.csv", "--vectors", "v.npy", "--image-column", "path", "--image-folder", "pictures",
       "--index", "exact", "--no-browser", "--cache", "cache", "--quiet"]  # fmt: skip
PART = ["embed", "t.csv", "--model", "wordllama", "--cache", "part", "--quiet"]
ENGINES = {"lancedb": "store", "milvus": "store.db"}
INDEXES = ("lsh", "hnsw", "ivf-flat", "ivf-sq", "ivf-pq", "ivf-rabitq")
N_TEXTS = 40


def label_a_little(session: Session) -> None:
    """Stands in for the page: asks for some rows and answers them."""
    rows = [asked.row for asked in session.ask(3)]
    session.tell(rows, [row % 2 for row in rows])
    session.close()


@contextmanager
def no_page() -> Iterator[None]:
    """Within this context, `seals label` answers a few rows and ends."""
    from seals_sim.cli import label

    before = label.open_page
    label.open_page = replace_page(label_a_little)
    try:
        yield
    finally:
        label.open_page = before


def make_at_least(folder: Path) -> None:
    """Make the files that do not come from a command."""
    with chdir(folder):
        _write_data()


def make(folder: Path, has_experiments: bool = True) -> None:
    """Make all fixtures in a folder, or all except those of the experiments, which take longest."""
    make_at_least(folder)
    with chdir(folder), no_page():
        for name in INDEXES:
            cli.main(["index", "t.csv", "--k", "5", "--index", name, *TEXT])
        cli.main([*LABEL, "--like", "red apples"])
        cli.main(["model", "t.seals", "--out", "model"])
        cli.main(OWN)
        _embed_a_part()
        cli.main(REPLAY)
        cli.main(["stopping", "run"])
        _make_unfinished(Path("run"), Path("unfinished"))
        if has_experiments:
            goodreads.main(GOODREADS)
            theory.main(THEORY)
            paper.main(PAPER)
            beyond.main(BEYOND)
            _gather_reports()
            claims.main(CLAIMS)
        for name in ("run", "good", "theory", "paper", "beyond", "ledger") if has_experiments else ("run",):
            shutil.copytree(name, f"early-{name}")
            os.unlink(f"early-{name}/finished.json")
        for name, place in ENGINES.items() if has_experiments else ():
            cli.main(["index", "t.csv", "--k", "5", "--index", name, "--engine", place, *TEXT])


def _write_data() -> None:
    rng = np.random.default_rng(0)
    words = ["apples", "pears", "ships", "boats", "red", "green", "fast", "slow", "old", "new"]
    texts = [f"{' '.join(rng.choice(words, 4))} number {row}" for row in range(N_TEXTS)]
    table = pd.DataFrame({"text": texts, "label": rng.integers(2, size=N_TEXTS)})
    table.to_csv("t.csv", index=False)
    table.to_csv("t.tsv", index=False, sep="\t")
    table.to_json("t.jsonl", orient="records", lines=True)
    table.to_parquet("t.parquet")
    content = Path("t.csv").read_bytes()
    for ending, packed in (("gz", gzip.compress(content)), ("bz2", bz2.compress(content)),
                           ("zst", pa.compress(content, "zstd", asbytes=True))):  # fmt: skip
        Path(f"t.csv.{ending}").write_bytes(packed)
    table.to_csv("semicolons.csv", index=False, sep=";")
    table.to_json("t.json", orient="records")
    table.to_excel("t.xlsx", index=False)
    _write_folders(texts, pa.Table.from_pandas(table, preserve_index=False))
    vectors, cluster = clustered(200, 6, 3)
    np.save("x.npy", vectors)
    np.save("y.npy", (cluster == 0).astype(np.int64))
    pd.DataFrame({"label": (cluster == 0).astype(int)}).to_csv("y.csv", index=False)
    tasks = [
        {
            "data": {"text": text},
            "annotations": [
                {"result": [{"type": "choices", "from_name": "a", "to_name": "b", "value": {"choices": ["positive"]}}]}
            ],
        }
        for text in texts[:6]
    ]
    Path("studio.json").write_text(json.dumps(tasks))
    records = [
        {"fields": {"text": text}, "responses": {"label": [{"value": "positive", "status": "submitted"}]}}
        for text in texts[:6]
    ]
    Path("argilla.json").write_text(json.dumps(records))
    reviews = [
        {
            "user_id": "u",
            "timestamp": "2017-01-01",
            "rating": 3,
            "has_spoiler": True,
            "book_id": str(n % 3),
            "review_sentences": [[int(rng.random() < 0.3), f"{rng.choice(words)} {n} {part}"] for part in range(4)],
            "review_id": str(n),
        }
        for n in range(30)
    ]
    Path("reviews.json").write_text("\n".join(map(json.dumps, reviews)) + "\n")


def _write_folders(texts: Sequence[str], table: pa.Table) -> None:
    """Write texts as files, a data set as the datasets library saves it, and pictures with their vectors."""
    Path("texts").mkdir()
    for row, text in enumerate(texts):
        Path(f"texts/{row:02}.txt").write_text(text)
    pyarrow.feather.write_feather(table, "t.arrow")
    saved = Path("saved")
    saved.mkdir()
    with pa.ipc.new_stream(saved / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (saved / "dataset_info.json").write_text("{}")
    Path("pictures").mkdir()
    paths = [f"{row}.png" for row in range(6)]
    for row, path in enumerate(paths):
        Image.new("RGB", (4, 4), ("red", "blue")[row % 2]).save(f"pictures/{path}")
    pd.DataFrame({"path": paths}).to_csv("pictures.csv", index=False)
    np.save("v.npy", np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))


def _embed_a_part() -> None:
    """Make the cache of an embedding that was stopped after two of its four blocks."""
    encode, size = Encoder.encode, blocks.BLOCK
    n_done = 0

    def stop_after_two(self: Encoder, texts: Sequence[str]) -> Vectors:
        nonlocal n_done
        n_done += 1
        if n_done > 2:
            raise KeyboardInterrupt
        return encode(self, texts)

    blocks.BLOCK, Encoder.encode = 10, stop_after_two  # type: ignore[method-assign]
    try:
        cli.main(PART)
    except SystemExit:
        pass
    finally:
        blocks.BLOCK, Encoder.encode = size, encode  # type: ignore[method-assign]


def _gather_reports() -> None:
    """Copy what the ledger of claims is built from: the stored reports, without their figures."""
    for name in SOURCES:
        shutil.copytree(REPORTS / name, f"reports/{name}", ignore=shutil.ignore_patterns("*.png", "*.parquet"))


def _make_unfinished(run: Path, out: Path) -> None:
    """Make the folder of a replay in which one of two runs is finished."""
    shutil.copytree(run, out)
    tables = {kind: pd.read_csv(out / f"{kind}.csv").query("repeat == 0") for kind in ("rounds", "picks")}
    for path in out.iterdir():
        if path.name != "config.json":
            path.unlink()
    store = RunStore(out)
    store.save(json.dumps([str(tables["picks"]["concept"].iloc[0]), 0]), tables)
    store.close()
