"""The folder of a run: every finished piece is on disk at once, and the final tables appear whole."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.disk.files import replacing, write_text
from seals_sim.errors import UserError

_MAY_DIFFER = {
    "out", "jobs", "quiet", "cache", "only", "paper_tables", "skip_bad_lines",
    "dataset", "wordnet", "texts", "vectors", "labels", "reviews",  # what they hold must be the same
    "work", "memory", "threads", "block",
}  # fmt: skip
_PATIENCE_SECONDS = 600  # somebody may be reading the file


class RunFolder:
    """DIR of one run.

    config: what config.json shall hold. A folder that holds a run with other `options` or another
    `data_fingerprint`, or that holds anything else, is refused with a UserError and left as it is.
    """

    def __init__(self, path: Path, config: dict[str, object]) -> None:
        self.path = path
        self._config = json.loads(json.dumps(config))
        require_run_or_nothing(path)
        if (path / "config.json").exists():
            _require_same(path, _identity(read_config(path)), _identity(self._config))

    def begin(self) -> None:
        """Make the folder with its config.json, unless the run has begun before."""
        file = self.path / "config.json"
        if not file.exists():
            write_text(file, json.dumps(self._config, indent=1, ensure_ascii=False) + "\n")


def require_run_or_nothing(path: Path) -> None:
    """Raise UserError where the folder holds something else than a run."""
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise UserError(f"--out {path}: cannot be used: {error.strerror}") from error
    if is_there and not is_folder:
        raise UserError(f"--out {path}: this is a file, and a folder is needed")
    is_run = (path / "config.json").exists()
    if is_there and not is_run and any(not file.name.startswith(".") for file in path.iterdir()):  # .x: a killed write
        raise UserError(f"--out {path}: this folder holds other files and no run; choose a new one")


class RunStore:
    """The finished runs of a folder, in one SQLite file: each is there whole or not at all, whatever kills the process.

    A run has a name and some tables, each by a kind.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "runs.sqlite"
        self._database = sqlite3.connect(self._file, timeout=_PATIENCE_SECONDS)
        with self._reported():
            self._database.execute("CREATE TABLE IF NOT EXISTS runs (name TEXT, kind TEXT, parquet BLOB)")
            self._database.execute("CREATE UNIQUE INDEX IF NOT EXISTS run ON runs (name, kind)")

    def finished(self) -> set[str]:
        """Names of the runs that are there."""
        with self._reported():
            return {name for (name,) in self._database.execute("SELECT DISTINCT name FROM runs")}

    def save(self, name: str, tables: Mapping[str, pd.DataFrame]) -> None:
        """Keep a finished run."""
        rows = [(name, kind, table.to_parquet()) for kind, table in tables.items()]
        with self._reported():
            self._database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows)

    def read(self, name: str, kind: str) -> pd.DataFrame:
        """One table of a run that is there."""
        with self._reported():
            query = "SELECT parquet FROM runs WHERE name = ? AND kind = ?"
            (parquet,) = self._database.execute(query, (name, kind)).fetchone()
        return pd.read_parquet(io.BytesIO(parquet))

    def close(self) -> None:
        self._database.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self.close()
        self._file.unlink()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            with self._database:
                yield
        except sqlite3.Error as error:
            raise UserError(f"{self._file}: cannot be used ({error})") from error


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_config(path: Path) -> dict[str, Any]:
    """config.json of a run's folder. Raises UserError where it is not there or not readable."""
    config = path / "config.json"
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no run in this folder (no config.json)") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{config}: cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise UserError(f"{config}: is not the config of a run")
    return found


def _identity(config: dict[str, Any]) -> dict[str, object]:
    """What makes two runs the same."""
    options = {name: value for name, value in config.get("options", {}).items() if name not in _MAY_DIFFER}
    return {"experiment": config.get("experiment"), **options, "data": config.get("data_fingerprint")}


def _require_same(path: Path, old: dict[str, object], new: dict[str, object]) -> None:
    for name in {**new, **old}:
        if old.get(name) != new.get(name):
            raise UserError(
                f"--out {path}: holds a run with another {name} ({old.get(name)!r:.60}, now {new.get(name)!r:.60}); "
                "choose a new folder, or remove this one"
            )
