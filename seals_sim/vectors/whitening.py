"""PCA whitening (7.12): fitted on embeddings, or on a sample of them, and applied a block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.types import Vectors
from seals_sim.vectors.normalize import normalized


@dataclass(frozen=True, eq=False)
class Whitening:
    """z -> (z - mean) directions, then to unit length. mean: (d,); directions: (d, dimensions), each a principal
    component divided by the standard deviation along it; both float32.

    >>> rng = np.random.default_rng(0)
    >>> skewed = (rng.normal(size=(1000, 3)) * [9, 1, 1] + 5).astype(np.float32)
    >>> np.abs(np.cov(Whitening.fit(skewed, 2).apply(skewed).T)).round(1).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def fit(cls, embeddings: Vectors, dimensions: int) -> Whitening:
        """Of embeddings (n, d). Raises UserError where they have fewer directions than that."""
        largest = min(embeddings.shape[1], len(embeddings) - 1)
        if dimensions and not largest:
            problem = "one row cannot be whitened; 0 leaves it as it is"
            raise UserError(problem, parameter="dimensions", value=dimensions)
        if not 0 < dimensions <= largest:
            problem = (
                f"{len(embeddings)} rows of {embeddings.shape[1]} dimensions can be whitened to between 1 and {largest}; "
                "0 leaves them unwhitened"
            )
            raise UserError(problem, parameter="dimensions", value=dimensions)
        with threadpool_limits(1):  # sums that do not depend on the number of threads
            pca = PCA(dimensions, svd_solver="covariance_eigh").fit(embeddings)
        variance = pca.explained_variance_
        if variance[-1] <= 1e-7 * variance[0]:
            rank = int((variance > 1e-7 * variance[0]).sum())
            problem = f"the data spans only {rank} directions; choose at most {rank}"
            raise UserError(problem, parameter="dimensions", value=dimensions)
        directions = (pca.components_ / np.sqrt(variance)[:, None]).T
        return cls(pca.mean_.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32))

    def apply(self, embeddings: Vectors) -> Vectors:
        """Unit vectors (n, dimensions) of embeddings (n, d)."""
        with threadpool_limits(1):
            return normalized((embeddings - self.mean) @ self.directions, "the whitened embeddings")

    def save(self, path: Path) -> None:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, mean=self.mean, directions=self.directions)

    @classmethod
    def load(cls, path: Path) -> Whitening:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["mean"], arrays["directions"])


def whiten(embeddings: Vectors, dimensions: int) -> Vectors:
    """The first `dimensions` principal components of these embeddings (n, d), each scaled to unit variance, then rows
    to unit length.

    dimensions: 0 for no whitening. Raises UserError where the data has fewer directions than that.
    """
    if dimensions == 0:
        return normalized(embeddings, "the embeddings")
    return Whitening.fit(embeddings, dimensions).apply(embeddings)
