"""Neighbour indexes behind one small protocol: `build_index` builds or opens them, `choose_index` chooses one."""

from seals_sim.indexes.choice import INDEXES, IndexOptions, build_index, choose_index
from seals_sim.indexes.exact import ExactIndex
from seals_sim.indexes.graph import StoredGraph, build_graph
from seals_sim.indexes.ivf import build_ivf
from seals_sim.indexes.measure import IndexFacts, measured, measured_on_some
from seals_sim.indexes.protocol import NeighborIndex, VectorIndex, fingerprint
from seals_sim.indexes.stored import StoredIndex

__all__ = [
    "INDEXES",
    "ExactIndex",
    "IndexFacts",
    "IndexOptions",
    "NeighborIndex",
    "StoredGraph",
    "StoredIndex",
    "VectorIndex",
    "build_graph",
    "build_index",
    "build_ivf",
    "choose_index",
    "fingerprint",
    "measured",
    "measured_on_some",
]
