"""Learn and measure the forecast, next to the interval from rows drawn at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from seals_sim.evaluate.forecast import Forecast, can_foretell, describe_search
from seals_sim.evaluate.remaining import estimate_remaining
from seals_sim.label.options import SessionOptions

SIZES = (150, 200, 300, 400, 600, 800, 1000)  # numbers of answers at which to measure
_EVERY = SessionOptions().control_every


def list_moments(sessions: pd.DataFrame) -> pd.DataFrame:
    """One row for each session and size: what was known, and what remained.

    Returns:
        table, concept, n_answers, n_found, remaining, n_left, searched (labels), n_drawn, n_drawn_positive.
    """
    return pd.DataFrame(_find_moments(sessions))


def _find_moments(sessions: pd.DataFrame) -> Iterator[dict[str, object]]:
    for session in sessions.itertuples():
        labels = np.array(list(str(session.labels)), dtype=np.int8)
        for size in (size for size in SIZES if size <= len(labels)):
            given = labels[:size]
            is_drawn = np.arange(1, size + 1) % _EVERY == 0
            searched = given[~is_drawn]
            yield {
                "table": session.table,
                "concept": session.concept,
                "n_answers": size,
                "n_found": int(given.sum()),
                "remaining": int(session.n_positive) - int(given.sum()),
                "n_left": int(session.n_rows) - size,
                "searched": searched,
                "n_drawn": int(is_drawn.sum()),
                "n_drawn_positive": int(given[is_drawn].sum()),
            }


def learn(moments: pd.DataFrame) -> Forecast:
    """The forecast, learned from the moments at which one can be made."""
    used = moments[moments["searched"].map(can_foretell)]
    features = np.array([describe_search(labels) for labels in used["searched"]])
    return Forecast.fit(features, used["remaining"].to_numpy(dtype=np.float64), used["table"].to_numpy(dtype=object))


def measure_on_other_tables(moments: pd.DataFrame) -> pd.DataFrame:
    """Intervals for each moment: as shown, and from the rows drawn at random alone.

    The interval shown is that of a forecast learned on the other tables, if one can be made.
    """
    parts = []
    for name in moments["table"].unique():
        is_here = moments["table"] == name
        forecast = learn(moments[~is_here])
        parts.append(_measure(moments[is_here], forecast))
    return pd.concat(parts, ignore_index=True)


def _measure(moments: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
    rows = []
    for moment in moments.itertuples():
        drawn = estimate_remaining(moment.n_left, moment.n_drawn, moment.n_drawn_positive)
        told = forecast.predict(moment.searched, drawn)
        shown = told or drawn
        rows.append(
            {
                "table": moment.table,
                "concept": moment.concept,
                "n_answers": moment.n_answers,
                "is_told": told is not None,
                "is_covered": shown.low <= moment.remaining <= shown.high,
                "width": shown.high - shown.low,
                "random_is_covered": drawn.low <= moment.remaining <= drawn.high,
                "random_width": drawn.high - drawn.low,
            }
        )
    return pd.DataFrame(rows)


def summarize(measured: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Coverage and median widths of the intervals shown, of the forecasts among them, and of the random rows alone."""
    rows = []
    for values, part in measured.groupby(by, sort=False):
        told = part[part["is_told"]]
        rows.append(
            {
                **dict(zip(by, values, strict=True)),
                "sessions": len(part),
                "coverage": part["is_covered"].mean(),
                "width": part["width"].median(),
                "width_ratio": (part["width"] / part["random_width"]).median(),
                "told": len(told),
                "told_coverage": told["is_covered"].mean(),
                "told_width": told["width"].median(),
                "told_width_ratio": (told["width"] / told["random_width"]).median(),
                "random_coverage": part["random_is_covered"].mean(),
                "random_width": part["random_width"].median(),
            }
        )
    return pd.DataFrame(rows)
