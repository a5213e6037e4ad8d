"""small-text: its SEALS and its AnchorSubsampling (AnchorAL), each with an HNSW index and least confidence.

Its fast path by its documentation (small-text.readthedocs.io, v1.4.1, "Query strategies" and the classes that it
lists): `normalize=False` for embeddings that are unit vectors already, else `AnchorSubsampling` normalizes a copy of
the pool in every query; a classifier that is an `EmbeddingMixin` gives the embeddings, here the vectors as they are.
With two classes `LeastConfidence` chooses what `PredictionEntropy` does, by one call of numpy and not one of Python a
row. Both take the defaults of their parameters but SEALS' k, which is that of the run (and 100 by default, too).

AnchorSubsampling draws its anchors by a generator that cannot be seeded: what it finds differs from run to run.

The index is built before the first query asks for it, by the library's own function with its defaults, so that this
can be timed apart and saved. Both strategies build the same one, over the rows that are not seeds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
from sklearn.linear_model import LogisticRegression
from small_text import SEALS, AnchorSubsampling, LeastConfidence, PoolBasedActiveLearner, SklearnDataset
from small_text.classifiers.classification import EmbeddingMixin, SklearnClassifier

from benchmarks.peer_scripts.job import Job, Labels, Rows, run

_THIS = (sys.executable, "-m", "benchmarks.peer_scripts.small_text")
_EF = 200  # what both strategies set after they build; a saved index does not have it


class _Classifier(SklearnClassifier, EmbeddingMixin):  # type: ignore[misc]
    def embed(self, data_set: Any, **unused: object) -> Any:
        return data_set.x


class _Factory:
    def new(self) -> _Classifier:
        return _Classifier(LogisticRegression(max_iter=1000), 2)


class SmallText:
    def __init__(self, job: Job, index: hnswlib.Index) -> None:
        def ready(*unused: object) -> hnswlib.Index:
            return index

        if job.method == "small-text-seals":
            strategy = SEALS(LeastConfidence(), k=job.k, normalize=False)
        else:
            strategy = AnchorSubsampling(LeastConfidence(), normalize=False)
        strategy.initialize_index = ready  # what the first query calls
        vectors = np.load(job.vectors)
        no_labels = np.zeros(len(vectors), dtype=np.int64)  # placeholders: it gets the real labels later
        dataset = SklearnDataset(vectors, no_labels, target_labels=np.arange(2))
        self._learner = PoolBasedActiveLearner(_Factory(), strategy, dataset)

    def start(self, rows: Rows, labels: Labels) -> None:
        self._learner.initialize_data(rows, labels.astype(np.int64))

    def query(self, n: int) -> Rows:
        rows: Rows = self._learner.query(num_samples=n)
        return rows

    def learn(self, rows: Rows, labels: Labels) -> None:
        self._learner.update(labels.astype(np.int64))


def _build(job: Job) -> None:
    vectors = np.load(job.vectors)
    unlabeled = np.setdiff1d(np.arange(len(vectors)), np.load(job.seed_rows))
    before = time.perf_counter()
    index = SEALS.initialize_index(vectors, unlabeled, {})
    seconds = time.perf_counter() - before
    index.save_index(job.index)
    about = Path(job.index).with_suffix(".json")
    temporary = about.with_suffix(".part")
    temporary.write_text(json.dumps({"seconds": seconds, "dimensions": vectors.shape[1]}), encoding="utf-8")
    temporary.replace(about)


def _ready(job: Job) -> tuple[SmallText, str, float]:
    about = Path(job.index).with_suffix(".json")
    if not about.exists():  # in a process of its own, whose memory is not the run's
        subprocess.run([*_THIS, sys.argv[1], "build"], check=True)
    known = json.loads(about.read_text(encoding="utf-8"))
    index = hnswlib.Index(space="l2", dim=known["dimensions"])
    index.load_index(job.index)
    index.set_ef(_EF)
    index.set_num_threads(job.threads)
    return SmallText(job, index), version("small-text"), known["seconds"]


if __name__ == "__main__":
    if sys.argv[2:] == ["build"]:
        _build(Job.read(sys.argv[1]))
    else:
        run(_ready)
