"""small-text: its SEALS and its AnchorSubsampling (AnchorAL), each with an HNSW index and least confidence.

The fast path in its documentation (small-text.readthedocs.io, v1.4.1, "Query strategies" and the classes listed there):
`normalize=False` for embeddings that are already unit vectors, since `AnchorSubsampling` otherwise normalizes a copy of
the pool in every query; and a classifier that is an `EmbeddingMixin` and returns the embeddings, here the vectors
unchanged. With two classes `LeastConfidence` chooses the same rows as `PredictionEntropy`, with one numpy call instead
of one Python call per row. Both strategies keep the defaults of their parameters, except that SEALS uses the run's k
(its default is also 100).

AnchorSubsampling draws its anchors with a generator that cannot be seeded, so its results differ from run to run.

The index is built before the first query asks for it, by the library's own function with its defaults, so that the
build can be timed separately and the index saved. Both strategies build the same one, over the rows that are not seeds.
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
_EF = 200  # both strategies set it after the build; a saved index does not keep it


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
        strategy.initialize_index = ready  # called by the first query
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
    if not about.exists():  # in its own process, so that its memory does not count for the run
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
