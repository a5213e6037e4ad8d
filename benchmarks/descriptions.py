"""Descriptions of ICD-10-CM, and concepts of them that are searched for."""

from __future__ import annotations

from collections.abc import Sequence

from seals_sim.datasets import read_icd10cm
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows


def read_concepts(names: Sequence[str]) -> tuple[Sequence[str], dict[str, DatasetRows]]:
    """All descriptions, and the rows of each concept by its title.

    Raises:
        UserError: For a concept that there is not.

    Examples:
        >>> texts, concepts = read_concepts(["E08-E13"])
        >>> len(texts), {title: len(rows) for title, rows in concepts.items()}
        (74731, {'Diabetes mellitus (E08-E13)': 432})
    """
    dataset = read_icd10cm()
    assert dataset.texts is not None
    for name in names:
        if name not in dataset.concepts:
            raise UserError("is no concept of ICD-10-CM", parameter="concepts", value=name)
    return dataset.texts, {dataset.titles.get(name, name): dataset.concepts[name] for name in names}
