"""The replay commands, as tests call them."""

from __future__ import annotations

from collections.abc import Sequence

from seals_sim.cli.main import main

_REPEATABLE = ("--concept", "--label-column")


def replay(words: Sequence[str]) -> None:
    """Run `seals replay`."""
    main(["replay", *override(words)])


def override(words: Sequence[str]) -> list[str]:
    """Let a repeated option replace the first one, which the command line refuses.

    Examples:
        >>> override(["--k", "5", "--quiet", "--budget", "9", "--k", "6"])
        ['--quiet', '--budget', '9', '--k', '6']
    """
    options: list[list[str]] = []
    for word in map(str, words):
        if word.startswith("--"):
            options = [option for option in options if option[0] != word or word in _REPEATABLE]
            options.append([word])
        else:
            options[-1].append(word)
    return [word for option in options for word in option]
