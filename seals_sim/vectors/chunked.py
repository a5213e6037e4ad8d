"""Rows that have several vectors each: the chunks of long texts. The best chunk determines the value of a row."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Row, StoredVectors, Vectors

_COMPARED = 64  # chunks of a long row compared with all others at a time


class ChunkedVectors:
    """A table of n rows with one or more chunks each, usable where a table of vectors (n, d) is expected.

    `seals_sim.vectors.scan.compute_dots`, and with it every linear model, gives a row the value of its best chunk.
    Anything that needs one vector per row fails, since there is none.

    Attributes:
        chunks: (m, d) float32, L2-normalized, in the order of their rows.
        starts: (n + 1,) int64, index of the first chunk of each row; the last entry is m.

    Examples:
        >>> chunks = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
        >>> table = ChunkedVectors(chunks, np.array([0, 2, 3]))
        >>> len(table), table.shape, table[[1, 0]].starts.tolist()
        (2, (2, 2), [0, 1, 3])
        >>> table.find_best(np.array([0, 1], dtype=np.float32)).tolist()
        [1, 0]
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, chunks: Vectors, starts: NDArray[np.int64]) -> None:
        """Wrap chunks without copying.

        Raises:
            ValueError: If a row has no chunks.
        """
        if starts[0] != 0 or starts[-1] != len(chunks) or (np.diff(starts) < 1).any():
            raise ValueError("each row needs at least one chunk, and each chunk a row")
        self.chunks, self.starts = chunks, starts

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and dimensions of a chunk."""
        return len(self), self.chunks.shape[1]

    def __getitem__(self, rows: slice | list[int] | NDArray[np.int64]) -> ChunkedVectors:
        """Select rows; a slice gives a view."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            starts = self.starts[start : max(start, stop) + 1]
            return ChunkedVectors(self.chunks[starts[0] : starts[-1]], starts - starts[0])
        numbers = np.asarray(rows, dtype=np.int64)
        counts = np.diff(self.starts)[numbers]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
        return ChunkedVectors(self.chunks[np.repeat(self.starts[:-1][numbers], counts) + within], starts)

    def as_stored(self) -> StoredVectors:
        """Itself, typed as a table of vectors for the type checker."""
        return cast(StoredVectors, self)

    def list_chunks(self, row: Row | int) -> Vectors:
        """The chunks (c, d) of a row."""
        return self.chunks[self.starts[row] : self.starts[row + 1]]

    def take_best(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The highest value of each row (n,), from the values of all chunks (m,)."""
        if not len(self):
            return values[:0]
        best: NDArray[np.float32] = np.maximum.reduceat(values, self.starts[:-1])
        return best

    def find_best(self, weights: NDArray[np.float32]) -> NDArray[np.int64]:
        """Which chunk of each row (n,), numbered from its first, is highest along weights (d,); the first one in case
        of ties."""
        values = np.vecdot(self.chunks, weights)
        is_best = values == np.repeat(self.take_best(values), np.diff(self.starts))
        places = np.flatnonzero(is_best)
        first = places[np.searchsorted(places, self.starts[:-1])] if len(self) else places
        best: NDArray[np.int64] = first - self.starts[:-1]
        return best

    def pick(self, chunks: NDArray[np.int64]) -> Vectors:
        """One chunk of each row (n, d), numbered from its first."""
        picked: Vectors = self.chunks[self.starts[:-1] + chunks]
        return picked

    def draw(self, rng: np.random.Generator) -> Vectors:
        """A random chunk of each row (n, d)."""
        return self.pick(rng.integers(np.diff(self.starts)).astype(np.int64))

    def compare(self, others: Vectors) -> NDArray[np.float32]:
        """The similarity (n,) of each row to a row with chunks (c, d): that of the most similar pair."""
        best = np.full(len(self.chunks), -np.inf, dtype=np.float32)
        for start in range(0, len(others), _COMPARED):
            np.maximum(best, (self.chunks @ others[start : start + _COMPARED].T).max(axis=1), out=best)
        return self.take_best(best)
