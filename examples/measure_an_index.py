"""Measure indexes on your vectors before you choose one."""

from pathlib import Path

import numpy as np

from seals_sim import IndexOptions, build_index
from seals_sim.indexes import measure_on_sample

rng = np.random.default_rng(0)
centers = rng.normal(size=(100, 32))
vectors = (centers[rng.integers(100, size=10_000)] + 0.5 * rng.normal(size=(10_000, 32))).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # simulated; yours must be normalized too

facts = {}
for name in ("exact", "lsh", "ivf-sq", "graph"):
    index = build_index(name, vectors, Path("indexes"), IndexOptions(k=20), np.random.default_rng(0))
    facts[name] = measure_on_sample(index, vectors, k=20)
    print(f"{name}: {facts[name]}")
