"""The figure of benchmarks.peers."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.ours import METHODS
from seals_sim.disk.files import replacing
from seals_sim.replay.figures import STYLE


def draw_bars(table: pd.DataFrame, path: Path) -> None:
    """Draw the total seconds of each method as bars, with its recall and its ratio to the first; one panel per size.

    Bars of runs that timed out are hatched, since they would have gone on. Runs that failed have no bar and say so.
    """
    sizes = table["n"].unique()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2 + 5.2 * len(sizes), 1.6 + 0.45 * table.groupby("n").size().max()))
        panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
        for axis, n in zip(panels, sizes, strict=True):
            part = table[table["n"] == n].reset_index(drop=True)
            measured = part["total_seconds"].where(part["is_finished"] | part["is_timed_out"])
            known = measured[measured > 0]
            least, most = (known.min() / 2, known.max() * 100) if len(known) else (0.1, 10.0)
            for place, row in part.iterrows():
                seconds = measured[place]
                if pd.isna(seconds):
                    axis.text(least * 1.1, place, "failed", va="center", fontsize="small")
                    continue
                is_ours = row["method"] in METHODS
                hatch = "///" if row["is_timed_out"] else None
                axis.barh(place, seconds - least, left=least, color="C0" if is_ours else "C7", hatch=hatch)
                axis.text(seconds * 1.1, place, _describe(row), va="center", fontsize="small")
            axis.set(xscale="log", xlim=(least, most), xlabel="seconds in all (selection and training)")
            axis.set_title(f"n = {n:,}", fontsize="small")
            axis.set_yticks(range(len(part)), part["does"], fontsize="small")
        panels[0].invert_yaxis()
        title = "SIMULATED vectors: the same run by each library (ratio to our MaxEnt-SEALS; recall of positives)"
        figure.suptitle(title, fontsize="medium")
        figure.tight_layout()
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=120, metadata={"Software": None})


def _describe(row: pd.Series) -> str:
    ratio = f"{row['ratio']:,.2f}x" if row["ratio"] < 9.95 else f"{row['ratio']:,.0f}x"
    if row["is_timed_out"]:
        return f"> {ratio}, timed out after {row['rounds']:.0f} of {row['n_rounds']:.0f} rounds"
    return f"{ratio}, recall {row['recall']:.2f}"
