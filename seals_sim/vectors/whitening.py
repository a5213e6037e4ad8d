"""PCA whitening (7.12): fitted on embeddings, or on a sample of them, and applied a block at a time."""

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

_ROUNDING = 1e-6  # of the squared mean: what sums of squares in float32 leave of a variance


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
        """Find the principal components of embeddings, each counted once, however many copies of it there are.

        Copies would be taken for a direction of large variance, in which all that is like them is then made small.

        Args:
            embeddings: (n, d).
            dimensions: How many components, from the largest on.
            or_fewer: Take what there is where the embeddings span fewer directions than that: a quarter as many as
                there are distinct rows, since with one less than these all rows would be equally far apart. Where they
                span none, they stay as they are.

        Returns:
            The whitening, which may be applied to other embeddings too.

        Raises:
            UserError: If the embeddings span fewer directions than that, unless fewer will do.
        """
        from sklearn.decomposition import PCA  # takes a second, and those who only apply one do without

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
        with threadpool_limits(1):  # sums that do not depend on the number of threads
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
            UserError: For one that is the mean itself, and so has no direction.
        """
        with threadpool_limits(1):
            return normalize((embeddings - self.mean) @ self.directions, "the whitened embeddings")

    def save(self, path: Path) -> None:
        """Write it to an .npz file, whole or not at all.

        Args:
            path: Path of the file.

        Raises:
            UserError: If it cannot be written.
        """
        with replacing(path, is_private=True) as temporary, temporary.open("wb") as file:
            np.savez(file, mean=self.mean, directions=self.directions)

    @classmethod
    def load(cls, path: Path) -> Whitening:
        """Read what `save` has written.

        Args:
            path: Path of the file.

        Returns:
            The same whitening, to the last bit.

        Raises:
            UserError: If the file is missing, damaged, or of another form.
        """
        mean, directions = read_arrays(path, ("mean", "directions"))
        are_float32 = mean.dtype == directions.dtype == np.float32
        if not are_float32 or (mean.ndim, directions.ndim) != (1, 2) or len(mean) != len(directions):
            raise UserError(f"{path}: is damaged (not a whitening)")
        return cls(mean, directions)


def _drop_copies(embeddings: Vectors) -> Vectors:
    """The first of each set of equal rows, in their order; the array itself where no two are equal."""
    copies = Copies.find(embeddings)
    return embeddings if copies is None else embeddings[copies.first]


def whiten(embeddings: Vectors, dimensions: int, or_fewer: bool = False) -> Vectors:
    """Whiten embeddings by their own principal components, then scale them to unit length (7.12).

    Args:
        embeddings: (n, d).
        dimensions: How many components, from the largest on; 0 for no whitening.
        or_fewer: Take fewer where the data spans fewer, as `Whitening.fit` does.

    Returns:
        (n, dimensions) float32, or (n, d) without whitening.

    Raises:
        UserError: If the data spans fewer directions than that, unless fewer will do.

    Examples:
        >>> whiten(np.array([[3, 4], [1, 0]], dtype=np.float32), 0).round(1).tolist()
        [[0.6000000238418579, 0.800000011920929], [1.0, 0.0]]
    """
    if dimensions == 0:
        return normalize(embeddings, "the embeddings")
    return Whitening.fit(embeddings, dimensions, or_fewer).apply(embeddings)
