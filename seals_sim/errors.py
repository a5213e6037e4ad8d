"""Errors that are for people: one line that says what is wrong and what to do."""

from __future__ import annotations


class UserError(ValueError):
    """Bad input or options. The message names the file, line or option; commands print it and exit with code 2."""
