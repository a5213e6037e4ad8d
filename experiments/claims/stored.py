"""The stored runs that the ledger is built from: what each covers, the command that makes it, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.openimages import read_openimages
from seals_sim.disk.reading import read_content, read_csv, read_json
from seals_sim.errors import UserError
from seals_sim.replay.config import CONFIG, read_config_of

PAPER_TABLES = "openimages-per-class.csv"


@dataclass(frozen=True)
class Source:
    """A folder of reports.

    Attributes:
        data: The data it was measured on.
        command: The command that makes it.
        experiment: Its name in config.json; None for a benchmark.
    """

    data: str
    command: str
    experiment: str | None = None


_GOODREADS = "python -m experiments.goodreads"
SOURCES = {
    "wordnet": Source(
        "WordNet definitions (text)",
        "python -m experiments.paper --jobs 2 --side-concepts 3 --out reports/wordnet",
        "paper",
    ),
    "wordnet_recommended": Source(
        "WordNet definitions (text)",
        "python -m experiments.paper --only recommended --jobs 2 --out reports/wordnet_recommended",
        "paper",
    ),
    "icd10cm": Source(
        "ICD-10-CM descriptions (text)",
        "seals replay --concepts 20 --k 10 --index graph --strategies "
        "maxent,most_likely_positive,information_density,random --jobs 2 --out reports/icd10cm",
        "replay",
    ),
    "beyond": Source("text", "python -m experiments.beyond --jobs 2 --out reports/beyond/wordnet"),
    "theory_bounds": Source(
        "SIMULATED problems",
        "python -m experiments.theory_bounds --jobs 2 --out reports/theory_bounds",
        "theory_bounds",
    ),
    "rounds": Source(
        "SIMULATED vectors",
        "python -m benchmarks.rounds --n 100000,1000000,10000000 --methods "
        "all,all-int8,retrieval,seals-exact,seals-lsh,"
        "seals-hnsw,seals-ivf-flat,seals-ivf-sq,seals-ivf-pq,seals-ivf-rabitq,seals-graph --work work "
        "--out reports/rounds",
    ),
    "goodreads_simulated": Source(
        "SIMULATED stand-in for Goodreads",
        f"{_GOODREADS} --simulate 14130000 --int8 --test-rows 200000 --out reports/goodreads_simulated",
        "goodreads",
    ),
    "tv_spoilers": Source(
        "spoilers of TV series (text)",
        f"{_GOODREADS} --texts tv_spoilers.csv --text-column sentence --label-column spoiler --prevalence 0.03224 "
        "--k 5 --recommended --budget 500 --batch 50 --out reports/tv_spoilers",
        "goodreads",
    ),
}
OPENIMAGES = Source(
    "OpenImages, by Tables 3 to 8 of the paper",
    f"python -m experiments.claims --paper-tables {PAPER_TABLES} --out reports/claims",
)


def get_source(name: str) -> Source:
    """The source that a file of the ledger belongs to, by its path below the reports."""
    return OPENIMAGES if name == PAPER_TABLES else SOURCES[name.split("/", 1)[0]]


class MissingRun(Exception):
    """A run that a claim needs is missing. The text names it and the command that makes it."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} is missing; run: {command}")


class StoredRuns:
    """The folder of reports.

    Args:
        folder: Holds a folder for each of SOURCES that has been run.
        paper_tables: Tables 3 to 8 of the paper as one CSV, if available.

    Raises:
        UserError: If the folder holds no reports, or a report of another experiment than its name says.
    """

    def __init__(self, folder: Path, paper_tables: Path | None = None) -> None:
        self.folder = folder
        self._paper_tables = paper_tables
        self._tables: dict[str, pd.DataFrame] = {}
        if not any((folder / name).is_dir() for name in SOURCES):
            problem = f"holds no reports (none of {', '.join(SOURCES)})"
            raise UserError(problem, parameter="reports", value=str(folder))
        for name, source in SOURCES.items():
            if source.experiment is not None and (folder / name).is_dir():
                read_config_of(source.experiment, folder / name, dict[str, Any])

    def read_table(self, name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        """A CSV file of a report.

        Args:
            name: Its path below the reports.
            columns: Columns that it must have.

        Raises:
            MissingRun: If it does not exist.
            UserError: If it is damaged or lacks a column.
        """
        if name not in self._tables:
            self._tables[name] = read_csv(self._find(name))
        table = self._tables[name]
        lacking = [column for column in columns if column not in table]
        if lacking:
            raise UserError(f"{self.folder / name}: has no column {lacking[0]!r}; rerun this report's command")
        return table

    def read_config(self, name: str) -> dict[str, Any]:
        """config.json of a report's folder, with all options under `options`.

        Raises:
            MissingRun: If the report does not exist.
        """
        self._find(f"{name}/{CONFIG}")
        experiment = SOURCES[name].experiment
        assert experiment is not None
        return read_config_of(experiment, self.folder / name, dict[str, Any])

    def read_command(self, folder: str) -> str:
        """The command that made a run, from its config.json."""
        command: str = self.read_json(f"{folder}/{CONFIG}")["command"]
        return command

    def list_folders(self, name: str) -> list[str]:
        """The runs in a folder of several runs, found by their config.json.

        Raises:
            MissingRun: If the folder does not exist.
        """
        self._find(name)
        return [f"{name}/{path.parent.name}" for path in sorted((self.folder / name).glob(f"*/{CONFIG}"))]

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of a report.

        Raises:
            MissingRun: If it does not exist.
        """
        content: dict[str, Any] = read_json(self._find(name), dict[str, Any])
        return content

    def read_page_table(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """The table on a report's page whose heading begins with these columns. A column becomes numeric if all its
        cells are numbers or dashes.

        Raises:
            MissingRun: If the page does not exist or has no such table.
        """
        reader = _TableReader()
        reader.feed(read_content(self._find(name)).decode(errors="replace"))
        for rows in reader.tables:
            if rows and rows[0][: len(columns)] == list(columns):
                table = pd.DataFrame(rows[1:], columns=rows[0])
                return table.apply(_to_numbers)
        raise MissingRun(f"{name}: the table {', '.join(columns)}", get_source(name).command)

    @cached_property
    def openimages(self) -> pd.DataFrame:
        """Tables 3 to 8, one row per class.

        Raises:
            MissingRun: If they were not given.
        """
        if self._paper_tables is None:
            raise MissingRun(f"{PAPER_TABLES} (Tables 3 to 8 as a CSV)", OPENIMAGES.command)
        return read_openimages(self._paper_tables)

    def _find(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            raise MissingRun(name, get_source(name).command)
        return path


def _to_numbers(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if (numbers.notna() | (column == "-")).all() and numbers.notna().any() else column


class _TableReader(HTMLParser):
    """Collects the texts of all cells, by table and row."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._is_in_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.tables[-1][-1][-1] += data.strip()
