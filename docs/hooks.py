"""What the site takes from the code when it is built: the options of commands, sources, and the committed reports."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # theory and experiments are not installed

REPORT_ENDINGS = {".png", ".svg", ".html", ".csv", ".json", ".txt"}


def on_files(files: Any, *, config: Any) -> Any:
    """Add the committed files of reports/ to the site."""
    from mkdocs.structure.files import File

    for path in list_report_files():
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **unused: Any) -> str:
    """Fill in commands and quoted files, and point links to reports/ at the copies on the site.

    A link to a file outside of docs/ that stands alone on its line is replaced by the file, or by the function that it
    names. Where the pages are read without this hook, as in the repository, it is a link.
    """
    markdown = re.sub(r"<!-- commands: ([\w.]+) -->", lambda match: describe_app(match[1]), markdown)
    link = r"^\[`([\w/]+\.(?:py|md))`(?:, `(\w+)`)?\]\(\.\./\.\./\1\)$"
    markdown = re.sub(link, lambda match: quote(match[1], match[2]), markdown, flags=re.MULTILINE)
    return re.sub(r"(\]\((?:\.\./)*)\.\./(?=reports/)", r"\1", markdown)


def list_report_files() -> list[Path]:
    """Files of reports/ that are in the repository, or all where this is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z", "reports"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or sorted((ROOT / "reports").rglob("*"))
    return [path for path in paths if path.suffix in REPORT_ENDINGS and path.is_file()]


def quote(path: str, name: str | None) -> str:
    """A page as it is; a file of Python, or one function of it, as a block."""
    if path.endswith(".md"):
        return (ROOT / path).read_text(encoding="utf-8")
    if name is None:
        source = (ROOT / path).read_text(encoding="utf-8")
    else:
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        source = inspect.getsource(getattr(module, name))
    return f"```python\n{source}```"


def describe_app(module: str) -> str:
    """All commands of the cyclopts application `app` of a module, with a table for each group of options."""
    app = importlib.import_module(module).app
    if app.default_command is not None:
        return describe_command(app, app.name[0])
    commands = [name for name in app if not name.startswith("-")]
    return "\n\n".join(describe_command(app[name], f"{app.name[0]} {name}") for name in commands)


def describe_command(app: Any, name: str) -> str:
    """A heading, what the command does, how it is called, and its arguments and options."""
    arguments = [argument for argument in app.assemble_argument_collection(parse_docstring=True) if argument.show]
    positional = [argument.name for argument in arguments if not argument.name.startswith("-")]
    required = [f"{argument.name} ..." for argument in arguments if argument.required and argument.name.startswith("-")]
    usage = " ".join([name, *positional, *required, "[OPTIONS]"])
    groups: dict[str, list[Any]] = {}
    for argument in arguments:
        groups.setdefault(argument.parameter.group[0].name, []).append(argument)
    tables = [_tabulate(group, rows) for group, rows in groups.items()]
    about = inspect.cleandoc(app.help).split("\n\nArgs:")[0]
    return "\n\n".join([f"## {name}", about, f"```text\n{usage}\n```", *tables])


def _tabulate(group: str, arguments: list[Any]) -> str:
    lines = [f"| {group} | | default |", "|---|---|---|"]
    for argument in arguments:
        text, default = _split_default(argument.parameter.help or "")
        choices = argument.get_choices()
        if choices:
            text = f"{text} One of {', '.join(f'`{choice}`' for choice in choices)}.".strip()
        default = default or _format_default(argument)
        lines.append(f"| `{argument.name}` | {_escape(text)} | {_escape(default)} |")
    return "\n".join(lines)


def _split_default(text: str) -> tuple[str, str]:
    """The help of an option, and what it says of a default that is computed."""
    match = re.fullmatch(r"(.*?)\s*\[default: (.*)\]", " ".join(text.split()))
    return (match[1], match[2]) if match else (" ".join(text.split()), "")


def _format_default(argument: Any) -> str:
    value = argument.field_info.default
    if argument.required:
        return "required"
    if value is None or value is False or value == () or value is inspect.Parameter.empty:
        return ""
    return f"`{','.join(str(part) for part in value) if isinstance(value, tuple) else value}`"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
