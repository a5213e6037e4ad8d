"""Sections 7.11 and 7.12: self-supervised embeddings; spoilers, SIMULATED and in sentences about TV series."""

from __future__ import annotations

from dataclasses import replace

from experiments.claims.claim import Finding, Section, Verdict, judge
from experiments.claims.estimates import Estimate, Repeats, are_at_least, are_at_most, are_within, format_each
from experiments.claims.sections.replays import Replay
from experiments.claims.stored import SOURCES, MissingRun, StoredRuns

SECTION = Section("7.11 and 7.12: self-supervised embeddings, Goodreads")
SIMULATED, TV = "goodreads_simulated/summary.csv", "tv_spoilers/summary.csv"
FACTS_OF_SIMULATED, FACTS_OF_TV = "goodreads_simulated/facts.json", "tv_spoilers/facts.json"
_COMMAND = SOURCES["goodreads_simulated"].command
_STRATEGIES = {"MaxEnt": "maxent", "MLP": "most_likely_positive"}

SECTION.leave_untested(
    place="7.11, Figure 15",
    words="baseline and SEALS approaches is slightly larger",
    says="With SimCLR embeddings of ImageNet SEALS is far ahead of random sampling, a little further behind the "
    "full scan.",
    why="images and their embeddings are not here; all embeddings of text here are self-supervised or distilled",
)
SECTION.leave_untested(
    place="7.11, Figure 16",
    words="the average shortest path between examples was slightly longer",
    says="With SimCLR embeddings components stay large and paths get a little longer.",
    why="images and their embeddings are not here",
)
SECTION.leave_untested(
    place="7.12",
    words="Spoilers made up 3.224% of the data",
    says="17.67 million sentences, 3.224 % of them spoilers.",
    why="the reviews are not here; the stand-in is made with these numbers (python -m experiments.goodreads "
    "--reviews reads them)",
)


@SECTION.claim(
    place="7.12.1, Figure 17",
    words="SEALS achieved the same recall as the baseline approaches",
    says="At 2,000 labels SEALS finds as many spoilers as the full scan (.17 ± .05 against .15 ± .02 %).",
    test="recall of the full scan minus SEALS on the stand-in, in percent of all spoilers",
    rule="refuted if an interval is wholly outside of .05, the paper's spread; confirmed if all are within; "
    "sharpened if "
    "within and surely above 0",
    sources=(SIMULATED,),
)
def compare_recall_of_simulated(runs: StoredRuns) -> Finding:
    replay = Replay(runs, SIMULATED)
    gaps = {name: replay.subtract("all", "seals", strategy, "recall") for name, strategy in _STRATEGIES.items()}
    part = (
        replay.measure("seals", "most_likely_positive", "recall").mean
        / replay.measure("all", "most_likely_positive", "recall").mean
    )
    measured = f"percent lost: {format_each(gaps, 3, 100)}; SEALS finds {100 * part:.0f} % of what the full scan does"
    holds = are_within(gaps.values(), 0.0005)
    if holds and any(gap.low > 0 for gap in gaps.values()):
        return Finding(measured, Verdict.SHARPENED, "within the paper's spread, and yet surely fewer, SIMULATED")
    return judge(measured, holds)


@SECTION.claim(
    place="7.12.1, Figure 17",
    words="SEALS achieved the same recall as the baseline approaches",
    says="The same, on real sentences.",
    test="recall of the full scan minus SEALS at 500 labels, spoilers of TV series (k = 5, 5,272 rows)",
    rule="confirmed if the interval ends at most at 5 points; refuted if it begins above. Five repeats of one "
    "small task.",
    sources=(TV,),
)
def compare_recall_on_tv(runs: StoredRuns) -> Finding:
    gap = Replay(runs, TV).subtract("all", "seals", "most_likely_positive", "recall")
    return judge(f"points lost: {gap.text(1, 100)}", are_at_most([gap], 0.05))


@SECTION.claim(
    place="7.12.1",
    words="only considered less than 1% of the unlabeled data",
    says="SEALS considers under 1 % of Goodreads.",
    test="share of the pool at 2,000 labels, k = 100, on the stand-in with 14.13 million rows",
    rule="confirmed if the intervals end below 1 %",
    sources=(SIMULATED,),
)
def check_share(runs: StoredRuns) -> Finding:
    replay = Replay(runs, SIMULATED)
    shares = {
        name: replay.measure("seals", strategy, "pool_fraction").estimate() for name, strategy in _STRATEGIES.items()
    }
    return judge(f"{format_each(shares, 2, 100)} %", are_at_most(shares.values(), 0.01))


@SECTION.claim(
    place="7.12.1, Figure 18",
    words="Increasing the labeling budget to 50,000 examples",
    says="With 50,000 labels about 3.7 % of the spoilers are found.",
    test="recall at 50,000 labels on the stand-in",
    rule="confirmed if within 1 point of 3.7 %",
    sources=(SIMULATED,),
)
def check_50_000_labels(runs: StoredRuns) -> Finding:
    found = Replay(runs, SIMULATED).find_row("seals", "most_likely_positive")
    if found["n_labeled_mean"] < 50_000:
        raise MissingRun(f"{SIMULATED}: a run with 50,000 labels", f"{_COMMAND}_50000 --budget 50000")
    return judge(f"{100 * found['recall_mean']:.2f} %", abs(100 * found["recall_mean"] - 3.7) <= 1)


@SECTION.claim(
    place="7.12.1",
    words="ID-SEALS performed worse than the other strategies",
    says="Information density finds fewer spoilers than the other strategies.",
    test="recall of MLP-SEALS minus ID-SEALS on the stand-in",
    rule="confirmed if the interval begins above 0",
    sources=(SIMULATED,),
)
def check_density(runs: StoredRuns) -> Finding:
    replay = Replay(runs, SIMULATED)
    try:
        density = replay.measure("seals", "information_density", "recall")
    except MissingRun:
        command = f"{_COMMAND}_density --strategies most_likely_positive,information_density"
        raise MissingRun(f"{SIMULATED}: information density", command) from None
    lead = replay.measure("seals", "most_likely_positive", "recall").minus(density)
    return judge(f"percent ahead {lead.text(3, 100)}", are_at_least([lead], 0))


@SECTION.claim(
    place="7.12.1",
    words="outperformed random sampling by up to an order of",
    says="The strategies find up to 10 times as many spoilers as random sampling.",
    test="recall minus that of Random-All with both pools, and the factors, on the stand-in and on TV series",
    rule="confirmed if all intervals begin above 0 and no factor is above 10",
    sources=(SIMULATED, TV),
)
def compare_with_random(runs: StoredRuns) -> Finding:
    leads, factors = {}, []
    for title, name in (("stand-in", SIMULATED), ("TV", TV)):
        replay = Replay(runs, name)
        chance = replay.measure("all", "random", "recall")
        for pool, label in (("all", "All"), ("seals", "SEALS")):
            found = replay.measure(pool, "most_likely_positive", "recall")
            leads[f"{title} MLP-{label}"] = found.minus(chance)
            factors.append(found.mean / chance.mean)
    measured = f"percent ahead: {format_each(leads, 3, 100)}; {min(factors):.1f} to {max(factors):.1f} times"
    return judge(measured, False if max(factors) > 10 else are_at_least(leads.values(), 0))


@SECTION.claim(
    place="7.12.2",
    words="all the selection strategies were indistinguishable from random",
    says="At 2,000 labels no strategy gives a better model than random sampling, by AUC.",
    test="AUC of MaxEnt-SEALS minus Random-All on TV series (real), and on the stand-in beside it",
    rule="confirmed if the interval on TV series holds 0; refuted if it does not",
    sources=(TV, SIMULATED),
)
def compare_models(runs: StoredRuns) -> Finding:
    leads = {}
    for title, name in (("TV", TV), ("stand-in", SIMULATED)):
        replay = Replay(runs, name)
        leads[title] = replay.measure("seals", "maxent", "auc").minus(replay.measure("all", "random", "auc"))
    real, tv = leads["TV"], Replay(runs, TV)
    why = "on real sentences, of which there are few"
    if leads["stand-in"].low > 0:
        why += "; not so on the stand-in, whose spoilers share a direction"
    measured = f"AUC ahead: {format_each(leads, 3)}"
    if tv.has("all_raw", "random"):
        chance = tv.measure("all_raw", "random", "auc")
        lead = tv.measure("all_raw", "most_likely_positive", "auc").minus(chance)
        gain = chance.minus(tv.measure("all", "random", "auc"))
        measured += f"; TV not whitened, MLP-All {lead.text(3)}, where random labels alone gain {gain.text(3)}"
        why += "; whitening costs every strategy its model, random labels too"
    return judge(measured, real.low <= 0 <= real.high, confirmed=why)


@SECTION.claim(
    place="7.12.2, Figure 18",
    words="performed worse than random sampling despite",
    says="With 100,000 labels every strategy gives a worse model than random sampling.",
    test="AUC of every strategy minus Random-All at 100,000 labels on the stand-in",
    rule="confirmed if all intervals end below 0",
    sources=(SIMULATED,),
)
def check_100_000_labels(runs: StoredRuns) -> Finding:
    replay = Replay(runs, SIMULATED)
    if replay.find_row("all", "random")["n_labeled_mean"] < 100_000:
        raise MissingRun(f"{SIMULATED}: a run with 100,000 labels", f"{_COMMAND}_100000 --budget 100000")
    chance = replay.measure("all", "random", "auc")
    leads = {name: replay.measure("seals", strategy, "auc").minus(chance) for name, strategy in _STRATEGIES.items()}
    return judge(f"AUC ahead: {format_each(leads, 3)}", are_at_most(leads.values(), 0))


@SECTION.claim(
    place="7.12.3, Figure 19",
    words="increasing k to 100 improved that dramatically",
    says="The largest component holds 28.4 % of the spoilers at k = 10 and 96.7 % at k = 100.",
    test="largest component of the spoilers at both k, on TV series and on the stand-in",
    rule="confirmed if below one half at k = 10 and above .9 at k = 100 on both",
    sources=(FACTS_OF_TV, FACTS_OF_SIMULATED),
)
def check_components(runs: StoredRuns) -> Finding:
    parts = {}
    for title, name in (("TV", FACTS_OF_TV), ("stand-in", FACTS_OF_SIMULATED)):
        component = runs.read_json(name)["splits"]["sentence"]["largest_component"]
        parts[title] = (component["10"], component["100"])
    measured = ", ".join(f"{title} {100 * few:.1f} and {100 * many:.1f} %" for title, (few, many) in parts.items())
    return judge(measured, all(few < 0.5 and many > 0.9 for few, many in parts.values()))


@SECTION.claim(
    place="7.12.3",
    words="with an average cosine similarity of 0.004",
    says="Spoilers are spread almost uniformly: their mean cosine is .004.",
    test="mean cosine of the spoilers of TV series, whitened as in 7.12 (the stand-in beside it)",
    rule="confirmed if within .02 of 0 on TV series",
    sources=(FACTS_OF_TV, FACTS_OF_SIMULATED),
)
def check_cosine(runs: StoredRuns) -> Finding:
    cosines = [
        runs.read_json(name)["splits"]["sentence"]["average_cosine"] for name in (FACTS_OF_TV, FACTS_OF_SIMULATED)
    ]
    why = "whitening centers the table, so the mean cosine of any broad class is near 0: it says little about clusters"
    return judge(f"TV {cosines[0]:.4f}, stand-in {cosines[1]:.4f}", abs(cosines[0]) <= 0.02, confirmed=why)


@SECTION.claim(
    place="7.12",
    words="applied PCA whitening to reduce the dimension to 256",
    says="The embedding is whitened to 256 dimensions (a choice of the paper, taken to be harmless).",
    test="recall of the full scan, whitened minus as the embedding comes, paired over concepts, experiments.beyond; "
    "over repeats, spoilers of TV series",
    rule="confirmed if every interval is within 1 point; refuted if one is wholly outside",
    sources=("beyond", TV),
)
def check_whitening(runs: StoredRuns) -> Finding:
    costs, folders = {}, {}
    for folder in runs.list_folders("beyond"):
        table = runs.read_table(
            f"{folder}/differences.csv", ("rule", "n_labeled", "measure", "difference", "low", "high")
        )
        for _, row in table[(table["rule"] == "all_whitened") & (table["measure"] == "recall")].iterrows():
            title = f"{folder.rpartition('/')[2]}, {row['n_labeled']:,} labels"
            costs[title] = Estimate(row["difference"], row["low"], row["high"])
            folders[folder] = True
    if not costs:
        raise MissingRun("beyond: the rule all_whitened", f"{SOURCES['beyond'].command} --only all,all_whitened")
    tv = Replay(runs, TV)
    if tv.has("all_raw", "most_likely_positive"):
        gains = runs.read_table("tv_spoilers/recommended.csv", ("method", "recall_difference", "recall_std"))
        row = gains.set_index("method").loc["MLP-All (not whitened)"]
        n = int(tv.find_row("all_raw", "most_likely_positive")["n_repeats"])
        costs["tv_spoilers, 500 labels"] = Repeats(-row["recall_difference"], row["recall_std"], n).estimate()
        folders["tv_spoilers"] = True
    finding = judge(f"points gained by whitening: {format_each(costs)}", are_within(costs.values(), 1))
    return replace(finding, folders=tuple(folders))
