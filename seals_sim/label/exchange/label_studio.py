"""Label Studio 1.x: tasks as its guide "Label Studio JSON format of annotated tasks" describes them (version 1.23)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.reading import ANSWER_WORDS, AnswerNames, get_part, read_json
from seals_sim.label.exchange.rows import GivenLabels, RowFinder
from seals_sim.label.exchange.tables import build_labels_table, list_records
from seals_sim.label.session import Session

LABEL_STUDIO_CONFIG = """<View>
  <Text name="text" value="$text"/>
  <Choices name="answer" toName="text"><Choice value="yes"/><Choice value="no"/></Choices>
</View>"""


def build_label_studio_tasks(answers: Session | pd.DataFrame) -> list[dict[str, object]]:
    """Tasks with one annotation each, for a project with the labeling interface `LABEL_STUDIO_CONFIG`.

    A skipped row becomes a canceled annotation.

    Args:
        answers: A session, or its `build_labels_table`.
    """
    tasks: list[dict[str, object]] = []
    for data in list_records(answers if isinstance(answers, pd.DataFrame) else build_labels_table(answers)):
        answer = data.pop("answer")
        result = []
        if answer is not None:
            value = {"choices": [ANSWER_WORDS[answer]]}
            result = [{"from_name": "answer", "to_name": "text", "type": "choices", "value": value}]
        tasks.append({"data": data, "annotations": [{"result": result, "was_cancelled": answer is None}]})
    return tasks


def read_label_studio(path: Path, corpus: Corpus | None = None, names: AnswerNames | None = None) -> GivenLabels:
    """Read the labels of an export in the format "JSON" or "JSON-MIN".

    A task's row is `data.row`; if that is missing, `RowFinder` finds it by `data.text`. If a task has several
    annotations, the one changed last counts; exports list them in no particular order. JSON-MIN has these fields in the
    task itself, with one annotation, and repeats a task for each of its annotations.

    Args:
        path: The export.
        corpus: The corpus that the labels are for; rows are checked against it.
        names: How the file names its answers.

    Returns:
        A label for each task that has an annotation, in order.

    Raises:
        UserError: With file and task.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise UserError(f"{path}: not a list of Label Studio tasks; export it in the format JSON or JSON-MIN")
    rows, given, names = RowFinder(corpus), GivenLabels(), names or AnswerNames()
    for number, task in _put_latest_last(tasks):
        where = f"{path}: task {number}"
        if isinstance(task, dict) and "annotation_id" in task and "annotations" not in task:
            row = rows.find(task, task.get("text"), where)
            given.add(row, _read_minimal(task, where, names), task.get("is_control"))
            continue
        data, annotations = get_part(task, "data", dict, where), get_part(task, "annotations", list, where)
        text = data.get("text")
        if annotations:
            answer = _read_annotation(sorted(annotations, key=_get_time)[-1], where, names)
            given.add(rows.find(data, text, where), answer, data.get("is_control"))
        else:
            rows.skip(data, text)
    return given


def _put_latest_last(tasks: list[object]) -> list[tuple[int, object]]:
    """Number tasks, those of JSON-MIN in the order of their annotations, several of which may be of one task."""
    numbered = list(enumerate(tasks, start=1))
    is_minimal = all(isinstance(task, dict) and "annotation_id" in task for task in tasks)
    return sorted(numbered, key=lambda one: _get_time(one[1])) if is_minimal else numbered


def _get_time(annotation: object) -> str:
    """The time of the last change, in sortable form; all times in a file have the same time zone."""
    changed = annotation.get("updated_at") if isinstance(annotation, dict) else None
    return changed if isinstance(changed, str) else ""


def _read_minimal(task: dict[str, Any], where: str, names: AnswerNames) -> int:
    field = names.field or "answer"
    if field not in task:
        listed = ", ".join(map(repr, task))
        raise UserError(f"{where}: has no {field!r}; name the field of the answer as answer_field, one of {listed}")
    value = task[field]
    choices = value.get("choices") if isinstance(value, dict) else [value]
    if not isinstance(choices, list):
        raise UserError(f"{where}: {field!r} is not a choice")
    return names.read_several(choices, where)


def _read_annotation(annotation: object, where: str, names: AnswerNames) -> int | None:
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: the annotation is not an object")
    if annotation.get("was_cancelled"):
        return None
    results = get_part(annotation, "result", list, where)
    choices = [result for result in results if isinstance(result, dict) and result.get("type") == "choices"]
    if names.field is not None:
        choices = [result for result in choices if result.get("from_name") == names.field]
    if len(choices) != 1:
        raise UserError(f"{where}: has {len(choices)} choices; expected one, yes or no")
    values = get_part(get_part(choices[0], "value", dict, where), "choices", list, where)
    return names.read_several(values, where)
