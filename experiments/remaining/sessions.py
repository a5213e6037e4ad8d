"""Sessions in which a table stands in for the person: the answers, in the order of asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seals_sim.datasets import Dataset
from seals_sim.errors import UserError
from seals_sim.label.learner import PresumedNegatives, SeededLearner
from seals_sim.label.options import SessionOptions
from seals_sim.randomness import make_generator
from seals_sim.types import LabeledRows, Row, Rows, Scores, Vectors
from seals_sim.vectors.copies import Copies

N_EXAMPLES = 2  # positives that a session begins with; not counted as answers
N_LEAST = 10  # positives of a concept, besides the examples
LARGEST_PART = 0.1  # largest fraction of positives in the table
BATCH = 10  # answers per training round; the page has about four

Observer = Callable[[Scores, Sequence[Row]], None]
"""Gets the log-odds (n,) of all rows before each batch, and the labeled rows, the examples first."""


def drop_copies(dataset: Dataset, vectors: Vectors) -> tuple[Vectors, dict[str, Rows]]:
    """The vectors of the distinct texts, as sessions ask for them, and the positions of the concepts among them."""
    copies = Copies.find(vectors) if dataset.texts is None else Copies.find_texts(dataset.texts)
    if copies is None:
        return vectors, {name: Rows(rows) for name, rows in dataset.concepts.items()}
    concepts = {name: Rows(np.unique(copies.number[rows])) for name, rows in dataset.concepts.items()}
    return vectors[copies.first], concepts


def choose_concepts(concepts: Mapping[str, Rows], n_rows: int, n_chosen: int, seed: int) -> list[str]:
    """Choose concepts whose sizes are spread evenly over orders of magnitude.

    Raises:
        UserError: If too few concepts have a suitable size.
    """
    fit = [name for name, rows in concepts.items() if N_LEAST + N_EXAMPLES <= len(rows) <= LARGEST_PART * n_rows]
    if len(fit) < n_chosen:
        raise UserError(f"only {len(fit)} concepts have a suitable size", parameter="concepts", value=n_chosen)
    left = [sorted(fit)[place] for place in make_generator(seed, "concepts").permutation(len(fit))]
    chosen = []
    for size in np.geomspace(N_LEAST + N_EXAMPLES, LARGEST_PART * n_rows, n_chosen):
        nearest = min(left, key=lambda name: abs(np.log(len(concepts[name]) / size)))
        left.remove(nearest)
        chosen.append(nearest)
    return chosen


def run_session(
    vectors: Vectors, positives: Rows, budget: int, rng: np.random.Generator, observe: Observer | None = None
) -> NDArray[np.int8]:
    """Answer what a session would ask with the default options and a scan of all rows.

    Args:
        vectors: (n, d), l2-normalized, no two equal texts.
        positives: The positive rows.
        budget: Number of answers.
        rng: Draws the examples and the random rows.
        observe: Called before each batch and after the last one.

    Returns:
        (budget,) labels in the order of asking; every tenth is that of a row drawn at random.
    """
    options = SessionOptions()
    is_positive = np.zeros(len(vectors), dtype=np.int8)
    is_positive[positives] = 1
    presumed = PresumedNegatives(vectors, options.presumed, options.seed)
    learner = SeededLearner(vectors, [], options.regularization, presumed)
    rows = [Row(int(row)) for row in rng.choice(positives, N_EXAMPLES, replace=False)]
    is_left = np.ones(len(vectors), dtype=np.bool_)
    is_left[rows] = False
    with threadpool_limits(1):
        while len(rows) < N_EXAMPLES + budget:
            decision = learner.fit(LabeledRows(rows, is_positive[rows].tolist())).decision(vectors)
            if observe is not None:
                observe(decision, rows)
            scores = np.where(is_left, decision, -np.inf)
            best = np.argpartition(-scores, BATCH)[: BATCH - 1]
            is_left[best] = False
            drawn = rng.choice(np.flatnonzero(is_left))
            is_left[drawn] = False
            rows += [Row(int(row)) for row in (*best[np.argsort(-scores[best], kind="stable")], drawn)]
        if observe is not None:
            observe(learner.fit(LabeledRows(rows, is_positive[rows].tolist())).decision(vectors), rows)
    return is_positive[rows[N_EXAMPLES : N_EXAMPLES + budget]]


def describe_session(table: str, concept: str, n_rows: int, n_positive: int, labels: NDArray[np.int8]) -> pd.DataFrame:
    """One row of sessions.csv. The examples are not counted."""
    return pd.DataFrame(
        {
            "table": [table],
            "concept": [concept],
            "n_rows": [n_rows - N_EXAMPLES],
            "n_positive": [n_positive - N_EXAMPLES],
            "labels": ["".join(map(str, labels.tolist()))],
        }
    )
