"""The two commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.remaining.measure import learn, list_moments, measure_on_other_tables, summarize
from experiments.remaining.sessions import choose_concepts, describe_session, drop_copies, run_session
from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import replacing
from seals_sim.randomness import make_generator
from seals_sim.replay.inputs import InputOptions, load_dataset
from seals_sim.replay.store import write_csv
from seals_sim.replay.vectors import compute_vectors


def record_sessions(
    out: Path, name: str, inputs: InputOptions, model: str, n_concepts: int, budget: int, seed: int
) -> None:
    """Run the sessions that `out` does not have yet, saving each."""
    dataset = load_dataset(inputs, "icd10")
    vectors, concepts = drop_copies(dataset, compute_vectors(dataset, model, 0, get_default_folder(), quiet=True))
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    done = [read_sessions(out)] if out.exists() else []
    finished = {concept for part in done for concept in part.loc[part["table"] == name, "concept"]}
    for concept in tqdm(choose_concepts(concepts, len(vectors), n_concepts, seed), desc=name):
        if concept not in finished:
            labels = run_session(vectors, concepts[concept], budget, make_generator(seed, "session", name, concept))
            new = describe_session(name, concept, len(vectors), len(concepts[concept]), labels)
            done = [pd.concat([*done, new], ignore_index=True)]
            with replacing(out) as temporary:
                done[0].to_csv(temporary, index=False, lineterminator="\n", compression={"method": "gzip", "mtime": 0})


def read_sessions(path: Path) -> pd.DataFrame:
    """Read what `record` wrote."""
    return pd.read_csv(
        path, dtype={"table": str, "concept": str, "labels": str}, compression="gzip", keep_default_na=False
    )


def report_forecast(sessions_file: Path, out: Path) -> str:
    """Learn and measure the forecast, and write the report.

    Returns:
        What was found, for people.
    """
    sessions = read_sessions(sessions_file)
    moments = list_moments(sessions)
    measured = measure_on_other_tables(moments)
    forecast = learn(moments)
    by_size, by_table = summarize(measured, ["n_answers"]), summarize(measured, ["table", "n_answers"])
    all_in_all = (
        f"{len(sessions)} sessions on {sessions['table'].nunique()} tables; each table's intervals by what was learned "
        f"on the others.\nWhat is shown covers in {measured['is_covered'].mean():.1%} of {len(measured):,} moments.\n\n"
        f"{by_size.round(3).to_string(index=False)}\n"
    )
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "coverage.csv", by_size.round(4))
    write_csv(out / "coverage_by_table.csv", by_table.round(4))
    with replacing(out / "summary.txt") as temporary:
        temporary.write_text(f"{all_in_all}\nFORECAST = {forecast}\n", encoding="utf-8")
    if sessions_file.resolve() != (out / sessions_file.name).resolve():
        with replacing(out / "sessions.csv.gz") as temporary:
            temporary.write_bytes(sessions_file.read_bytes())
    return f"{all_in_all}\n{forecast}"
