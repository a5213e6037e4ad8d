"""What the paper compares, study by study. Each line of a figure is a method.

A line that appears in several figures is one method and runs only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from seals_sim.replay.methods import Method, build_method
from seals_sim.replay.options import ReplayProtocol
from seals_sim.replay.tables import format_method

IMAGENET_POOL, IMAGENET_K, IMAGENET_BUDGET = 639_906, 100, 2_000  # 5.1, 5.2
IMAGENET_POOL_FRACTION = 0.066  # Table 2, MaxEnt-SEALS
NEIGHBORS = (10, 50, 100, 500, 1000)  # Figures 6, 7
POSITIVES = (20, 50)  # Figures 8, 9
RANDOM_POOL_FACTORS = (1.0, 5.0, 10.0)  # Figures 12-14
REGULARIZATIONS = (10.0, 100.0)  # the paper does not state its value
WALK_K = 100  # neighbors of each positive, as in `seals label`
_UNCERTAIN_AND_LIKELY = ("maxent", "most_likely_positive")
_ALL_STRATEGIES = (*_UNCERTAIN_AND_LIKELY, "information_density")


def scale_k(n_pool: int, budget: int) -> int:
    """The k at which k T / |U| equals the paper's value on ImageNet, 0.31. It is the largest share of the pool that T
    labels can add.

    Args:
        n_pool: |U|, the size of the pool.
        budget: T, the number of labels.

    Examples:
        >>> scale_k(639_906, 2000), scale_k(94_060, 2000), scale_k(94_060, 300)
        (100, 15, 98)
    """
    return max(1, round(IMAGENET_K * IMAGENET_BUDGET / IMAGENET_POOL * n_pool / budget))


def scale_budget(n_pool: int, batch: int) -> int:
    """The number of labels, in whole batches, that equals the paper's 0.31 % of the pool (2,000 of 639,906).

    Args:
        n_pool: The size of the pool.
        batch: The size of a batch.

    Examples:
        >>> scale_budget(639_906, 100), scale_budget(94_060, 100)
        (2000, 300)
    """
    return max(1, round(IMAGENET_BUDGET / IMAGENET_POOL * n_pool / batch)) * batch


@dataclass(frozen=True)
class Plan:
    """What to compare.

    Attributes:
        protocol: The settings of 5.1, with the k of the main study.
        embeddings: Names; the main study uses the first.
        neighbors: The values of k (Figures 6 and 7).
        positives: The numbers of positive seeds (Figures 8 and 9).
        random_pool_factors: The sizes of RandPool, in SEALS pools (Figures 12 to 14).
        regularizations: The values of C.
    """

    protocol: ReplayProtocol
    embeddings: tuple[str, ...]
    neighbors: tuple[int, ...] = NEIGHBORS
    positives: tuple[int, ...] = POSITIVES
    random_pool_factors: tuple[float, ...] = RANDOM_POOL_FACTORS
    regularizations: tuple[float, ...] = REGULARIZATIONS

    def method(self, pool: str, strategy: str, **changes: object) -> Method:
        """A method of the main study, with some settings changed."""
        return build_method(self.protocol, pool, strategy, **{"embedding": self.embeddings[0], **changes})


@dataclass(frozen=True)
class Line:
    """One line of a figure.

    Attributes:
        row: The strategy shown in its row of panels; empty if all lines share one row.
        label: Its name in the legend.
        method: The method to run.
    """

    row: str
    label: str
    method: Method


@dataclass(frozen=True)
class Study:
    """A comparison that the paper makes.

    Attributes:
        name: The name by which a user selects it.
        figures: What it reproduces.
        title: Its heading in the report.
        on_all_concepts: Whether to run it on all concepts, or only on the first few.
        lines: What it compares.
        left_out: Lines that do not fit the data, with the reason.
        has_ceiling: Whether to train the learners on all labels as well.
    """

    name: str
    figures: str
    title: str
    on_all_concepts: bool
    lines: tuple[Line, ...]
    left_out: tuple[str, ...] = ()
    has_ceiling: bool = True

    @property
    def methods(self) -> tuple[Method, ...]:
        return tuple(dict.fromkeys(line.method for line in self.lines))


StudyName = Literal[
    "main", "structure", "correlation", "concepts", "embeddings", "other_index", "k", "positives", "random_pool",
    "k_centers", "regularization", "recommended",
]  # fmt: skip
STUDIES: tuple[StudyName, ...] = get_args(StudyName)
LOOK_AT_MAIN = ("structure", "correlation", "concepts")  # these have no runs of their own


def build_studies(plan: Plan) -> dict[str, Study]:
    """All studies with runs of their own, by name."""
    made = (
        _main, _neighbors, _positives, _random_pool, _k_centers, _embeddings, _other_index, _regularization,
        _recommended,
    )  # fmt: skip
    return {study.name: study for study in (make(plan) for make in made)}


def _line(plan: Plan, row: str, pool: str, strategy: str, variant: str = "", **changes: object) -> Line:
    name = format_method(pool, strategy)
    return Line(row, f"{name}, {variant}" if variant else name, plan.method(pool, strategy, **changes))


def _main(plan: Plan) -> Study:
    lines = [_line(plan, "", pool, strategy) for strategy in (*_ALL_STRATEGIES, "random") for pool in ("all", "seals")]
    return Study("main", "Figures 1 and 2, Table 2", "Active learning and active search", True, tuple(lines))


def _neighbors(plan: Plan) -> Study:
    ks = sorted({plan.protocol.k, *plan.neighbors})
    lines = []
    for strategy in _UNCERTAIN_AND_LIKELY:
        lines += [_line(plan, strategy, "all", strategy)]
        lines += [_line(plan, strategy, "seals", strategy, f"k = {k:,}", k=k) for k in ks]
    return Study("k", "Figures 6 and 7", "The number of neighbors k", False, tuple(lines))


def _positives(plan: Plan) -> Study:
    options, lines, left_out = plan.protocol, [], []
    ratio = options.seed_negatives / options.seed_positives
    for strategy in _UNCERTAIN_AND_LIKELY:
        for n in (options.seed_positives, *plan.positives):
            n_negatives = round(ratio * n)
            if n + n_negatives >= options.budget:
                left_out.append(f"{n} positives and {n_negatives:,} negatives use up all {options.budget:,} labels")
                continue
            seeds = {"seed_positives": n, "seed_negatives": n_negatives}
            lines += [_line(plan, strategy, pool, strategy, f"{n} positives", **seeds) for pool in ("all", "seals")]
    return Study(
        "positives", "Figures 8 and 9", "The number of initial positives", False, tuple(lines),
        tuple(dict.fromkeys(left_out)),
    )  # fmt: skip


def _random_pool(plan: Plan) -> Study:
    lines = []
    for strategy in _ALL_STRATEGIES:
        lines += [_line(plan, strategy, pool, strategy) for pool in ("all", "seals")]
        lines += [
            _line(plan, strategy, "random_pool", strategy, f"{factor:g} x", random_pool_factor=factor)
            for factor in plan.random_pool_factors
        ]
    return Study("random_pool", "Figures 12 to 14", "A random pool of 1, 5 and 10 times the size", False, tuple(lines))


def _k_centers(plan: Plan) -> Study:
    lines = [_line(plan, "", pool, strategy) for strategy in ("k_centers", "random") for pool in ("all", "seals")]
    return Study("k_centers", "Section 3.1", "Greedy k-centers", False, tuple(lines))


def _embeddings(plan: Plan) -> Study:
    lines = [
        _line(plan, strategy, pool, strategy, embedding, embedding=embedding)
        for strategy in _UNCERTAIN_AND_LIKELY
        for embedding in plan.embeddings
        for pool in ("all", "seals")
    ]
    return Study("embeddings", "Figure 4", "The embedding model and its dimension", False, tuple(lines))


def _other_index(plan: Plan) -> Study:
    lines = []
    for strategy in _UNCERTAIN_AND_LIKELY:
        lines.append(_line(plan, strategy, "all", strategy))
        for embedding in plan.embeddings:
            other = None if embedding == plan.embeddings[0] else embedding
            lines.append(_line(plan, strategy, "seals", strategy, f"index on {embedding}", index_embedding=other))
    return Study("other_index", "Figure 5", "Neighbors searched in another embedding", False, tuple(lines))


def _regularization(plan: Plan) -> Study:
    lines = [
        _line(plan, strategy, pool, strategy, f"C = {c:g}", regularization=c)
        for strategy in _UNCERTAIN_AND_LIKELY
        for c in sorted({plan.protocol.regularization, *plan.regularizations})
        for pool in ("all", "seals")
    ]
    return Study("regularization", "Not in the paper", "The regularization of the classifier", False, tuple(lines))


def _recommended(plan: Plan) -> Study:
    """The paper's methods with and without whitening, and the walk that `seals label` uses on large tables."""
    raw, lines = f"{plan.embeddings[0].rpartition('/')[0]}/0", []
    spaces = {plan.embeddings[0]: "", raw: "not whitened"} if raw != plan.embeddings[0] else {raw: ""}
    walk_k = max((k for k in plan.neighbors if k <= WALK_K), default=plan.protocol.k)
    for strategy in _UNCERTAIN_AND_LIKELY:
        for embedding, variant in spaces.items():
            lines += [_line(plan, strategy, pool, strategy, variant, embedding=embedding) for pool in ("all", "seals")]
    likeliest = "most_likely_positive"
    lines.append(_line(plan, likeliest, "walk", likeliest, spaces[raw], embedding=raw, k=walk_k))
    title = "Without whitening, and the walk of `seals label`"
    return Study("recommended", "Not in the paper", title, True, tuple(lines), has_ceiling=False)
