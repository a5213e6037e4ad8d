"""What the two reports share: rows in, a page out, and the command that draws one again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from seals_sim.cli.terminal import Parser, errors_for_people
from seals_sim.disk.files import write_text
from seals_sim.errors import UserError


def read_rows(path: Path, columns: Sequence[str], **options: Any) -> pd.DataFrame:
    """A table of a finished run, by pandas' read_csv. Raises UserError where it is missing or has other columns."""
    try:
        table = pd.read_csv(path, **options)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the run in this folder is not finished") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if tuple(table.columns) != tuple(columns):
        raise UserError(f"{path}: needs the columns {', '.join(columns)}")
    return table


def write_page(path: Path, template: str, package: str, **values: Any) -> None:
    """Render a template of the package's `templates/`, which may extend `page.html`, to `path`."""
    environment = jinja2.Environment(
        loader=_loader(package), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    write_text(path, environment.get_template(template).render(**values))


def _loader(package: str) -> jinja2.BaseLoader:
    return jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("seals_sim.replay")])


def redraw_command(
    name: str, description: str | None, write: Callable[[Path], object], argv: Sequence[str] | None
) -> None:
    """`python -m experiments.NAME DIR ...`: write(DIR) for each; prints what it gives back."""
    parser = Parser(prog=f"python -m experiments.{name}", description=description)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="the --out folder of a finished run")
    with errors_for_people():
        for folder in parser.parse_args(argv).folders:
            print(write(folder))
