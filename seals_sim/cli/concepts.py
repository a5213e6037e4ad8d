"""Options that speak of concepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seals_sim.errors import UserError

if TYPE_CHECKING:
    from seals_sim.label.concepts import Examples


def sort_examples(positives: Sequence[str], negatives: Sequence[str], names: Sequence[str]) -> dict[str, Examples]:
    """The examples of each concept, by its name; of the one without a name where there are no names.

    Args:
        positives: Texts like those sought; where there are names, each as NAME=WORDS.
        negatives: Texts unlike them.
        names: Of the concepts.

    Raises:
        UserError: For a name that will not do, or an example that names no concept.

    Examples:
        >>> sort_examples(["rude=you fool"], [], ["rude", "spoiler"])
        {'rude': (['you fool'], []), 'spoiler': ([], [])}
        >>> sort_examples(["x=1"], ["y"], [])
        {'': (['x=1'], ['y'])}
    """
    if not names:
        return {"": (list(positives), list(negatives))}
    from seals_sim.label.concepts import require_names

    require_names(names)
    sorted_: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in names}
    for place, (option, texts) in enumerate((("like", positives), ("not_like", negatives))):
        for text in texts:
            name, equals, words = text.partition("=")
            if not equals or name.strip() not in sorted_ or not words.strip():
                raise UserError(
                    "write it as NAME=WORDS, with the name of a concept", parameter=option, value=repr(text)
                )
            sorted_[name.strip()][place].append(words.strip())
    return dict(sorted_)


def require_words(positives: Sequence[str], negatives: Sequence[str]) -> None:
    """Raise UserError for an example without words."""
    for name, examples in (("like", positives), ("not_like", negatives)):
        for text in examples:
            if not text.strip():
                raise UserError("needs some words", parameter=name, value=repr(text))
