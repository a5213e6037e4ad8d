"""What can go wrong in the theory bench, each with a name of its own."""

from __future__ import annotations

from seals_sim.errors import UserError


class NotSeparable(UserError):
    """The labelled points cannot be separated as the setting assumes."""


class SolverError(UserError):
    """A solver gave no result that its certificate bears out."""
