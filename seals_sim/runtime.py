"""All process-wide settings that this package changes. All but the first are restored right after use."""

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

_MATRIX_PRODUCTS_FROM = 5_120  # queries times dimensions: with Faiss's 128,000, 32 queries take 3 times as long


def wait_passively() -> None:
    """Let OpenMP threads sleep while they wait for work, unless the environment sets something else.

    If they spin, a search can take ten times as long next to another busy process. OpenMP reads this setting once, when
    Faiss or torch is imported, so commands call this function first. The library itself never does.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def faiss_by_matrix_products() -> Iterator[None]:
    """A context in which Faiss switches to matrix products at far fewer queries."""
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = _MATRIX_PRODUCTS_FROM
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before


@functools.cache
def import_torch() -> ModuleType:
    """Import torch, which takes seconds and converts float16 ten times as fast as numpy 2.4.

    It warns once per process about a read-only array. Ours are only read, so the warning is triggered and ignored here.
    """
    import torch

    array = np.zeros(1, dtype=np.float32)
    array.flags.writeable = False
    with warnings.catch_warnings(action="ignore"):
        torch.from_numpy(array)
    return torch


def give_back_memory() -> None:
    """Make glibc return freed memory of large structures to the system; otherwise it still counts as in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def end_with_parent(parent: int, every_seconds: float = 0.5) -> None:
    """End this process soon after its parent has ended, for whatever reason.

    A worker of a killed command would wait minutes for work and keep its memory and the parent's shared arrays. Worker
    processes call this when they start. A thread polls for the parent, since only Linux can send a signal instead.

    Args:
        parent: Process id of the parent.
        every_seconds: Polling interval.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_seconds)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end_with_parent").start()
