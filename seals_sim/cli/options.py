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
    """Column that holds the texts; doc.text is the field text inside the field doc."""
    skip_bad_lines: bool = False
    """Skip lines that cannot be read, and list them; empty texts are always skipped."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TextOptions(TableTextOptions):
    """How a table is read and embedded."""

    model: Annotated[str, Field(min_length=1)] | None = None
    """A sentence-transformers or Model2Vec model, by folder or name, or two joined by a plus sign; all-MiniLM-L6-v2 and
    wordllama come with this package. [default: all-MiniLM-L6-v2; none with vectors]"""
    dimensions: NonNegativeInt | None = None
    """Whiten to this many dimensions by PCA. [default: 0, no whitening, which finds more; a resumed session keeps its
    own]"""

    precision: AutoPrecision = "auto"
    """Precision of the model; auto: bfloat16 if the CPU has instructions for it and no float32 vectors are cached."""
    backend: AutoBackend = "auto"
    """Runtime for the model; auto: for 10,000 or more texts onnxruntime in float32 or OpenVINO in either precision, if
    installed; otherwise torch, on a GPU if it finds one. Vectors are the same up to rounding."""

    @property
    def text_model(self) -> str:
        """The model that embeds the texts."""
        return self.model or DEFAULT_MODEL


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class OwnVectorOptions:
    """Vectors computed elsewhere instead of embedded texts, and pictures."""

    vectors: GivenPath | None = None
    """An (n, d) array in an .npy file, one row per row of the table. To search by words, also name the model that made
    it."""
    image_column: str | None = None
    """With vectors: column of picture paths, which also serve as the texts if the table has no text column."""
    image_folder: GivenPath | None = None
    """Folder that these paths are relative to. No file outside it is shown."""

    def __post_init__(self) -> None:
        for name, other in (
            ("image_column", "vectors"),
            ("image_column", "image_folder"),
            ("image_folder", "image_column"),
        ):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise UserError(f"requires {other}", parameter=name, value=str(getattr(self, name)))


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SearchIndexOptions(ProbeOptions, EngineOptions):
    """Which index finds the neighbors of texts, of the table or typed in."""

    index: AutoAnyVectorIndexName = "auto"
    """exact reads every row; ivf-* search some of its cells; milvus and lancedb are vector engines (see engine); auto
    chooses by the number of rows and memory."""

    def __post_init__(self) -> None:
        require_engine(self.index, self.engine)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class MeasuredIndexOptions(SearchIndexOptions):
    """An index, and how many neighbors to ask it for."""

    k: PositiveInt = 100
    """Neighbors per text."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class StoppingOptions:
    """The stopping rule."""

    target_recall: Fraction = 0.8
    """Fraction of the positives that must be found."""
    p: Fraction = 0.05
    """Stop when the hypothesis that fewer have been found has a p-value below this."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ExampleOptions:
    """What to look for. Examples need not be in the table."""

    like: tuple[str, ...] = ()
    """An example of what you are looking for, or words that describe it; repeatable. With several concepts:
    NAME=WORDS."""
    not_like: tuple[str, ...] = ()
    """An example of what you are not looking for; repeatable."""
    concept: tuple[str, ...] = ()
    """Name of a concept, if you are looking for several; repeatable. A resumed session adds those it does not have."""
    paper: bool = False
    """Search as the paper does: candidates are neighbors of labeled rows, and texts are whitened to 256 dimensions."""
    session: GivenPath | None = None
    """File that every answer is saved to; the same command resumes it. [default: the table's name with .seals]"""
    labelstudio: GivenPath | None = None
    """Answers to start from: a Label Studio export as JSON or JSON-MIN."""
    argilla: GivenPath | None = None
    """Answers to start from: Argilla records as JSON."""
    labels: GivenPath | None = None
    """Answers to start from: a table with a column named answer, such as the page saves."""
    positive_label: tuple[str, ...] = ()
    """A label in such a file that means yes, if it is not a usual word for yes; repeatable. All others mean no."""
    negative_label: tuple[str, ...] = ()
    """A label that means no; repeatable. Labels that neither option names are then refused."""
    answer_field: str | None = None
    """Field or column that holds the answers in such a file, if there are several or it is not named answer."""

    def __post_init__(self) -> None:
        if self.negative_label and not self.positive_label:
            raise UserError("requires positive_label", parameter="negative_label", value=self.negative_label[0])


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ColumnOptions:
    """Columns of the table that exports include beside our own."""

    id_column: str | None = None
    """Column that identifies each row, in exports and when importing answers."""
    columns: Annotated[tuple[str, ...], COMMA_SEPARATED] = ()
    """More columns of the table to include in exports; all: every one."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PageOptions:
    """How the page is served."""

    host: str = "127.0.0.1"
    """Address of this machine to listen on; only this machine can reach the default."""
    port: int = 0
    """Port of the page; 0: any free one."""
    no_browser: bool = False
    """Print the address without opening a browser."""
    allow_host: tuple[str, ...] = ()
    """Another host name by which browsers reach the page, such as that of a proxy in front of it; repeatable."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ModelListOptions:
    """Which models to list, and whether to measure them."""

    model: tuple[str, ...] = ()
    """Another model, by folder or name; repeatable."""
    measure: Annotated[int, Field(ge=0, le=20_000)] = 0
    """Measure speed and quality on this many of the built-in texts, 0 or at least 100; results for 1,000 are kept."""
    backend: AutoBackend = "auto"
    """Runtime for the models; auto: the one that would embed a table of 10,000 or more texts."""
    precision: AutoPrecision = "auto"
    """Precision of the models."""

    def __post_init__(self) -> None:
        if 0 < self.measure < 100:
            raise UserError("must be 0 or at least 100", parameter="measure", value=self.measure)
