"""Search your own vectors, such as image embeddings, with the loop and your own oracle."""

import numpy as np

from seals_sim import ArgMax, ExactIndex, LabeledRows, LogisticLearner, SealsPool, most_likely_positive, run

rng = np.random.default_rng(0)
vectors = rng.normal(size=(5000, 16)).astype(np.float32)  # simulated; yours: np.load("x.npy")
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
n_asked = 0


class Judge:
    """Any object with a method `label(row)` that returns 1 or 0: a person, a program, a table."""

    def label(self, row: int) -> int:
        global n_asked
        n_asked += 1
        return int(vectors[row, 0] > 0.6)


judge = Judge()
positives, negatives = np.flatnonzero(vectors[:, 0] > 0.6)[:3], np.flatnonzero(vectors[:, 0] < 0)[:20]
seeds = LabeledRows([*positives, *negatives], [1] * 3 + [0] * 20)
pool = SealsPool(seeds, vectors, ExactIndex(vectors), k=20)
learner, selector = LogisticLearner(vectors), ArgMax(most_likely_positive)
for state in run(seeds, pool, learner, selector, judge, batch_size=10, budget=123):
    n_positive = int(state.labeled.labels.sum())
    print(f"{len(state.labeled)} labels, {n_positive} positives, {state.n_candidates} rows considered")
