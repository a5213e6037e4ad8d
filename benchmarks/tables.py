"""SIMULATED tables of any size: unit vectors in clusters of varied size, on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.arrays import ArrayStage
from seals_sim.errors import UserError
from seals_sim.indexes import StoredIndex, build_ivf
from seals_sim.indexes.united import Settings
from seals_sim.randomness import make_generator
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.normalize import normalize

_BLOCK = 65_536  # part of the simulation: another size would draw other numbers


@dataclass(frozen=True)
class SimulatedTable:
    """n rows in clusters of 100 to 10,000 rows (log-uniform), whatever n is.

    Two rows of a cluster have the given mean cosine similarity. At the default, nearest neighbors are about as near as
    among WordNet's definitions.
    """

    n: int
    dimensions: int = 256
    cosine: float = 0.4
    seed: int = 0

    def draw_clusters(self) -> NDArray[np.int32]:
        """(n,): the cluster of each row, in random order."""
        rng = make_generator(self.seed, "clusters", self.n)
        sizes = np.exp(rng.uniform(np.log(100), np.log(10_000), size=self.n // 100 + 1)).astype(np.int64)
        n_clusters = int(np.searchsorted(np.cumsum(sizes), self.n)) + 1
        return rng.permutation(np.repeat(np.arange(n_clusters, dtype=np.int32), sizes[:n_clusters])[: self.n])

    def draw_concepts(self, clusters: NDArray[np.int32], n_concepts: int) -> list[Rows]:
        """Draw n_concepts clusters of 300 to 3,000 rows at random, and return the rows of each."""
        sizes = np.bincount(clusters)
        fit = np.flatnonzero((sizes >= 300) & (sizes <= 3_000))
        drawn = make_generator(self.seed, "concepts", self.n).permutation(fit)[:n_concepts]
        return [Rows(np.flatnonzero(clusters == cluster)) for cluster in drawn]

    def mark_positives(self, clusters: NDArray[np.int32], number: int) -> NDArray[np.bool_]:
        """(n,): which rows belong to concept `number`. Raises UserError if the table is too small for it."""
        concepts = self.draw_concepts(clusters, number + 1)
        if number >= len(concepts):
            raise UserError(f"--n {self.n}: no simulated cluster has the right size for a concept; choose a larger n")
        is_positive = np.zeros(self.n, dtype=np.bool_)
        is_positive[concepts[number]] = True
        return is_positive

    def build_index(self, clusters: NDArray[np.int32], folder: Path, quiet: bool) -> StoredIndex:
        """ivf-sq over the float16 rows with its defaults, as benchmarks.rounds leaves it in the same folder."""
        vectors, array = self.store_vectors(clusters, np.float16, folder, quiet)
        rng = make_generator(self.seed, "index", self.n)
        return build_ivf(vectors, array.stage.digest, folder, rng, quiet=quiet)[0]

    def make_row_function(self, clusters: NDArray[np.int32]) -> Callable[[int, int], Vectors]:
        """A function from a start and an end row to the float32 unit vectors between them."""
        shape = (int(clusters.max()) + 1, self.dimensions)
        centers = make_generator(self.seed, "centers", self.n).standard_normal(shape, dtype=np.float32)
        centers *= np.float32(np.sqrt(self.cosine))

        def rows(start: int, end: int) -> Vectors:
            rng = make_generator(self.seed, "noise", self.n, start)
            vectors = rng.standard_normal((end - start, self.dimensions), dtype=np.float32)
            vectors *= np.float32(np.sqrt(1 - self.cosine))
            vectors += centers[clusters[start:end]]
            return normalize(vectors, "simulated")

        return rows

    def store_vectors(
        self, clusters: NDArray[np.int32], dtype: type, folder: Path, quiet: bool
    ) -> tuple[StoredVectors, ArrayStage]:
        """(n, dimensions), memory-mapped, and the stage that made them."""
        name = f"SIMULATED-{np.dtype(dtype).name}"
        array = ArrayStage(folder, name, {"SIMULATED": asdict(self)}, (self.n, self.dimensions), dtype)
        return array.fill(self.make_row_function(clusters), _BLOCK, quiet), array


def read_graph_settings(folder: Path, k: int) -> Settings | None:
    """The settings that `build_united_graph` has chosen in this folder; None if a smaller table needed none."""
    journal = folder / f"graph-settings-{k}" / "journal.jsonl"
    if not journal.exists():
        return None
    chosen = json.loads(journal.read_text().splitlines()[-1])["finished"]
    return Settings(chosen["n_cells"], chosen["n_compared"])
