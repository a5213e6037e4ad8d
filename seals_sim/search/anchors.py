"""AnchorAL's pool, for comparison: a small subpool, chosen afresh for every model (Lesci and Vlachos 2024)."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import kmeans_plusplus

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.randomness import make_generator
from seals_sim.search.candidates import FixedTable
from seals_sim.search.learners import Model
from seals_sim.types import LabeledRows, Row, Rows, StoredVectors
from seals_sim.vectors.scan import gather


class AnchorPool:
    """The unlabeled rows most similar to a few labeled rows of each class, the anchors.

    Anchors are spread over their class by k-means++. A row's similarity is its mean cosine with the anchors that it is
    a neighbor of. The defaults are those of the paper's main experiments.

    Args:
        labeled: The seeds.
        vectors: (n, d) l2-normalized.
        index: Finds neighbors of rows.
        n_anchors: Anchors of each class.
        k: Neighbors of each anchor.
        size: Maximum number of rows in the subpool.
        seed: Random seed; anchors depend on it and on the number of labels.
    """

    def __init__(
        self,
        labeled: LabeledRows,
        vectors: StoredVectors,
        index: NeighborIndex,
        n_anchors: int = 10,
        k: int = 50,
        size: int = 1000,
        seed: int = 0,
    ) -> None:
        self._vectors, self._index = vectors, index
        self._n_anchors, self._k, self._size, self._seed = n_anchors, k, size, seed
        self._labels: dict[int, int] = dict(zip(labeled.rows.tolist(), labeled.labels.tolist(), strict=True))
        self._seen: set[int] = set()
        self._model: Model | None = None
        self._table = self._draw()

    @property
    def n_candidates(self) -> int:
        return len(self._seen)

    def begin_round(self, model: Model) -> None:
        if model is not self._model and len(self._labels) > self._n_drawn_by:
            self._table = self._draw()
        self._model = model

    def candidates(self, slot: int) -> FixedTable:
        return self._table

    def expand(self, slot: int, query: Row, label: int) -> None:
        self._labels[query] = label
        self._table.remove(query)

    def _draw(self) -> FixedTable:
        labeled, self._n_drawn_by = Rows(np.fromiter(self._labels, dtype=np.int64)), len(self._labels)
        anchors = self._choose_anchors(labeled)
        lists = self._index.neighbors(anchors, self._k)
        near = np.concatenate(lists)
        owners = gather(self._vectors, Rows(np.repeat(anchors, [len(neighbors) for neighbors in lists])))
        cosines = np.vecdot(gather(self._vectors, Rows(near)), owners)
        rows, places, counts = np.unique(near, return_inverse=True, return_counts=True)
        means = np.bincount(places, weights=cosines) / counts
        unlabeled = np.isin(rows, labeled, invert=True)
        rows, means = rows[unlabeled], means[unlabeled]
        chosen = Rows(np.sort(rows[np.argsort(-means, kind="stable")[: self._size]]))
        self._seen.update(chosen.tolist())
        return FixedTable(chosen, gather(self._vectors, chosen), Rows(labeled[:0]))

    def _choose_anchors(self, labeled: Rows) -> Rows:
        labels = np.fromiter(self._labels.values(), dtype=np.int64)
        state = int(make_generator(self._seed, "anchors", len(labeled)).integers(2**31))
        anchors = []
        for label in (0, 1):
            rows = labeled[labels == label]
            if len(rows) > self._n_anchors:
                rows = rows[kmeans_plusplus(gather(self._vectors, Rows(rows)), self._n_anchors, random_state=state)[1]]
            anchors.append(rows)
        return Rows(np.concatenate(anchors))
