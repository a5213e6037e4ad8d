"""The experiment of section 5.1: every method on the same seeds, for each concept and repeat."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seals_sim.evaluate.metrics import compute_pool_fraction, compute_recall, count_positives, measure_quality
from seals_sim.loop import run
from seals_sim.randomness import make_generator
from seals_sim.replay.bench import Bench, Space
from seals_sim.replay.methods import Method, build_method
from seals_sim.replay.options import POOLS, WITH_NEIGHBORS
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.lookahead import build_seals_pool
from seals_sim.search.oracles import LabelTable
from seals_sim.search.pools import AllPool, RandomPool
from seals_sim.search.retrieval import ModelSearch, aim_along_weights
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.seeds import draw_seeds
from seals_sim.search.selectors import RowSelector
from seals_sim.search.strategies import SCORES, build_selector
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, Pool, Round, Row, Seconds
from seals_sim.vectors.scan import gather

ROUND_COLUMNS = (
    "dataset", "concept", "pool", "strategy", "k", "repeat", "round", "n_labeled", "n_positive", "recall",
    "n_candidates", "pool_fraction", "average_precision", "auc", "select_seconds", "neighbor_seconds", "train_seconds",
)  # fmt: skip
PICK_COLUMNS = ("concept", "pool", "strategy", "repeat", "round", "slot", "row", "label")


@dataclass(frozen=True)
class Results:
    """Rows of ROUND_COLUMNS and of PICK_COLUMNS."""

    rounds: pd.DataFrame
    picks: pd.DataFrame


def run_methods(bench: Bench, concept: str, repeat: int) -> Results:
    """Run every pool of the protocol with every strategy, on the same seeds."""
    protocol = bench.protocol
    rounds: list[pd.DataFrame] = []
    picks: list[pd.DataFrame] = []
    for strategy in protocol.strategies:
        n_seals_candidates = 0
        for pool in sorted(protocol.pools, key=("seals", *POOLS).index):
            names = {"concept": concept, "pool": pool, "strategy": strategy, "repeat": repeat}
            method = build_method(protocol, pool, strategy)
            run_rounds, labeled = run_method(bench, method, concept, repeat, n_seals_candidates)
            rounds.append(run_rounds.assign(dataset=bench.dataset, **names, k=method.k))
            if pool == "seals":
                n_seals_candidates = int(run_rounds["n_candidates"].iloc[-1])
            picks.append(_list_picks(bench, labeled).assign(**names))
    return Results(
        pd.concat([table.astype({"k": "Int64"}) for table in rounds], ignore_index=True)[list(ROUND_COLUMNS)],
        pd.concat(picks, ignore_index=True)[list(PICK_COLUMNS)],
    )


def run_method(
    bench: Bench, method: Method, concept: str, repeat: int, n_seals_candidates: int = 0
) -> tuple[pd.DataFrame, LabeledRows]:
    """Run the loop once. All methods of a repeat with the same number of seeds share them.

    Args:
        bench: What all runs share.
        method: The method of this run.
        concept: The concept to search for.
        repeat: The number of the repeat, from which the seeds are drawn.
        n_seals_candidates: Candidates of the SEALS run that sets the size of RandPool.

    Returns:
        A row per round, and the labeled examples.
    """
    with threadpool_limits(bench.n_threads):
        space = bench.spaces[method.embedding]
        is_positive, is_test_positive = bench.is_positive(concept)
        seed_rng = make_generator(bench.protocol.seed, "seeds", concept, repeat)
        seeds = draw_seeds(is_positive, method.seed_positives, method.seed_negatives, seed_rng)
        names = (concept, repeat, method.strategy)
        selector = _build_selector(method, bench, seeds, names)
        pool = _build_pool(method, bench, seeds, n_seals_candidates, names, selector)
        learner = LogisticLearner(space.pool_vectors, method.regularization, bench.n_threads)
        oracle = LabelTable(is_positive)
        rows, n_before = [], 0
        for state in run(seeds, pool, learner, selector, oracle, method.batch, method.budget):
            batch = np.sort(state.labeled.rows[n_before:])
            n_before = len(state.labeled)
            rows.append(
                {
                    **_measure_round(state, space, is_positive, is_test_positive, method.n_seeds),
                    "batch_digest": hashlib.sha256(batch.tobytes()).hexdigest()[:12],
                }
            )
    return pd.DataFrame(rows), state.labeled


def run_full_supervision(bench: Bench, embedding: str, regularization: float, concept: str) -> pd.DataFrame:
    """Train the same learner on the labels of the whole pool: one row."""
    with threadpool_limits(1):
        split, space = bench.split, bench.spaces[embedding]
        is_positive, is_test_positive = bench.is_positive(concept)
        labeled = LabeledRows(np.arange(len(split.pool)), is_positive)
        start = time.perf_counter()
        model = LogisticLearner(space.pool_vectors, regularization).fit(labeled)
        seconds = Seconds(train=time.perf_counter() - start)
        state = Round(0, labeled, model, len(labeled), seconds)
        return pd.DataFrame([_measure_round(state, space, is_positive, is_test_positive, n_seeds=0)])


def _build_pool(
    method: Method,
    bench: Bench,
    seeds: LabeledRows,
    n_seals_candidates: int,
    names: tuple[str | int, ...],
    selector: RowSelector,
) -> Pool[CandidateTable, Row, LinearModel]:
    space = bench.spaces[method.embedding]
    vectors = space.pool_vectors
    if method.pool in ("all", "all_int8"):
        return AllPool(seeds, vectors if space.scanned is None else space.scanned)
    if method.pool in WITH_NEIGHBORS:
        index = bench.spaces[method.index_embedding or method.embedding].index
        assert index is not None
        assert method.k is not None
        if method.pool == "walk":
            entries = draw_entries(len(vectors), make_generator(bench.protocol.seed, "entries", *names))
            score = SCORES.get(method.strategy, most_likely_positive)
            return WalkPool(seeds, vectors, index, method.k, entries=entries, score=score)
        return build_seals_pool(seeds, vectors, index, method.k, selector)
    n_unlabeled = len(vectors) - len(seeds)
    if method.random_pool_fraction is not None:
        size = method.random_pool_fraction * n_unlabeled
    else:
        assert method.random_pool_factor is not None
        size = method.random_pool_factor * n_seals_candidates
    rng = make_generator(bench.protocol.seed, "random_pool", *names)
    return RandomPool(seeds, vectors, round(min(size, n_unlabeled)), rng)


def _build_selector(method: Method, bench: Bench, seeds: LabeledRows, names: tuple[str | int, ...]) -> RowSelector:
    space, protocol = bench.spaces[method.embedding], bench.protocol
    centers = gather(space.pool_vectors, seeds.rows)
    if method.pool == "all_int8":
        assert space.codes is not None
        assert method.strategy == "most_likely_positive"
        return ModelSearch(space.codes(), aim_along_weights, most_likely_positive, centers)
    return build_selector(
        method.strategy,
        beta=protocol.beta,
        rng=make_generator(protocol.seed, "selector", *names),
        n_rows=len(space.pool_vectors),
        centers=centers,
        n_threads=bench.n_threads,
    )


def _measure_round(
    state: Round[LabeledRows, LinearModel],
    space: Space,
    is_positive: NDArray[np.bool_],
    is_test_positive: NDArray[np.bool_],
    n_seeds: int,
) -> dict[str, object]:
    return {
        "round": state.number,
        "n_labeled": len(state.labeled),
        "n_positive": count_positives(state.labeled),
        "recall": compute_recall(state.labeled, int(is_positive.sum())),
        "n_candidates": state.n_candidates,
        "pool_fraction": compute_pool_fraction(state.n_candidates, len(space.pool_vectors), n_seeds),
        **asdict(measure_quality(state.model, space.test_vectors, is_test_positive)),
        **{f"{work}_seconds": seconds for work, seconds in asdict(state.seconds).items()},
    }


def _list_picks(bench: Bench, labeled: LabeledRows) -> pd.DataFrame:
    """Labeled examples in order: the seeds as round 0, then batches; `row` is a position in the user's table."""
    order = np.arange(len(labeled))
    after_seeds = order - bench.protocol.n_seeds
    is_seed = after_seeds < 0
    return pd.DataFrame(
        {
            "round": np.where(is_seed, 0, after_seeds // bench.protocol.batch + 1),
            "slot": np.where(is_seed, order, after_seeds % bench.protocol.batch),
            "row": bench.table_rows[bench.split.pool[labeled.rows]],
            "label": labeled.labels,
        }
    )
