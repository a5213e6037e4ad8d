"""What all reports share: reading rows and rendering a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from seals_sim.disk.files import write_text
from seals_sim.disk.reading import read_csv
from seals_sim.errors import UserError
from seals_sim.replay.seal import describe_missing_file


def read_rows(path: Path, columns: Sequence[str], **options: Any) -> pd.DataFrame:
    """Read a table from the folder of a finished run.

    Args:
        path: The CSV file.
        columns: The columns that it must have, in this order.
        options: Passed on to `pandas.read_csv`.

    Returns:
        The table.

    Raises:
        UserError: If the file is missing, unreadable, cut off within a line, or has other columns.
    """
    if not path.exists():
        raise describe_missing_file(path)
    table = read_csv(path, **options)
    if tuple(table.columns) != tuple(columns):
        raise UserError(f"{path}: needs the columns {', '.join(columns)}")
    return table


def write_page(path: Path, template: str, package: str, **values: Any) -> None:
    """Render a template to `path`.

    Args:
        path: The HTML file to write. Figures are next to it, and the page refers to them by name.
        template: A file in the package's `templates/`, which may extend `page.html`.
        package: The package that contains the template.
        values: The values that the template uses.
    """
    environment = jinja2.Environment(
        loader=_loader(package), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    write_text(path, environment.get_template(template).render(**values))


def _loader(package: str) -> jinja2.BaseLoader:
    return jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("seals_sim.replay")])
