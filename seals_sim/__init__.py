"""Active learning and active search for rare concepts by similarity search (SEALS).

>>> import numpy as np
>>> from seals_sim import *
>>> rng = np.random.default_rng(0)
>>> vectors = rng.normal(size=(500, 8)).astype(np.float32)
>>> vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
>>> is_positive = vectors[:, 0] > 0.6  # 19 of 500
>>> seeds = draw_seeds(is_positive, 3, 17, rng)
>>> pool = SealsPool(seeds, vectors, ExactIndex(vectors), k=10)
>>> selector = ArgMax(most_likely_positive)
>>> rounds = list(run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), 10, budget=60))
>>> [len(r.labeled) for r in rounds]
[20, 30, 40, 50, 60]
>>> recall = rounds[-1].labeled.labels.sum() / is_positive.sum()
>>> bool(recall > 0.9)
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # __init__.pyi lists what is where
