"""Algorithms 1 and 2 written out as printed, with every score recomputed at every pick: slow and plain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seals_sim.search.learners import LinearModel

Score = Callable[[LinearModel, np.ndarray, list[int]], np.ndarray]


def nearest(vectors: np.ndarray, row: int, k: int) -> set[int]:
    distance = np.linalg.norm(vectors.astype(np.float64) - vectors[row].astype(np.float64), axis=1)
    return set(np.argsort(distance, kind="stable")[:k].tolist())


def probability(model: LinearModel, vectors: np.ndarray) -> np.ndarray:
    t = vectors.astype(np.float64) @ model.weights.astype(np.float64) + model.bias
    return np.asarray(1 / (1 + np.exp(-t)))


def entropy(model: LinearModel, vectors: np.ndarray) -> np.ndarray:
    p = probability(model, vectors)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log(1 - p)))


def max_entropy(model: LinearModel, vectors: np.ndarray, pool: list[int]) -> np.ndarray:
    return entropy(model, vectors[pool])


def most_likely_positive(model: LinearModel, vectors: np.ndarray, pool: list[int]) -> np.ndarray:
    return probability(model, vectors[pool])


def information_density(model: LinearModel, vectors: np.ndarray, pool: list[int]) -> np.ndarray:
    exact = vectors[pool].astype(np.float64)
    similarity = np.array([[float(z @ z_p) for z_p in exact] for z in exact])
    return np.asarray(entropy(model, vectors[pool]) * similarity.mean(axis=1))


def algorithm(vectors, is_positive, seeds, fit, score: Score, batch: int, budget: int, k: int | None):
    """The rows in the order in which they are labeled. k: None for Algorithm 1."""
    labeled = list(seeds.rows.tolist())
    labels = list(seeds.labels.tolist())
    pool = set(range(len(vectors))) if k is None else set().union(*(nearest(vectors, row, k) for row in labeled))
    while len(labeled) < budget:
        model = fit(labeled, labels)
        for _ in range(min(batch, budget - len(labeled))):
            rows = sorted(pool - set(labeled))
            scores = score(model, vectors, rows)
            best = rows[int(np.flatnonzero(scores >= scores.max() - 1e-9)[0])]
            labeled.append(best)
            labels.append(int(is_positive[best]))
            if k is not None:
                pool |= nearest(vectors, best, k)
    return labeled
