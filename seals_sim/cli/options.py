"""Options of the commands that take a table of texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.datasets.options import TableOptions
from seals_sim.embed.names import DEFAULT_MODEL, AutoBackend, AutoPrecision
from seals_sim.errors import UserError
from seals_sim.indexes.engines.address import require_engine
from seals_sim.indexes.names import AutoAnyVectorIndexName
from seals_sim.options import CHECKED, COMMA_SEPARATED, Fraction, GivenPath, NonNegativeInt, PositiveInt
from seals_sim.replay.options import EngineOptions, ProbeOptions

ExportFormat = Literal["csv", "jsonl", "parquet", "labelstudio", "argilla"]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TableTextOptions(TableOptions):
    """How the texts of a table are read."""

    text_column: str = "text"
    """The column of texts; doc.text is the field text of the field doc."""
    skip_bad_lines: bool = False
    """Leave out lines that cannot be read, and list them; empty texts always are."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TextOptions(TableTextOptions):
    """How a table is read and embedded."""

    model: Annotated[str, Field(min_length=1)] | None = None
    """A model of sentence-transformers or Model2Vec, by folder or name, or two with a plus between; all-MiniLM-L6-v2
    and wordllama come with this package. [default: all-MiniLM-L6-v2; with vectors none]"""
    dimensions: NonNegativeInt | None = None
    """Whiten to so many by PCA. [default: 0, do not, which finds more; a session goes on with those it has]"""

    precision: AutoPrecision = "auto"
    """Of the model; auto: bfloat16 where the processor has instructions for it, and nothing is cached in float32."""
    backend: AutoBackend = "auto"
    """What computes the model; auto: onnxruntime for 10,000 texts or more in float32, where it is installed; else
    torch, on a GPU where it sees one. Vectors are the same up to rounding."""

    @property
    def text_model(self) -> str:
        """The model that texts are embedded by."""
        return self.model or DEFAULT_MODEL


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class OwnVectorOptions:
    """Vectors from elsewhere in the place of embedded texts, and pictures."""

    vectors: GivenPath | None = None
    """An (n, d) array, .npy: a row for each row of the table. Words can be searched for with the model that made it."""
    image_column: str | None = None
    """With vectors: the column of the pictures' paths, which are the texts too where the table has no text column."""
    image_folder: GivenPath | None = None
    """The folder that these paths start from. No file outside it is shown."""

    def __post_init__(self) -> None:
        for name, other in (
            ("image_column", "vectors"),
            ("image_column", "image_folder"),
            ("image_folder", "image_column"),
        ):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise UserError(f"needs {other} too", parameter=name, value=str(getattr(self, name)))


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SearchIndexOptions(ProbeOptions, EngineOptions):
    """Which index finds the neighbors of texts, of the table or typed in."""

    index: AutoAnyVectorIndexName = "auto"
    """exact reads every row; ivf-* look into some cells of it; milvus and lancedb are vector engines (see engine); auto
    goes by rows and memory."""

    def __post_init__(self) -> None:
        require_engine(self.index, self.engine)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class MeasuredIndexOptions(SearchIndexOptions):
    """An index, and how many neighbors it is asked for."""

    k: PositiveInt = 100
    """Neighbors of each text."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class StoppingOptions:
    """The rule for stopping."""

    target_recall: Fraction = 0.8
    """Part of the positives that must be found."""
    p: Fraction = 0.05
    """Stop when the hypothesis that fewer are found has a p-value below this."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ExampleOptions:
    """What to look for. Examples need not be in the table."""

    like: tuple[str, ...] = ()
    """An example of what you look for, or words for it; may be given again. Of several concepts: NAME=WORDS."""
    not_like: tuple[str, ...] = ()
    """An example of what you do not look for; may be given again."""
    concept: tuple[str, ...] = ()
    """The name of what you look for, where that is several things; may be given again, for a later session too."""
    paper: bool = False
    """Search as the paper does: candidates are neighbors of labeled rows, and texts are whitened to 256 dimensions."""
    session: GivenPath | None = None
    """File that every answer is saved in; the same command resumes it. [default: the table's name with .seals]"""
    labelstudio: GivenPath | None = None
    """Answers to begin with: Label Studio's export as JSON or JSON-MIN."""
    argilla: GivenPath | None = None
    """Answers to begin with: records of Argilla as JSON."""
    labels: GivenPath | None = None
    """Answers to begin with: a table with the column answer, such as the page saves."""
    positive_label: tuple[str, ...] = ()
    """A label in such a file that means yes, where it is no usual word for it; may be given again. Others mean no."""
    negative_label: tuple[str, ...] = ()
    """A label that means no; may be given again. Labels that are not named are refused then."""
    answer_field: str | None = None
    """The field or column of the answers in such a file, where there are several or it is not called answer."""

    def __post_init__(self) -> None:
        if self.negative_label and not self.positive_label:
            raise UserError("needs positive_label too", parameter="negative_label", value=self.negative_label[0])


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ColumnOptions:
    """What exports carry beside our own columns."""

    id_column: str | None = None
    """The column that says which row is which: in exports, and to find the rows of imports."""
    columns: Annotated[tuple[str, ...], COMMA_SEPARATED] = ()
    """More columns of the table to put into exports; all: every one."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PageOptions:
    """How the page is served."""

    host: str = "127.0.0.1"
    """An address of this machine; the default can be reached from this machine alone."""
    port: int = 0
    """0: one that is free."""
    no_browser: bool = False
    """Print the address and open nothing."""
    allow_host: tuple[str, ...] = ()
    """Another name that browsers reach the page by, such as that of a proxy before it; may be given again."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ModelListOptions:
    """Which models to list, and whether to measure them."""

    model: tuple[str, ...] = ()
    """Another one, by folder or name; may be given again."""
    measure: Annotated[int, Field(ge=0, le=20_000)] = 0
    """Measure speed and quality on so many of the built-in texts, 0 or at least 100; what 1,000 give is kept."""
    backend: AutoBackend = "auto"
    """What computes them; auto: as a table of 10,000 texts or more would be embedded."""
    precision: AutoPrecision = "auto"
    """Of the models."""

    def __post_init__(self) -> None:
        if 0 < self.measure < 100:
            raise UserError("must be 0 or at least 100", parameter="measure", value=self.measure)
