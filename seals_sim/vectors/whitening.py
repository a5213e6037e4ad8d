"""PCA whitening (7.12): fitted on embeddings or a sample of them, and applied block by block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seals_sim.disk.files import replacing
from seals_sim.disk.reading import read_arrays
from seals_sim.errors import UserError
from seals_sim.types import Vectors
from seals_sim.vectors.copies import Copies
from seals_sim.vectors.normalize import normalize

_ROUNDING = 1e-6  # relative to the squared mean: the error of a variance from sums of squares in float32


@dataclass(frozen=True, eq=False)
class Whitening:
    """z -> (z - mean) directions, then to unit length (7.12).

    Attributes:
        mean: (d,) float32.
        directions: (d, dimensions) float32, each a principal component divided by the standard deviation along it.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> skewed = (rng.normal(size=(1000, 3)) * [9, 1, 1] + 5).astype(np.float32)
        >>> np.abs(np.cov(Whitening.fit(skewed, 2).apply(skewed).T)).round(1).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def fit(cls, embeddings: Vectors, dimensions: int, or_fewer: bool = False) -> Whitening:
        """Find the principal components of the distinct embeddings.

        Copies would look like a direction of large variance, along which everything similar to them would be shrunk.

        Args:
            embeddings: (n, d).
            dimensions: Number of components, from the largest on.
            or_fewer: Use fewer components if the embeddings span fewer directions than that: a quarter of the number of
                distinct rows, since with one less than that number all rows would be equally far apart. If they span
                none, they are left unchanged.

        Returns:
            The whitening, which can also be applied to other embeddings.

        Raises:
            UserError: If the embeddings span fewer directions than that, unless `or_fewer` is set.
        """
        from sklearn.decomposition import PCA  # takes a second, and applying a whitening does not need it

        embeddings = _drop_copies(embeddings)
        largest = min(embeddings.shape[1], len(embeddings) - 1)
        if or_fewer and largest == 0:
            return cls._do_nothing(embeddings.shape[1])
        if or_fewer and dimensions > largest:
            dimensions = min(largest, max(1, len(embeddings) // 4))
        if dimensions and not largest:
            problem = "a single distinct row cannot be whitened; use 0 for no whitening"
            raise UserError(problem, parameter="dimensions", value=dimensions)
        if not 0 < dimensions <= largest:
            problem = (
                f"{len(embeddings)} distinct rows of {embeddings.shape[1]} dimensions can be whitened to between 1 and "
                f"{largest}; use 0 for no whitening"
            )
            raise UserError(problem, parameter="dimensions", value=dimensions)
        with threadpool_limits(1):  # so that sums do not depend on the number of threads
            pca = PCA(dimensions, svd_solver="covariance_eigh").fit(embeddings)
        variance = pca.explained_variance_
        if variance[0] <= _ROUNDING * float(np.vecdot(pca.mean_, pca.mean_)):
            if or_fewer:
                return cls._do_nothing(embeddings.shape[1])
            raise UserError("the rows are equal up to rounding", parameter="dimensions", value=dimensions)
        if variance[-1] <= 1e-7 * variance[0]:
            rank = int((variance > _ROUNDING * variance[0]).sum())
            if not or_fewer:
                problem = f"the data spans only {rank} directions; choose at most {rank}"
                raise UserError(problem, parameter="dimensions", value=dimensions)
            dimensions = rank
        directions = (pca.components_[:dimensions] / np.sqrt(variance[:dimensions, None])).T
        return cls(pca.mean_.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32))

    @classmethod
    def _do_nothing(cls, d: int) -> Whitening:
        return cls(np.zeros(d, dtype=np.float32), np.eye(d, dtype=np.float32))

    def apply(self, embeddings: Vectors) -> Vectors:
        """Whiten embeddings.

        Args:
            embeddings: (n, d).

        Returns:
            (n, dimensions) float32, of unit length.

        Raises:
            UserError: For an embedding equal to the mean, which has no direction.
        """
        with threadpool_limits(1):
            return normalize((embeddings - self.mean) @ self.directions, "the whitened embeddings")

    def save(self, path: Path) -> None:
        """Write the whitening to an .npz file atomically.

        Args:
            path: Path of the file.

        Raises:
            UserError: If it cannot be written.
        """
        with replacing(path, is_private=True) as temporary, temporary.open("wb") as file:
            np.savez(file, mean=self.mean, directions=self.directions)

    @classmethod
    def load(cls, path: Path) -> Whitening:
        """Read what `save` wrote.

        Args:
            path: Path of the file.

        Returns:
            The same whitening, to the last bit.

        Raises:
            UserError: If the file is missing, damaged, or in another format.
        """
        mean, directions = read_arrays(path, ("mean", "directions"))
        are_float32 = mean.dtype == directions.dtype == np.float32
        if not are_float32 or (mean.ndim, directions.ndim) != (1, 2) or len(mean) != len(directions):
            raise UserError(f"{path}: is damaged (not a whitening)")
        return cls(mean, directions)


def _drop_copies(embeddings: Vectors) -> Vectors:
    """The first of each set of equal rows, in order; the array itself if no two rows are equal."""
    copies = Copies.find(embeddings)
    return embeddings if copies is None else embeddings[copies.first]


def whiten(embeddings: Vectors, dimensions: int, or_fewer: bool = False) -> Vectors:
    """Whiten embeddings by their own principal components, then scale them to unit length (7.12).

    Args:
        embeddings: (n, d).
        dimensions: Number of components, from the largest on; 0 for no whitening.
        or_fewer: Use fewer if the data spans fewer, as in `Whitening.fit`.

    Returns:
        (n, dimensions) float32, or (n, d) without whitening.

    Raises:
        UserError: If the data spans fewer directions than that, unless `or_fewer` is set.

    Examples:
        >>> whiten(np.array([[3, 4], [1, 0]], dtype=np.float32), 0).round(1).tolist()
        [[0.6000000238418579, 0.800000011920929], [1.0, 0.0]]
    """
    if dimensions == 0:
        return normalize(embeddings, "the embeddings")
    return Whitening.fit(embeddings, dimensions, or_fewer).apply(embeddings)
