"""One pass over a table of vectors at the speed of memory: in blocks that stay in the cache, shared out to threads."""

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

_BLOCK = 16_384  # rows that a thread takes at a time
_CONVERTED = 1_024  # rows of float16 that are widened at a time: 1 MB at 256 dimensions
_KEPT = 2_048  # rows that a second reader still finds in the cache


def dots(vectors: StoredVectors, weights: NDArray[np.float32], n_threads: int = 1) -> NDArray[np.float32]:
    """w . z for each row z of vectors (n, d), float32 or float16, which may be memory-mapped; sums are in float32.

    Each row's value is a dot product of its own, so that it does not depend, to the last bit, on which other rows are
    there or on the number of threads. (A matrix product does not promise that.)

    >>> dots(np.eye(3, 2, dtype=np.float16), np.array([2, 3], dtype=np.float32)).tolist()
    [2.0, 3.0, 0.0]
    """
    if len(vectors) <= _CONVERTED:
        found: NDArray[np.float32] = np.vecdot(widened(vectors), weights)
        return found
    out = np.empty(len(vectors), dtype=np.float32)

    def fill(start: int, rows: Vectors) -> None:
        np.vecdot(rows, weights, out=out[start : start + len(rows)])

    sweep(vectors, fill, n_threads, _BLOCK)
    return out


def sweep(vectors: StoredVectors, visit: Callable[[int, Vectors], None], n_threads: int = 1, size: int = _KEPT) -> None:
    """visit(start, rows) for all rows of vectors (n, d), in float32, at most `size` at a time (of float16 a thousand),
    from several threads at once.

    >>> found = []
    >>> sweep(np.eye(3, 2, dtype=np.float32), lambda start, rows: found.append((start, rows.shape)), size=2)
    >>> found
    [(0, (2, 2)), (2, (1, 2))]
    """

    def visit_block(first: int, last: int) -> None:
        for start, rows in _widened(vectors, first, last, size):
            visit(start, rows)

    blocks = [(first, min(first + _BLOCK, len(vectors))) for first in range(0, len(vectors), _BLOCK)]
    if n_threads == 1 or len(blocks) < 2:
        list(starmap(visit_block, blocks))
    else:
        with ThreadPoolExecutor(n_threads) as threads:
            list(threads.map(visit_block, *zip(*blocks, strict=True)))


def block_of(vectors: StoredVectors, start: int, end: int) -> Vectors:
    """Rows from start to end in float32, read as `blocks_of` reads them."""
    return widened(_read(vectors, start, end))


def blocks_of(vectors: StoredVectors, size: int = 65_536) -> Iterator[tuple[int, StoredVectors]]:
    """All rows, so many at a time, with the place where each block begins."""
    for start in range(0, len(vectors), size):
        yield start, _read(vectors, start, start + size)


def _read(vectors: StoredVectors, start: int, end: int) -> StoredVectors:
    """Rows of a memory-mapped file are read, not mapped: a pass over a large file then leaves none of its pages to this
    process.
    """
    if isinstance(vectors, np.memmap) and isinstance(vectors.base, mmap.mmap) and vectors.flags.c_contiguous:
        shape = (max(0, min(end, len(vectors)) - start), *vectors.shape[1:])
        first = vectors.offset + start * vectors.strides[0]
        rows = np.fromfile(vectors.filename, vectors.dtype, count=int(np.prod(shape)), offset=first)
        return rows.reshape(shape)
    return vectors[start:end]


def widened(vectors: StoredVectors) -> Vectors:
    """The same values in float32; `vectors` themselves where they are that."""
    if is_float32(vectors):
        return vectors
    found: Vectors = import_torch().from_numpy(np.asarray(vectors)).float().numpy()
    return found


def gathered(vectors: StoredVectors, rows: NDArray[np.int64]) -> Vectors:
    """Some rows (m,) of a table, in float32: (m, d).

    >>> gathered(np.eye(3, 2, dtype=np.float16), np.array([1, 1])).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    if is_float32(vectors):
        return vectors[rows]
    torch = import_torch()
    found: Vectors = torch.from_numpy(np.asarray(vectors)).index_select(0, torch.from_numpy(rows)).float().numpy()
    return found


def _widened(vectors: StoredVectors, first: int, last: int, size: int) -> Iterator[tuple[int, Vectors]]:
    """Rows first to last in float32, in pieces with the place where each begins."""
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
    return vectors.dtype == np.float32
