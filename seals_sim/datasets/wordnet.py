"""WordNet 3.0: the definitions of its 117,659 synsets; a concept is a synset with all its hyponyms.

WordNet belongs to Princeton University, whose license lets anyone use and redistribute it. Debian's package
wordnet-base and NLTK's corpus `wordnet` install the same dictionary files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.lines import BadLines, read_lines, require_file
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows

PLACES = (
    Path("/usr/share/wordnet"),
    Path.home() / "nltk_data/corpora/wordnet",
    Path("/usr/share/nltk_data/corpora/wordnet"),
)
_FILES = ("data.adj", "data.adv", "data.noun", "data.verb")
_TABLE_COLUMNS = ["synset", "pos", "lexfile", "words", "definition", "examples", "hypernyms"]


@dataclass(frozen=True)
class Synset:
    """A set of words with one meaning.

    Attributes:
        name: Part of speech and offset in its file, such as n02076196.
        words: Words of the set.
        definition: The gloss without its quoted examples.
        hypernyms: Names of the synsets above it, including those that it is an instance of.
    """

    name: str
    words: tuple[str, ...]
    definition: str
    hypernyms: tuple[str, ...]


def read_wordnet(path: Path | None = None, min_fraction: float = 0.0002, max_fraction: float = 0.009) -> Dataset:
    """Read the definitions of all synsets.

    Args:
        path: A folder with the dictionary files data.noun, data.verb, data.adj and data.adv; or a table of synsets
            with the columns synset, pos, lexfile, words, definition, examples, and hypernyms (TSV, plain or gzipped).
            None looks in the usual places.
        min_fraction: Minimum number of hyponyms of a concept, itself included, as a share of all synsets.
        max_fraction: Maximum share.

    Returns:
        The definitions, sorted by synset name. The words of a synset are not part of its text.

    Raises:
        UserError: If there are no such files, or they cannot be read.
    """
    synsets = sorted(_read_synsets(_find_files(path)), key=lambda synset: synset.name)
    row_of = {synset.name: row for row, synset in enumerate(synsets)}
    pairs = [
        (row_of[above], row) for row, synset in enumerate(synsets) for above in synset.hypernyms if above in row_of
    ]
    hyponyms = _find_reachable(np.array(pairs, dtype=np.int64).reshape(-1, 2), len(synsets))
    n_hyponyms = np.diff(hyponyms.indptr)
    fit = (n_hyponyms > 1) & (n_hyponyms >= min_fraction * len(synsets)) & (n_hyponyms <= max_fraction * len(synsets))
    concepts = {
        synsets[row].name: DatasetRows(np.sort(hyponyms[[row]].indices).astype(np.int64)) for row in np.flatnonzero(fit)
    }
    titles = {name: ", ".join(word.replace("_", " ") for word in synsets[row_of[name]].words) for name in concepts}
    return Dataset("wordnet", concepts, texts=[synset.definition for synset in synsets], titles=titles)


def _find_reachable(edges: NDArray[np.int64], n: int) -> csr_array:
    """For each of n nodes of an acyclic graph, all nodes reachable along edges (m, 2), itself included."""
    step = csr_array((np.ones(len(edges), dtype=np.bool_), (edges[:, 0], edges[:, 1])), shape=(n, n))
    itself = eye_array(n, dtype=np.bool_, format="csr")
    reachable = itself
    while (further := itself + step @ reachable).nnz > reachable.nnz:
        reachable = further
    return reachable


def _find_files(path: Path | None) -> Path:
    if path is None:
        path = next((place for place in PLACES if (place / "data.noun").exists()), None)
        if path is None:
            raise UserError(
                "no dictionary files in the usual places; give their folder (Debian's wordnet-base: "
                "/usr/share/wordnet, NLTK's corpus wordnet: nltk_data/corpora/wordnet)",
                parameter="wordnet",
            )
    return path


def _read_synsets(path: Path) -> Iterator[Synset]:
    if path.is_dir():
        for name in _FILES:
            require_file(path / name)
            yield from _read_dictionary_file(path / name)
    else:
        yield from _read_table(path)


def _read_dictionary_file(path: Path) -> Iterator[Synset]:
    """The synsets of one data file, in the format of the manual page wndb(5WN)."""
    for number, line in _read_lines(path):
        if line.startswith("  "):  # the license
            continue
        try:
            fields, gloss = line.split("|", 1)
            offset, _, kind, n_words, *rest = fields.split()
            words, rest = rest[: 2 * int(n_words, 16) : 2], rest[2 * int(n_words, 16) :]
            pointers = [rest[first : first + 4] for first in range(1, 1 + 4 * int(rest[0]), 4)]
            hypernyms = [
                _get_part_of_speech(pos) + target for symbol, target, pos, _ in pointers if symbol in ("@", "@i")
            ]
        except (ValueError, IndexError):
            raise UserError(f"{path}:{number}: is not a synset of a WordNet dictionary file") from None
        plain = tuple(word.partition("(")[0] for word in words)  # an adjective may carry its position, as ready(p)
        definition = gloss.strip().partition('; "')[0]
        yield Synset(_get_part_of_speech(kind) + offset, plain, definition, tuple(hypernyms))


def _get_part_of_speech(letter: str) -> str:
    return "a" if letter == "s" else letter  # satellite adjectives are in the same file


def _read_table(path: Path) -> Iterator[Synset]:
    require_file(path)
    lines = _read_lines(path)
    _, header = next(lines, (1, ""))
    if header.split("\t") != _TABLE_COLUMNS:
        raise UserError(f"{path}:1: a table of synsets must have the columns {', '.join(_TABLE_COLUMNS)}")
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(_TABLE_COLUMNS):
            raise UserError(f"{path}:{number}: has {len(cells)} cells instead of {len(_TABLE_COLUMNS)}")
        name, _, _, words, definition, _, hypernyms = cells
        yield Synset(name, tuple(words.split()), definition, tuple(hypernyms.split()))


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in read_lines(path, BadLines(path, skip=None)):
        yield number, line.rstrip("\n")
