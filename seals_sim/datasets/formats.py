"""The format of a table, from the ending of its name or the contents of its folder."""

from __future__ import annotations

from pathlib import Path

from seals_sim.datasets.delimited import DelimitedTable
from seals_sim.datasets.json_tables import JsonTable
from seals_sim.datasets.lines import PACKED, get_endings, require_file
from seals_sim.datasets.options import TableOptions
from seals_sim.datasets.protocol import TableFile
from seals_sim.errors import UserError

TEXT_ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
TABLE_ENDINGS = (*PACKED, *TEXT_ENDINGS, ".parquet", ".arrow", ".feather", ".xlsx")
_FORMATS = ".jsonl, .json, .csv, .tsv (each also with .gz, .bz2 or .zst), .parquet, .arrow, .feather or .xlsx"


def open_table(path: Path, options: TableOptions | None = None) -> TableFile:
    """Open a table, choosing the format by the name of the file or the contents of the folder.

    Args:
        path: A file, a folder of .txt files, or a folder from `datasets.save_to_disk`.
        options: How to read it.

    Returns:
        The table; no rows are read yet.

    Raises:
        UserError: For an unknown format, a missing file, or options that do not apply to the format.
    """
    options = options or TableOptions()
    ending, packing = get_endings(path)
    is_folder = path.is_dir()
    if not is_folder:
        require_file(path)
    _refuse_unused(path, options, "" if is_folder else ending)
    if is_folder:
        return _open_folder(path, options)
    match ending, packing:
        case ((".jsonl" | ".ndjson" | ".json"), _):
            return JsonTable(path, options.encoding, may_be_array=ending == ".json")
        case ((".csv" | ".tsv"), _):
            is_quoted = (options.quoting or ("double" if ending == ".csv" else "none")) == "double"
            delimiter = options.delimiter or (None if ending == ".csv" else "\t")
            return DelimitedTable(path, delimiter, is_quoted, options.encoding)
        case ((".parquet" | ".arrow" | ".feather"), ""):
            from seals_sim.datasets.arrow_tables import ArrowTable, ParquetTable

            return ParquetTable(path) if ending == ".parquet" else ArrowTable(path, [path])
        case ".xlsx", "":
            from seals_sim.datasets.workbooks import WorkbookTable

            return WorkbookTable(path, options.sheet)
    raise UserError(f"{path}: the name must end in {_FORMATS}")


def _open_folder(path: Path, options: TableOptions) -> TableFile:
    from seals_sim.datasets.arrow_tables import ArrowTable, find_saved_files
    from seals_sim.datasets.text_folder import TextFolder

    saved = find_saved_files(path)
    return TextFolder(path, options.encoding) if saved is None else ArrowTable(path, saved)


def _refuse_unused(path: Path, options: TableOptions, ending: str) -> None:
    """Refuse options without effect: users would believe that they did something."""
    for name, endings in (
        ("delimiter", (".csv", ".tsv")),
        ("quoting", (".csv", ".tsv")),
        ("encoding", (*TEXT_ENDINGS, "")),
        ("sheet", (".xlsx",)),
    ):
        if getattr(options, name) != getattr(TableOptions(), name) and ending not in endings:
            raise UserError(f"does not apply to {path}", parameter=name, value=getattr(options, name))
