from .errors import UserError
from .indexes import ExactIndex, IndexOptions, NeighborIndex, build_index, choose_index
from .label.exchange.classifier import load_classifier
from .loop import run
from .search.density import FrozenDensity, InformationDensity
from .search.duplicates import PassOver
from .search.kcenters import KCenters
from .search.learners import LinearModel, LogisticLearner, PresumingLearner
from .search.lookahead import LookaheadPool, build_seals_pool
from .search.oracles import LabelTable
from .search.pools import AllPool, RandomPool, SealsPool
from .search.recommended import build_recommended_pool
from .search.scores import least_confidence, margin, max_entropy, most_likely_positive
from .search.seeds import draw_seeds
from .search.strategies import ArgMax, Random, build_selector
from .search.walk import WalkPool, draw_entries
from .types import LabeledRows, Round, Seconds

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
    "PassOver",
    "PresumingLearner",
    "Random",
    "RandomPool",
    "Round",
    "SealsPool",
    "Seconds",
    "UserError",
    "WalkPool",
    "build_index",
    "build_recommended_pool",
    "build_seals_pool",
    "build_selector",
    "choose_index",
    "draw_entries",
    "draw_seeds",
    "least_confidence",
    "load_classifier",
    "margin",
    "max_entropy",
    "most_likely_positive",
    "run",
]
