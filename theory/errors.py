"""Errors of a run of the theory."""

from __future__ import annotations

from seals_sim.errors import UserError


class NotSeparable(UserError):
    """The labeled points cannot be separated as the setting assumes."""


class SolverError(UserError):
    """No solver returned a result that its certificate confirms."""
