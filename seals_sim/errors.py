"""Errors meant for people: one line that says what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class UserError(ValueError):
    """Bad input that the user can correct.

    The library names its own parameters and files. The command line replaces a parameter by its option, prints the line
    and exits with code 2.

    Attributes:
        problem: What is wrong and what to do.
        parameter: Name of the parameter at fault, if any.
        value: The value that was given for it.

    Examples:
        >>> print(UserError("must be at least 1", parameter="k", value=0))
        k = 0: must be at least 1
    """

    def __init__(self, problem: str, *, parameter: str | None = None, value: object = None) -> None:
        self.problem, self.parameter, self.value = problem, parameter, value
        super().__init__(problem if parameter is None else f"{parameter} = {value!r}: {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker's error is pickled on its way here; some kinds take other arguments than their text."""
        return _restore, (type(self), self.args, self.__dict__.copy())


class OtherOriginError(UserError):
    """A folder holds results that were made from something else.

    Attributes:
        folder: Folder to remove so that it is built again.
    """

    def __init__(self, problem: str, folder: Path) -> None:
        self.folder = folder
        super().__init__(problem)


class DamagedError(UserError):
    """A file from an earlier run is damaged.

    Attributes:
        folder: Folder to remove so that it is built again.
    """

    def __init__(self, path: Path, problem: str, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{path}: {problem}; remove {folder} to rebuild it")


def get_first_line(error: BaseException) -> str:
    """The first line of a library's error message, or the name of its type if there is no message.

    Examples:
        >>> get_first_line(OSError("no room\\nat all")), get_first_line(KeyError())
        ('no room', 'KeyError')
    """
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _restore(kind: type[UserError], args: tuple[Any, ...], state: dict[str, Any]) -> UserError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
