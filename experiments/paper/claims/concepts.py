"""Claims about single concepts: SEALS against All (Figure 11), and latent structure (Figure 3, section 6)."""

from __future__ import annotations

from experiments.paper.claims.claim import Claim, StudyView, format_each, format_metric
from experiments.paper.latent import compare_with_structure
from experiments.paper.statistics import fit, fit_repeats
from seals_sim.replay.tables import STRATEGY_NAMES


def check_correlation(view: StudyView) -> list[Claim]:
    """Figure 11."""
    claims = []
    for strategy, pearson in (("maxent", ".986"), ("most_likely_positive", ".987")):
        everything, seals = (view.values(view.plan.method(pool, strategy), view.metric) for pool in ("all", "seals"))
        line = fit_repeats(everything, seals)
        claims.append(
            Claim(
                "correlation",
                "Figure 11",
                f"AP per class of {STRATEGY_NAMES[strategy]}-SEALS against -All: Pearson r {pearson} on OpenImages "
                "(.9998 on ImageNet), slope .99, intercept -.01.",
                "too few concepts" if line is None else format_each(line, format_metric),
                "r is at least .98",
                None if line is None else line["pearson"].mean >= 0.98,
            )
        )
    return claims


def check_structure(view: StudyView) -> list[Claim]:
    """Figure 3 and section 6."""
    table = compare_with_structure(view.paper)
    claims = []
    for y, x, rises in (
        ("AP of MaxEnt-SEALS", "largest component", True),
        ("AP of MaxEnt-SEALS", "average path", False),
        ("recall of MLP-SEALS", "largest component", True),
        ("recall of MLP-SEALS", "average path", False),
        ("recall lost to MLP-All", "largest component", False),
        ("recall lost to MLP-All", "average path", True),
        ("AP lost to MaxEnt-All", "largest component", False),
        ("AP lost to MaxEnt-All", "average path", True),
    ):
        line = fit(table[x], table[y])
        source, statement = "Figure 3", "SEALS does better for well-connected concepts"
        if "lost" in y:
            source, statement = "section 6", "Fragmentation partly explains the gap"
        here = "too few concepts"
        if line is not None:
            here = f"Pearson r {line.pearson:+.2f}, Spearman {line.spearman:+.2f} (p = {line.p_value:.1g})"
        claims.append(
            Claim(
                "structure",
                source,
                f"{statement}: {y} {'rises' if rises else 'falls'} with the {x}.",
                here,
                "the sign of Spearman's correlation; undecided if p is .05 or more",
                None if line is None or line.p_value >= 0.05 else (line.spearman > 0) == rises,
            )
        )
    return claims
