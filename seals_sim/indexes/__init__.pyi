from .choice import IndexOptions, build_index, choose_index
from .exact import ExactIndex
from .graph import StoredGraph, build_graph
from .ivf import build_ivf
from .measure import IndexFacts, measure_index, measure_on_sample
from .names import ENGINES, INDEXES
from .protocol import NeighborIndex, VectorIndex, fingerprint
from .stored import StoredIndex

__all__ = [
    "ENGINES",
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
    "measure_index",
    "measure_on_sample",
]
