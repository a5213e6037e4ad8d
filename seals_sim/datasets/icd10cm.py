"""Built-in data: the descriptions of the ICD-10-CM codes from the PyPI package simple-icd-10-cm.

About 75,000 short texts, one for each code that has no codes below it. A concept is a block or category of the
hierarchy; its positives are the codes below it. The texts do not name their block or category as such.
"""

from __future__ import annotations

import numpy as np

from seals_sim.datasets.dataset import Dataset
from seals_sim.types import DatasetRows


def read_icd10cm(min_codes: int = 20, max_codes: int = 1000) -> Dataset:
    """Read the descriptions of the codes.

    Args:
        min_codes: Minimum number of positives of a concept.
        max_codes: Maximum number of positives of a concept.

    Returns:
        The codes that have no codes below them, in the order of the classification. Concepts are blocks and categories,
        named by code; if a block has only one category, only the category.
    """
    import simple_icd_10_cm as icd  # takes two seconds, which should not delay other data

    codes = list(dict.fromkeys(icd.get_all_codes(with_dots=True)))
    leaves = [code for code in codes if icd.is_leaf(code)]
    row_of = {code: row for row, code in enumerate(leaves)}
    concepts: dict[str, DatasetRows] = {}
    titles: dict[str, str] = {}
    seen: set[bytes] = set()
    for code in reversed(codes):  # categories come after their block
        if not (icd.is_block(code) or icd.is_category(code)) or code in row_of:
            continue
        below = [row_of[other] for other in icd.get_descendants(code) if other in row_of]
        rows = np.unique(np.array(below, dtype=np.int64))
        if min_codes <= len(rows) <= max_codes and rows.tobytes() not in seen:
            seen.add(rows.tobytes())
            concepts[code] = DatasetRows(rows)
            titles[code] = icd.get_description(code)
    texts = [icd.get_description(code) for code in leaves]
    return Dataset("icd10cm", dict(reversed(concepts.items())), texts=texts, titles=titles)
