"""Names and settings of the indexes, kept apart from their code, which takes a second to import."""

from __future__ import annotations

from typing import Literal, get_args

VectorIndexName = Literal["exact", "lsh", "hnsw", "ivf-flat", "ivf-sq", "ivf-pq", "ivf-rabitq"]
"""Indexes that take any vector."""
IndexName = Literal["exact", "lsh", "hnsw", "ivf-flat", "ivf-sq", "ivf-pq", "ivf-rabitq", "graph"]
"""Indexes that take rows of the table."""
AutoIndexName = Literal[IndexName, "auto"]
EngineName = Literal["milvus", "lancedb"]
"""Vector engines, which store the rows elsewhere."""
AnyIndexName = Literal[IndexName, EngineName]
AutoAnyIndexName = Literal[AnyIndexName, "auto"]
AutoAnyVectorIndexName = Literal[VectorIndexName, EngineName, "auto"]
VECTOR_INDEXES: tuple[VectorIndexName, ...] = get_args(VectorIndexName)
INDEXES: tuple[IndexName, ...] = get_args(IndexName)
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
N_PROBE = 32  # cells of an ivf that a query visits
N_BITS = 512  # code length of lsh
