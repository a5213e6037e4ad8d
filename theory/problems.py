"""Separable problems with known answers: w_star, the seeds, and each search's distance gamma_i to the other class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from seals_sim.errors import UserError
from theory.separators import Matrix, Vector, fast

Labels = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Problem:
    """Labels are y_x = 1 if w_star . x >= 0 and -1 otherwise (7.2).

    points: (n_0, d) seeds S_1; labels: (n_0,) of 1 and -1; searches: the seeds x_{i,0} that start a nearest neighbour
    search, d - 1 or more of them; delta: radius of the neighbour graph. Raises UserError for seeds that the theory
    does not cover.
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
            raise UserError(f"w_star must have unit length; it has {np.linalg.norm(self.w_star)}")
        if len(self.searches) < d - 1:
            raise UserError(f"{len(self.searches)} seeds to search from; in {d} dimensions {d - 1} are needed")
        sides = self.points @ self.w_star
        on_boundary = np.abs(sides) <= 1e-12 * np.abs(self.points).max()
        if on_boundary.any():
            raise UserError(f"seed {int(np.argmax(on_boundary))} (counted from 0) lies on the decision boundary")
        if len(set(self.labels.tolist())) < 2:
            raise UserError("the seeds are all of one class; both are needed, or gamma is infinite")
        if (np.where(sides >= 0, 1, -1) != self.labels).any():
            raise UserError("the seeds' labels are not those of w_star")

    @property
    def dim(self) -> int:
        return int(self.points.shape[1])

    def gamma(self) -> Vector:
        """gamma_i = dist(x_{i,0}, conv(S_1^{-y})) of each search (Theorem 2)."""
        distances = []
        for search in self.searches:
            opposite = self.points[self.labels != self.labels[search]]
            distances.append(fast(opposite - self.points[search]).distance)
        return np.array(distances)


def example1(
    dim: int,
    delta: float = 0.5,
    gamma_over_delta: float | None = None,
    opposite: float = 1.0,
    margin_scale: float | None = None,
    rotation: np.random.Generator | None = None,
) -> Problem:
    """Example 1: seeds a e_1 + M e_{i+1} that search, and seeds -c e_1 + M e_{i+1} of the other class.

    The paper has a = c = 1, so gamma_i = a + c = 2; here gamma_over_delta sets a + c = gamma with a : c = 1 : opposite.
    margin_scale: M, by default 3 gamma sqrt(d - 1), the paper's 6 sqrt(d - 1) where gamma = 2: at that distance sigma
    is positive, which it is not where gamma alone grows. rotation: turn everything by a random rotation.
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


def random_direction(dim: int, rng: np.random.Generator) -> Vector:
    """A unit vector (d,), uniform on the sphere."""
    direction = rng.normal(size=dim)
    return np.asarray(direction / np.linalg.norm(direction))


def spread_problem(
    dim: int, rng: np.random.Generator, delta: float = 0.5, gamma_over_delta: float = 20.0, spread: float = 6.0
) -> Problem:
    """Example 1 made irregular, its sigma still positive: random seeds, of which the first d - 1 search.

    d - 1 pairs of opposite label stand at heights of their own, up to gamma apart, over points of the boundary that
    are spread gamma sqrt(d - 1) from the origin, in nearly orthogonal directions.
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
    return Problem("spread", w_star, points * (gamma / unscaled.gamma().max()), labels, searches, delta)


def random_problem(
    dim: int,
    rng: np.random.Generator,
    delta: float = 0.5,
    gamma_over_delta: float = 20.0,
    domain: str = "ball",
    n_seeds: int | None = None,
    n_searches: int | None = None,
) -> Problem:
    """Uniform seeds of both classes in a ball or a box, scaled so that the largest gamma_i is gamma_over_delta delta.

    domain: `ball`, `box`, or `space` for normally distributed seeds in R^d. n_seeds: 2 (d - 1) by default, the first
    n_searches of which (d - 1 by default) search.
    """
    n_seeds = 2 * (dim - 1) if n_seeds is None else n_seeds
    n_seeds, n_searches = max(n_seeds, 2), dim - 1 if n_searches is None else n_searches
    w_star = random_direction(dim, rng)
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
    factor = gamma_over_delta * delta / unscaled.gamma().max()
    return Problem("random", w_star, points * factor, labels, searches, delta)
