"""The descriptions of ICD-10-CM, and concepts to search for in them."""

from __future__ import annotations

from collections.abc import Sequence

from seals_sim.datasets import read_icd10cm
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows


def read_concepts(names: Sequence[str]) -> tuple[Sequence[str], dict[str, DatasetRows]]:
    """All descriptions, and the rows of each concept by its title.

    Raises:
        UserError: If a concept does not exist.

    Examples:
        >>> texts, concepts = read_concepts(["E08-E13"])
        >>> len(texts), {title: len(rows) for title, rows in concepts.items()}
        (74731, {'Diabetes mellitus (E08-E13)': 432})
    """
    dataset = read_icd10cm()
    assert dataset.texts is not None
    for name in names:
        if name not in dataset.concepts:
            raise UserError("not a concept of ICD-10-CM", parameter="concepts", value=name)
    return dataset.texts, {dataset.titles.get(name, name): dataset.concepts[name] for name in names}
