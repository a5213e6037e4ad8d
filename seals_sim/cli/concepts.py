"""Options that name concepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seals_sim.errors import UserError

if TYPE_CHECKING:
    from seals_sim.label.concepts import Examples


def sort_examples(positives: Sequence[str], negatives: Sequence[str], names: Sequence[str]) -> dict[str, Examples]:
    """The examples of each concept, by name; without names, all belong to the one concept without a name.

    Args:
        positives: Texts like those sought; if there are names, each as NAME=WORDS.
        negatives: Texts unlike them.
        names: Names of the concepts.

    Raises:
        UserError: For an invalid name, or an example that names no concept.

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


def sort_instructions(
    instructions: Sequence[str], names: Sequence[str], find_name: Callable[[str], str] = str
) -> dict[str, str]:
    """The instruction for each concept, by name; concepts without one are left out.

    Args:
        instructions: As given: each as NAME=TEXT; for a single concept, TEXT alone is enough.
        names: Names of all concepts; empty for a concept without a name.
        find_name: Returns the current name of a concept that may have been renamed.

    Raises:
        UserError: For an instruction that names no concept, or a concept that another one named.

    Examples:
        >>> sort_instructions(["Is it x=1?"], [""])
        {'': 'Is it x=1?'}
        >>> sort_instructions(["rude=Is it rude?", "unnamed=Is it late?"], ["", "rude", "odd"])
        {'rude': 'Is it rude?', '': 'Is it late?'}
    """
    from seals_sim.label.beginning import UNNAMED, name_concept

    def read_name(given: str) -> str | None:
        """The concept that NAME=TEXT names, whether it exists or not."""
        before, equals, _ = given.partition("=")
        name = before.strip()
        return find_name("" if name == UNNAMED else name) if equals else None

    if list(names) == [""] and len(instructions) > 1:
        problem = "is one too many: this session has one concept; to have several, name them when you begin it"
        raise UserError(problem, parameter="instruction", value=repr(instructions[1]))
    if len(names) == len(instructions) == 1 and read_name(instructions[0]) not in names:
        return dict(zip(names, instructions, strict=True))
    sorted_: dict[str, str] = {}
    for given in instructions:
        name, text = read_name(given), given.partition("=")[2]
        if name is None or name not in names or not text.strip():
            named = ", ".join(map(name_concept, names))
            problem = f"write it as NAME=TEXT, with the name of a concept: {named}"
            raise UserError(problem, parameter="instruction", value=repr(given))
        if name in sorted_:
            raise UserError("is the second instruction for its concept", parameter="instruction", value=repr(given))
        sorted_[name] = text.strip()
    return sorted_


def require_words(positives: Sequence[str], negatives: Sequence[str]) -> None:
    """Raise UserError for an example without words."""
    for name, examples in (("like", positives), ("not_like", negatives)):
        for text in examples:
            if not text.strip():
                raise UserError("has no words", parameter=name, value=repr(text))
