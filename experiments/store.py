"""The folder of a run: every finished piece is on disk at once, and the final tables appear whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.protocol import Results
from seals_sim.errors import UserError
from seals_sim.files import replacing, write_text

_MAY_DIFFER = {"out", "jobs", "quiet", "cache", "texts", "vectors", "labels", "reviews", "skip_bad_lines"}


class RunFolder:
    """DIR of one run.

    config: what config.json shall hold. A folder that holds a run with other `options` or another
    `data_fingerprint`, or that holds anything else, is refused with a UserError and left as it is.
    """

    def __init__(self, path: Path, config: dict[str, object]) -> None:
        self.path = path
        self._parts = path / "parts"
        self._config = json.loads(json.dumps(config))
        try:
            is_there, is_folder = path.exists(), path.is_dir()
        except OSError as error:
            raise UserError(f"--out {path}: cannot be used: {error.strerror}") from error
        if is_there and not is_folder:
            raise UserError(f"--out {path}: this is a file, and a folder is needed")
        if (path / "config.json").exists():
            _require_same(path, _identity(read_config(path)), _identity(self._config))
        elif is_there and any(not file.name.startswith(".") for file in path.iterdir()):  # .x: left by a killed write
            raise UserError(f"--out {path}: this folder holds other files and no run; choose a new one")

    def begin(self) -> None:
        """Make the folder with its config.json, unless the run has begun before."""
        file = self.path / "config.json"
        if not file.exists():
            write_text(file, json.dumps(self._config, indent=1, ensure_ascii=False) + "\n")

    @property
    def is_complete(self) -> bool:
        return (self.path / "rounds.csv").exists() and (self.path / "picks.csv").exists()

    def has(self, job: tuple[str, int]) -> bool:
        """Whether this (concept, repeat) is finished."""
        return self._file(job, "rounds").exists()

    def save(self, job: tuple[str, int], results: Results) -> None:
        """Keep the results of a finished job."""
        for name, table in (("picks", results.picks), ("rounds", results.rounds)):  # rounds last: it says 'finished'
            with replacing(self._file(job, name)) as temporary:
                table.to_parquet(temporary)

    def collect(self, jobs: Iterable[tuple[str, int]]) -> None:
        """Write rounds.csv and picks.csv of all jobs, in their order, and drop the pieces."""
        jobs = list(jobs)
        for name in ("picks", "rounds"):
            table = pd.concat([pd.read_parquet(self._file(job, name)) for job in jobs], ignore_index=True)
            write_csv(self.path / f"{name}.csv", table)
        for piece in self._parts.iterdir():
            piece.unlink()
        self._parts.rmdir()

    def _file(self, job: tuple[str, int], name: str) -> Path:
        digest = hashlib.sha256(job[0].encode()).hexdigest()[:16]
        return self._parts / f"{digest}-{job[1]}-{name}.parquet"


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
