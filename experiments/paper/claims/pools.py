"""Claims about what the pool depends on: k, the seeds, and whether a random pool does as well."""

from __future__ import annotations

from experiments.paper.claims.claim import (
    AP_GAP,
    RECALL_GAP,
    SCANNING,
    Claim,
    StudyView,
    format_each,
    format_metric,
    format_points,
    is_clearly_positive,
)
from experiments.paper.statistics import Spread
from experiments.paper.studies import scale_k
from seals_sim.replay.tables import STRATEGY_NAMES


def check_neighbors(view: StudyView) -> list[Claim]:
    """Figures 6 and 7, and the main result at the paper's own share of labels."""
    return [_at_the_budget_of_the_paper(view), _larger_k(view)]


def _gaps_at(view: StudyView, k: int, measure: str, budget: int | None = None) -> dict[str, Spread]:
    return {
        STRATEGY_NAMES[name]: view.gap(
            view.plan.method("all", name), view.plan.method("seals", name, k=k), measure, budget
        )
        for name in SCANNING[:2]
    }


def _at_the_budget_of_the_paper(view: StudyView) -> Claim:
    budget = int(view.paper.config["small_budget"])
    paper_k = scale_k(view.paper.config["rows"]["pool"], budget)
    k = min(view.plan.neighbors, key=lambda k: abs(k - paper_k))
    share = view.mean(view.plan.method("seals", "maxent", k=k), "pool_fraction", budget)
    recall_gaps, metric_gaps = _gaps_at(view, k, "recall", budget), _gaps_at(view, k, view.metric, budget)
    return view.claim(
        "5.2",
        "Within .001 mAP and .3 points of recall of the full scan, at 0.31 % labeled and k T / |U| = 0.31.",
        f"at {budget} labels and k = {k}, the nearest to both: All minus SEALS, recall "
        f"{format_each(recall_gaps, format_points)}; {view.metric_name} {format_each(metric_gaps, format_metric)}; "
        f"share of the pool {share.text(1, 100)} %",
        f"gaps of at most 1 point and {AP_GAP}",
        _are_small(recall_gaps, metric_gaps),
    )


def _larger_k(view: StudyView) -> Claim:
    k, largest = view.plan.protocol.k, max(view.plan.neighbors)
    at_k, at_largest = _gaps_at(view, k, "recall"), _gaps_at(view, largest, "recall")
    name = view.metric_name
    return view.claim(
        "Figures 6, 7",
        "Larger values of k help to close the gap between SEALS and the full scan.",
        f"All minus SEALS at k = {k}: recall {format_each(at_k, format_points)}; {name} "
        f"{format_each(_gaps_at(view, k, view.metric), format_metric)}. At k = {largest}: recall "
        f"{format_each(at_largest, format_points)}; {name} "
        f"{format_each(_gaps_at(view, largest, view.metric), format_metric)}",
        "both gaps in recall are smaller in size at the largest k",
        all(abs(at_largest[name].mean) < abs(at_k[name].mean) for name in at_k),
    )


def check_positives(view: StudyView) -> list[Claim]:
    """Figures 8 and 9."""
    claims = []
    for n in sorted({line.method.seed_positives for line in view.study.lines} - {view.plan.protocol.seed_positives}):
        n_negatives = next(m.seed_negatives for m in view.study.methods if m.seed_positives == n)
        seeds = {"seed_positives": n, "seed_negatives": n_negatives}
        recall_gaps = view.compute_gaps_to_seals(SCANNING[:2], "recall", **seeds)
        metric_gaps = view.compute_gaps_to_seals(SCANNING[:2], view.metric, **seeds)
        claims.append(
            view.claim(
                "Figures 8, 9",
                f"With {n} positive seeds SEALS performs similarly to the full scan.",
                f"All minus SEALS, recall: {format_each(recall_gaps, format_points)}; {view.metric_name}: "
                f"{format_each(metric_gaps, format_metric)}",
                f"gaps of at most 1 point and {AP_GAP}",
                _are_small(recall_gaps, metric_gaps),
            )
        )
    return claims


def _are_small(recall_gaps: dict[str, Spread], metric_gaps: dict[str, Spread]) -> bool:
    return all(gap.mean <= RECALL_GAP for gap in recall_gaps.values()) and all(
        gap.mean <= AP_GAP for gap in metric_gaps.values()
    )


def check_random_pool(view: StudyView) -> list[Claim]:
    """Figures 12 to 14."""
    plan, claims = view.plan, []
    for name in SCANNING:
        seals = plan.method("seals", name)
        leads = {
            f"{factor:g} x": tuple(
                view.gap(seals, plan.method("random_pool", name, random_pool_factor=factor), measure)
                for measure in ("recall", view.metric)
            )
            for factor in plan.random_pool_factors
        }
        at_largest_pool = list(leads.values())[-1]
        claims.append(
            view.claim(
                "Figures 12-14",
                f"{STRATEGY_NAMES[name]}-RandPool fails to reach the recall of SEALS even with 10 times the data.",
                f"recall and {view.metric_name} of SEALS minus RandPool: "
                + format_each(leads, lambda pair: f"{format_points(pair[0])}, {format_metric(pair[1])}"),
                "SEALS leads in recall by more than two standard deviations at the largest pool",
                is_clearly_positive(at_largest_pool[0]),
            )
        )
    return claims
