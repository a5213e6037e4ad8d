"""The experiment of section 5.1: every method on the same seeds, for each concept and repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from experiments.options import Options
from seals_sim.candidates import CandidateTable, Rows, Vectors
from seals_sim.datasets import Dataset
from seals_sim.errors import UserError
from seals_sim.indexes import NeighborIndex
from seals_sim.learners import LinearModel, LogisticLearner
from seals_sim.loop import LabeledRows, Pool, Round, run
from seals_sim.metrics import n_positive, pool_fraction, quality, recall
from seals_sim.oracles import LabelTable
from seals_sim.pools import AllPool, RandomPool, SealsPool
from seals_sim.randomness import generator
from seals_sim.seeds import draw_seeds
from seals_sim.splits import Split
from seals_sim.strategies import build_selector

ROUND_COLUMNS = (
    "dataset", "concept", "pool", "strategy", "k", "repeat", "round", "n_labeled", "n_positive", "recall",
    "n_candidates", "pool_fraction", "average_precision", "auc", "select_seconds", "neighbor_seconds", "train_seconds",
)  # fmt: skip
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
    problems = {
        name: _problem(len(rows), int(in_pool[rows].sum()), int(in_test[rows].sum()), split, options)
        for name, rows in dataset.concepts.items()
    }
    for name in options.concept:
        if name not in problems:
            raise UserError(f"--concept {name}: {dataset.name} has no such concept")
        if problems[name]:
            raise UserError(f"--concept {name}: {problems[name]}")
    if options.concept:
        return ChosenConcepts(options.concept, {})
    fit = sorted(name for name, problem in problems.items() if problem is None)
    skipped = {name: problem for name, problem in problems.items() if problem is not None}
    if not fit:
        example = "; ".join(f"{name!r:.60}: {problem}" for name, problem in list(skipped.items())[:1])
        raise UserError(f"no concept of {dataset.name} can be run ({example or 'its labels name none'})")
    drawn = generator(options.seed, "concepts").permutation(len(fit))[: options.concepts]
    return ChosenConcepts(tuple(fit[place] for place in sorted(drawn)), skipped)


def _problem(n: int, n_pool: int, n_test: int, split: Split, options: Options) -> str | None:
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


@dataclass(frozen=True, eq=False)
class Experiment:
    """What all concepts and repeats share; it is sent to every process.

    source_rows: of each row, its position in the original table; pool_vectors: (n, d), the unlabelled pool, in the
    order of split.pool; index: over pool_vectors.
    """

    dataset: str
    split: Split
    source_rows: Rows
    pool_vectors: Vectors
    test_vectors: Vectors
    index: NeighborIndex | None
    options: Options


@dataclass(frozen=True)
class Results:
    """Rows of ROUND_COLUMNS and of PICK_COLUMNS."""

    rounds: pd.DataFrame
    picks: pd.DataFrame


def run_methods(experiment: Experiment, concept: str, repeat: int, positives: Rows) -> Results:
    """Every pool with every strategy, on the same seeds. positives: rows of the concept in the whole table.

    On one thread, so that sums come out the same however many processes there are.
    """
    with threadpool_limits(1):
        return _run_methods(experiment, concept, repeat, positives)


def _run_methods(experiment: Experiment, concept: str, repeat: int, positives: Rows) -> Results:
    options, split = experiment.options, experiment.split
    is_positive = np.isin(split.pool, positives)
    is_test_positive = np.isin(split.test, positives)
    seeds = draw_seeds(
        is_positive,
        options.seed_positives,
        options.seed_negatives,
        generator(options.seed, "seeds", concept, repeat),
    )
    rounds: list[dict[str, object]] = []
    picks: list[pd.DataFrame] = []
    for strategy in options.strategies:
        n_seals_candidates = 0
        for pool_name in sorted(options.pools, key=("seals", "all", "random_pool").index):
            names = {"concept": concept, "pool": pool_name, "strategy": strategy, "repeat": repeat}
            pool = _build_pool(pool_name, experiment, seeds, n_seals_candidates, (concept, repeat, strategy))
            for state in _rounds(experiment, pool, seeds, strategy, is_positive, (concept, repeat, strategy)):
                row = _round_row(state, experiment, is_positive, is_test_positive)
                k = options.k if pool_name == "seals" else None
                rounds.append({"dataset": experiment.dataset, **names, "k": k, **row})
            if pool_name == "seals":
                n_seals_candidates = state.n_candidates
            picks.append(_picks(state.labeled, options, experiment.source_rows[split.pool]).assign(**names))
    return Results(
        pd.DataFrame(rounds)[list(ROUND_COLUMNS)].astype({"k": "Int64"}),
        pd.concat(picks, ignore_index=True)[list(PICK_COLUMNS)],
    )


def _build_pool(
    name: str, experiment: Experiment, seeds: LabeledRows, n_seals_candidates: int, names: tuple[str | int, ...]
) -> Pool[CandidateTable, int]:
    options, vectors = experiment.options, experiment.pool_vectors
    if name == "all":
        return AllPool(seeds, vectors)
    if name == "seals":
        assert experiment.index is not None
        return SealsPool(seeds, vectors, experiment.index, options.k)
    n_unlabeled = len(vectors) - len(seeds)
    size = options.random_pool_factor * n_seals_candidates
    if options.random_pool_fraction is not None:
        size = options.random_pool_fraction * n_unlabeled
    rng = generator(options.seed, "random_pool", *names)
    return RandomPool(seeds, vectors, min(round(size), n_unlabeled), rng)


def _rounds(
    experiment: Experiment,
    pool: Pool[CandidateTable, int],
    seeds: LabeledRows,
    strategy: str,
    is_positive: NDArray[np.bool_],
    names: tuple[str | int, ...],
) -> Iterator[Round[LabeledRows, LinearModel]]:
    options, vectors = experiment.options, experiment.pool_vectors
    selector = build_selector(
        strategy,
        beta=options.beta,
        rng=generator(options.seed, "selector", *names),
        n_rows=len(vectors),
        centers=vectors[seeds.rows],
    )
    learner = LogisticLearner(vectors, options.regularization)
    return run(seeds, pool, learner, selector, LabelTable(is_positive), options.batch, options.budget)


def _round_row(
    state: Round[LabeledRows, LinearModel],
    experiment: Experiment,
    is_positive: NDArray[np.bool_],
    is_test_positive: NDArray[np.bool_],
) -> dict[str, object]:
    n_pool = len(experiment.pool_vectors)
    return {
        "round": state.number,
        "n_labeled": len(state.labeled),
        "n_positive": n_positive(state.labeled),
        "recall": recall(state.labeled, int(is_positive.sum())),
        "n_candidates": state.n_candidates,
        "pool_fraction": pool_fraction(state.n_candidates, n_pool, experiment.options.n_seeds),
        **asdict(quality(state.model, experiment.test_vectors, is_test_positive)),
        **{f"{work}_seconds": seconds for work, seconds in asdict(state.seconds).items()},
    }


def _picks(labeled: LabeledRows, options: Options, pool_rows: Rows) -> pd.DataFrame:
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
