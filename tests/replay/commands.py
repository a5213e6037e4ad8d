"""The commands of a replay, as tests call them."""

from __future__ import annotations

from collections.abc import Sequence

from seals_sim.cli.main import main


def replay(words: Sequence[str]) -> None:
    """Run `seals replay`."""
    main(["replay", *words])
