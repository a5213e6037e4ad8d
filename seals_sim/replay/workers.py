"""The workers of a replay: its own processes, or the workers of a cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import joblib

from seals_sim.runtime import end_with_parent
from seals_sim.workers import INLINE, Workers

_SHARED_MEMORY, _LEAST_FREE = "/dev/shm", 2 * 10**9

S = TypeVar("S")
A = TypeVar("A")
R = TypeVar("R")


def work_on(
    function: Callable[[S, A], R], shared: S, arguments: Sequence[A], n_jobs: int, workers: Workers = INLINE
) -> Iterator[R]:
    """Call function(shared, argument) for each argument, on the workers of a cluster or in `n_jobs` processes.

    Yields:
        Results as they arrive.
    """
    if workers is not INLINE:
        yield from workers.map(function, shared, arguments, in_order=False)
    elif arguments:
        parallel = start_workers(min(n_jobs, len(arguments)))
        yield from parallel(joblib.delayed(function)(shared, argument) for argument in arguments)


def start_workers(n: int) -> joblib.Parallel:
    """Workers that return results as they arrive, and that end when this process does, even if it is killed.

    Args:
        n: The number of workers; 1 does the work in this process.
    """
    if n == 1:
        return joblib.Parallel(n_jobs=1, return_as="generator_unordered")
    watching = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    folder = _choose_shared_folder()
    return joblib.Parallel(n_jobs=n, backend="loky", return_as="generator_unordered", temp_folder=folder, **watching)


def _choose_shared_folder() -> str | None:
    """The folder that joblib would choose for arrays shared by workers; None for the folder of temporary files.

    If joblib chooses the folder itself, it creates it before registering it for removal, so that a kill between the two
    would leave it behind. In a given folder, it creates nothing before.
    """
    if named := os.environ.get("JOBLIB_TEMP_FOLDER"):
        return named
    with suppress(OSError):
        if shutil.disk_usage(_SHARED_MEMORY).free > _LEAST_FREE and os.access(_SHARED_MEMORY, os.W_OK):
            return _SHARED_MEMORY
    return None
