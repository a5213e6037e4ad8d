"""The name of a judge's answers in the journal. No person can have a similar name."""

from __future__ import annotations

import unicodedata

PREFIX = "judge:"


def name_judge(model: str) -> str:
    """The name that a model has as a judge.

    Examples:
        >>> name_judge("small-model")
        'judge:small-model'
    """
    return f"{PREFIX}{model}"


def is_judge(who: str | None) -> bool:
    """Whether an answer's name is that of a judge."""
    return who is not None and who.startswith(PREFIX)


def looks_like_judge(name: str) -> bool:
    """Whether people could mistake a name for a judge's.

    Examples:
        >>> looks_like_judge("Judge\uff1a small-model"), looks_like_judge("Judge Judy")
        (True, False)
    """
    letters = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return letters.startswith(PREFIX)
