"""`seals models`: the models that come with the package, and others by name, measured where that is asked for."""

from __future__ import annotations

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.measure import measure_model
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL, Precision
from seals_sim.embed.precision import choose_precision


def list_models(others: tuple[str, ...], n: int) -> None:
    """Print a line a model; n = 0 measures nothing."""
    for model in dict.fromkeys((DEFAULT_MODEL, STATIC_MODEL, *others)):
        precision: Precision = "float32" if model == STATIC_MODEL else choose_precision()
        if n == 0:
            print(f"{model}: {Encoder(model).dimensions} dimensions, {precision}")
            continue
        facts = measure_model(model, precision, n)
        print(
            f"{model}: {facts.dimensions} dimensions, {precision}, {facts.texts_per_second:,.0f} texts per second of "
            f"processor time; {facts.agreement:.1%} of the 10 nearest share a concept"
        )
    if n:
        print(f"measured on {n:,} random descriptions of ICD-10-CM, which are short and in one field; yours may differ")
