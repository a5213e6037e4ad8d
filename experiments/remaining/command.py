"""The two commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.remaining.sessions import choose_concepts, describe_session, drop_copies, run_session
from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import replacing
from seals_sim.randomness import make_generator
from seals_sim.replay.inputs import InputOptions, load_dataset
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
    return pd.read_csv(path, dtype={"labels": str}, compression="gzip", keep_default_na=False)
