"""Search by exact words, besides the search by meaning: a name or a code means nothing to an embedding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute

from seals_sim.datasets.stored_texts import StoredTexts

_CASES = {"i": "iI\u0131\u0130", "k": "kK\u212a", "s": "sS\u017f"}  # that Python treats as the same letter
_TERM = re.compile(r'"([^"]*)"|(\S+)')


def compile_words(words: str) -> Callable[[str], bool]:
    """Make a test of whether a text contains all of some words, in any order and case.

    Words in double quotes are a phrase: they follow each other in the text, with any white space between them. In
    scripts with upper and lower case, only whole words match. In others, such as Chinese or Hebrew, which join words or
    prefixes, a word also matches within a longer one.

    Args:
        words: The words, as typed.

    Returns:
        The test; if there are no words, every text passes.

    Examples:
        >>> texts = ["Seal of a parcel", "unsealed parcels", "a broken  seal", "in C++, with seals"]
        >>> list(filter(compile_words('seal "A"'), texts)), list(filter(compile_words('"broken seal"'), texts))
        (['Seal of a parcel', 'a broken  seal'], ['a broken  seal'])
        >>> list(filter(compile_words("c++"), texts))
        ['in C++, with seals']
    """
    terms = [phrase or word for phrase, word in _TERM.findall(words)]
    searches = [_compile_term(term).search for term in terms if term.strip()]
    return lambda text: all(search(text) for search in searches)


def find_texts(texts: Iterable[str], words: str) -> list[int]:
    """The positions of all texts that contain some words, in order (`compile_words`)."""
    holds = compile_words(words)
    if isinstance(texts, StoredTexts):
        return list(_find_stored(texts, holds, _compile_sieve(words)))
    return [place for place, text in enumerate(texts) if holds(text)]


def _find_stored(texts: StoredTexts, holds: Callable[[str], bool], sieve: str | None) -> Iterator[int]:
    """Let Arrow search all texts for one of the words, a dozen times as fast; `holds` decides on its matches."""
    for start, column in texts.iterate_batches():
        places = np.arange(len(column))
        if sieve is not None:
            places = places[np.asarray(pa.compute.match_substring_regex(column, sieve), dtype=np.bool_)]
        for place, text in zip(places.tolist(), column.take(pa.array(places)).to_pylist(), strict=True):
            if holds(text):
                yield start + place


def _compile_sieve(words: str) -> str | None:
    """A regular expression that matches wherever the longest word occurs, for Arrow, which knows fewer case variants.

    Examples:
        >>> _compile_sieve('"a Gnu"'), _compile_sieve("\u00e9")
        ('[gG][nN][uU]', None)
    """
    parts = [part for phrase, word in _TERM.findall(words) for part in (phrase or word).split() if part.isascii()]
    if not parts:
        return None
    longest = max(parts, key=len).lower()
    return "".join(f"[{_CASES.get(c, c + c.upper())}]" if c.isalpha() else re.escape(c) for c in longest)


def _compile_term(term: str) -> re.Pattern[str]:
    parts = term.split()
    before = "" if _is_caseless(parts[0][0]) else r"(?<!\w)"
    after = "" if _is_caseless(parts[-1][-1]) else r"(?!\w)"
    return re.compile(before + r"\s+".join(map(re.escape, parts)) + after, re.IGNORECASE)


def _is_caseless(character: str) -> bool:
    return unicodedata.category(character) == "Lo"
