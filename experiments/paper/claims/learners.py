"""Claims about k-centers, the embedding, the index and the regularization of the classifier."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from experiments.paper.claims.claim import (
    AP_GAP,
    RECALL_GAP,
    Claim,
    StudyView,
    format_each,
    format_metric,
    format_points,
    is_clearly_positive,
)


def check_k_centers(view: StudyView) -> list[Claim]:
    """Section 3.1."""
    leads = {
        name: view.gap(view.plan.method(pool, "k_centers"), view.plan.method(pool, "random"), view.metric)
        for pool, name in (("all", "All"), ("seals", "SEALS"))
    }
    return [
        view.claim(
            "3.1",
            "Greedy k-centers never outperformed random sampling.",
            f"{view.metric_name} of k-centers minus random: {format_each(leads, format_metric)}",
            "k-centers does not lead by more than two standard deviations",
            not any(is_clearly_positive(lead) for lead in leads.values()),
        )
    ]


def check_embeddings(view: StudyView) -> list[Claim]:
    """Figure 4."""
    plan = view.plan
    levels = {name: view.mean(plan.method("all", "maxent", embedding=name), view.metric) for name in plan.embeddings}
    gaps = {
        name: view.compute_gaps_to_seals(("maxent",), view.metric, embedding=name)["MaxEnt"] for name in plan.embeddings
    }
    first_model = plan.embeddings[0].rpartition("/")[0]
    of_first_model = [name for name in plan.embeddings if name.rpartition("/")[0] == first_model]
    by_dimension = sorted(of_first_model, key=lambda name: int(name.rpartition("/")[2]))
    means = [levels[name].mean for name in by_dimension]
    return [
        view.claim(
            "Figure 4",
            "Performance increases with larger models and higher dimensions.",
            f"{view.metric_name} of MaxEnt-All: {format_each(levels, format_metric)}",
            "with the first model, each dimension beats the next smaller one",
            None if len(means) < 2 else all(low < high for low, high in pairwise(means)),
        ),
        view.claim(
            "Figure 4",
            "SEALS performs similarly to the full scan regardless of the model and dimension.",
            f"{view.metric_name} of MaxEnt-All minus MaxEnt-SEALS: {format_each(gaps, format_metric)}",
            f"each gap is at most {AP_GAP}",
            all(gap.mean <= AP_GAP for gap in gaps.values()),
        ),
    ]


def check_other_index(view: StudyView) -> list[Claim]:
    """Figure 5."""
    plan = view.plan
    losses = {
        name: tuple(
            view.gap(plan.method("seals", "maxent"), plan.method("seals", "maxent", index_embedding=name), measure)
            for measure in ("recall", view.metric)
        )
        for name in plan.embeddings[1:]
    }
    return [
        view.claim(
            "Figure 5",
            "SEALS performs similarly when neighbors are searched in another embedding.",
            f"recall and {view.metric_name} that MaxEnt-SEALS loses with the index on: "
            + format_each(losses, lambda pair: f"{format_points(pair[0])}, {format_metric(pair[1])}"),
            f"at most 1 point and {AP_GAP} are lost with each",
            all(pair[0].mean <= RECALL_GAP and pair[1].mean <= AP_GAP for pair in losses.values()) if losses else None,
        )
    ]


def check_regularization(view: StudyView) -> list[Claim]:
    """Two claims of 5.2 again, for every C: the paper does not state its own."""
    plan, leads, levels = view.plan, {}, {}
    for c in sorted({plan.protocol.regularization, *plan.regularizations}):
        leads[f"C = {c:g}"] = tuple(
            view.gap(
                plan.method(pool, "most_likely_positive", regularization=c),
                plan.method(pool, "maxent", regularization=c),
                "recall",
            )
            for pool in ("all", "seals")
        )
        scan = plan.method("all", "maxent", regularization=c)
        levels[f"C = {c:g}"] = (view.paper.full_supervision(scan, view.concepts), view.mean(scan, view.metric))
    is_unknown = any(np.isnan(full) for full, _ in levels.values())
    return [
        view.claim(
            "5.2",
            "MLP significantly outperforms the other strategies for active search (recall 74.5 %, MaxEnt 57.2 %).",
            "recall of MLP minus MaxEnt, All and SEALS: "
            + format_each(leads, lambda pair: f"{format_points(pair[0])} and {format_points(pair[1])}"),
            "MLP leads MaxEnt by 1 point or more, with both pools, at one C or more",
            any(all(gap.mean >= RECALL_GAP for gap in pair) for pair in leads.values()),
        ),
        view.claim(
            "5.2",
            "All baseline approaches come within .011 mAP of full supervision.",
            f"{view.metric_name} of full supervision and of MaxEnt-All: "
            + format_each(levels, lambda pair: f"{pair[0]:.3f} and {format_metric(pair[1])}"),
            "MaxEnt over everything is at most .011 below, at each C",
            None if is_unknown else all(value.mean >= full - 0.011 for full, value in levels.values()),
        ),
    ]
