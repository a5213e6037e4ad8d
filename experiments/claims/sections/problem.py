"""Section 3 and Algorithms 1 and 2: identities of the strategies, k-centers, and the size of the pool."""

from __future__ import annotations

import numpy as np

from experiments.claims.claim import Finding, Section, Verdict, judge
from experiments.claims.estimates import are_at_most, format_each
from experiments.claims.sections.replays import ICD, Replay
from experiments.claims.stored import StoredRuns
from experiments.claims.studies import SUMMARY, Studies
from seals_sim.search.scores import least_confidence, margin, max_entropy

SECTION = Section("3: the problem and its strategies")


@SECTION.claim(
    place="3.1",
    words="MaxEnt is equivalent to least confidence and margin",
    says="With two classes max entropy, least confidence and margin choose the same rows.",
    test="the order of 2,001 log-odds by the three scores of `seals_sim.search.scores`, computed when the ledger "
    "is made",
    rule="confirmed if the three orders are the same",
    sources=(),
)
def compare_uncertainties(runs: StoredRuns) -> Finding:
    log_odds = np.random.default_rng(0).permutation(np.linspace(-20, 21, 2001))
    orders = [np.argsort(score(log_odds)).tolist() for score in (max_entropy, least_confidence, margin)]
    n_equal = sum(order == orders[0] for order in orders)
    return judge(f"{n_equal} of 3 orders equal, over {len(log_odds):,} log-odds", n_equal == 3)


@SECTION.claim(
    place="3.1",
    words="ID scales quadratically with",
    says="Information density costs a quadratic first round, because each row is compared with every other.",
    test="the mean cosine of 500 random unit vectors to all of them, pair by pair and as the product with their mean",
    rule="sharpened if both agree to 1e-12: then one pass computes all means, and the first round is linear",
    sources=(),
)
def sum_similarities(runs: StoredRuns) -> Finding:
    vectors = np.random.default_rng(0).normal(size=(500, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    error = float(np.abs((vectors @ vectors.T).mean(axis=1) - vectors @ vectors.mean(axis=0)).max())
    measured = f"largest difference {error:.0e}"
    if error > 1e-12:
        return Finding(measured, Verdict.CONFIRMED)
    return Finding(
        measured, Verdict.SHARPENED, "on l2-normalized embeddings, as the paper has them, the first round is linear"
    )


@SECTION.claim(
    place="3.1",
    words="never outperformed random sampling",
    says="Greedy k-centers is never better than random sampling.",
    test="mAP of k-centers minus random, over everything and among SEALS' candidates, WordNet",
    rule="confirmed if no interval begins above 0",
    sources=(SUMMARY,),
)
def check_k_centers(runs: StoredRuns) -> Finding:
    studies = Studies(runs)
    leads = {
        pool: studies.subtract("k_centers", f"k-centers-{pool}", f"Random-{pool}", "average_precision")
        for pool in ("All", "SEALS")
    }
    concepts = studies.count_concepts("k_centers")
    measured = f"mAP ahead of random: {format_each(leads, 3)} ({concepts} concepts)"
    return judge(measured, not any(lead.low > 0 for lead in leads.values()), concepts=concepts)


@SECTION.claim(
    place="3.2",
    words="different selection strategies are favored",
    says="Searching and learning favor different strategies.",
    test="recall of most-likely positive minus max entropy, full scan, by the regularization C of the classifier",
    rule="confirmed if the interval is above 0 at the paper's unstated setting, taken as C = 1; sharpened if only at "
    "another C; refuted if at none",
    sources=(SUMMARY,),
)
def compare_purposes(runs: StoredRuns) -> Finding:
    studies = Studies(runs)
    names = [
        line.removeprefix("MLP-All, ") for line in studies.find_lines("regularization") if line.startswith("MLP-All")
    ]
    leads = {
        name: studies.subtract("regularization", f"MLP-All, {name}", f"MaxEnt-All, {name}", "recall") for name in names
    }
    concepts = studies.count_concepts("regularization")
    measured = f"points ahead: {format_each(leads, 1, 100)} ({concepts} concepts)"
    if any(lead.low > 0 for name, lead in leads.items() if name == "C = 1"):
        return Finding(measured, Verdict.CONFIRMED)
    if any(lead.low > 0 for lead in leads.values()):
        why = "with a strongly regularized model no probability reaches one half, and both strategies rank alike"
        return Finding(measured, Verdict.SHARPENED, why)
    return judge(measured, False if leads else None, concepts=concepts)


@SECTION.claim(
    place="4, Algorithm 2, lines 2 and 8",
    words="applies the selection strategy to at most",
    says="SEALS has at most k candidates for each label.",
    test="candidates over k times labels, in every round of the runs on spoilers",
    rule="confirmed if at most 1 in every round",
    sources=("goodreads_simulated/rounds.csv", "tv_spoilers/rounds.csv"),
)
def bound_candidates(runs: StoredRuns) -> Finding:
    worst, n_rounds = 0.0, 0
    for name in ("goodreads_simulated/rounds.csv", "tv_spoilers/rounds.csv"):
        table = runs.read_table(name, ("pool", "k", "n_labeled", "n_candidates"))
        rows = table[table["pool"] == "seals"]
        worst = max(worst, float((rows["n_candidates"] / (rows["k"] * rows["n_labeled"])).max()))
        n_rounds += len(rows)
    return judge(f"at most {worst:.2f} k candidates a label, in {n_rounds:,} rounds", worst <= 1)


@SECTION.claim(
    place="4",
    words="applicable to a wide range of methods",
    says="SEALS works with other strategies than those of the paper's main results.",
    test="candidates of information density and random choice under SEALS, and recall against the same over "
    "everything, "
    "ICD-10-CM",
    rule="confirmed if with both strategies SEALS considers less than 10 % of the pool and loses no recall, by the "
    "interval",
    sources=(ICD,),
)
def check_other_strategies(runs: StoredRuns) -> Finding:
    replay = Replay(runs)
    strategies = {"ID": "information_density", "Random": "random"}
    losses = {name: replay.subtract("all", "seals", strategy, "recall") for name, strategy in strategies.items()}
    shares = [replay.measure("seals", strategy, "pool_fraction").mean for strategy in strategies.values()]
    measured = f"points lost: {format_each(losses, 1, 100)}; largest share of the pool {100 * max(shares):.1f} %"
    holds = False if max(shares) >= 0.1 else are_at_most(losses.values(), 0)
    return judge(measured, holds, confirmed="a negative loss is a gain: candidates near positives are richer in them")
