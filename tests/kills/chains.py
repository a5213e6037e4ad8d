"""Work that is killed again and again, and what must hold when it ends."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from seals_sim.cli import main as cli
from seals_sim.label.journal import Journal
from seals_sim.label.session import Session
from tests.conftest import clustered
from tests.label.small import CORPUS, IS_POSITIVE, PLAIN

_TEXT = ["--model", "wordllama", "--dimensions", "16", "--cache", "cache", "--quiet"]
_REPLAY = [
    "replay",
    "--vectors",
    "x.npy",
    "--labels",
    "y.npy",
    "--concepts",
    "2",
    "--repeats",
    "4",
    "--jobs",
    "2",
    "--strategies",
    "maxent,random",
    "--pools",
    "all,seals",
    "--k",
    "10",
    "--index",
    "graph",
    "--seed-negatives",
    "15",
    "--budget",
    "60",
    "--batch",
    "20",
    "--cache",
    "cache",
    "--quiet",
    "--out",
    "o",
]
_NOT_REPEATED = ["select_seconds", "neighbor_seconds", "train_seconds"]
_ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True)
class Chain:
    """Work in one folder that is killed, resumes and finally ends.

    Attributes:
        name: Name for the report.
        work: Runs in the folder, in the process that is killed.
        end: Runs there at the end; returns what must be the same as without any kill.
        check: Inspects the folder after each kill; returns what is wrong.
        has_part: Whether the folder holds a partial result after a kill, from which the next start can resume.
    """

    name: str
    work: Callable[[], None]
    end: Callable[[], object]
    check: Callable[[], list[str]]
    has_part: Callable[[], bool]


def prepare(folder: Path) -> None:
    """Write the data that all chains start from."""
    rng = np.random.default_rng(0)
    words = ["apples", "pears", "ships", "boats", "red", "green", "fast", "slow"]
    texts = [f"{' '.join(rng.choice(words, 5))} {row}" for row in range(40_000)]
    pd.DataFrame({"text": texts[:3000]}).to_csv(folder / "t.csv", index=False)
    pd.DataFrame({"text": texts}).to_csv(folder / "long.csv", index=False)  # 20 blocks of embeddings
    vectors, cluster = clustered(8000, 64, 6)  # above the size from which joblib shares arrays by files
    np.save(folder / "x.npy", vectors)
    np.save(folder / "y.npy", cluster)


def _begin_again_where(is_done: Path, *made: str) -> None:
    """Restart work that has come to its end, so that there is always something to kill."""
    if is_done.exists():
        for name in made:
            path = Path(name)
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        is_done.unlink(missing_ok=True)


def _embed() -> None:
    _begin_again_where(Path("v.npy"), "cache")
    cli.main(["embed", "long.csv", *_TEXT, "--out", "v.npy"])


def _end_embedding() -> object:
    _embed()
    return Path("v.npy").read_bytes()


def _has_blocks() -> bool:
    return any(path.read_bytes().count(b"\n") > 1 for path in Path("cache").glob("embedding/*/texts/journal.jsonl"))


def _index() -> None:
    done = Path("indexed")
    _begin_again_where(done, "cache")
    for name in ("ivf-sq", "hnsw", "ivf-pq"):
        cli.main(["index", "t.csv", *_TEXT, "--k", "10", "--index", name])
    done.touch()


def _end_indexing() -> object:
    _index()
    names = ("index.faiss", "centroids.npy", "array.npy")
    return {str(path): path.read_bytes() for path in sorted(Path("cache").rglob("*")) if path.name in names}


def _has_stages() -> bool:
    return any(Path("cache").rglob("journal.jsonl"))


def _replay() -> None:
    _begin_again_where(Path("o/finished.json"), "o", "cache")
    cli.main(_REPLAY)


def _end_replay() -> object:
    _replay()
    rounds = pd.read_csv("o/rounds.csv").drop(columns=_NOT_REPEATED)
    return rounds.to_csv(index=False), Path("o/picks.csv").read_bytes()


def _has_runs() -> bool:
    return Path("o/runs.sqlite").exists()


def _label() -> None:
    """Answer without end. Record each answer after it is acknowledged, as a browser would show it."""
    path = Path("s.seals")
    session = Session.open(path, CORPUS) if path.exists() else Session.begin(path, CORPUS, ["text 3"], [], PLAIN)
    handle = os.open(_ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        rows = [asked.row for asked in session.ask(2)]
        if not rows:
            shutil.move(path, "full.seals")
            return
        answers = [int(IS_POSITIVE[row]) for row in rows]
        session.tell(rows, answers)
        os.write(handle, (json.dumps([rows, answers]) + "\n").encode())


def _check_session() -> list[str]:
    """Every acknowledged answer must be in the session file, even if only that file is moved to another place."""
    if not Path(_ACKNOWLEDGED).exists():
        return []
    lines = [json.loads(line) for line in Path(_ACKNOWLEDGED).read_text().splitlines()]
    told = [pair for rows, answers in lines for pair in zip(rows, answers, strict=True)]
    if Path("full.seals").exists():
        os.unlink(_ACKNOWLEDGED)
        os.unlink("full.seals")
        return []
    with closing(_copy_alone()) as journal:
        kept = [(event.row, event.answer) for event in journal.read_events() if event.kind == "answer"]
    lost = [pair for pair in told if pair not in set(kept)]
    return [f"{len(lost)} acknowledged answers are lost"] if lost else []


def _copy_alone() -> Journal:
    os.makedirs("alone", exist_ok=True)
    shutil.copy("s.seals", "alone/s.seals")
    return Journal(Path("alone/s.seals"))


def _check_nothing() -> list[str]:
    return []


def _end_session() -> object:
    if Path("s.seals").exists():
        Session.open(Path("s.seals"), CORPUS).close()
    return None


def _has_session() -> bool:
    return Path("s.seals").exists()


CHAINS = (
    Chain("embedding", _embed, _end_embedding, _check_nothing, _has_blocks),
    Chain("indexing", _index, _end_indexing, _check_nothing, _has_stages),
    Chain("replay, 2 processes", _replay, _end_replay, _check_nothing, _has_runs),
    Chain("label session", _label, _end_session, _check_session, _has_session),
)
