"""The folder of a run: every finished result is written at once, and the final tables appear complete."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from seals_sim.disk.files import replacing, write_text
from seals_sim.disk.reading import parse_parquet
from seals_sim.errors import UserError
from seals_sim.replay.config import CONFIG, read_config

VERSIONS = ("seals-sim", "numpy", "scipy", "scikit-learn", "faiss-cpu", "sentence-transformers", "torch", "pandas")
_RUNS = "runs.sqlite"
_PATIENCE_SECONDS = 600  # another process may be reading the file


@dataclass(frozen=True)
class RunIdentity:
    """What identifies a run, so that one can resume where another stopped.

    Attributes:
        experiment: Name of the experiment.
        protocol: Its options, a dataclass; fields that a stored run lacks had their defaults.
        data: A digest of its data, if it has any.
    """

    experiment: str
    protocol: Any
    data: str | None

    def require_same(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Raise UserError if `config`, of the run in this folder, is that of another run."""
        protocol = to_json(self.protocol)
        old = {**_get_defaults(self.protocol), **config["options"]}
        pairs: dict[str, tuple[Any, Any]] = {"experiment": (config.get("experiment"), self.experiment)}
        pairs |= {name: (old.get(name), value) for name, value in protocol.items()}
        pairs["data"] = (config.get("data_fingerprint"), self.data)
        for name, (before, now) in pairs.items():
            if before != now:
                raise UserError(
                    f"{folder} holds a run with a different {name} ({before!r:.60}, now {now!r:.60}); "
                    "choose a new folder, or remove this one"
                )


def to_json(options: object) -> dict[str, Any]:
    """The fields of an options dataclass as JSON values."""
    values: dict[str, Any] = TypeAdapter(type(options)).dump_python(options, mode="json")
    return values


def _get_defaults(options: Any) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(options) if field.default is not MISSING}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}


class RunFolder:
    """The folder of one run.

    Args:
        path: The folder.
        identity: The identity of the run.
        about: Further contents of config.json; `execution` and `input` hold options that do not identify a run.

    Raises:
        UserError: If the folder holds another run or anything else. It is left as it is.
    """

    def __init__(self, path: Path, identity: RunIdentity, about: Mapping[str, object]) -> None:
        self.path = path
        self._config = {
            "experiment": identity.experiment,
            "protocol": to_json(identity.protocol),
            "data_fingerprint": identity.data,
            **about,
        }
        require_run_or_nothing(path)
        if (path / CONFIG).exists():
            identity.require_same(path, read_config(path))

    def begin(self) -> None:
        """Create the folder with its config.json, unless the run has already begun."""
        file = self.path / CONFIG
        if not file.exists():
            write_text(file, json.dumps(self._config, indent=1, ensure_ascii=False) + "\n")


def get_versions(packages: tuple[str, ...] = VERSIONS) -> dict[str, str]:
    """The installed version of each package."""
    return {package: version(package) for package in packages}


def require_run_or_nothing(path: Path) -> None:
    """Raise UserError if the folder holds something other than a run."""
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise UserError(f"cannot be used: {error.strerror}", parameter="out", value=path) from error
    if is_there and not is_folder:
        raise UserError("is a file; name a folder", parameter="out", value=path)
    is_run = (path / CONFIG).exists()
    if is_there and not is_run and any(not file.name.startswith(".") for file in path.iterdir()):  # .x: a killed write
        raise UserError("holds other files, not a run; choose a new folder", parameter="out", value=path)


def has_runs(folder: Path) -> bool:
    """Whether a folder has a file of finished runs, whose tables may not have been written yet."""
    return (folder / _RUNS).exists()


class RunStore:
    """The finished runs of a folder, in one SQLite file: each is stored completely or not at all, even after a kill.

    A run has a name and some tables, each with a kind and a checksum; those of early versions have no checksum.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _RUNS
        try:
            self._database = sqlite3.connect(self._file, timeout=_PATIENCE_SECONDS)
        except sqlite3.Error as error:
            raise self._refuse(f"cannot be used ({error})") from error
        try:
            self._prepare()
        except UserError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        with self._reported():
            execute = self._database.execute
            execute("CREATE TABLE IF NOT EXISTS runs (name TEXT, kind TEXT, parquet BLOB, sha256 TEXT)")
            execute("CREATE UNIQUE INDEX IF NOT EXISTS run ON runs (name, kind)")
            columns = [name for _, name, *_ in execute("PRAGMA table_info(runs)")]
            if columns == ["name", "kind", "parquet"]:
                execute("ALTER TABLE runs ADD COLUMN sha256 TEXT")
            elif columns != ["name", "kind", "parquet", "sha256"]:
                raise self._refuse("is damaged, or not the runs of a folder")
            if execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise self._refuse("is damaged")
            for name, kind, content, noted in execute("SELECT name, kind, parquet, sha256 FROM runs"):
                self._require_same(str(name), kind, content, noted)

    def finished(self) -> set[str]:
        """Names of the stored runs."""
        with self._reported():
            return {str(name) for (name,) in self._database.execute("SELECT DISTINCT name FROM runs")}

    def save(self, name: str, tables: Mapping[str, pd.DataFrame]) -> None:
        """Store a finished run."""
        contents = {kind: table.to_parquet() for kind, table in tables.items()}
        rows = [(name, kind, content, hashlib.sha256(content).hexdigest()) for kind, content in contents.items()]
        with self._reported():
            self._database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)

    def read(self, name: str, kind: str) -> pd.DataFrame:
        """One table of a stored run. Raises UserError if it is damaged."""
        with self._reported():
            query = "SELECT parquet, sha256 FROM runs WHERE name = ? AND kind = ?"
            row = self._database.execute(query, (name, kind)).fetchone()
        content, noted = row or (None, None)
        self._require_same(name, kind, content, noted)
        return parse_parquet(content, self._refuse)

    def _require_same(self, name: str, kind: str, content: object, noted: str | None) -> None:
        """Raise UserError if a table is missing, or differs from what was stored."""
        is_same = isinstance(content, bytes) and noted in (None, hashlib.sha256(content).hexdigest())
        if not is_same:
            raise self._refuse(f"is damaged (the {kind} of {name:.60})")

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
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._refuse(f"cannot be used ({error})") from error

    def _refuse(self, problem: str) -> UserError:
        return UserError(f"{self._file}: {problem}; remove it to repeat the runs")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table completely or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
