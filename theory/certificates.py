"""A bound on the angle between w_hat and w_star that a run can compute for itself, without w_star (README, step 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.searches import Closest
from theory.separators import Matrix, Vector


@dataclass(frozen=True, eq=False)
class Certificate:
    """z: (n, d), the points z_i of step 3, one a search; sin_theta: the bound |rho|_2 / sigma_{d-1}(Z), inf if Z is
    of lower rank; error: sqrt 2 sin_theta, which |w_hat - w_star|_2 does not exceed where sin_theta < 1.
    """

    z: Matrix
    sin_theta: float

    @property
    def error(self) -> float:
        return float(np.sqrt(2) * self.sin_theta)


def certify_fit(w_hat: Vector, brackets: Sequence[Closest]) -> Certificate:
    """Certify a separator w_hat (d,) of all labelled points by the searches' last brackets, d - 1 of them or more.

    z_i lies on the segment from x_bar_i to the opposite hull where w_hat . z_i = 0, so w_hat spans the complement of
    all z_i, while |w_star . z_i| <= rho_i since w_star separates the segment's ends, too.
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
