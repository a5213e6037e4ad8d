"""The options of a replay: its protocol, which decides what it finds, and its execution, which does not.

The protocol consists of groups, so that each experiment offers those that it needs. The defaults are the paper's if
it gives a number (5.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from seals_sim.embed.names import DEFAULT_MODEL
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import PAPER_TEST_FRACTION
from seals_sim.indexes.names import N_BITS, N_PROBE, AutoAnyIndexName
from seals_sim.options import (
    CHECKED,
    COMMA_SEPARATED,
    Fraction,
    GivenPath,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from seals_sim.search.choice import choose_pool
from seals_sim.search.names import N_STEP, Strategy
from seals_sim.workers import require_cluster

PoolName = Literal["all", "seals", "walk", "random_pool"]
POOLS: tuple[PoolName, ...] = get_args(PoolName)
PAPER_POOLS: tuple[PoolName, ...] = ("all", "seals", "random_pool")
WITH_NEIGHBORS = frozenset({"seals", "walk"})
MAX_LSH_BITS = 65_536
MAX_SHARED = 0.1  # of the rows of two concepts


def _drop_repeated(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class MethodOptions:
    """Which pools and strategies to compare."""

    pools: Annotated[tuple[PoolName, ...], COMMA_SEPARATED, Field(min_length=1)] = PAPER_POOLS
    """Candidate pools, comma-separated: all is Algorithm 1, seals Algorithm 2, random_pool a random subset (7.8); walk
    is ours: neighbors of positives and of the model's best candidates."""
    strategies: Annotated[tuple[Strategy, ...], COMMA_SEPARATED, Field(min_length=1)] = (
        "maxent",
        "most_likely_positive",
        "information_density",
        "random",
        "k_centers",
    )
    """Selection strategies, comma-separated."""
    k: PositiveInt = 100
    """Neighbors of each labeled row that join the candidates, or of each positive (walk)."""
    random_pool_factor: PositiveFloat = 1.0
    """Size of random_pool, as a multiple of the SEALS pool of the same run."""
    random_pool_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Size of random_pool, as a fraction of the whole pool instead."""
    recommended: bool = False
    """Search as `seals label` does: most_likely_positive, no whitening of texts, and the pool all if a scan takes a few
    milliseconds, otherwise walk."""

    @property
    def needs_neighbors(self) -> bool:
        """Whether one of the pools needs neighbors."""
        return not WITH_NEIGHBORS.isdisjoint(self.pools)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class EmbeddingOptions:
    """How texts become vectors."""

    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    """A sentence-transformers model, by folder or name; all-MiniLM-L6-v2 and wordllama come with this package."""
    dimensions: NonNegativeInt | None = None
    """Whiten to this many dimensions by PCA; 0: no whitening. [default: 256 for texts, fewer for a small table; 0 for
    vectors]"""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ProbeOptions:
    """How many cells of an inverted file a query searches."""

    n_probe: PositiveInt = N_PROBE
    """Cells of an ivf index that each query searches; more cells find more and take longer."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class EngineOptions:
    """Where a vector engine is."""

    engine: Annotated[str, Field(min_length=1)] | None = None
    """Address of the vector engine: for milvus, a URL or a file that ends in .db; for lancedb, a folder or an s3://
    URL. Pass passwords in the environment."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClusterOptions:
    """Which workers do the work."""

    cluster: Annotated[str, Field(min_length=1)] | None = None
    """A Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786, or local:2 for two processes on this
    machine. Its workers must see the same files as this machine."""

    def __post_init__(self) -> None:
        require_cluster(self.cluster)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class IndexOptions(ProbeOptions):
    """Which index finds the neighbors."""

    index: AutoAnyIndexName = "auto"
    """lsh is the paper's; graph computes all neighbors once; milvus and lancedb are vector engines (see engine); auto
    chooses by the number of rows, memory and the number of runs."""
    lsh_bits: Annotated[int, Field(ge=1, le=MAX_LSH_BITS)] = N_BITS
    """Code length of lsh, in bits."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class LearningOptions:
    """Settings of the strategies and the learner."""

    beta: float = 1.0
    """Exponent of the information density (3.1)."""
    regularization: PositiveFloat = 1.0
    """C of scikit-learn's logistic regression."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class LabelOptions:
    """How many labels, and how they are given (5.1)."""

    budget: PositiveInt = 2000
    """T: total labels, seeds included."""
    batch: PositiveInt = 100
    """b: labels between trainings."""
    seed_positives: PositiveInt = 5
    """Labeled positives to start from."""
    seed_negatives: PositiveInt = 95
    """Labeled negatives to start from."""
    repeats: PositiveInt = 5
    """Runs with different seeds; all methods of a repeat share them."""
    test_fraction: Fraction = PAPER_TEST_FRACTION
    """Fraction of the rows held out for testing."""
    seed: NonNegativeInt = 0
    """Seed for every random choice."""

    @property
    def n_seeds(self) -> int:
        """Labeled examples to start from."""
        return self.seed_positives + self.seed_negatives

    def __post_init__(self) -> None:
        if self.budget < self.n_seeds:
            problem = f"includes the {self.n_seeds} seeds, so it cannot be smaller"
            raise UserError(problem, parameter="budget", value=self.budget)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ConceptOptions:
    """Which concepts to search for."""

    concepts: PositiveInt = 5
    """Number of concepts, drawn at random from those that fit the protocol."""
    min_positives: PositiveInt = 1
    """Leave out concepts with fewer rows."""
    max_positives: PositiveInt | None = None
    """Leave out concepts with more rows."""
    sample: PositiveInt | None = None
    """Use this many rows, drawn at random."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class NamedConceptOptions(ConceptOptions):
    """Which concepts to search for, by number or by name."""

    concept: Annotated[tuple[str, ...], AfterValidator(_drop_repeated)] = ()
    """Search for the concept with this name; repeatable."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ReplayProtocol(MethodOptions, EmbeddingOptions, IndexOptions, LearningOptions, LabelOptions, NamedConceptOptions):
    """All that decides what a replay finds. Two runs on the same data with equal protocols are the same run.

    Raises:
        pydantic.ValidationError: If a value is out of bounds, or two do not fit together.

    Examples:
        >>> protocol = ReplayProtocol(k=10, pools="all,seals", budget=300)
        >>> protocol.pools, protocol.n_seeds
        (('all', 'seals'), 100)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("pools", "strategies", "dimensions") if self.recommended else ():
            value = getattr(self, name)
            if value != getattr(ReplayProtocol, name):
                shown = ",".join(value) if isinstance(value, tuple) else value
                raise UserError("cannot be combined with recommended, which sets it", parameter=name, value=shown)
        if "random_pool" in self.pools and "seals" not in self.pools and self.random_pool_fraction is None:
            problem = "random_pool takes its size from the seals pool; add seals, or give random_pool_fraction"
            raise UserError(problem, parameter="pools", value=",".join(self.pools))

    @property
    def n_neighbors(self) -> int:
        """The largest number of neighbors that is asked for."""
        return max(self.k, N_STEP) if "walk" in self.pools else self.k

    def recommend(self, n_pool: int, d: int) -> ReplayProtocol:
        """What `recommended` means for a pool of this size and vectors of d dimensions, not whitened."""
        pool = choose_pool(n_pool, d)
        return replace(self, recommended=False, pools=(pool,), strategies=("most_likely_positive",), dimensions=0)

    def require_fit(self, n_pool: int) -> None:
        """Raise UserError if a pool of this size is too small for these options."""
        needed = {"budget": self.budget, **({"k": self.k} if self.needs_neighbors and not self.recommended else {})}
        for name, value in needed.items():
            if value > n_pool:
                raise UserError(f"the pool has only {n_pool} rows", parameter=name, value=value)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class QuietOptions:
    """How much to print."""

    quiet: bool = False
    """Show no progress."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CacheOptions(QuietOptions):
    """Where intermediate results go."""

    cache: GivenPath | None = None
    """Folder that caches vectors and indexes. [default: the user's cache folder]"""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class RunOptions(QuietOptions):
    """Where results go and how much to print."""

    out: GivenPath
    """Folder for the results; an unfinished run with the same options resumes where it stopped."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Execution(RunOptions, CacheOptions):
    """Where and how a replay runs; the results are the same."""

    jobs: PositiveInt = 1
    """Number of processes."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ReplayExecution(Execution, EngineOptions, ClusterOptions):
    """Where and how `seals replay` runs."""
