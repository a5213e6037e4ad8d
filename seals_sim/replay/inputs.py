"""Where the data of a replay come from: a named dataset, or the user's own texts or vectors."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass

from seals_sim.datasets.options import TableOptions
from seals_sim.errors import UserError
from seals_sim.options import CHECKED, GivenPath

if TYPE_CHECKING:
    from seals_sim.datasets import Dataset

DatasetName = Literal["icd10", "wordnet", "goodreads"]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class InputOptions(TableOptions):
    """Labeled data. A run is identified by their content, not by their location.

    Raises:
        pydantic.ValidationError: If options do not fit together.
    """

    dataset: DatasetName | None = None
    """icd10: the built-in texts; wordnet: WordNet's definitions; goodreads: the spoilers in `reviews`."""
    wordnet: GivenPath | None = None
    """Folder of WordNet's dictionary files. [default: where Debian's wordnet-base and NLTK put them]"""
    reviews: GivenPath | None = None
    """The Goodreads reviews, .json or .json.gz."""
    texts: GivenPath | None = None
    """A table of texts and labels: .jsonl, .json, .csv, .tsv (each also with .gz, .bz2 or .zst), .parquet, .arrow or .xlsx; or a folder."""  # noqa: E501
    text_column: str = "text"
    """Column that holds the texts; doc.text is the field text inside the field doc."""
    vectors: GivenPath | None = None
    """Instead of texts: an (n, d) array in an .npy file."""
    labels: GivenPath | None = None
    """Labels of the vectors: an .npy file with one class id per row, or a table."""
    label_column: tuple[str, ...] = ()
    """A column of 0/1 (one concept) or of classes (one concept each); repeatable. [default: label or labels]"""
    label_separator: str | None = None
    """Separator that splits a cell into several labels."""
    skip_bad_lines: bool = False
    """Skip lines that cannot be read, and list them; empty texts are always skipped."""
    labeled_only: bool = False
    """Leave out texts without a label. [default: they are negatives of every class]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (field.name for field in fields(TableOptions)):
            if self.texts is None and getattr(self, name) != getattr(TableOptions, name):
                raise UserError("requires texts", parameter=name, value=_get(self, name))
        if self.labeled_only and self.texts is None:
            raise UserError("requires texts", parameter="labeled_only", value=True)
        if self.label_separator == "":
            raise UserError("cannot be empty", parameter="label_separator", value="")
        sources = [name for name in ("dataset", "texts", "vectors") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise UserError(f"cannot be combined with {sources[0]}", parameter=sources[1], value=_get(self, sources[1]))
        for name, other in (("vectors", "labels"), ("labels", "vectors")):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise UserError(f"requires {other}", parameter=name, value=_get(self, name))
        for name, owner in (("reviews", "goodreads"), ("wordnet", "wordnet")):
            if getattr(self, name) is not None and self.dataset not in (owner, None if not sources else owner):
                raise UserError(f"applies only to the dataset {owner}", parameter=name, value=_get(self, name))
        if self.dataset == "goodreads" and self.reviews is None:
            problem = "requires reviews, the file of reviews; get it from its owners"
            raise UserError(problem, parameter="dataset", value="goodreads")


def _get(options: InputOptions, name: str) -> str:
    return str(getattr(options, name))


def load_dataset(options: InputOptions, default: DatasetName) -> Dataset:
    """Read the data that the options name.

    Args:
        options: What to read.
        default: The dataset to read if none is named.

    Raises:
        UserError: If the data do not exist or cannot be read.
    """
    from seals_sim.datasets import read_goodreads, read_icd10cm, read_text_table, read_vectors, read_wordnet

    columns, separator = options.label_column, options.label_separator
    if options.vectors is not None and options.labels is not None:
        _refuse_skipping(options)
        return read_vectors(options.vectors, options.labels, columns, separator)
    if options.texts is not None:
        return read_text_table(
            options.texts, options.text_column, columns, separator, options.skip_bad_lines, options,
            options.labeled_only,
        )  # fmt: skip
    match options.dataset or default:
        case "goodreads" if options.reviews is not None:
            return read_goodreads(options.reviews, options.skip_bad_lines)
        case "wordnet":
            _refuse_skipping(options)
            return read_wordnet(options.wordnet)
    _refuse_skipping(options)
    return read_icd10cm()


def _refuse_skipping(options: InputOptions) -> None:
    if options.skip_bad_lines:
        raise UserError("only a table of texts or reviews has lines to skip", parameter="skip_bad_lines", value=True)
