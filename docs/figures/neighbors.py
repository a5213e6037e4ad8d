"""Draws neighbors.png: three rounds of SEALS on simulated points of the plane. Run it from a checkout."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np

from seals_sim import ArgMax, ExactIndex, LabeledRows, LabelTable, LogisticLearner, SealsPool, max_entropy, run

K, BATCH, ROUNDS = 8, 5, (0, 2, 6)

rng = np.random.default_rng(4)
points = rng.uniform(-4, 4, size=(1000, 2)).astype(np.float32)
is_positive = points.sum(axis=1) > 4
positives, negatives = np.flatnonzero(points.sum(axis=1) > 5.5)[:2], np.flatnonzero(points.sum(axis=1) < 1)[:3]

seeds = LabeledRows([*positives, *negatives], [1, 1, 0, 0, 0])
pool = SealsPool(seeds, points, ExactIndex(points), K)
learner = LogisticLearner(points, regularization=10)
figure, axes = plt.subplots(1, len(ROUNDS), figsize=(12, 5), sharex=True, sharey=True)
for state in run(seeds, pool, learner, ArgMax(max_entropy), LabelTable(is_positive), BATCH, len(seeds) + 6 * BATCH):
    if state.number not in ROUNDS:
        continue
    axis = axes[ROUNDS.index(state.number)]
    table = pool.candidates(0)
    candidates = table.rows[table.is_live]
    x = np.linspace(-4, 4, 200)
    height = state.model.decision(np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2).astype(np.float32))
    axis.contour(x, x, height.reshape(200, 200), levels=[0], colors="black", linestyles="--")
    axis.fill([0, 4, 4], [4, 4, 0], color="tab:blue", alpha=0.1, linewidth=0, label="what is sought")
    axis.scatter(*points.T, s=6, color="0.8", label="not considered")
    axis.scatter(*points[candidates].T, s=22, color="tab:orange", label="candidates: neighbors of labels")
    for label, color, marker, name in ((1, "tab:blue", "P", "positive"), (0, "tab:red", "X", "negative")):
        rows = state.labeled.rows[state.labeled.labels == label]
        axis.scatter(*points[rows].T, s=70, color=color, marker=marker, edgecolor="white", label=f"labeled {name}")
    axis.set_title(f"round {state.number}: {len(state.labeled)} labels, {state.n_candidates} points considered")
    axis.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=[], yticks=[])
axes[0].plot([], [], "k--", label="the model's boundary")
figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False)
figure.suptitle(f"SIMULATED points; k = {K}, max entropy, {BATCH} labels a round")
figure.tight_layout(rect=(0, 0.12, 1, 0.97))
figure.savefig(Path(__file__).with_suffix(".png"), dpi=90)
