"""A bound on the angle between w_hat and w_star that a run can compute without w_star (README.md, step 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.searches import Closest
from theory.separators import Matrix, Vector


@dataclass(frozen=True, eq=False)
class Certificate:
    """A bound on the error of a separator.

    Attributes:
        z: (n, d), the points z_i of step 3, one per search.
        sin_theta: The bound |rho|_2 / sigma_{d-1}(Z) on sin theta; infinite if Z has a lower rank.
    """

    z: Matrix
    sin_theta: float

    @property
    def error(self) -> float:
        """sqrt 2 sin_theta, which bounds |w_hat - w_star|_2 of the max-margin w_hat: w_hat . w_star >= 0."""
        return float(np.sqrt(2) * self.sin_theta)


def certify_fit(w_hat: Vector, brackets: Sequence[Closest]) -> Certificate:
    """Certify a separator of all labeled points from the latest brackets of the searches.

    z_i is the point with w_hat . z_i = 0 on the segment from x_bar_i to the opposite hull. So w_hat spans the
    complement of all z_i, while |w_star . z_i| <= rho_i because w_star separates the ends of the segment, too.

    Args:
        w_hat: (d,), the normal of the separator, of unit length.
        brackets: One per search, at least d - 1.

    Returns:
        The certificate.
    """
    points = np.array([bracket.point for bracket in brackets])
    across = np.array([bracket.across for bracket in brackets])
    heights, heights_across = points @ w_hat, across @ w_hat
    part = heights / np.where(heights == heights_across, 1, heights - heights_across)
    z = points + np.clip(part, 0, 1)[:, None] * (across - points)
    dim = points.shape[1]
    singular = np.linalg.svd(z, compute_uv=False)
    smallest = float(singular[dim - 2]) if len(singular) >= dim - 1 else 0.0
    size = float(np.linalg.norm([bracket.rho for bracket in brackets]))
    rounding = 8 * float(np.finfo(np.float64).eps) * float(singular[0])
    return Certificate(z, size / smallest if smallest > rounding else np.inf)
