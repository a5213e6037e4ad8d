"""The `seals` command.

Options are declared as dataclasses next to the code that they control; this module combines them. A command imports its
code when it runs, so that `--help` is fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seals_sim.cli.options import (
    ColumnOptions,
    ExampleOptions,
    ExportFormat,
    MeasuredIndexOptions,
    ModelListOptions,
    OwnVectorOptions,
    PageOptions,
    SearchIndexOptions,
    StoppingOptions,
    TableTextOptions,
    TextOptions,
)
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.label.judge.options import JudgeOptions
from seals_sim.label.options import SessionOptions
from seals_sim.options import combine
from seals_sim.replay.inputs import InputOptions
from seals_sim.replay.options import (
    CacheOptions,
    ClusterOptions,
    EmbeddingOptions,
    IndexOptions,
    LabelOptions,
    LearningOptions,
    MethodOptions,
    NamedConceptOptions,
    ReplayExecution,
    ReplayProtocol,
)

app = make_cli("seals", "Find rare things with few labels (SEALS): similarity search for active learning and search.")
app.register_install_completion_command()

_TABLE = Parameter(
    help="A table of texts: .jsonl, .json, .csv, .tsv (each also with .gz, .bz2 or .zst), .parquet, .arrow or .xlsx; "
    "or a folder of .txt files or of a saved Hugging Face dataset."
)
_SESSION = Parameter(help="A session file that no other program has open.")
_FOLDER = Parameter(help="Folder of a finished run.")


Text = Annotated[TextOptions, flatten("Texts")]
SearchIndex = Annotated[SearchIndexOptions, flatten("Index")]
Cache = Annotated[CacheOptions, flatten("Run")]


@app.command
def label(
    table: Annotated[Path, _TABLE],
    /,
    *,
    examples: Annotated[ExampleOptions, flatten("Search")] = ExampleOptions(),
    options: Annotated[SessionOptions, flatten("Search")] = SessionOptions(),
    text: Text = TextOptions(),
    index: SearchIndex = SearchIndexOptions(),
    page: Annotated[PageOptions, flatten("Page")] = PageOptions(),
    cache: Cache = CacheOptions(),
    columns: Annotated[ColumnOptions, flatten("Exports")] = ColumnOptions(),
    own: Annotated[OwnVectorOptions, flatten("Vectors from elsewhere")] = OwnVectorOptions(),
    judge: Annotated[JudgeOptions, flatten("Judge")] = JudgeOptions(),
) -> None:
    """Find texts like your examples: you judge them on a page in your browser."""
    from seals_sim.cli.label import label

    label(table, examples, options, text, index, page, cache, columns, own, judge)


@app.command
def export(
    session: Annotated[Path, _SESSION],
    /,
    *,
    out: Path | None = None,
    format: ExportFormat | None = None,
    concept: str | None = None,
    to: str | None = None,
    into: str = "seals_labels",
) -> None:
    """Write the answers of a session to a file or a database. Only the session file is needed.

    Args:
        out: The file to write.
        format: Format of the file; by default, the one that its name ends in.
        to: A PostgreSQL database instead of a file, such as postgresql://me@host/reviews; the password comes from
            PGPASSWORD or ~/.pgpass.
        into: Table in that database. It is created if it does not exist; answers for rows that it has are replaced.
        concept: One concept of a session that has several; by default all, with a column that names the concept.
    """
    from seals_sim.cli.exports import export

    export(session, out, format, concept, to, into)


@app.command
def model(session: Annotated[Path, _SESSION], /, *, out: Path, concept: str | None = None) -> None:
    """Train a classifier on the answers of a session, and save it for seals_sim.load_classifier.

    Args:
        out: A new folder for the classifier, as safetensors and JSON.
        concept: One concept of a session that has several.
    """
    from seals_sim.cli.exports import save_model

    save_model(session, out, concept)


@app.command
def score(
    source: Annotated[Path, Parameter(help="A session file, or a folder written by `seals model`.")],
    table: Annotated[Path, _TABLE],
    /,
    *,
    out: Path,
    text: Annotated[TableTextOptions, flatten("Texts")] = TableTextOptions(),
    columns: Annotated[ColumnOptions, flatten("Exports")] = ColumnOptions(),
    quiet: bool = False,
    concept: str | None = None,
) -> None:
    """Score the texts of any table with the classifier of a session.

    Args:
        out: The file to write, ending in .csv, .jsonl or .parquet.
        quiet: Show no progress.
        concept: One concept of a session that has several.
    """
    from seals_sim.cli.exports import score

    score(source, table, out, text, columns, quiet, concept)


@app.command
def embed(
    table: Annotated[Path, _TABLE],
    /,
    *,
    text: Text = TextOptions(),
    out: Path | None = None,
    cache: Cache = CacheOptions(),
    cluster: Annotated[ClusterOptions, flatten("Run")] = ClusterOptions(),
) -> None:
    """Compute the vectors of a table of texts, and cache them for the other commands.

    Args:
        out: Also write the vectors to this .npy file.
    """
    from seals_sim.cli.vectors import embed

    embed(table, text, out, cache, cluster)


@app.command
def index(
    table: Annotated[Path, _TABLE],
    /,
    *,
    text: Text = TextOptions(),
    index: Annotated[MeasuredIndexOptions, flatten("Index")] = MeasuredIndexOptions(),
    cache: Cache = CacheOptions(),
) -> None:
    """Build the index of a table, and measure its recall and speed."""
    from seals_sim.cli.vectors import build_index

    build_index(table, text, index, cache)


@app.command
def models(
    *, model: Annotated[ModelListOptions, flatten("Models")] = ModelListOptions(), cache: Cache = CacheOptions()
) -> None:
    """List the models of this package and some others, with their dimensions, speed on this machine and quality."""
    from seals_sim.cli.models import list_models
    from seals_sim.cli.tables import get_cache

    list_models(model.model, model.measure, model.backend, model.precision, get_cache(cache), cache.quiet)


@app.command
def replay(
    *,
    execution: Annotated[ReplayExecution, flatten("Run")],
    inputs: Annotated[InputOptions, flatten("Data")] = InputOptions(),
    concepts: Annotated[NamedConceptOptions, flatten("Concepts")] = NamedConceptOptions(),
    methods: Annotated[MethodOptions, flatten("Methods")] = MethodOptions(),
    labels: Annotated[LabelOptions, flatten("Labels (5.1)")] = LabelOptions(),
    embedding: Annotated[EmbeddingOptions, flatten("Embedding")] = EmbeddingOptions(),
    index: Annotated[IndexOptions, flatten("Index")] = IndexOptions(),
    learning: Annotated[LearningOptions, flatten("Strategy and learner")] = LearningOptions(),
) -> None:
    """Replay searches on data with known labels: every method from the same seeds, with figures and tables."""
    groups = (inputs, concepts, methods, labels, embedding, index, learning)
    protocol = combine(ReplayProtocol, *groups)
    from seals_sim.replay.replay import replay

    replay(inputs, protocol, execution, render_command("seals replay", *groups, execution))


@app.command
def stopping(
    folder: Annotated[Path, _FOLDER],
    /,
    *,
    rule: Annotated[StoppingOptions, flatten("Rule")] = StoppingOptions(),
) -> None:
    """Show when the page's stopping rule would have stopped a finished replay, and what it had found by then."""
    from seals_sim.replay.stopping import write_stopping

    print(write_stopping(folder, rule.target_recall, rule.p).to_string(na_rep="-"))


@app.command
def report(folder: Annotated[Path, _FOLDER], /) -> None:
    """Redraw the report of a finished run from its rows."""
    from seals_sim.cli.reports import redraw

    print(redraw(folder))


def main(words: Sequence[str] | None = None) -> None:
    """Run the `seals` command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
