"""Runs a command line, and reports any error as one line."""

from __future__ import annotations

import io
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import cache
from types import FrameType
from typing import Any, NoReturn, get_type_hints

from cyclopts import App, CycloptsError, Group, Parameter, UnusedCliTokensError
from pydantic import ValidationError
from rich.console import Console

from seals_sim.errors import UserError
from seals_sim.options import COMMA_SEPARATED, to_user_error
from seals_sim.runtime import wait_passively

_RAISE_AGAIN_SECONDS = 0.05
_EXPLAINED = (CycloptsError, ValidationError, UserError, OSError, MemoryError)
_RUNNING: ContextVar[tuple[App, list[str]] | None] = ContextVar("running", default=None)
_SIGPIPE = 13  # Windows has no signal.SIGPIPE


class _Console(Console):
    """Prints --help and --version; rich's own console exits with code 1 if the reader closes the pipe early."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def make_cli(name: str, summary: str | None = None) -> App:
    """Make a command line in the style of this package: no `--no-x`, comma-separated lists, shell completion."""
    look = Parameter(negative=(), show_default=_show_default, consume_multiple=False)
    return App(
        name=name,
        help=summary,
        version=_get_version,
        default_parameter=look,
        suppress_keyboard_interrupt=False,
        console=_Console(),
    )


@cache
def flatten(group: str) -> Parameter:
    """Marks a dataclass whose fields become separate options, shown under this heading."""
    return Parameter(name="*", group=Group.create_ordered(group))


def _get_version() -> str:
    from importlib.metadata import version

    return f"seals-sim {version('seals-sim')}"


def _show_default(value: Any) -> str | None:
    """The default as a user would type it; None if it is off or absent."""
    if value is None or value is False or value == ():
        return None
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def run_cli(app: App, words: Sequence[str] | None = None) -> None:
    """Run a command line, by default that of this process.

    Bad input, and a file or disk that fails, give one line on stderr and exit code 2. Ctrl-C, SIGTERM and SIGHUP exit
    with 128 plus the number of the signal; finished work is saved. Once the page of `seals label` is served, it handles
    these signals itself and exits without an error.
    """
    wait_passively()
    _print_what_the_terminal_can_show()
    typed = list(sys.argv[1:] if words is None else words)
    running = _RUNNING.set((app, typed))
    try:
        _require_utf8(typed)
        with _interrupted_by_signals():
            app(typed, exit_on_error=False, print_error=False, result_action="return_none")
        if sys.stdout is not None:
            sys.stdout.flush()  # not at exit, where nothing would handle a closed pipe
    except BrokenPipeError:
        _end_without_reader()
    except _EXPLAINED as error:
        _fail(explain_failure(error))
    except KeyboardInterrupt as interruption:
        print("interrupted; rerun the same command to resume", file=sys.stderr)
        sys.exit(128 + (interruption.args[0] if interruption.args else signal.SIGINT))
    finally:
        _RUNNING.reset(running)


def explain_failure(error: BaseException) -> str | None:
    """One line on why the running command has to end; None if it was interrupted, or nobody can read it."""
    if isinstance(error, KeyboardInterrupt | BrokenPipeError | SystemExit):
        return None
    return " ".join(_explain(error).split())


def _explain(error: BaseException) -> str:
    match error:
        case CycloptsError():
            return _explain_words(error)
        case ValidationError():
            return _name_option(to_user_error(error))
        case UserError():
            return _name_option(error)
        case OSError():
            what = error.strerror or str(error)
            return what if error.filename is None else f"{error.filename}: {what}"
        case MemoryError():
            return f"not enough memory ({error}); use smaller numbers or a smaller table"
    return "the program failed; see its output for the reason"


def _fail(message: str | None) -> NoReturn:
    with suppress(OSError):  # the exit code still tells
        print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _require_utf8(words: Sequence[str]) -> None:
    """Require UTF-8: options and file names go into config.json, reports and sessions, which are UTF-8."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{word!a}: not UTF-8; type it as UTF-8, or rename the file") from error


def _print_what_the_terminal_can_show() -> None:
    """Escape characters that the encoding of stdout lacks, as stderr does, instead of failing after the work."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _end_without_reader() -> NoReturn:
    """The reader of stdout has closed it: exit silently, like a program killed by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + _SIGPIPE)


def _explain_words(error: CycloptsError) -> str:
    """What cyclopts found wrong, as one line; it passes on pydantic's errors about bounds."""
    if isinstance(error.__cause__, ValidationError):
        cause = to_user_error(error.__cause__)
        if cause.parameter is not None:
            return _format(f"--{_dashed(cause.parameter)}", cause)
        return str(cause) if error.argument is None else _format(error.argument.name, cause)
    if isinstance(error, UnusedCliTokensError):
        return f"{' '.join(error.unused_tokens or ())}: unexpected argument (--help lists the options)"
    return f"{str(error).rstrip('.')} (--help lists the options)"


def _name_option(error: UserError) -> str:
    """The error, with the option instead of the parameter if the command has one of that name."""
    running = _RUNNING.get()
    if error.parameter is None or running is None:
        return str(error)
    app, typed = running
    option, options = f"--{_dashed(error.parameter)}", _list_options(app, typed)
    known = next((name for name in (option, f"{option}s") if name in options), None)  # --models names each model
    return str(error) if known is None else _format(known, error)


def _list_options(app: App, typed: Sequence[str]) -> set[str]:
    _, apps, _ = app.parse_commands(list(typed))
    return {name for argument in apps[-1].assemble_argument_collection() for name in argument.names}


def _format(option: str, error: UserError) -> str:
    value = "" if error.value is None or error.value is True else f" {error.value}"
    return f"{option}{value}: {error.problem}"


def _dashed(name: str) -> str:
    return name.replace("_", "-")


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, as SIGINT does, so that open files are closed.

    Python drops exceptions raised while an object is finalized; an interrupt that lands there is raised again.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    def raise_again(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before_hook(dropped)
            return
        args = getattr(dropped.exc_value, "args", ())
        timer = threading.Timer(_RAISE_AGAIN_SECONDS, signal.raise_signal, args[:1] or [signal.SIGINT])
        timer.daemon = True
        timer.start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    before_hook, sys.unraisablehook = sys.unraisablehook, raise_again
    try:
        yield
    finally:
        sys.unraisablehook = before_hook
        for number, handler in before.items():
            signal.signal(number, handler)


def render_command(name: str, *groups: object) -> str:
    """The command line for these options, without those that have their default.

    Args:
        name: Name of the command, such as `seals replay`.
        groups: Dataclasses of options.
    """
    words = name.split()
    for group in groups:
        assert is_dataclass(group)
        types = get_type_hints(type(group), include_extras=True)
        for field in fields(group):
            value = getattr(group, field.name)
            if value == field.default:
                continue
            option = f"--{_dashed(field.name)}"
            if value is True:
                words.append(option)
            elif not isinstance(value, tuple):
                words += [option, str(value)]
            elif COMMA_SEPARATED in getattr(types[field.name], "__metadata__", ()):
                words += [option, ",".join(map(str, value))]
            else:
                words += [word for part in value for word in (option, str(part))]
    return shlex.join(words)
