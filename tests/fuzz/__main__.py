"""`make fuzz`: damaged files and odd arguments for every command. None may end in a traceback, hang or spoil a file.

`--write` puts the counts in docs/reference/robustness.md; `--only WORD` runs the kinds with this word in their names.
`--results FILE` records the outcome of each input and skips inputs already recorded, so that a stopped run can resume.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tests.fuzz.cases import list_cases
from tests.fuzz.fixtures import make
from tests.fuzz.running import HANG_SECONDS, OUTCOMES, Outcome, prepare, run_all

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "robustness.md"
BEGIN, END = "<!-- counts -->", "<!-- end of counts -->"
_BAD = OUTCOMES[2:]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=1, help="run each so many-th input alone")
    parser.add_argument("--sample", type=int, help="run so many of all, evenly chosen")
    parser.add_argument("--without-experiments", action="store_true", help="fixtures that are soon made")
    parser.add_argument("--fixtures", type=Path, help="made before, or to be made here")
    parser.add_argument("--results", type=Path, help="of earlier runs too")
    parser.add_argument("--hang-seconds", type=float, default=HANG_SECONDS, help="more on a machine that is busy")
    given = parser.parse_args()
    results = _Results(given.results)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fixtures-") as folder:
        pristine = given.fixtures or Path(folder)
        prepare()
        if not (pristine / "early-run").exists():
            _make_apart(pristine, not given.without_experiments)
        cases = [case for case in list_cases(pristine) if given.only in case.kind.name][:: given.every]
        if given.sample is not None:
            cases = [cases[place] for place in np.linspace(0, len(cases) - 1, given.sample).astype(int)]
        cases = [case for case in cases if (case.kind.name, case.number) not in results.what]
        running = run_all(cases, pristine, given.workers, given.hang_seconds)
        for outcome in tqdm(running, total=len(cases), unit="input", mininterval=5):
            results.note(outcome)
            if outcome.what in _BAD:
                case = outcome.case
                where = f"{case.kind.name} {case.number}, {case.way} of {case.file}: {case.words!r:.300}"
                print("\n".join([f"\n== {outcome.what}: {where}", *outcome.said.splitlines()[-6:]]), flush=True)
    table = draw_table(results.what)
    print(table)
    print(f"{time.monotonic() - start:.0f} s")
    if given.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.exit(any(what in _BAD for what in results.what.values()))


def _make_apart(pristine: Path, has_experiments: bool) -> None:
    """Make the fixtures in another process, so that this one has no threads when it is forked."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            make(pristine, has_experiments)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        sys.exit("the fixtures could not be made")


class _Results:
    """The outcome of each input, by kind and number."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
        self.what: dict[tuple[str, int], str] = {(kind, number): what for kind, number, what in map(json.loads, lines)}

    def note(self, outcome: Outcome) -> None:
        case = outcome.case
        self.what[case.kind.name, case.number] = outcome.what
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([case.kind.name, case.number, outcome.what]) + "\n")


def draw_table(what: Mapping[tuple[str, int], str]) -> str:
    """The counts by kind, in Markdown."""
    counts = Counter((kind, outcome) for (kind, _), outcome in what.items())
    kinds = sorted({kind for kind, _ in what})
    lines = [f"| what is damaged | inputs | {' | '.join(OUTCOMES)} |", f"|---|{'---:|' * (1 + len(OUTCOMES))}"]
    for kind in [*kinds, None]:
        numbers = [
            sum(count for (name, what), count in counts.items() if what == outcome and kind in (None, name))
            for outcome in OUTCOMES
        ]
        lines.append(f"| {kind or 'all'} | {sum(numbers):,} | {' | '.join(f'{number:,}' for number in numbers)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
