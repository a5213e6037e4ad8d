"""Separable problems with known answers: w_star, the seeds, and the distance gamma_i of each search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from seals_sim.errors import UserError
from theory.separators import Matrix, Vector, solve_fast

Labels = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Problem:
    """A half-space to learn, with labels y_x = 1 if w_star . x >= 0 and -1 otherwise (section 7.2).

    Attributes:
        name: The kind of problem.
        w_star: (d,), of unit length.
        points: (n_0, d), the seeds S_1.
        labels: (n_0,), 1 or -1.
        searches: The positions of the seeds x_{i,0} from which a nearest neighbor search starts, at least d - 1.
        delta: The radius of a neighborhood.

    Raises:
        UserError: If the theory does not cover these seeds.
    """

    name: str
    w_star: Vector
    points: Matrix
    labels: Labels
    searches: tuple[int, ...]
    delta: float

    def __post_init__(self) -> None:
        d = self.dim
        if d < 2:
            raise UserError("must be at least 2", parameter="dim", value=d)
        if not self.delta > 0:
            raise UserError("must be above 0", parameter="delta", value=self.delta)
        if abs(np.linalg.norm(self.w_star) - 1) > 1e-12:
            raise UserError(f"w_star: must have length 1, not {np.linalg.norm(self.w_star)}")
        if len(self.searches) < d - 1:
            raise UserError(f"searches: {d} dimensions need at least {d - 1}, not {len(self.searches)}")
        sides = self.points @ self.w_star
        on_boundary = np.abs(sides) <= 1e-12 * np.abs(self.points).max()
        if on_boundary.any():
            raise UserError(f"seed {int(np.argmax(on_boundary))} (counting from 0) is on the decision boundary")
        if len(set(self.labels.tolist())) < 2:
            raise UserError("all seeds have one class; without both classes, gamma is infinite")
        if (np.where(sides >= 0, 1, -1) != self.labels).any():
            raise UserError("labels: do not match w_star")

    @property
    def dim(self) -> int:
        """d, the dimension."""
        return int(self.points.shape[1])

    def compute_gamma(self) -> Vector:
        """Compute gamma_i = dist(x_{i,0}, conv(S_1^{-y})) of each search (Theorem 2)."""
        distances = []
        for search in self.searches:
            opposite = self.points[self.labels != self.labels[search]]
            distances.append(solve_fast(opposite - self.points[search]).distance)
        return np.array(distances)


def make_example_1(
    dim: int,
    delta: float = 0.5,
    gamma_over_delta: float | None = None,
    opposite: float = 1.0,
    margin_scale: float | None = None,
    rotation: np.random.Generator | None = None,
) -> Problem:
    """Make Example 1: seeds a e_1 + M e_{i+1} that search, and seeds -c e_1 + M e_{i+1} of the other class.

    The paper has a = c = 1, so that gamma_i = a + c = 2.

    Args:
        dim: d, the dimension.
        delta: The radius of a neighborhood.
        gamma_over_delta: Sets a + c = gamma; by default a = 1.
        opposite: c / a.
        margin_scale: M, by default 3 gamma sqrt(d - 1), which is the paper's 6 sqrt(d - 1) for gamma = 2. sigma is
            positive at that distance; it would not be if only gamma grew.
        rotation: Draws a rotation of the whole problem.

    Returns:
        The problem; its first d - 1 seeds search.
    """
    if dim < 2:
        raise UserError("must be at least 2", parameter="dim", value=dim)
    if not opposite > 0:
        raise UserError("must be above 0", parameter="opposite", value=opposite)
    gamma = 1 + opposite if gamma_over_delta is None else gamma_over_delta * delta
    height = gamma / (1 + opposite)
    scale = 3 * gamma * np.sqrt(dim - 1) if margin_scale is None else margin_scale
    sideways = scale * np.eye(dim)[1:]
    points = np.vstack([sideways, sideways])
    points[: dim - 1, 0], points[dim - 1 :, 0] = height, -opposite * height
    w_star = np.eye(dim)[0]
    if rotation is not None:
        turn = ortho_group.rvs(dim, random_state=rotation)
        points, w_star = points @ turn.T, turn @ w_star
        w_star /= np.linalg.norm(w_star)
    labels = np.repeat(np.array([1, -1], dtype=np.int8), dim - 1)
    return Problem("example1", w_star, points, labels, tuple(range(dim - 1)), delta)


def draw_direction(dim: int, rng: np.random.Generator) -> Vector:
    """Draw a unit vector (d,), uniform on the sphere."""
    direction = rng.normal(size=dim)
    return np.asarray(direction / np.linalg.norm(direction))


def draw_spread_problem(
    dim: int, rng: np.random.Generator, delta: float = 0.5, gamma_over_delta: float = 20.0, spread: float = 6.0
) -> Problem:
    """Draw an irregular version of Example 1 whose sigma is still positive.

    The seeds are d - 1 pairs of opposite labels. Each pair has its own heights, up to gamma apart, above and below a
    point of the boundary. These points are spread gamma sqrt(d - 1) from the origin, in nearly orthogonal directions.

    Args:
        dim: d, the dimension.
        rng: Draws the seeds.
        delta: The radius of a neighborhood.
        gamma_over_delta: The largest gamma_i, in units of delta.
        spread: See above.

    Returns:
        The problem; its first d - 1 seeds search.
    """
    if dim < 2:
        raise UserError("must be at least 2", parameter="dim", value=dim)
    gamma, n = gamma_over_delta * delta, dim - 1
    turn = ortho_group.rvs(dim, random_state=rng)
    directions = np.eye(n) + 0.3 / np.sqrt(n) * rng.normal(size=(n, n))
    feet = spread * gamma * np.sqrt(n) * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    height, depth = np.sort(rng.uniform(0.05, 0.95, size=(2, n)) * gamma, axis=0)
    sides = np.concatenate([height, height - np.maximum(depth, height + 0.05 * gamma)])
    flip = np.tile(rng.choice([1.0, -1.0], size=n), 2)
    jitter = 0.1 * gamma / np.sqrt(dim) * rng.normal(size=(n, n))
    points = np.column_stack([sides * flip, np.vstack([feet, feet + jitter])]) @ turn.T
    w_star = turn[:, 0] / np.linalg.norm(turn[:, 0])
    labels = np.where(points @ w_star >= 0, 1, -1).astype(np.int8)
    searches = tuple(range(n))
    unscaled = Problem("spread", w_star, points, labels, searches, delta)
    return Problem("spread", w_star, points * (gamma / unscaled.compute_gamma().max()), labels, searches, delta)


def draw_random_problem(
    dim: int,
    rng: np.random.Generator,
    delta: float = 0.5,
    gamma_over_delta: float = 20.0,
    domain: str = "ball",
    n_seeds: int | None = None,
    n_searches: int | None = None,
) -> Problem:
    """Draw random seeds of both classes, scaled to make the largest gamma_i equal gamma_over_delta delta.

    Args:
        dim: d, the dimension.
        rng: Draws the seeds.
        delta: The radius of a neighborhood.
        gamma_over_delta: The largest gamma_i, in units of delta.
        domain: `ball` or `box` for uniform seeds, `space` for normally distributed ones.
        n_seeds: By default 2 (d - 1).
        n_searches: How many of the first seeds search; by default d - 1.

    Returns:
        The problem.
    """
    n_seeds = 2 * (dim - 1) if n_seeds is None else n_seeds
    n_seeds, n_searches = max(n_seeds, 2), dim - 1 if n_searches is None else n_searches
    w_star = draw_direction(dim, rng)
    while True:
        points = rng.normal(size=(n_seeds, dim))
        if domain == "ball":
            radius = rng.random((n_seeds, 1)) ** (1 / dim)
            points *= radius / np.linalg.norm(points, axis=1, keepdims=True)
        elif domain == "box":
            points = rng.uniform(-1, 1, size=(n_seeds, dim))
        elif domain != "space":
            raise UserError("must be space, ball, or box", parameter="domain", value=domain)
        labels = np.where(points @ w_star >= 0, 1, -1).astype(np.int8)
        if len(set(labels.tolist())) == 2:
            break
    searches = tuple(range(n_searches))
    unscaled = Problem("random", w_star, points, labels, searches, delta)
    factor = gamma_over_delta * delta / unscaled.compute_gamma().max()
    return Problem("random", w_star, points * factor, labels, searches, delta)
