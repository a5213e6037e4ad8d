"""Active learning and active search of rare concepts by similarity search (SEALS).

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
>>> found = rounds[-1].labeled.labels.sum() / is_positive.sum()
>>> bool(found > 0.9)
True
"""

from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex, IndexOptions, NeighborIndex, build_index, choose_index
from seals_sim.loop import run
from seals_sim.search.density import FrozenDensity, InformationDensity
from seals_sim.search.kcenters import KCenters
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.lookahead import LookaheadPool, build_seals_pool
from seals_sim.search.oracles import LabelTable
from seals_sim.search.pools import AllPool, RandomPool, SealsPool
from seals_sim.search.scores import least_confidence, margin, max_entropy, most_likely_positive
from seals_sim.search.seeds import draw_seeds
from seals_sim.search.strategies import ArgMax, Random, build_selector
from seals_sim.types import LabeledRows, Round, Seconds

__all__ = [
    "AllPool",
    "ArgMax",
    "ExactIndex",
    "FrozenDensity",
    "IndexOptions",
    "InformationDensity",
    "KCenters",
    "LabelTable",
    "LabeledRows",
    "LinearModel",
    "LogisticLearner",
    "LookaheadPool",
    "NeighborIndex",
    "Random",
    "RandomPool",
    "Round",
    "SealsPool",
    "Seconds",
    "UserError",
    "build_index",
    "build_seals_pool",
    "build_selector",
    "choose_index",
    "draw_seeds",
    "least_confidence",
    "margin",
    "max_entropy",
    "most_likely_positive",
    "run",
]
