"""Search with the pool that `seals label` would choose: every row of a small table, the walk on a large one."""

from pathlib import Path

import numpy as np

from seals_sim import (
    ArgMax,
    IndexOptions,
    LabeledRows,
    LabelTable,
    LogisticLearner,
    build_index,
    build_recommended_pool,
    most_likely_positive,
    run,
)

rng = np.random.default_rng(0)
vectors = rng.normal(size=(5000, 16)).astype(np.float32)  # simulated; yours: as embedded, not whitened
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
is_positive = vectors[:, 0] > 0.6

seeds = LabeledRows([*np.flatnonzero(is_positive)[:3], *np.flatnonzero(~is_positive)[:20]], [1] * 3 + [0] * 20)
options, folder = IndexOptions(k=100), Path("index")
pool = build_recommended_pool(seeds, vectors, lambda: build_index("ivf-sq", vectors, folder, options, rng), rng)
learner, selector = LogisticLearner(vectors), ArgMax(most_likely_positive)
for state in run(seeds, pool, learner, selector, LabelTable(is_positive), batch_size=10, budget=123):
    n_positive = int(state.labeled.labels.sum())
    print(f"{len(state.labeled)} labels, {n_positive} positives, {state.n_candidates} rows considered")
