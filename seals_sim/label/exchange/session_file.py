"""Reads a session file without its table: the answers, and a classifier trained on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seals_sim.errors import UserError
from seals_sim.label.beginning import UNNAMED, name_concept
from seals_sim.label.events import Seed
from seals_sim.label.journal import Journal
from seals_sim.label.journal_rows import KeptRow, KeptSpace
from seals_sim.label.judge.records import JudgeRecord
from seals_sim.label.learner import explain_missing
from seals_sim.label.options import SessionOptions
from seals_sim.label.state import SessionState, is_disputed
from seals_sim.search.learners import LinearModel, fit_logistic

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

_ANY_TABLE = 2**62  # rows: without the table nothing says how many there are


@dataclass(frozen=True, eq=False)
class SessionFile:
    """A session, from its file alone.

    Attributes:
        path: Path of the file.
        options: The options that it began with.
        seeds: The examples that it began with.
        state: The state that results from its events.
        rows: The stored contents of rows with events.
        space: How its texts become vectors; None for a session over vectors.
        concept: The concept that the answers are about.
        notes: Notes on rows.
        judges: The records of its judges, by their names.
        renamed: See `seals_sim.label.journal_contents.About`.
    """

    path: Path
    options: SessionOptions
    seeds: list[Seed]
    state: SessionState
    rows: dict[int, KeptRow]
    space: KeptSpace | None
    concept: str = ""
    notes: dict[int, str] = field(default_factory=dict)
    judges: dict[str, JudgeRecord] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, concept: str | None = None) -> SessionFile:
        """Read a session that no process has open; nothing is written.

        Args:
            path: Path of the file.
            concept: One of its concepts; required if it has several.

        Raises:
            UserError: For a file that is not a session, is damaged, is of a version that does not store its texts, or
                has other concepts.
        """
        files = cls.read_all(path)
        for file in files:
            if concept == file.concept or (concept is None and len(files) == 1):
                return file
        named = ", ".join(name_concept(file.concept) for file in files)
        problem = f"{path} has the concepts {named}; name one of these"
        if named == UNNAMED:
            problem = f"{path} has no concepts; omit this option"
        raise UserError(problem, parameter="concept", value=concept or None)

    @classmethod
    def read_all(cls, path: Path) -> list[SessionFile]:
        """Read the session of each concept, in the file's order; see `read`."""
        journal = Journal(path)
        try:
            rows, space = journal.read_kept()
            journal.check(_ANY_TABLE, journal.read_dimensions())
            about, notes, files = journal.read_about(), journal.read_notes(), []
            for concept in about.concepts:
                state = SessionState()
                for event in journal.read_events(concept):
                    state.apply(event)
                if not state.answers.keys() | notes.keys() <= rows.keys():
                    problem = "was written by an earlier version, which did not keep the texts"
                    raise UserError(f"{path}: {problem}; open it once with its table, with the command that labels")
                seeds, judges = journal.read_seeds(concept), journal.read_judges(concept)
                files.append(cls(path, about.options, seeds, state, rows, space, concept, notes, judges, about.renamed))
            return files
        finally:
            journal.close()

    def build_labels_table(self) -> pd.DataFrame:
        """All answers, as in `build_labels_table` of a session, but of the table's columns only the ids.

        Returns:
            row, id (if the session has an id column), text, answer, is_control, who and is_disputed (if anyone gave a
            name), and note (if there is any).
        """
        import pandas as pd

        answers, has_names, lines = self.state.answers, False, []
        for row, answer in answers.items():
            kept, asked, said = self.rows[row], self.state.asked.get(row), self.state.list_said(row)
            ids, has_names = kept.ids or (None,) * len(kept.table_rows), has_names or any(one.who for one in said)
            for place, (table_row, id) in enumerate(zip(kept.table_rows, ids, strict=True)):
                is_control = asked is not None and asked.is_control and place == 0
                text = kept.text if place == 0 or self.space is not None else None  # equal vectors: any texts
                note = self.notes.get(row)
                lines.append((table_row, id, text, answer, is_control, said[-1].who or None, is_disputed(said), note))
        names = ["row", "id", "text", "answer", "is_control", "who", "is_disputed", "note"]
        table = pd.DataFrame(lines, columns=names)
        table = table.astype({"row": "int64", "id": "object", "text": "object", "answer": "Int8", "is_control": "bool"})
        empty = {name for name in ("id", "note") if table[name].isna().all()}
        return table.drop(columns=[*empty, *(() if has_names else ("who", "is_disputed"))])

    def train(self) -> tuple[Pipeline, int, int]:
        """Train a classifier on the answers and examples, whose texts are embedded again.

        Returns:
            A pipeline that takes texts, and the numbers of positives and negatives.

        Raises:
            UserError: If a class is missing, the session is over vectors, or the model is not available.
        """
        from seals_sim.label.exchange.chunk_classifier import embed_chunks, train_on_chunks  # scikit-learn
        from seals_sim.label.exchange.classifier import build_pipeline

        given = [(self.rows[row].text, answer) for row, answer in self.state.answers.items() if answer is not None]
        labeled = [*((seed.text, seed.label) for seed in self.seeds), *given]
        if self.space is None or any(text is None for text, _ in labeled):
            raise UserError(f"{self.path}: does not say how its texts become vectors, so it cannot give a classifier")
        if explanation := explain_missing({label for _, label in labeled}):
            raise UserError(f"{self.path}: no classifier can be trained yet. {explanation}")
        labels = np.array([label for _, label in labeled], dtype=np.int8)
        if self.options.chunks:
            rows = embed_chunks([str(text) for text, _ in given], self.space.model)
            answers = labels[len(self.seeds) :]
            model = train_on_chunks(rows, answers, self.seeds, self.options.regularization)
        else:
            untrained = build_pipeline(self.space, LinearModel(np.empty(0, dtype=np.float32), 0.0), 1.0)
            vectors = untrained[0].transform([str(text) for text, _ in labeled]).astype(np.float64)
            model = fit_logistic(vectors, labels, self.options.regularization)
        n_positive = int(labels.sum())
        pipeline = build_pipeline(self.space, model, self.options.regularization, self.options.chunks)
        return pipeline, n_positive, len(labels) - n_positive
