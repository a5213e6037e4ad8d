"""SIMULATED tables of any size, in which similar rows form clusters within families within clans, as topics do.

A search that has found one cluster of a concept is led to its siblings, and on past them: a concept is every second
cluster of a family, and the clusters between are confusers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.arrays import ArrayStage
from seals_sim.errors import UserError
from seals_sim.randomness import make_generator
from seals_sim.types import LabeledRows, Rows, StoredVectors, Vectors
from seals_sim.vectors.normalize import normalize
from seals_sim.vectors.scan import gather

_BLOCK = 65_536  # part of the simulation: another size would draw other numbers
_CLUSTERS = (60, 1_200)  # rows, log-uniform
_SIBLINGS = 8  # clusters in a family, families in a clan
_COSINES = (0.2, 0.3, 0.4)  # mean for two rows of one clan, family, cluster; for any two rows it is 0
_CONCEPT_ROWS = (300, 900)  # so that 1,000 labels could find them all


@dataclass(frozen=True)
class ClanTable:
    """n rows with the given dimensions. The surroundings of a row do not depend on n."""

    n: int
    dimensions: int = 128
    seed: int = 0

    def draw_clusters(self) -> NDArray[np.int32]:
        """(n,): the cluster of each row, in random order. Its family is the cluster divided by 8, rounded down."""
        rng = make_generator(self.seed, "clan sizes", self.n)
        low, high = np.log(_CLUSTERS)
        sizes = np.exp(rng.uniform(low, high, size=self.n // _CLUSTERS[0] + 1)).astype(np.int64)
        clusters = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[: self.n]
        return rng.permutation(clusters)

    def store_vectors(self, clusters: NDArray[np.int32], folder: Path, quiet: bool) -> StoredVectors:
        """(n, dimensions) float16 unit vectors, memory-mapped."""
        shares = np.diff(_COSINES, prepend=0)
        n_clusters = int(clusters.max()) + 1
        centers = np.zeros((n_clusters, self.dimensions), dtype=np.float32)
        for level, share in enumerate(shares):
            group = np.arange(n_clusters) // _SIBLINGS ** (len(shares) - 1 - level)
            rng = make_generator(self.seed, "clan centers", self.n, level)
            drawn = rng.standard_normal((int(group[-1]) + 1, self.dimensions), dtype=np.float32)
            centers += np.float32(np.sqrt(share)) * drawn[group]

        def compute_rows(start: int, end: int) -> Vectors:
            rng = make_generator(self.seed, "clan noise", self.n, start)
            vectors = rng.standard_normal((end - start, self.dimensions), dtype=np.float32)
            vectors *= np.float32(np.sqrt(1 - _COSINES[-1]))
            vectors += centers[clusters[start:end]]
            return normalize(vectors, "simulated")

        about = {"SIMULATED": "clans", **asdict(self)}
        array = ArrayStage(folder, "SIMULATED-clans", about, (self.n, self.dimensions), np.float16)
        return array.fill(compute_rows, _BLOCK, quiet)

    def draw_concept(self, clusters: NDArray[np.int32], number: int) -> Concept:
        """Concept `number`: every second cluster of one family, 300 to 900 rows.

        Raises:
            UserError: If the table has no more such families.
        """
        sizes = np.bincount(clusters)
        families = sizes[: len(sizes) // _SIBLINGS * _SIBLINGS].reshape(-1, _SIBLINGS)
        n_rows = families[:, ::2].sum(axis=1)
        fit = np.flatnonzero((n_rows >= _CONCEPT_ROWS[0]) & (n_rows <= _CONCEPT_ROWS[1]))
        if number >= len(fit):
            raise UserError("too few rows for so many concepts", parameter="n", value=self.n)
        family = int(make_generator(self.seed, "clan concepts", self.n).permutation(fit)[number])
        rows = Rows(np.flatnonzero((clusters // _SIBLINGS == family) & (clusters % 2 == 0)))
        return Concept(rows, clusters[rows])


@dataclass(frozen=True, eq=False)
class Concept:
    """The rows (m,) of a concept, sorted, and the cluster of each row."""

    rows: Rows
    parts: NDArray[np.int32]

    def draw_seeds(self, n: int, counts: tuple[int, int], rng: np.random.Generator) -> LabeledRows:
        """Draw `counts` seeds: positives from one cluster, negatives from anywhere."""
        first = self.rows[self.parts == rng.choice(np.unique(self.parts))]
        positives = rng.choice(first, counts[0], replace=False)
        drawn = np.unique(rng.integers(n, size=2 * counts[1] + 10))
        negatives = rng.permutation(np.setdiff1d(drawn, self.rows))[: counts[1]]
        return LabeledRows(np.concatenate([positives, negatives]), np.repeat([1, 0], [counts[0], len(negatives)]))


class ClanIndex:
    """Finds the nearest rows within a row's clan. They are nearly all of its nearest rows, and no index has to be
    built.

    Args:
        clusters: (n,), the cluster of each row.
        vectors: (n, d).
    """

    build_seconds = 0.0
    n_bytes = 0

    def __init__(self, clusters: NDArray[np.int32], vectors: StoredVectors) -> None:
        self._vectors = vectors
        self._clans = clusters // _SIBLINGS**2
        self._order = np.argsort(self._clans, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(self._clans))])

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """The k nearest rows in the same clan, nearest first; fewer if the clan has fewer rows."""
        found: dict[int, Rows] = {}
        for clan in np.unique(self._clans[rows]).tolist():
            asked = rows[self._clans[rows] == clan]
            members = self._order[self._starts[clan] : self._starts[clan + 1]]
            similarity = gather(self._vectors, asked) @ gather(self._vectors, members).T
            for row, near in zip(asked.tolist(), similarity, strict=True):
                best = np.argpartition(-near, min(k, len(near)) - 1)[:k]
                found[row] = Rows(members[best[np.argsort(-near[best], kind="stable")]])
        return [found[row] for row in rows.tolist()]
