"""Arrays kept on disk under a key of everything that they were computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs

from seals_sim.disk.files import replacing, sha256_of_file
from seals_sim.types import Vectors


def default_folder() -> Path:
    """Where this machine keeps caches, in a folder of our own."""
    return platformdirs.user_cache_path("seals-sim")


def cached(folder: Path | None, key: str, compute: Callable[[], Vectors]) -> Vectors:
    """The array of `kept`; or, where folder is None, `compute()`."""
    return compute() if folder is None else kept(folder, key, compute)[0]


def kept(folder: Path, key: str, compute: Callable[[], Vectors]) -> tuple[Vectors, str]:
    """The array stored under `key`, or else `compute()`, stored; with the checksum of its file.

    A file gets its name only when it is whole, and is used only if its checksum is right.
    """
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    checksum = path.with_suffix(".sha256")
    if path.exists() and checksum.exists() and (digest := sha256_of_file(path)) == checksum.read_text().strip():
        return np.load(path, mmap_mode="r", allow_pickle=False), digest
    array = compute()
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)
        digest = sha256_of_file(temporary)
        with replacing(checksum) as temporary_checksum:
            temporary_checksum.write_text(digest + "\n")
    return array, digest
