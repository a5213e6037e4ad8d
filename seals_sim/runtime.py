"""Settings of the whole process that this package changes, all of them here; each but the first is put back at once."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

_MATRIX_PRODUCTS_FROM = 5_120  # queries times dimensions: Faiss's own is 128,000, where 32 queries take 3 times as long


def wait_passively() -> None:
    """Let OpenMP's threads sleep while they wait for work, unless the environment says otherwise.

    Beside another busy process a search can take ten times as long where they spin. OpenMP reads this once, when Faiss
    or torch is imported, so commands call it first; the library itself never does.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def faiss_by_matrix_products() -> Iterator[None]:
    """Inside, Faiss compares queries with rows by matrix products from far fewer queries on."""
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = _MATRIX_PRODUCTS_FROM
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before


@functools.cache
def import_torch() -> ModuleType:
    """Torch, which takes seconds to import and is ten times as fast as numpy 2.4 from float16.

    It warns once a process of an array that it may not write to; ours are only read, so the warning is spent here.
    """
    import torch

    array = np.zeros(1, dtype=np.float32)
    array.flags.writeable = False
    with warnings.catch_warnings(action="ignore"):
        torch.from_numpy(array)
    return torch


def give_back_memory() -> None:
    """Have glibc return what large structures have left free, or it counts as this process's."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def end_with_parent(parent: int, every_seconds: float = 0.5) -> None:
    """End this process soon after its parent has ended, however that came about.

    A worker of a killed command would wait minutes for work, and keep its memory and the parent's shared arrays. This
    is for worker processes, as they begin: a watching thread asks who the parent is, since Linux alone would tell.

    Args:
        parent: Process id of the parent.
        every_seconds: How often it asks.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_seconds)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end_with_parent").start()
