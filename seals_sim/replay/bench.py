"""The data structures of a replay: its prepared data, and then the bench that every run uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.datasets import Dataset
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split, keep_copies_together, split_at_random
from seals_sim.indexes import NeighborIndex
from seals_sim.randomness import make_generator
from seals_sim.replay.concepts import Choice
from seals_sim.replay.options import ReplayProtocol
from seals_sim.search.coded_table import CodedTable
from seals_sim.types import DatasetRows, StoredVectors, TableRows
from seals_sim.vectors.copies import Copies


@dataclass(frozen=True, eq=False)
class Space:
    """One embedding of the data.

    Attributes:
        pool_vectors: (n, d), the unlabeled pool, in the order of `split.pool`.
        test_vectors: (m, d).
        index: Index of the pool's rows, if neighbors are searched in this embedding.
        scanned: The vectors that a full scan reads, if not `pool_vectors`.
        codes: Makes the 8-bit codes to scan, when they are first needed.
    """

    pool_vectors: StoredVectors
    test_vectors: StoredVectors
    index: NeighborIndex | None
    scanned: StoredVectors | None = None
    codes: Callable[[], CodedTable] | None = None


@dataclass(frozen=True, eq=False)
class Bench:
    """What all concepts, repeats and methods share; every process gets it.

    Attributes:
        dataset: Name of the data set.
        table_rows: (n,), the position in the user's table of each row of the data set.
        split: Pool, validation and test.
        concepts: The positive rows of each concept, in the data set.
        spaces: Vectors with their index, by the name of the embedding.
        protocol: The protocol, for the seed and whatever no method varies.
        n_threads: Threads of each run; they do not change results.
    """

    dataset: str
    table_rows: TableRows
    split: Split
    concepts: Mapping[str, DatasetRows]
    spaces: Mapping[str, Space]
    protocol: ReplayProtocol
    n_threads: int = 1

    def is_positive(self, concept: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows of the pool and of the test part belong to a concept."""
        rows = self.concepts[concept]
        return np.isin(self.split.pool, rows), np.isin(self.split.test, rows)


@dataclass(frozen=True, eq=False)
class Setup:
    """Split data with the concepts to search for: a replay before its first vector.

    Attributes:
        dataset: Texts or vectors, with all their concepts.
        split: Pool, validation and test.
        choice: The concepts to run.
        protocol: Everything that decides what the replay finds.
        n_copies: Rows that repeat an earlier row. Each is in the same part of the split as that row.
    """

    dataset: Dataset
    split: Split
    choice: Choice
    protocol: ReplayProtocol
    n_copies: int = 0

    @classmethod
    def prepare(
        cls, dataset: Dataset, protocol: ReplayProtocol, choose: Callable[[Dataset, Split, ReplayProtocol], Choice]
    ) -> Setup:
        """Sample and split the data, and choose concepts.

        Raises:
            UserError: If the data do not fit the protocol.
        """
        n = protocol.sample
        if n is not None:
            if n > len(dataset):
                raise UserError(f"{dataset.name} has only {len(dataset)} rows", parameter="sample", value=n)
            dataset = dataset.sample(n, make_generator(protocol.seed, "sample"))
        split = split_at_random(len(dataset), make_generator(protocol.seed, "split"), protocol.test_fraction)
        copies = _find_copies(dataset)
        if copies is not None:
            split = keep_copies_together(split, copies)
        protocol.require_fit(len(split.pool))
        n_copies = 0 if copies is None else copies.n_copies
        return cls(dataset, split, choose(dataset, split, protocol), protocol, n_copies)

    def fingerprint(self) -> str:
        """Digest of the data, which identifies a stored run; old runs could separate equal rows, and have another."""
        return self.dataset.fingerprint() + (" with copies together" if self.n_copies else "")

    def build_bench(self, spaces: Mapping[str, Space], names: Sequence[str] | None = None) -> Bench:
        """The bench for the chosen concepts, or for the named ones."""
        concepts = {name: self.dataset.concepts[name] for name in names or self.choice.names}
        return Bench(self.dataset.name, self.dataset.table_rows, self.split, concepts, spaces, self.protocol)

    def describe(self) -> dict[str, object]:
        """The description of the data in config.json."""
        split, dataset = self.split, self.dataset
        rows = {"all": len(dataset), "pool": len(split.pool), "validation": len(split.validation)}
        return {
            "dataset": dataset.name,
            "kind": "texts" if dataset.texts is not None else "vectors",
            "rows": {**rows, "test": len(split.test)},
            "concepts": {
                name: {
                    "title": dataset.titles.get(name, ""),
                    "pool_positives": int(np.isin(dataset.concepts[name], split.pool).sum()),
                    "test_positives": int(np.isin(dataset.concepts[name], split.test).sum()),
                }
                for name in self.choice.names
            },
            "validation_concepts": list(self.choice.validation),
            "skipped_concepts": self.choice.skipped,
            "bad_lines": list(dataset.bad_lines),
            "n_copies": self.n_copies,
        }


def _find_copies(dataset: Dataset) -> Copies | None:
    if dataset.texts is not None:
        return Copies.find_texts(dataset.texts)
    assert dataset.vectors is not None
    return Copies.find(dataset.vectors)
