"""The numbers of an `experiments.paper` run, looked up in its tables by study and line."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from experiments.claims.estimates import Estimate, Repeats, average, correlate, format_each
from experiments.claims.stored import SOURCES, MissingRun, StoredRuns

SUMMARY = "wordnet/summary.csv"
CONCEPTS = "wordnet/concepts.csv"
WITHOUT_WHITENING = "wordnet_recommended/differences.csv"
IMAGE_COSINES = (0.453, 0.361)  # ImageNet and OpenImages, 7.12.3
Budget = Literal["small", "full"]


class Studies:
    """A run of all experiments of the paper on texts: means over concepts with their spread over repeats."""

    def __init__(self, runs: StoredRuns) -> None:
        self._summary = runs.read_table(SUMMARY, ("line", "study", "n_concepts"))
        self.config = runs.read_config("wordnet")
        self._runs = runs

    @property
    def concepts(self) -> pd.DataFrame:
        """One row per concept of the main study."""
        return self._runs.read_table(CONCEPTS, ("largest_component", "average_shortest_path", "average_cosine"))

    @property
    def options(self) -> dict[str, Any]:
        """The options of the run."""
        options: dict[str, Any] = self.config["options"]
        return options

    def find_row(self, study: str, line: str) -> pd.Series:
        """One line of a study.

        Raises:
            MissingRun: If this study, or this line of it, has not been run.
        """
        rows = self._summary[(self._summary["study"] == study) & (self._summary["line"] == line)]
        if rows.empty:
            raise MissingRun(f"{SUMMARY}: {line} of the study {study}", SOURCES["wordnet"].command)
        return rows.iloc[0]

    def count_concepts(self, study: str) -> int:
        """How many concepts a study was run on."""
        return int(self._summary.loc[self._summary["study"] == study, "n_concepts"].min())

    def find_lines(self, study: str) -> list[str]:
        """The lines of a study."""
        lines: list[str] = self._summary.loc[self._summary["study"] == study, "line"].tolist()
        return lines

    def measure(self, study: str, line: str, measure: str, budget: Budget = "full") -> Repeats:
        """A mean over concepts of `recall`, `average_precision` or `pool_fraction`, at 0.3 % of the labels or at all
        labels.
        """
        columns = tuple(f"{measure}_{budget}_{statistic}" for statistic in ("mean", "std"))
        self._runs.read_table(SUMMARY, columns)
        mean, std = (float(value) for value in self.find_row(study, line)[list(columns)])
        return Repeats(mean, std, int(self.options["repeats"]))

    def subtract(self, study: str, one: str, other: str, measure: str, budget: Budget = "full") -> Estimate:
        """The difference of two lines of a study."""
        return self.measure(study, one, measure, budget).minus(self.measure(study, other, measure, budget))

    def compute_gaps(
        self, measure: str, study: str = "main", strategies: tuple[str, ...] = ("MaxEnt", "MLP"), suffix: str = ""
    ) -> dict[str, Estimate]:
        """The full scan minus SEALS by strategy. The suffix follows SEALS in the name of a line."""
        return {name: self.subtract(study, f"{name}-All", f"{name}-SEALS{suffix}", measure) for name in strategies}

    def describe_text(self) -> str:
        """How these texts differ from the images of the paper, in numbers from the run."""
        pool = self.config["rows"]["pool"]
        cosine = average(self.concepts["average_cosine"])
        images = " and ".join(f"{value:g}" for value in IMAGE_COSINES)
        return (
            f"What differs from images: concepts cohere less (mean cosine {cosine.text(2)}; images {images}, 7.12.3); "
            f"a whitened table of {pool:,} rows, of which {100 * self.options['budget'] / pool:.1f} % are labeled "
            f"(ImageNet .31 %), with k = {self.options['k']}. {self._describe_gap()}"
        )

    def _describe_gap(self) -> str:
        """What the loss depends on, by runs: skew, dimension, whitening."""
        lost = self.concepts["recall MLP-All"] - self.concepts["recall MLP-SEALS"]
        skew = correlate(self.concepts["pool_positives"], lost)
        shown = f"By runs the recall lost does not follow skew (r with the number of positives {skew.text(2)})"
        names = [name for name in self.options["embeddings"] if name.startswith("all-")]
        try:
            gaps = {
                name.rpartition("/")[2]: self.subtract("embeddings", f"MLP-All, {name}", f"MLP-SEALS, {name}", "recall")
                for name in names
            }
            few = self.count_concepts("embeddings")
            shown += f", hardly dimension (points: {format_each(gaps, 1, 100)}; {few} concepts)"
            table = self._runs.read_table(WITHOUT_WHITENING, ("line", "measure", "mean"))
        except MissingRun:
            return f"{shown}."
        found = table[table["measure"] == "recall"].groupby("line")["mean"].last()
        raw = found["MLP-All, not whitened"]
        return (
            f"{shown}, nor whitening alone ({found['MLP-All'] - found['MLP-SEALS']:.1f} points, "
            f"{raw - found['MLP-SEALS, not whitened']:.1f} without); where the neighbors of the "
            f"model's best candidates join too, {raw - found['MLP-Walk, not whitened']:.1f} are lost."
        )
