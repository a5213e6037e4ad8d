"""Where the data of a replay come from: a dataset by name, or texts or vectors of the user's own."""

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
    """Labeled data. What they hold identifies a run, not where they lie.

    Raises:
        pydantic.ValidationError: Where options do not fit together.
    """

    dataset: DatasetName | None = None
    """icd10: the built-in texts; wordnet: the definitions of WordNet; goodreads: the spoilers of `reviews`."""
    wordnet: GivenPath | None = None
    """Folder of WordNet's dictionary files. [default: where Debian's wordnet-base and NLTK put them]"""
    reviews: GivenPath | None = None
    """The Goodreads reviews, .json or .json.gz."""
    texts: GivenPath | None = None
    """A table of texts and labels: .jsonl, .json, .csv, .tsv (each also with .gz, .bz2 or .zst), .parquet, .arrow or .xlsx; or a folder."""  # noqa: E501
    text_column: str = "text"
    """Its text column; doc.text is the field text of the field doc."""
    vectors: GivenPath | None = None
    """Instead of texts: an (n, d) array, .npy."""
    labels: GivenPath | None = None
    """Labels of the vectors: an .npy of one class id per row, or a table."""
    label_column: tuple[str, ...] = ()
    """A column of 0/1 (one concept) or of classes (one each); may be given again. [default: label or labels]"""
    label_separator: str | None = None
    """Cuts a cell into a list of labels."""
    skip_bad_lines: bool = False
    """Leave out lines that cannot be read, and list them; empty texts always are."""
    labeled_only: bool = False
    """Leave out rows of texts without any label. [default: they are negatives of every class]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (field.name for field in fields(TableOptions)):
            if self.texts is None and getattr(self, name) != getattr(TableOptions, name):
                raise UserError("goes with texts", parameter=name, value=_get(self, name))
        if self.labeled_only and self.texts is None:
            raise UserError("goes with texts", parameter="labeled_only", value=True)
        if self.label_separator == "":
            raise UserError("cannot be empty", parameter="label_separator", value="")
        sources = [name for name in ("dataset", "texts", "vectors") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise UserError(f"cannot be combined with {sources[0]}", parameter=sources[1], value=_get(self, sources[1]))
        for name, other in (("vectors", "labels"), ("labels", "vectors")):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise UserError(f"needs {other} too", parameter=name, value=_get(self, name))
        for name, owner in (("reviews", "goodreads"), ("wordnet", "wordnet")):
            if getattr(self, name) is not None and self.dataset not in (owner, None if not sources else owner):
                raise UserError(f"goes with the dataset {owner}", parameter=name, value=_get(self, name))
        if self.dataset == "goodreads" and self.reviews is None:
            problem = "needs the file of reviews, named by reviews; its owners give it out"
            raise UserError(problem, parameter="dataset", value="goodreads")


def _get(options: InputOptions, name: str) -> str:
    return str(getattr(options, name))


def load_dataset(options: InputOptions, default: DatasetName) -> Dataset:
    """Read the data that the options name.

    Args:
        options: What to read.
        default: The dataset where none is named.

    Raises:
        UserError: Where it is not there or not readable.
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
