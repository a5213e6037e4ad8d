"""One pass over a table of vectors at memory speed: in blocks that stay in the cache, spread over threads."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import starmap
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from seals_sim.runtime import import_torch
from seals_sim.types import StoredVectors, Vectors
from seals_sim.vectors.chunked import ChunkedVectors

_BLOCK = 16_384  # rows per thread at a time
_CONVERTED = 1_024  # float16 rows widened at a time: 1 MB at 256 dimensions
_FEW = 2**17  # values that numpy converts in less than a millisecond
_VISITED = 2_048  # rows that a second reader still finds in the cache


def compute_dots(vectors: StoredVectors, weights: NDArray[np.float32], n_threads: int = 1) -> NDArray[np.float32]:
    """Compute w . z for each row z of a table.

    Each row's value is computed by its own dot product, so to the last bit it does not depend on the other rows or on
    the number of threads. (A matrix product does not guarantee that.)

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped; a row of `ChunkedVectors` gets the value of its best
            chunk.
        weights: w, (d,).
        n_threads: Number of threads.

    Returns:
        (n,), summed in float32.

    Examples:
        >>> compute_dots(np.eye(3, 2, dtype=np.float16), np.array([2, 3], dtype=np.float32)).tolist()
        [2.0, 3.0, 0.0]
    """
    if isinstance(vectors, ChunkedVectors):
        return vectors.take_best(compute_dots(vectors.chunks, weights, n_threads))
    if len(vectors) <= _CONVERTED:
        products: NDArray[np.float32] = np.vecdot(widen(vectors), weights)
        return products
    out = np.empty(len(vectors), dtype=np.float32)

    def fill(start: int, rows: Vectors) -> None:
        np.vecdot(rows, weights, out=out[start : start + len(rows)])

    sweep(vectors, fill, n_threads, _BLOCK)
    return out


def sweep(
    vectors: StoredVectors, visit: Callable[[int, Vectors], None], n_threads: int = 1, size: int = _VISITED
) -> None:
    """Visit all rows of a table, some at a time.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        visit: Called with the index of the first row and with the rows, in float32, from several threads at once.
        n_threads: Number of threads.
        size: Maximum rows at a time; for float16 at most a thousand.

    Examples:
        >>> visits = []
        >>> sweep(np.eye(3, 2, dtype=np.float32), lambda start, rows: visits.append((start, rows.shape)), size=2)
        >>> visits
        [(0, (2, 2)), (2, (1, 2))]
    """

    def visit_block(first: int, last: int) -> None:
        for start, rows in _iterate_widened(vectors, first, last, size):
            visit(start, rows)

    blocks = [(first, min(first + _BLOCK, len(vectors))) for first in range(0, len(vectors), _BLOCK)]
    if n_threads == 1 or len(blocks) < 2:
        list(starmap(visit_block, blocks))
    else:
        with ThreadPoolExecutor(n_threads) as threads:
            list(threads.map(visit_block, *zip(*blocks, strict=True)))


def read_block(vectors: StoredVectors, start: int, end: int) -> Vectors:
    """Read some rows in the same way as `iterate_blocks`.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        start: Index of the first row.
        end: One past the last row; at most n.

    Returns:
        (end - start, d) float32.
    """
    return widen(read_rows(vectors, start, end))


def iterate_blocks(vectors: StoredVectors, size: int = 65_536) -> Iterator[tuple[int, StoredVectors]]:
    """Read a table block by block.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        size: Rows per block.

    Yields:
        The start of each block, and its rows unchanged.

    Examples:
        >>> [(start, rows.shape) for start, rows in iterate_blocks(np.eye(3, 2, dtype=np.float32), size=2)]
        [(0, (2, 2)), (2, (1, 2))]
    """
    for start in range(0, len(vectors), size):
        yield start, read_rows(vectors, start, start + size)


def read_rows(vectors: StoredVectors, start: int, end: int) -> StoredVectors:
    """Read some rows, unchanged.

    Rows of a memory-mapped file are read, not mapped, so a pass over a large file leaves none of its pages in this
    process.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        start: Index of the first row.
        end: One past the last row; at most n.

    Returns:
        (end - start, d).
    """
    if isinstance(vectors, np.memmap) and isinstance(vectors.base, mmap.mmap) and vectors.flags.c_contiguous:
        shape = (max(0, min(end, len(vectors)) - start), *vectors.shape[1:])
        first = vectors.offset + start * vectors.strides[0]
        rows = np.fromfile(vectors.filename, vectors.dtype, count=int(np.prod(shape)), offset=first)
        return rows.reshape(shape)
    return vectors[start:end]


def widen(vectors: StoredVectors) -> Vectors:
    """Convert to float32.

    Args:
        vectors: (n, d), float32 or float16.

    Returns:
        The same values; `vectors` itself if it is float32.

    Examples:
        >>> widen(np.array([[0.5]], dtype=np.float16))
        array([[0.5]], dtype=float32)
    """
    if is_float32(vectors):
        return vectors
    if not _is_worth_torch(vectors.size):
        return np.asarray(vectors, dtype=np.float32)
    wide: Vectors = import_torch().from_numpy(np.asarray(vectors)).float().numpy()  # faster than numpy
    return wide


def _is_worth_torch(n_values: int) -> bool:
    """Whether to convert this many values with torch: not if it would have to be imported for a few."""
    return n_values > _FEW or import_torch.cache_info().currsize > 0


def gather(vectors: StoredVectors, rows: NDArray[np.int64]) -> Vectors:
    """Copy some rows of a table.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        rows: (m,); rows may repeat.

    Returns:
        (m, d) float32.

    Examples:
        >>> gather(np.eye(3, 2, dtype=np.float16), np.array([1, 1])).tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """
    if is_float32(vectors):
        return vectors[rows]
    if not isinstance(vectors, np.ndarray) or not _is_worth_torch(len(rows) * vectors.shape[1]):
        return widen(vectors[rows])
    torch = import_torch()
    copied: Vectors = torch.from_numpy(np.asarray(vectors)).index_select(0, torch.from_numpy(rows)).float().numpy()
    return copied


def gather_by_reading(vectors: StoredVectors, rows: NDArray[np.int64]) -> Vectors:
    """Copy many rows of a table in one pass over it.

    Accessing a row of a memory-mapped file also maps the rows around it, and soon the whole file counts as memory of
    this process.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.
        rows: (m,) sorted.

    Returns:
        (m, d) float32.

    Examples:
        >>> gather_by_reading(np.eye(3, 2, dtype=np.float16), np.array([0, 1])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    copied = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    for start, block in iterate_blocks(vectors):
        first, last = np.searchsorted(rows, [start, start + len(block)])
        copied[first:last] = block[rows[first:last] - start]
    return copied


def _iterate_widened(vectors: StoredVectors, first: int, last: int, size: int) -> Iterator[tuple[int, Vectors]]:
    """Rows first to last in float32, in pieces, each with its start."""
    if is_float32(vectors):
        for start in range(first, last, size):
            yield start, vectors[start : min(start + size, last)]
        return
    torch = import_torch()
    buffer = torch.empty((_CONVERTED, vectors.shape[1]))
    for start in range(first, last, _CONVERTED):
        rows = vectors[start : min(start + _CONVERTED, last)]
        piece = buffer[: len(rows)]
        piece.copy_(torch.from_numpy(np.asarray(rows)))
        yield start, piece.numpy()


def is_float32(vectors: StoredVectors) -> TypeGuard[Vectors]:
    """Whether vectors need no conversion."""
    return vectors.dtype == np.float32
