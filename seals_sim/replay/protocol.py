"""The experiment of section 5.1: every method on the same seeds, for each concept and repeat."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seals_sim.datasets import Dataset
from seals_sim.errors import UserError
from seals_sim.evaluate.metrics import n_positive, pool_fraction, quality, recall
from seals_sim.evaluate.splits import Split
from seals_sim.indexes import NeighborIndex
from seals_sim.loop import run
from seals_sim.randomness import generator
from seals_sim.replay.options import Options
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.coded_table import CodedTable
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.lookahead import build_seals_pool
from seals_sim.search.oracles import LabelTable
from seals_sim.search.pools import AllPool, RandomPool
from seals_sim.search.retrieval import ModelSearch, aim_along_weights
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.seeds import draw_seeds
from seals_sim.search.selectors import RowSelector
from seals_sim.search.strategies import build_selector
from seals_sim.types import DatasetRows, LabeledRows, Pool, Round, Row, Seconds, StoredVectors, TableRows
from seals_sim.vectors.scan import gathered

ROUND_COLUMNS = (
    "dataset", "concept", "pool", "strategy", "k", "repeat", "round", "n_labeled", "n_positive", "recall",
    "n_candidates", "pool_fraction", "average_precision", "auc", "select_seconds", "neighbor_seconds", "train_seconds",
)  # fmt: skip
_OF_EVERY_METHOD = ("seed_positives", "seed_negatives", "batch", "budget", "regularization")
PICK_COLUMNS = ("concept", "pool", "strategy", "repeat", "round", "slot", "row", "label")


@dataclass(frozen=True)
class ChosenConcepts:
    """Concepts to run, and those left out with the reason."""

    names: tuple[str, ...]
    skipped: dict[str, str]


def choose_concepts(dataset: Dataset, split: Split, options: Options) -> ChosenConcepts:
    """The concepts that --concept names, or else --concepts of those fit for the protocol, drawn at random.

    Fit: --min-positives to --max-positives rows, more positives in the pool than seeds, and one or more for test.
    Raises UserError where a named concept is unfit or none is fit.
    """
    in_pool, in_test = np.zeros((2, len(dataset)), dtype=np.bool_)
    in_pool[split.pool] = in_test[split.test] = True
    found = {
        name: problem(len(rows), int(in_pool[rows].sum()), int(in_test[rows].sum()), split, options)
        for name, rows in dataset.concepts.items()
    }
    for name in options.concept:
        if name not in found:
            raise UserError(f"--concept {name}: {dataset.name} has no such concept")
        if found[name]:
            raise UserError(f"--concept {name}: {found[name]}")
    if options.concept:
        return ChosenConcepts(options.concept, {})
    fit = sorted(name for name, reason in found.items() if reason is None)
    skipped = {name: reason for name, reason in found.items() if reason is not None}
    if not fit:
        example = "; ".join(f"{name!r:.60}: {problem}" for name, problem in list(skipped.items())[:1])
        raise UserError(f"no concept of {dataset.name} can be run ({example or 'its labels name none'})")
    drawn = generator(options.seed, "concepts").permutation(len(fit))[: options.concepts]
    return ChosenConcepts(tuple(fit[place] for place in sorted(drawn)), skipped)


def problem(n: int, n_pool: int, n_test: int, split: Split, options: Options) -> str | None:
    """Why a concept of n rows, n_pool of them in the pool and n_test for test, is unfit for the protocol, if it is."""
    if n < options.min_positives:
        return f"{n} positives, below --min-positives {options.min_positives}"
    if options.max_positives is not None and n > options.max_positives:
        return f"{n} positives, above --max-positives {options.max_positives}"
    if n_pool <= options.seed_positives:
        return f"{n_pool} positives in the pool; --seed-positives {options.seed_positives} leaves none to find"
    if len(split.pool) - n_pool < options.seed_negatives:
        return f"{len(split.pool) - n_pool} negatives in the pool, below --seed-negatives {options.seed_negatives}"
    if not 0 < n_test < len(split.test):
        return f"{n_test} positives among the {len(split.test)} test rows: nothing to measure against"
    return None


def described(dataset: Dataset, split: Split, names: Sequence[str]) -> dict[str, dict[str, object]]:
    """What config.json says of each concept."""
    return {
        name: {
            "title": dataset.titles.get(name, ""),
            "pool_positives": int(np.isin(dataset.concepts[name], split.pool).sum()),
            "test_positives": int(np.isin(dataset.concepts[name], split.test).sum()),
        }
        for name in names
    }


@dataclass(frozen=True, eq=False)
class Space:
    """One embedding of the data.

    pool_vectors: (n, d), the unlabelled pool, in the order of split.pool; test_vectors: (m, d); index: of the pool's
    rows, where neighbours are sought in this embedding; scanned: what a full scan reads, where that is not
    pool_vectors; codes: makes what it reads in 8 bits, when it is first needed.
    """

    pool_vectors: StoredVectors
    test_vectors: StoredVectors
    index: NeighborIndex | None
    scanned: StoredVectors | None = None
    codes: Callable[[], CodedTable] | None = None


@dataclass(frozen=True)
class Method:
    """A pool with a strategy, and what the paper varies of 5.1's settings: one run a concept and repeat.

    k: of the SEALS pool; random_pool_factor, random_pool_fraction: size of RandPool, in SEALS pools or as a part of
    the unlabelled data; each None for the other pools. embedding: what is scored and trained on; index_embedding:
    where neighbours are sought (Fig. 5), None for the same. regularization: scikit-learn's C.
    """

    pool: str
    strategy: str
    k: int | None
    random_pool_factor: float | None
    random_pool_fraction: float | None
    seed_positives: int
    seed_negatives: int
    batch: int
    budget: int
    regularization: float
    embedding: str
    index_embedding: str | None = None

    @property
    def n_seeds(self) -> int:
        return self.seed_positives + self.seed_negatives


def method_of(options: Options, pool: str, strategy: str, **changes: object) -> Method:
    """The settings of `options` that bear on this pool and strategy, with changes."""
    is_random_pool = pool == "random_pool"
    fraction = options.random_pool_fraction if is_random_pool else None
    settings: dict[str, object] = {
        "k": options.k if pool == "seals" else None,
        "random_pool_factor": options.random_pool_factor if is_random_pool and fraction is None else None,
        "random_pool_fraction": fraction,
        **{name: getattr(options, name) for name in _OF_EVERY_METHOD},
        "embedding": "",
        **changes,
    }
    return Method(pool=pool, strategy=strategy, **settings)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Experiment:
    """What all concepts, repeats and methods share; it is sent to every process.

    table_rows: of each row, its position in the original table; spaces: by the name of the embedding; options: for
    the seed and what else no method varies; n_threads: of each run, which change no result.
    """

    dataset: str
    split: Split
    table_rows: TableRows
    spaces: Mapping[str, Space]
    options: Options
    n_threads: int = 1


@dataclass(frozen=True)
class Results:
    """Rows of ROUND_COLUMNS and of PICK_COLUMNS."""

    rounds: pd.DataFrame
    picks: pd.DataFrame


def run_methods(experiment: Experiment, concept: str, repeat: int, positives: DatasetRows) -> Results:
    """Every pool of the options with every strategy, on the same seeds.

    positives: rows of the concept in the whole table.
    """
    options = experiment.options
    rounds: list[pd.DataFrame] = []
    picks: list[pd.DataFrame] = []
    for strategy in options.strategies:
        n_seals_candidates = 0
        for pool in sorted(options.pools, key=("seals", "all", "random_pool").index):
            names = {"concept": concept, "pool": pool, "strategy": strategy, "repeat": repeat}
            chosen = method_of(options, pool, strategy)
            run_rounds, labeled = run_method(experiment, chosen, concept, repeat, positives, n_seals_candidates)
            rounds.append(run_rounds.assign(dataset=experiment.dataset, **names, k=chosen.k))
            if pool == "seals":
                n_seals_candidates = int(run_rounds["n_candidates"].iloc[-1])
            picks.append(
                _picks(labeled, options, TableRows(experiment.table_rows[experiment.split.pool])).assign(**names)
            )
    return Results(
        pd.concat([table.astype({"k": "Int64"}) for table in rounds], ignore_index=True)[list(ROUND_COLUMNS)],
        pd.concat(picks, ignore_index=True)[list(PICK_COLUMNS)],
    )


def run_method(
    experiment: Experiment,
    method: Method,
    concept: str,
    repeat: int,
    positives: DatasetRows,
    n_seals_candidates: int = 0,
) -> tuple[pd.DataFrame, LabeledRows]:
    """One run of the loop: a row a round, and what was labelled. All methods of a repeat with the same number of seeds
    share them.

    n_seals_candidates: how many candidates the SEALS run had that RandPool's size is measured in.
    """
    with threadpool_limits(experiment.n_threads):
        split, space, options = experiment.split, experiment.spaces[method.embedding], experiment.options
        is_positive, is_test_positive = np.isin(split.pool, positives), np.isin(split.test, positives)
        seed_rng = generator(options.seed, "seeds", concept, repeat)
        seeds = draw_seeds(is_positive, method.seed_positives, method.seed_negatives, seed_rng)
        names = (concept, repeat, method.strategy)
        selector = _build_selector(method, experiment, seeds, names)
        pool = _build_pool(method, experiment, seeds, n_seals_candidates, names, selector)
        learner = LogisticLearner(space.pool_vectors, method.regularization, experiment.n_threads)
        oracle = LabelTable(is_positive)
        rows, n_before = [], 0
        for state in run(seeds, pool, learner, selector, oracle, method.batch, method.budget):
            batch = np.sort(state.labeled.rows[n_before:])
            n_before = len(state.labeled)
            rows.append(
                {
                    **_measures(state, space, is_positive, is_test_positive, method.n_seeds),
                    "batch_digest": hashlib.sha256(batch.tobytes()).hexdigest()[:12],
                }
            )
    return pd.DataFrame(rows), state.labeled


def full_supervision(
    experiment: Experiment, embedding: str, regularization: float, positives: DatasetRows
) -> pd.DataFrame:
    """One row: the same learner trained on the labels of the whole pool."""
    with threadpool_limits(1):
        split, space = experiment.split, experiment.spaces[embedding]
        is_positive, is_test_positive = np.isin(split.pool, positives), np.isin(split.test, positives)
        labeled = LabeledRows(np.arange(len(split.pool)), is_positive)
        start = time.perf_counter()
        model = LogisticLearner(space.pool_vectors, regularization).fit(labeled)
        seconds = Seconds(train=time.perf_counter() - start)
        state = Round(0, labeled, model, len(labeled), seconds)
        return pd.DataFrame([_measures(state, space, is_positive, is_test_positive, n_seeds=0)])


def _build_pool(
    method: Method,
    experiment: Experiment,
    seeds: LabeledRows,
    n_seals_candidates: int,
    names: tuple[str | int, ...],
    selector: RowSelector,
) -> Pool[CandidateTable, Row]:
    space = experiment.spaces[method.embedding]
    vectors = space.pool_vectors
    if method.pool in ("all", "all_int8"):
        return AllPool(seeds, vectors if space.scanned is None else space.scanned)
    if method.pool == "seals":
        index = experiment.spaces[method.index_embedding or method.embedding].index
        assert index is not None
        assert method.k is not None
        return build_seals_pool(seeds, vectors, index, method.k, selector)
    n_unlabeled = len(vectors) - len(seeds)
    if method.random_pool_fraction is not None:
        size = method.random_pool_fraction * n_unlabeled
    else:
        assert method.random_pool_factor is not None
        size = method.random_pool_factor * n_seals_candidates
    rng = generator(experiment.options.seed, "random_pool", *names)
    return RandomPool(seeds, vectors, min(round(size), n_unlabeled), rng)


def _build_selector(
    method: Method, experiment: Experiment, seeds: LabeledRows, names: tuple[str | int, ...]
) -> RowSelector:
    space, options = experiment.spaces[method.embedding], experiment.options
    centers = gathered(space.pool_vectors, seeds.rows)
    if method.pool == "all_int8":
        assert space.codes is not None
        assert method.strategy == "most_likely_positive"
        return ModelSearch(space.codes(), aim_along_weights, most_likely_positive, centers)
    return build_selector(
        method.strategy,
        beta=options.beta,
        rng=generator(options.seed, "selector", *names),
        n_rows=len(space.pool_vectors),
        centers=centers,
        n_threads=experiment.n_threads,
    )


def _measures(
    state: Round[LabeledRows, LinearModel],
    space: Space,
    is_positive: NDArray[np.bool_],
    is_test_positive: NDArray[np.bool_],
    n_seeds: int,
) -> dict[str, object]:
    return {
        "round": state.number,
        "n_labeled": len(state.labeled),
        "n_positive": n_positive(state.labeled),
        "recall": recall(state.labeled, int(is_positive.sum())),
        "n_candidates": state.n_candidates,
        "pool_fraction": pool_fraction(state.n_candidates, len(space.pool_vectors), n_seeds),
        **asdict(quality(state.model, space.test_vectors, is_test_positive)),
        **{f"{work}_seconds": seconds for work, seconds in asdict(state.seconds).items()},
    }


def _picks(labeled: LabeledRows, options: Options, pool_rows: TableRows) -> pd.DataFrame:
    """Labelled examples in order: the seeds as round 0, then batches; `row` is a position in the original table."""
    order = np.arange(len(labeled))
    after_seeds = order - options.n_seeds
    is_seed = after_seeds < 0
    return pd.DataFrame(
        {
            "round": np.where(is_seed, 0, after_seeds // options.batch + 1),
            "slot": np.where(is_seed, order, after_seeds % options.batch),
            "row": pool_rows[labeled.rows],
            "label": labeled.labels,
        }
    )
