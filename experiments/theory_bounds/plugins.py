"""Algorithms, problems and oracles registered in a module of your own, run by name beside those of the paper.

Only modules that the user names are imported; without --plugin nothing is searched for.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from experiments.theory_bounds.options import ALGORITHMS, PROBLEMS, TheoryOptions
from seals_sim.errors import UserError
from theory import registry


def load_plugins(options: TheoryOptions) -> None:
    """Import the modules of --plugin, which register their parts, and check all names.

    Raises:
        UserError: If a module is not found, or a name is unknown.
    """
    for name in options.plugin:
        _load(name)
    for parameter, names, known in (
        ("problem", options.problem, [*PROBLEMS, *registry.PROBLEMS.names]),
        ("algorithm", options.algorithm, [*ALGORITHMS, *registry.ALGORITHMS.names]),
        ("oracle", (options.oracle,), registry.ORACLES.names),
    ):
        for name in names:
            if name not in known:
                choices = ", ".join(map(repr, dict.fromkeys(known)))
                raise UserError(f"unknown; choose from {choices}", parameter=parameter, value=name)
    if options.oracle != "exact" and (options.noise or options.noise_band):
        raise UserError("cannot be combined with --noise or --noise-band", parameter="oracle", value=options.oracle)


def compute_fingerprint(options: TheoryOptions) -> str | None:
    """Compute a digest of the modules of --plugin; None without one. Other code makes another run."""
    files = [_load(name).__file__ for name in options.plugin]
    if not files:
        return None
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files if file)).hexdigest()


def _load(name: str) -> ModuleType:
    """Import a module by its name, or a file ending in .py; once in each process."""
    if not name.endswith(".py"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name.partition(".")[0] and error.name != name:
                raise
            raise UserError(
                "no such module; give a module name or a file ending in .py", parameter="plugin", value=name
            ) from error
    path = Path(name).resolve()
    if not path.is_file():
        raise UserError("no such file", parameter="plugin", value=name)
    key = f"theory_plugin_{hashlib.sha256(bytes(path)).hexdigest()[:16]}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[key] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
    return sys.modules[key]
