"""The commands of `experiments.remaining`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.remaining.measure import learn, list_moments, measure_on_other_tables, summarize
from experiments.remaining.sessions import choose_concepts, describe_session, drop_copies, run_session
from experiments.remaining.stops import ScoreWatcher, compare_rules, describe_stops, summarize_rules
from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.randomness import make_generator
from seals_sim.replay.inputs import InputOptions, load_dataset
from seals_sim.replay.store import write_csv
from seals_sim.replay.vectors import compute_vectors


def record_sessions(
    out: Path, name: str, inputs: InputOptions, model: str, n_concepts: int, budget: int, seed: int
) -> None:
    """Run the sessions that `out` does not have yet, and save after each one."""
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
            _write(out, done[0])


def record_stops(sessions_file: Path, out: Path, name: str, inputs: InputOptions, model: str, seed: int) -> None:
    """Rerun the sessions of one table, and note where rules that need scores would have stopped. Save after each
    session.

    Raises:
        UserError: If a session differs from the one that was recorded.
    """
    sessions = read_sessions(sessions_file)
    sessions = sessions[sessions["table"] == name]
    dataset = load_dataset(inputs, "icd10")
    vectors, concepts = drop_copies(dataset, compute_vectors(dataset, model, 0, get_default_folder(), quiet=True))
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    done = [read_stops(out)] if out.exists() else []
    finished = {concept for part in done for concept in part.loc[part["table"] == name, "concept"]}
    for session in tqdm(list(sessions.itertuples()), desc=name):
        concept = str(session.concept)
        if concept not in finished:
            is_positive = np.zeros(len(vectors), dtype=np.int8)
            is_positive[concepts[concept]] = 1
            watcher = ScoreWatcher(is_positive)
            rng = make_generator(seed, "session", name, concept)
            labels = run_session(vectors, concepts[concept], len(str(session.labels)), rng, watcher.observe)
            if "".join(map(str, labels.tolist())) != session.labels:
                raise UserError(f"the session for {concept} differs from the one in {sessions_file}")
            done = [pd.concat([*done, describe_stops(name, concept, watcher.stops)], ignore_index=True)]
            _write(out, done[0])


def read_stops(path: Path) -> pd.DataFrame:
    """Read the file written by `stops`."""
    return pd.read_csv(path, dtype={"table": str, "concept": str}, compression="gzip", keep_default_na=False)


def _write(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", compression={"method": "gzip", "mtime": 0})


def report_rules(sessions_file: Path, stops_file: Path, out: Path) -> str:
    """Compare the stopping rules on the sessions that both files have, and write the tables.

    Returns:
        The results, for printing.
    """
    sessions, stops = read_sessions(sessions_file), read_stops(stops_file)
    both = sessions.merge(stops[["table", "concept"]].drop_duplicates(), on=["table", "concept"])
    compared = compare_rules(both, stops)
    table = summarize_rules(compared, len(both))
    parts = [
        summarize_rules(part, int((both["table"] == name).sum())).assign(table=name)
        for name, part in compared.groupby("table", sort=False)
    ]
    write_csv(out / "stopping.csv", table.round(3))
    write_csv(out / "stopping_by_table.csv", pd.concat(parts).round(3))
    return str(table.round(3).to_string(index=False))


def read_sessions(path: Path) -> pd.DataFrame:
    """Read the file written by `record`."""
    return pd.read_csv(
        path, dtype={"table": str, "concept": str, "labels": str}, compression="gzip", keep_default_na=False
    )


def report_forecast(sessions_file: Path, out: Path) -> str:
    """Learn and measure the forecast, and write the report.

    Returns:
        The results, for printing.
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
