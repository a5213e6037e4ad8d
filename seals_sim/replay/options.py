"""The options of an experiment, checked before anything is read or written."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

from seals_sim.disk.cache import default_folder
from seals_sim.embed.names import DEFAULT_DIMENSIONS, DEFAULT_MODEL
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import PAPER_TEST_FRACTION
from seals_sim.indexes import INDEXES, choose_index
from seals_sim.indexes.names import N_PROBE
from seals_sim.search.names import STRATEGIES

MAX_LSH_BITS = 65_536
AUTO = "auto"
POOLS = ("all", "seals", "random_pool")
DEFAULT_STRATEGIES = ("maxent", "most_likely_positive", "information_density", "random", "k_centers")


@dataclass(frozen=True)
class Options:
    """The protocol of 5.1; the defaults are the paper's where it gives a number."""

    pools: tuple[str, ...] = POOLS
    strategies: tuple[str, ...] = DEFAULT_STRATEGIES
    k: int = 100
    index: str = AUTO
    lsh_bits: int = 512
    n_probe: int = N_PROBE
    beta: float = 1.0
    budget: int = 2000
    batch: int = 100
    seed_positives: int = 5
    seed_negatives: int = 95
    repeats: int = 5
    regularization: float = 1.0
    random_pool_factor: float = 1.0
    random_pool_fraction: float | None = None
    test_fraction: float = PAPER_TEST_FRACTION
    concepts: int = 5
    concept: tuple[str, ...] = ()
    min_positives: int = 1
    max_positives: int | None = None
    sample: int | None = None
    model: str = DEFAULT_MODEL
    dimensions: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        require_known("--pools", self.pools, POOLS)
        require_known("--strategies", self.strategies, STRATEGIES)
        require_known("--index", (self.index,), (AUTO, *INDEXES))
        for name in ("k", "lsh_bits", "n_probe", "batch", "seed_positives", "seed_negatives", "repeats", "concepts"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least 1")
        for name in ("regularization", "random_pool_factor"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UserError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be a finite number above 0")
        if self.lsh_bits > MAX_LSH_BITS:
            raise UserError(f"--lsh-bits {self.lsh_bits}: must be at most {MAX_LSH_BITS}")
        if self.sample is not None and self.sample < 1:
            raise UserError(f"--sample {self.sample}: must be at least 1")
        if not math.isfinite(self.beta):
            raise UserError(f"--beta {self.beta}: must be a finite number")
        if self.budget < self.n_seeds:
            raise UserError(f"--budget {self.budget}: it includes the {self.n_seeds} seeds, so it cannot be smaller")
        if not 0 < self.test_fraction < 1:
            raise UserError(f"--test-fraction {self.test_fraction}: must lie between 0 and 1")
        if self.random_pool_fraction is not None and not 0 < self.random_pool_fraction <= 1:
            raise UserError(f"--random-pool-fraction {self.random_pool_fraction}: must lie above 0 and up to 1")
        if "random_pool" in self.pools and "seals" not in self.pools and self.random_pool_fraction is None:
            raise UserError(
                "--pools random_pool: its size is taken from the seals pool; add seals, or give --random-pool-fraction"
            )
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: must be 0 or more")
        if self.dimensions is not None and self.dimensions < 0:
            raise UserError(f"--dimensions {self.dimensions}: must be 0 (no whitening) or more")

    @property
    def n_seeds(self) -> int:
        return self.seed_positives + self.seed_negatives

    def with_index_for(self, n: int, d: int, n_runs: int) -> Options:
        """These options with the index that --index auto means for a pool (n, d) and so many runs of SEALS."""
        if self.index != AUTO:
            return self
        return replace(self, index=choose_index(n, d, n_runs * self.budget, machine_memory() // 2))

    def require_fit(self, n_pool: int) -> None:
        """Raise UserError where a pool of this size is too small for what is asked."""
        if self.k > n_pool and "seals" in self.pools:
            raise UserError(f"--k {self.k}: the pool has only {n_pool} rows")
        if self.budget > n_pool:
            raise UserError(f"--budget {self.budget}: the pool has only {n_pool} rows")


def machine_memory() -> int:
    """Bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_known(option: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{option} {name}: there is no such name; choose from {', '.join(known)}")
    if not names or len(set(names)) < len(names):
        raise UserError(f"{option} {','.join(names)}: give at least one name, and none twice")


def names(text: str) -> tuple[str, ...]:
    """A comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def add_protocol_options(parser: argparse.ArgumentParser) -> None:
    """All options of `Options`, and where and how to run."""
    default = Options()
    group = parser.add_argument_group("methods")
    group.add_argument(
        "--pools",
        type=names,
        default=default.pools,
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(POOLS)} (default: all of them)",
    )
    group.add_argument(
        "--strategies",
        type=names,
        default=default.strategies,
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(STRATEGIES)} (default: {','.join(default.strategies)})",
    )
    group.add_argument(
        "--k", type=int, default=default.k, help="neighbours of each labelled row (default: %(default)s)"
    )
    group.add_argument(
        "--random-pool-factor",
        type=float,
        default=default.random_pool_factor,
        metavar="F",
        help="size of random_pool in SEALS pools of the same run (default: %(default)s)",
    )
    group.add_argument(
        "--random-pool-fraction",
        type=float,
        default=None,
        metavar="P",
        help="size of random_pool as a part of the pool, instead",
    )

    group = parser.add_argument_group("embedding")
    group.add_argument(
        "--model",
        default=default.model,
        help="a sentence-transformers model, by folder or by name (default: %(default)s, which comes "
        "with this package)",
    )
    group.add_argument(
        "--dimensions",
        type=int,
        default=None,
        metavar="D",
        help=f"whiten to D dimensions by PCA; 0 for no whitening (default: {DEFAULT_DIMENSIONS} for "
        "texts, or as many as a small table has; 0 for your own vectors)",
    )
    add_shared_options(parser)


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The options that an experiment has whichever methods and embeddings it compares."""
    default = Options()
    group = parser.add_argument_group("index, strategy and learner")
    group.add_argument(
        "--index",
        default=default.index,
        metavar="NAME",
        help="exact: brute force; lsh: Faiss LSH, the paper's; hnsw; ivf-flat, ivf-sq, ivf-pq, ivf-rabitq: inverted "
        "files of float16, 8-bit, product and 1-bit codes; graph: all neighbours found once, then looked up; auto: by "
        "rows, memory and how many runs there are (default: %(default)s)",
    )
    group.add_argument(
        "--lsh-bits",
        type=int,
        default=default.lsh_bits,
        metavar="N",
        help="code length of --index lsh (default: %(default)s)",
    )
    group.add_argument(
        "--n-probe",
        type=int,
        default=default.n_probe,
        metavar="N",
        help="cells that a query of an ivf looks into; more find more and take longer (default: %(default)s)",
    )
    add_score_options(group)

    add_label_options(parser)
    group = parser.add_argument_group("run")
    group.add_argument("--sample", type=int, default=None, metavar="N", help="use N rows drawn at random")
    group.add_argument(
        "--cache",
        type=Path,
        default=None,
        metavar="DIR",
        help=f"where embeddings are kept (default: {_home_short(default_folder())})",
    )
    group.add_argument("--jobs", type=int, default=1, metavar="J", help="processes (default: %(default)s)")
    add_run_options(group)


def add_score_options(group: argparse._ArgumentGroup) -> None:
    """What strategies and learner are told."""
    default = Options()
    group.add_argument(
        "--beta", type=float, default=default.beta, help="exponent of the information density (default: %(default)s)"
    )
    group.add_argument(
        "--regularization",
        type=float,
        default=default.regularization,
        metavar="C",
        help="scikit-learn's C of the logistic regression (default: %(default)s)",
    )


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Seeds, budget, batches and repeats."""
    default = Options()
    group = parser.add_argument_group("protocol (section 5.1 of the paper)")
    group.add_argument(
        "--budget",
        type=int,
        default=default.budget,
        metavar="T",
        help="labels in all, seeds included (default: %(default)s)",
    )
    group.add_argument(
        "--batch",
        type=int,
        default=default.batch,
        metavar="b",
        help="labels between two trainings (default: %(default)s)",
    )
    group.add_argument(
        "--seed-positives",
        type=int,
        default=default.seed_positives,
        metavar="N",
        help="labelled positives to start from (default: %(default)s)",
    )
    group.add_argument(
        "--seed-negatives",
        type=int,
        default=default.seed_negatives,
        metavar="N",
        help="labelled negatives to start from (default: %(default)s)",
    )
    group.add_argument(
        "--repeats",
        type=int,
        default=default.repeats,
        metavar="N",
        help="runs with other seeds; all methods of a repeat share theirs (default: %(default)s)",
    )
    group.add_argument(
        "--test-fraction",
        type=float,
        default=default.test_fraction,
        metavar="P",
        help="part of the rows held out for test (default: %(default)s)",
    )


def add_run_options(group: argparse._ArgumentGroup) -> None:
    """Where to and how."""
    default = Options()
    group.add_argument("--seed", type=int, default=default.seed, help="of every random choice (default: %(default)s)")
    group.add_argument("--quiet", action="store_true", help="no progress bars")
    group.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; an unfinished run of the same options goes on where it stopped",
    )


def _home_short(path: Path) -> str:
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def options_from(arguments: argparse.Namespace) -> Options:
    """The `Options` of parsed arguments. Raises UserError."""
    given = vars(arguments)
    return Options(**{field.name: given[field.name] for field in fields(Options) if field.name in given})
