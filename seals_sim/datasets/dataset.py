"""The form into which every data source is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import DatasetRows, TableRows, Vectors


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with either texts or vectors, and the concepts that they belong to.

    Attributes:
        name: Name of the dataset, for reports.
        concepts: Name -> the sorted rows that are positive.
        texts: n texts, or None.
        vectors: (n, d) float32, l2-normalized, or None.
        table_rows: (n,) sorted, position of each row in the user's file. It differs from its position here if lines
            were left out or a sample was drawn.
        titles: Longer names of concepts that have one.
        bad_lines: What was left out of the file and why.

    Examples:
        >>> dataset = Dataset("pets", {"cat": DatasetRows(np.array([0, 2]))}, texts=["a cat", "a dog", "two cats"])
        >>> len(dataset), dataset.is_positive("cat").tolist()
        (3, [True, False, True])
    """

    name: str
    concepts: Mapping[str, DatasetRows]
    texts: Sequence[str] | None = None
    vectors: Vectors | None = None
    table_rows: TableRows = field(default_factory=lambda: TableRows(np.empty(0, dtype=np.int64)))
    titles: Mapping[str, str] = field(default_factory=dict)
    bad_lines: Sequence[str] = ()

    def __post_init__(self) -> None:
        if len(self.table_rows) != len(self):
            object.__setattr__(self, "table_rows", np.arange(len(self)))

    def __len__(self) -> int:
        if self.texts is not None:
            return len(self.texts)
        assert self.vectors is not None
        return len(self.vectors)

    def is_positive(self, concept: str) -> NDArray[np.bool_]:
        """Mark the rows of a concept.

        Args:
            concept: One of `concepts`.

        Returns:
            (n,) bool.
        """
        labels = np.zeros(len(self), dtype=np.bool_)
        labels[self.concepts[concept]] = True
        return labels

    def sample(self, n: int, rng: np.random.Generator) -> Dataset:
        """Draw rows at random.

        Args:
            n: Number of rows.
            rng: Random generator.

        Returns:
            A dataset of these rows only, in their original order.
        """
        rows = np.sort(rng.choice(len(self), size=n, replace=False))
        return replace(
            self,
            texts=None if self.texts is None else [self.texts[row] for row in rows],
            vectors=None if self.vectors is None else self.vectors[rows],
            table_rows=TableRows(self.table_rows[rows]),
            concepts={
                name: DatasetRows(np.searchsorted(rows, np.intersect1d(rows, positives)))
                for name, positives in self.concepts.items()
            },
        )

    def fingerprint(self) -> str:
        """Compute a digest of texts or vectors and of all concepts: 64 hexadecimal digits."""
        digest = hashlib.sha256()
        if self.texts is not None:
            update_with_texts(digest, self.texts)
        if self.vectors is not None:
            digest.update(np.ascontiguousarray(self.vectors).data)
        for concept in sorted(self.concepts):
            update_with_texts(digest, [concept])
            digest.update(np.asarray(self.concepts[concept], dtype="<i8").tobytes())
        return digest.hexdigest()


def update_with_texts(digest: hashlib._Hash, texts: Sequence[str]) -> None:
    """Add texts to a digest, each with its length, so that the same characters split differently give another digest.

    Args:
        digest: Changed in place.
        texts: The texts, in order.
    """
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
