"""The claims the paper makes in words, each with its source, our numbers, and a rule from which its verdict is
computed.
"""

from __future__ import annotations

from collections.abc import Callable

from experiments.paper.claims.claim import Claim, StudyView
from experiments.paper.claims.concepts import check_correlation, check_structure
from experiments.paper.claims.learners import (
    check_embeddings,
    check_k_centers,
    check_other_index,
    check_regularization,
)
from experiments.paper.claims.main_study import check_main_study
from experiments.paper.claims.pools import check_neighbors, check_positives, check_random_pool
from experiments.paper.rows import Paper

__all__ = ["Claim", "check_claims"]

_CHECKS: dict[str, Callable[[StudyView], list[Claim]]] = {
    "main": check_main_study,
    "k": check_neighbors,
    "positives": check_positives,
    "random_pool": check_random_pool,
    "k_centers": check_k_centers,
    "embeddings": check_embeddings,
    "other_index": check_other_index,
    "regularization": check_regularization,
}


def check_claims(paper: Paper) -> list[Claim]:
    """Check every claim about the studies that have been run."""
    studies = paper.build_studies()
    claims = [
        claim for name, check in _CHECKS.items() if name in studies for claim in check(StudyView(paper, studies[name]))
    ]
    if "main" in studies and len(paper.structure):
        view = StudyView(paper, studies["main"])
        claims += [*check_correlation(view), *check_structure(view)]
    return claims
