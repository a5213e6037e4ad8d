"""The mean curve of a report, recomputed from its definition with plain loops and no table."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.replay.tables import MEASURES, compute_curves


def mean_curve(runs, measure):
    """Average over concepts within a repeat, then take the mean and standard deviation over repeats (5.1).

    runs: (method, concept, repeat) -> the values of a measure by round; a run that ended keeps its last value.
    """
    n_rounds = max(len(values) for values in runs.values())
    curve = {}
    for method in {method for method, _, _ in runs}:
        for number in range(n_rounds):
            of_repeat: dict[int, list[float]] = {}
            for (run_method, _, repeat), values in runs.items():
                if run_method == method:
                    of_repeat.setdefault(repeat, []).append(values[min(number, len(values) - 1)][measure])
            means = [statistics.fmean(values) for values in of_repeat.values()]
            curve[(*method, number)] = means
    return {
        key: (statistics.fmean(means), statistics.stdev(means) if len(means) > 1 else None)
        for key, means in curve.items()
    }


values = st.fixed_dictionaries({measure: st.floats(0, 1000) for measure in MEASURES})


@st.composite
def replays(draw):
    methods = draw(
        st.lists(
            st.tuples(st.sampled_from(["all", "seals"]), st.sampled_from(["maxent", "random", "most_likely_positive"])),
            min_size=1, max_size=3, unique=True,
        )
    )  # fmt: skip
    n_concepts, n_repeats = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {
        (method, f"concept {concept}", repeat): draw(st.lists(values, min_size=1, max_size=4))
        for method in methods
        for concept in range(n_concepts)
        for repeat in range(n_repeats)
    }


@settings(deadline=None)
@given(replays(), st.randoms(use_true_random=False))
def test_the_curve_of_a_report_agrees_with_a_plain_one(runs, random):
    rows = [
        {"pool": method[0], "strategy": method[1], "concept": concept, "repeat": repeat, "round": number, **measured}
        for (method, concept, repeat), rounds in runs.items()
        for number, measured in enumerate(rounds)
    ]
    random.shuffle(rows)
    table = compute_curves(pd.DataFrame(rows))
    for measure in MEASURES:
        plain = mean_curve(runs, measure)
        assert set(table.index) == set(plain)
        for key, (mean, deviation) in plain.items():
            assert table.loc[key, f"{measure}_mean"] == pytest.approx(mean, rel=1e-9, abs=1e-9)
            if deviation is None:
                assert np.isnan(table.loc[key, f"{measure}_std"])
            else:
                assert table.loc[key, f"{measure}_std"] == pytest.approx(deviation, rel=1e-6, abs=1e-6)
