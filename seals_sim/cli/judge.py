"""`seals label --judge`: a language model answers rows, alongside the page or without one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

from seals_sim.cli.concepts import sort_instructions
from seals_sim.errors import UserError
from seals_sim.label.judge.address import warn_of_sending
from seals_sim.label.judge.client import Judge
from seals_sim.label.judge.options import JudgeOptions

if TYPE_CHECKING:
    from seals_sim.label.concepts import Concepts
    from seals_sim.label.judge.judging import Judging

_LOOK_SECONDS = 0.2


def find_judge(options: JudgeOptions, names: Sequence[str], find_name: Callable[[str], str]) -> Judge | None:
    """Make the requested judge and check its server, before a table is embedded; None if no judge is requested.

    Args:
        options: Options of the judge.
        names: Names of the session's concepts.
        find_name: See `sort_instructions`.

    Raises:
        UserError: If the server cannot be reached or rejects the key, or an instruction names no concept.
    """
    if options.judge is None:
        return None
    assert options.judge_model is not None
    judge = Judge(options.judge, options.judge_model, sort_instructions(options.instruction, names, find_name))
    asyncio.run(judge.check())
    return judge


def begin_judging(session: Concepts, judge: Judge, options: JudgeOptions) -> Judging:
    """Prepare to judge; nothing is sent yet.

    Raises:
        UserError: If the session has no texts or is read-only; the session is then closed.
    """
    from seals_sim.label.beginning import name_concept
    from seals_sim.label.judge.judging import Judging

    try:
        tell = _keep_silent if options.no_page else _tell
        judging = Judging(session, judge, options.judge_budget, options.judge_parallel, tell)
    except UserError:
        session.close()
        raise
    for concept, before in judging.other_instructions.items():
        of_what = f" for {concept}" if concept else ""
        _tell(f"{judge.who} had another instruction{of_what} before, and its answers still count: {before!r}")
    if judging.left_out:
        _tell(f"{judge.who} has no instruction for {', '.join(map(name_concept, judging.left_out))}; left to you")
    if warning := warn_of_sending(judge.url):
        _tell(warning)
    return judging


def judge_alone(session: Concepts, judging: Judging, budget: int, quiet: bool) -> None:
    """Judge without a page until the budget is spent, print a summary, and close the session.

    Raises:
        UserError: If the judge fails; its answers so far are saved.
        KeyboardInterrupt: When it is stopped; its answers so far are saved.
    """
    try:
        session.embed_in_background()
        with tqdm(total=budget, initial=judging.n_calls, desc="judging", unit="call", disable=quiet) as bar:
            judging.start()
            while not judging.wait(_LOOK_SECONDS):
                bar.update(judging.n_calls - bar.n)
            bar.update(judging.n_calls - bar.n)
    finally:
        judging.stop()
        print(judging.summary, flush=True)
        session.close()
    if judging.problem is not None:
        raise judging.problem
    _tell(judging.ended)


def _keep_silent(line: str) -> None:
    """Without a page, the command itself reports what went wrong."""


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
