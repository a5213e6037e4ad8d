"""Vectors computed elsewhere: for a large table, the cache keeps their digest and the vectors scaled to unit length.

Reading, digesting and scaling a million vectors of 128 dimensions takes two CPU seconds each time a session is opened.
So the scaled vectors stay in the cache and are memory-mapped instead.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seals_sim.disk.cache import load_or_compute
from seals_sim.disk.stamps import digest_once
from seals_sim.indexes import fingerprint
from seals_sim.progress import begin_step
from seals_sim.types import TableRows, Vectors
from seals_sim.vectors.normalize import normalize

_KEPT_FROM = 2**24  # numbers: fewer are scaled in a seventh of a second


def digest_vectors(path: Path, vectors: NDArray[Any], cache: Path) -> str:
    """Compute the `fingerprint` of vectors, or reuse the stored one if their file has not changed.

    Args:
        path: Path of their file.
        vectors: (n, d), memory-mapped from it.
        cache: The folder that stores the fingerprint.
    """
    begin_step(f"checking {path.name}")
    if vectors.size < _KEPT_FROM:
        return fingerprint(vectors)
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
    return digest_once(path, cache / "digests" / f"{name}.json", lambda: fingerprint(vectors))


def normalize_once(
    vectors: NDArray[Any], rows: TableRows | None, digest: str, name: str, cache: Path
) -> tuple[Vectors, str]:
    """Scale vectors to unit length, or read the scaled ones from the cache.

    Args:
        vectors: (m, d) of any real type.
        rows: (n,) rows to keep; None for all.
        digest: Digest of all vectors.
        name: Name of the vectors, for errors.
        cache: The folder for vectors of a large table.

    Returns:
        (n, d) float32, and a digest of it.

    Raises:
        UserError: For a row that is zero, infinite, or not a number, or a cache that cannot be written.
    """

    def scale() -> Vectors:
        begin_step("scaling the vectors to unit length")
        scaled = normalize(vectors, name)  # all, so that errors number rows as the file does
        return scaled if rows is None else scaled[rows]

    if vectors.size < _KEPT_FROM:
        scaled = scale()
        return scaled, fingerprint(scaled)
    which = "all" if rows is None else hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
    return load_or_compute(cache, f"vectors {digest} rows {which} of unit length", scale)
