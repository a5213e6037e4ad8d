"""`seals models`: the models of this package and some others, with measurements on this machine."""

from __future__ import annotations

from pathlib import Path

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.joined import open_encoder
from seals_sim.embed.measure import is_measured, measure_model
from seals_sim.embed.model_files import is_model2vec
from seals_sim.embed.names import KNOWN_MODELS, AutoBackend, AutoPrecision
from seals_sim.embed.precision import resolve_precision

_USUAL = 1000  # texts; earlier measurements on this many are shown again


def list_models(
    others: tuple[str, ...], n: int, backend: AutoBackend, precision: AutoPrecision, cache: Path, quiet: bool
) -> None:
    """Print one line per model; n = 0 measures nothing and shows earlier measurements."""
    lines = [("model", "dimensions", "runtime", "texts per second", "10 nearest", "")]
    for model in dict.fromkeys((*KNOWN_MODELS, *others, *find_downloaded())):
        about = KNOWN_MODELS.get(model, "")
        if model not in KNOWN_MODELS and model not in others:  # to load each would take long
            lines.append((model, "", "", "", "", "downloaded; name it with --model for its figures"))
            continue
        if model in KNOWN_MODELS and "/" in model and model not in others and not _is_downloaded(model):
            lines.append((model, "", "", "", "", f"{about}; not downloaded"))
            continue
        encoder = _open(model, backend, precision, cache)
        speed = agreement = "not measured"
        if n or is_measured(encoder, _USUAL, cache):
            facts = measure_model(encoder, n or _USUAL, cache, quiet)
            dimensions = facts.dimensions
            speed, agreement = f"{facts.texts_per_second:,.0f}", f"{facts.agreement:.1%}"
        else:
            dimensions = encoder.dimensions
        lines.append((model, str(dimensions), encoder.describe(), speed, agreement, about))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(
        f"texts per CPU second, and the fraction of the 10 nearest that share a concept, on {n or _USUAL:,} random "
        "descriptions of ICD-10-CM, which are short and from one field; your texts may differ"
    )


def _open(model: str, backend: AutoBackend, precision: AutoPrecision, cache: Path) -> Encoder:
    """Open the encoder that would embed a large table."""
    return open_encoder(model, backend, resolve_precision(precision, backend, open_encoder(model).is_static), cache)


def _is_downloaded(model: str) -> bool:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(model, local_files_only=True)
    except Exception:  # the hub's client raises some twenty types
        return False
    return True


def find_downloaded() -> list[str]:
    """The names of models in the hub's cache that sentence-transformers or Model2Vec wrote."""
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError, ValueError):  # ValueError: a file in its place
        return []
    models = [repo for repo in repos if repo.repo_type == "model"]
    return sorted(repo.repo_id for repo in models if any(_is_usable(one.snapshot_path) for one in repo.revisions))


def _is_usable(folder: Path) -> bool:
    return (folder / "modules.json").is_file() or is_model2vec(folder)
