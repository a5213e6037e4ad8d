"""The worker processes of a replay."""

from __future__ import annotations

import os

import joblib

from seals_sim.runtime import end_with_parent


def start_workers(n: int) -> joblib.Parallel:
    """Workers that give results as they come, and that end when this process does, even when it is killed.

    Args:
        n: How many; 1 does the work in this process.
    """
    if n == 1:
        return joblib.Parallel(n_jobs=1, return_as="generator_unordered")
    watching = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    return joblib.Parallel(n_jobs=n, backend="loky", return_as="generator_unordered", **watching)
