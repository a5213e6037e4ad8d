"""config.json of a run: what it must contain, whichever version wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from seals_sim.disk.reading import Refuse, check_form, read_json
from seals_sim.errors import UserError

CONFIG = "config.json"
_RENAMED = {"rare_concepts": "replay"}  # experiments renamed since the first config.json

Count = Annotated[int, Field(ge=0, le=10**12)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Config(TypedDict):
    """What all runs contain; early ones have their options in one place, later ones by kind."""

    experiment: str
    command: NotRequired[str]
    options: NotRequired[dict[str, Any]]
    protocol: NotRequired[dict[str, Any]]
    execution: NotRequired[dict[str, Any]]
    input: NotRequired[dict[str, Any]]
    versions: NotRequired[dict[str, str | None]]
    data_fingerprint: NotRequired[str | None]


class RowCounts(TypedDict):
    """How the data are split."""

    all: Count
    pool: Annotated[int, Field(ge=1)]
    validation: NotRequired[Count]
    test: Count


class ConceptFacts(TypedDict):
    """What is known of a concept."""

    title: str
    pool_positives: Count
    test_positives: Count


def read_config(path: Path) -> dict[str, Any]:
    """Read config.json of a run's folder.

    Args:
        path: The folder.

    Returns:
        Its contents, with all options of the run by name under `options`, whichever version wrote it: early versions
        had them there, later ones by kind.

    Raises:
        UserError: If it does not exist, cannot be read, or has another form.
    """
    file = path / CONFIG
    if not file.exists():
        raise UserError(f"{path}: there is no run in this folder (no config.json)")
    config: dict[str, Any] = read_json(file, dict[str, Any])
    check_form(config, _Config, _refusing(file))
    if "options" not in config:
        sections = [config.get(name, {}) for name in ("input", "execution", "protocol")]
        config["options"] = {name: value for section in sections for name, value in section.items()}
    config["experiment"] = _RENAMED.get(config["experiment"], config["experiment"])
    return config


def read_config_of(experiment: str, path: Path, form: Any) -> dict[str, Any]:
    """Read config.json of a run of one experiment.

    Args:
        experiment: Its name.
        path: The folder.
        form: The required contents of such a config, as a pydantic type; anything else is ignored.

    Returns:
        As `read_config`.

    Raises:
        UserError: For a run of any other experiment, and as `read_config`.
    """
    config = read_config(path)
    if config["experiment"] != experiment:
        raise UserError(f"{path}: not a run of experiments.{experiment}")
    check_form(config, form, _refusing(path / CONFIG))
    return config


def _refusing(file: Path) -> Refuse:
    return lambda problem: UserError(f"{file}: {problem}")
