"""Finding rows with the same vector, bit for bit, or the same text, in a single pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.cache import load_or_compute
from seals_sim.errors import UserError
from seals_sim.types import Rows, StoredVectors
from seals_sim.vectors.scan import iterate_blocks, read_rows


@dataclass(frozen=True, eq=False)
class Copies:
    """The rows of a table, grouped by their content.

    Attributes:
        first: (m,) sorted, the first row of each set of equal rows.
        number: (n,) int64, for each row the place in `first` of its content.

    Examples:
        >>> copies = Copies.find(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32))
        >>> copies.first.tolist(), copies.number.tolist(), copies.list_rows(0).tolist()
        ([0, 1], [0, 1, 0], [0, 2])
    """

    first: Rows
    number: NDArray[np.int64]

    @classmethod
    def find(cls, vectors: StoredVectors) -> Copies | None:
        """Find the equal rows of a table (n, d), by 64-bit hashes of their bits.

        Among a billion rows, two different ones share a hash with a probability of 3 % and then count as equal.

        Returns:
            The copies; None if no two rows are equal.
        """
        hashes = hash_rows(vectors)
        in_order = np.sort(hashes)  # done first, since it takes a tenth of the time and is mostly all that is needed
        if (in_order[1:] != in_order[:-1]).all():
            return None
        _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return cls(Rows(first[order]), place[number])

    @classmethod
    def find_once(cls, cache: Path, key: str, find: Callable[[], Copies | None]) -> Copies | None:
        """Find the copies, or read an earlier result from a cache.

        Args:
            cache: The cache folder; it may be read-only.
            key: Key of the table.
            find: Function that finds them.
        """

        def number_rows() -> NDArray[np.int64]:
            found = find()
            return np.empty(0, dtype=np.int64) if found is None else found.number

        try:
            number, _ = load_or_compute(cache, f"equal rows of {key}", number_rows)
        except UserError:  # not cached, and the cache is not writable
            return find()
        return cls.read_numbers(number)

    @classmethod
    def read_numbers(cls, number: NDArray[np.int64]) -> Copies | None:
        """Restore the copies from `number`; None if it is empty, which means that no two rows are equal.

        Examples:
            >>> Copies.read_numbers(np.array([0, 1, 0, 2])).first.tolist()
            [0, 1, 3]
        """
        if not len(number):
            return None
        is_first = np.diff(np.maximum.accumulate(number), prepend=-1) > 0
        return cls(Rows(np.flatnonzero(is_first)), np.asarray(number))

    @classmethod
    def find_texts(cls, texts: Sequence[str]) -> Copies | None:
        """Find the equal texts among n.

        Returns:
            The copies; None if no two are equal.

        Examples:
            >>> Copies.find_texts(["b", "a", "b"]).first.tolist(), Copies.find_texts(["b", "a"])
            ([0, 1], None)
        """
        places: dict[str, int] = {}
        number = np.fromiter((places.setdefault(text, len(places)) for text in texts), dtype=np.int64, count=len(texts))
        if len(places) == len(texts):
            return None
        return cls(Rows(np.unique(number, return_index=True)[1]), number)

    @classmethod
    def find_hashes(cls, hashes: NDArray[np.uint64]) -> Copies | None:
        """Find the equal rows of a table by their hashes.

        Args:
            hashes: (n, 2); rows are equal if both hashes are.

        Returns:
            The copies; None if no two are equal.

        Examples:
            >>> hashes = np.array([[7, 1], [5, 1], [7, 1], [7, 2]], dtype=np.uint64)
            >>> copies = Copies.find_hashes(hashes)
            >>> copies.first.tolist(), copies.number.tolist()
            ([0, 1, 3], [0, 1, 0, 2])
        """
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable, so the first of equal rows comes first
        is_new = np.ones(len(hashes), dtype=np.bool_)
        is_new[1:] = (hashes[order[1:]] != hashes[order[:-1]]).any(axis=1)
        if is_new.all():
            return None
        first = order[is_new]
        place = np.empty(len(first), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(first))
        number = np.empty(len(hashes), dtype=np.int64)
        number[order] = place[np.cumsum(is_new) - 1]
        return cls(Rows(np.sort(first)), number)

    @property
    def n_copies(self) -> int:
        """Number of rows that equal an earlier row."""
        return len(self.number) - len(self.first)

    @cached_property
    def _grouped(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All rows, equal ones together, and the start of each group, plus the end of the last."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.number))])
        return np.argsort(self.number, kind="stable"), starts

    def list_rows(self, place: int) -> Rows:
        """All rows, sorted, that are equal to `first[place]`."""
        rows, starts = self._grouped
        return Rows(rows[starts[place] : starts[place + 1]])


class ChosenRows:
    """Some rows of a table that may be larger than memory, readable like an array, without copying the table.

    Attributes:
        shape: (m, d).
        dtype: Data type of the table.

    Examples:
        >>> chosen = ChosenRows(np.eye(4, dtype=np.float16), np.array([0, 3]))
        >>> chosen.shape, chosen[np.array([1])].tolist(), chosen[0:1].tolist()
        ((2, 4), [[0.0, 0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0, 0.0]])
    """

    ndim = 2

    def __init__(self, vectors: StoredVectors, rows: Rows) -> None:
        """Select rows (m,) of a table (n, d); nothing is read yet."""
        self._vectors, self._rows = vectors, rows
        self.shape, self.dtype = (len(rows), vectors.shape[1]), vectors.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, places: Any) -> Any:
        rows = self._rows[places]
        if isinstance(places, slice) and len(rows) > 1 and is_sorted_densely(rows):
            start = int(rows[0])
            return read_rows(self._vectors, start, int(rows[-1]) + 1)[rows - start]
        return np.asarray(self._vectors[rows])


def is_sorted_densely(rows: Rows) -> bool:
    """Whether rows are so dense between the first and the last that it is better to read the whole range at once."""
    return bool(0 < rows[-1] - rows[0] < 4 * len(rows))


def hash_rows(vectors: StoredVectors) -> NDArray[np.uint64]:
    """Hash the bits of each row of a table (n, d), float32 or float16, perhaps memory-mapped, into 64 bits."""
    rng = np.random.default_rng(0)
    factors = rng.integers(2**63, size=vectors.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(vectors), dtype=np.uint64)
    bits = np.dtype(f"u{vectors.dtype.itemsize}")
    for start, block in iterate_blocks(vectors):
        whole = np.ascontiguousarray(block).view(bits).astype(np.uint64)
        hashes[start : start + len(block)] = whole @ factors  # products wrap around
    return hashes
