"""Which solver should train the logistic regression of 5.1: time and exactness over the labeled sets of a whole run.

The rows are those that MaxEnt-SEALS labels on SIMULATED vectors. Each solver is fitted after every batch, on one
thread, either from scikit-learn's cold start or from its last solution. off is the largest difference in log-odds, over
the labeled rows, from a solution with tolerance 1e-10.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.options import SolversOptions
from benchmarks.tables import SimulatedTable
from seals_sim import (
    ArgMax,
    ExactIndex,
    LabelTable,
    LogisticLearner,
    build_seals_pool,
    draw_seeds,
    max_entropy,
    run,
)
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.randomness import make_generator

_SOLVERS: tuple[dict[str, Any], ...] = (
    {"solver": "lbfgs"},
    {"solver": "lbfgs", "warm_start": True},
    {"solver": "lbfgs", "tol": 1e-6},
    {"solver": "lbfgs", "tol": 1e-6, "warm_start": True},
    {"solver": "newton-cholesky"},
    {"solver": "newton-cholesky", "warm_start": True},
    {"solver": "newton-cg"},
    {"solver": "liblinear"},
)


app = make_cli("python -m benchmarks.solvers", __doc__)


@app.default
def benchmark_solvers(*, options: Annotated[SolversOptions, flatten("Options")] = SolversOptions()) -> None:
    """Fit each solver to the same labels."""
    with threadpool_limits(1):
        vectors, labels = _draw_labeled_set(options)
        exact = [
            LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=10_000).fit(vectors[:m], labels[:m])
            for m in range(100, len(labels) + 1, 100)
        ]
        rows = [_time(settings, vectors, labels, exact, options.repeats) for settings in _SOLVERS]
    print(f"{render_command('python -m benchmarks.solvers', options)}\n{pd.DataFrame(rows).to_string(index=False)}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _draw_labeled_set(options: SolversOptions) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    table = SimulatedTable(options.n, options.dimensions)
    clusters = table.draw_clusters()
    vectors = table.make_row_function(clusters)(0, options.n)
    is_positive = table.mark_positives(clusters, 0)
    seeds = draw_seeds(is_positive, 5, 95, make_generator(0, "seeds", "solvers"))
    selector = ArgMax(max_entropy)
    pool = build_seals_pool(seeds, vectors, ExactIndex(vectors), 100, selector)
    *_, last = run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), 100, options.budget)
    return vectors[last.labeled.rows].astype(np.float64), last.labeled.labels


def _time(
    options: dict[str, Any],
    vectors: NDArray[np.float64],
    labels: NDArray[np.int8],
    exact: Sequence[LogisticRegression],
    repeats: int,
) -> dict[str, object]:
    fastest, off, n_iterations = np.inf, 0.0, 0
    for _ in range(repeats):
        classifier = LogisticRegression(max_iter=10_000, **options)
        seconds, off, n_iterations = 0.0, 0.0, 0
        for number, reference in enumerate(exact, start=1):
            m = 100 * number
            start = time.perf_counter()
            classifier.fit(vectors[:m], labels[:m])
            seconds += time.perf_counter() - start
            n_iterations += int(np.max(classifier.n_iter_))
            difference = vectors[:m] @ (classifier.coef_[0] - reference.coef_[0])
            off = max(off, float(np.abs(difference + classifier.intercept_ - reference.intercept_).max()))
        fastest = min(fastest, seconds)
    shown = {"solver": "", "warm_start": False, "tol": "default", **options}
    return {**shown, "milliseconds": 1000 * fastest, "iterations": n_iterations, "off": off}


if __name__ == "__main__":
    main()
