"""Sections 7.9 and 7.10: whether the paper's own tables of OpenImages classes agree with its text."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.claims.claim import Finding, Section, judge
from experiments.claims.estimates import are_at_least, are_within, average, correlate
from experiments.claims.sections.structure import judge_sign
from experiments.claims.stored import PAPER_TABLES, StoredRuns

SECTION = Section("5.3, 6, 7.9 and 7.10: the paper's tables of OpenImages")
SOURCES = (PAPER_TABLES,)
N_ROWS = 6_816_296
_ROUNDED = 0.0005  # of three digits
_SIGN = "confirmed if the interval of Pearson's r is on the side that the claim says; refuted if on the other"


@SECTION.claim(
    place="5.3",
    words="The remaining 153 classes appeared in",
    says="153 classes with .002 to .088 % of the data each.",
    test="positives of each class in Tables 3 to 5 over the rows of Table 1",
    rule="confirmed if the smallest and largest share round to the two numbers",
    sources=SOURCES,
)
def check_prevalence(runs: StoredRuns) -> Finding:
    share = 100 * runs.openimages["total_positives"] / N_ROWS
    measured = f"{len(share)} classes, {share.min():.3f} to {share.max():.3f} %"
    return judge(measured, (round(share.min(), 3), round(share.max(), 3)) == (0.002, 0.088))


@SECTION.claim(
    place="5.3, Table 2",
    words="achieved 0.399 and 0.398 mAP, respectively",
    says="Max entropy reaches .399 mAP with the full scan and .386 with SEALS.",
    test="means of the two columns of Tables 3 to 5",
    rule="confirmed if both agree to three digits",
    sources=SOURCES,
)
def check_means(runs: StoredRuns) -> Finding:
    scan, seals = (float(runs.openimages[name].mean()) for name in ("ap_maxent_all", "ap_maxent_seals"))
    return judge(f"{scan:.3f} and {seals:.3f}", max(abs(scan - 0.399), abs(seals - 0.386)) <= _ROUNDED)


@SECTION.claim(
    place="5.3, Table 2",
    words="were all within 0.1% with",
    says="Most-likely positive finds about 35 % with either pool, within .1 points.",
    test="mean difference of the two columns of Tables 6 to 8, with a bootstrap over classes",
    rule="confirmed if the mean difference is within .1 points; its interval stands beside it",
    sources=SOURCES,
)
def check_recall(runs: StoredRuns) -> Finding:
    table = runs.openimages
    gap = average(table["recall_percent_mlp_all"] - table["recall_percent_mlp_seals"])
    measured = (
        f"{table['recall_percent_mlp_seals'].mean():.1f} and {table['recall_percent_mlp_all'].mean():.1f} "
        f"%; lost {gap.text(2)}"
    )
    return judge(measured, abs(gap.value) <= 0.1)


@SECTION.claim(
    place="7.7, Figure 11",
    words="The least-squares fit had a slope of 0.99",
    says="By class, AP with SEALS follows the full scan: r .986, slope .99, intercept -.01.",
    test="Pearson's r and the least-squares line of the two columns of Tables 3 to 5",
    rule="confirmed if r is within .002 of .986, the slope within .01 of .99 and the intercept within .005 of -.01",
    sources=SOURCES,
)
def check_fit(runs: StoredRuns) -> Finding:
    table = runs.openimages
    r = correlate(table["ap_maxent_all"], table["ap_maxent_seals"])
    slope, intercept = np.polyfit(table["ap_maxent_all"], table["ap_maxent_seals"], 1)
    holds = abs(r.value - 0.986) <= 0.002 and abs(slope - 0.99) <= 0.01 and abs(intercept + 0.01) <= 0.005
    return judge(f"r {r.text(3)}, slope {slope:.3f}, intercept {intercept:+.3f}", bool(holds))


@SECTION.claim(
    place="6, Figure 3",
    words="concepts that formed larger connected components",
    says="On OpenImages, AP rises with the largest component.",
    test="Pearson's r of the columns of Tables 3 to 5",
    rule=_SIGN,
    sources=SOURCES,
)
def check_components(runs: StoredRuns) -> Finding:
    r = correlate(runs.openimages["largest_component_percent"], runs.openimages["ap_maxent_seals"])
    return judge_sign(r, True, f"r {r.text(2)}, {len(runs.openimages)} classes")


@SECTION.claim(
    place="6, Figure 3",
    words="had shorter paths between examples",
    says="On OpenImages, AP falls with the average path.",
    test="Pearson's r of the columns of Tables 3 to 5",
    rule=_SIGN,
    sources=SOURCES,
)
def check_paths(runs: StoredRuns) -> Finding:
    r = correlate(runs.openimages["average_shortest_path"], runs.openimages["ap_maxent_seals"])
    return judge_sign(r, False, f"r {r.text(2)}, {len(runs.openimages)} classes")


@SECTION.claim(
    place="6",
    words="partly explains the gap between SEALS and the baselines",
    says="On OpenImages, SEALS loses more AP where classes are fragmented.",
    test="Pearson's r of the AP lost to the full scan with the largest component, Tables 3 to 5",
    rule=_SIGN,
    sources=SOURCES,
)
def check_fragmentation(runs: StoredRuns) -> Finding:
    table = runs.openimages
    lost = table["ap_maxent_all"] - table["ap_maxent_seals"]
    r = correlate(table["largest_component_percent"], lost)
    return judge_sign(r, False, f"r {r.text(2)}, {len(table)} classes")


@SECTION.claim(
    place="6",
    words="rare concepts were more fragmented",
    says="OpenImages' concepts are fragmented, but paths within a component are short.",
    test="mean over classes of the positives outside of the largest component, and of the average path",
    rule="confirmed if a fifth or more lie outside and the path is below 5 steps, by both intervals",
    sources=SOURCES,
)
def check_fragments(runs: StoredRuns) -> Finding:
    table = runs.openimages
    outside, path = average(100 - table["largest_component_percent"]), average(table["average_shortest_path"])
    return judge(f"{outside.text(0)} % outside; path {path.text(2)}", outside.low >= 20 and path.high < 5)


@SECTION.claim(
    place="6; 7.9, Tables 3 to 5",
    words="performed much better than generic concepts",
    says="'Monster truck' and 'blackberry' do much better than 'electric blue' and 'meal'.",
    test="their AP with SEALS in Tables 3 to 5",
    rule="confirmed if each of the first two is ahead of each of the others by .2 or more",
    sources=SOURCES,
)
def compare_classes(runs: StoredRuns) -> Finding:
    by_name = runs.openimages.set_index("class")["ap_maxent_seals"]
    good, poor = by_name[["Monster truck", "Blackberry"]], by_name[["Electric blue", "Meal"]]
    measured = ", ".join(f"{name} {value:.2f}" for name, value in pd.concat([good, poor]).items())
    return judge(measured, bool(good.min() - poor.max() >= 0.2))


@SECTION.claim(
    place="7.9, Tables 3 to 5",
    words="measurements of the largest component (LC)",
    says="SEALS is ahead of random sampling, and behind full supervision, on OpenImages.",
    test="mean AP of SEALS minus random sampling, and of full supervision minus SEALS, over classes",
    rule="confirmed if both intervals begin above 0",
    sources=SOURCES,
)
def rank_methods(runs: StoredRuns) -> Finding:
    table = runs.openimages
    ahead = average(table["ap_maxent_seals"] - table["ap_random_all"])
    behind = average(table["ap_full_supervision"] - table["ap_maxent_seals"])
    return judge(f"ahead {ahead.text(3)}, behind {behind.text(3)}", are_at_least([ahead, behind], 0))


@SECTION.claim(
    place="5.3; 7.10, Tables 6 to 8",
    words="gap between the baselines and SEALS was even",
    says="By class too, SEALS' recall is near the full scan's.",
    test="differences of the two columns of Tables 6 to 8: the median in size, and the share of classes within 1 point",
    rule="confirmed if the interval of the mean is within .5 points",
    sources=SOURCES,
)
def compare_by_class(runs: StoredRuns) -> Finding:
    gap = runs.openimages["recall_percent_mlp_all"] - runs.openimages["recall_percent_mlp_seals"]
    mean = average(gap)
    measured = (
        f"mean {mean.text(2)}; half of the classes within {gap.abs().median():.1f}; "
        f"{100 * (gap.abs() <= 1).mean():.0f} % within 1 point"
    )
    return judge(measured, are_within([mean], 0.5))
