"""Compare the full scan (Algorithm 1) with SEALS (Algorithm 2) on the same seeds of a simulated table."""

import numpy as np

from seals_sim import AllPool, ArgMax, ExactIndex, LabelTable, LogisticLearner, SealsPool, draw_seeds, max_entropy, run

rng = np.random.default_rng(0)
centers = rng.normal(size=(200, 32))
cluster = rng.integers(200, size=20_000)
vectors = (centers[cluster] + 0.8 * rng.normal(size=(20_000, 32))).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
is_positive = cluster == 0  # about 0.5 % of the rows

seeds = draw_seeds(is_positive, 5, 95, rng)
recalls = {}
for name, pool in {
    "All": AllPool(seeds, vectors),
    "SEALS": SealsPool(seeds, vectors, ExactIndex(vectors), k=20),
}.items():
    learner, oracle = LogisticLearner(vectors), LabelTable(is_positive)
    *_, last = run(seeds, pool, learner, ArgMax(max_entropy), oracle, batch_size=50, budget=400)
    recalls[name] = last.labeled.labels.sum() / is_positive.sum()
    part = last.n_candidates / (len(vectors) - len(seeds))
    print(f"{name}: {recalls[name]:.0%} of the positives found, {part:.1%} of the pool considered")
