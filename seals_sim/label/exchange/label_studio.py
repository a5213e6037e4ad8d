"""Label Studio 1.x: tasks as its guide "Label Studio JSON format of annotated tasks" describes them (version 1.23)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seals_sim.errors import UserError
from seals_sim.label.exchange.reading import ANSWER_WORDS, get_part, read_answer, read_json
from seals_sim.label.exchange.rows import RowFinder
from seals_sim.label.session import Session
from seals_sim.label.types import Label

LABEL_STUDIO_CONFIG = """<View>
  <Text name="text" value="$text"/>
  <Choices name="answer" toName="text"><Choice value="yes"/><Choice value="no"/></Choices>
</View>"""


def build_label_studio_tasks(session: Session) -> list[dict[str, object]]:
    """Tasks with one annotation each, for a project with the labeling interface `LABEL_STUDIO_CONFIG`.

    A skipped row becomes a canceled annotation.
    """
    tasks: list[dict[str, object]] = []
    for row, answer in session.answers.items():
        result = []
        if answer is not None:
            value = {"choices": [ANSWER_WORDS[answer]]}
            result = [{"from_name": "answer", "to_name": "text", "type": "choices", "value": value}]
        tasks.append(
            {
                "data": {"row": row, "text": session.corpus.get_text(row), "is_control": session.is_control(row)},
                "annotations": [{"result": result, "was_cancelled": answer is None}],
            }
        )
    return tasks


def read_label_studio(path: Path, texts: Sequence[str] | None = None) -> list[Label]:
    """Read the labels of an export in the format "JSON".

    A task's row is `data.row`; where that is missing, it is found by `data.text`, as `RowFinder` does. Of several
    annotations of a task the last counts.

    Args:
        path: The export.
        texts: Of the table; rows are checked against them.

    Returns:
        A label for each task that has an annotation, in order.

    Raises:
        UserError: With file and task.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise UserError(f"{path}: not a list of Label Studio tasks; export it in the format JSON")
    rows = RowFinder(texts)
    labels: list[Label] = []
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {number}"
        data, annotations = get_part(task, "data", dict, where), get_part(task, "annotations", list, where)
        text = data.get("text")
        if annotations:
            labels.append((rows.find(data, text, where), _read_annotation(annotations[-1], where)))
        else:
            rows.skip(data, text)
    return labels


def _read_annotation(annotation: object, where: str) -> int | None:
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: the annotation is not an object")
    if annotation.get("was_cancelled"):
        return None
    results = get_part(annotation, "result", list, where)
    choices = [result for result in results if isinstance(result, dict) and result.get("type") == "choices"]
    if len(choices) != 1:
        raise UserError(f"{where}: has {len(choices)} choices; expected one, yes or no")
    values = get_part(get_part(choices[0], "value", dict, where), "choices", list, where)
    if len(values) != 1:
        raise UserError(f"{where}: has {len(values)} choices; expected one, yes or no")
    return read_answer(values[0], where)
