"""Run inputs, each in its own process on a copy of the fixtures, and record their outcomes."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.cases import Case

HANG_SECONDS = 60.0
_MEMORY_BYTES = 16 * 2**30
_MAY_BE_MADE = ("cache", "good-work", "new-work", "part", "store", "store.db")
_OUTPUTS = {
    "new", "run", "good", "theory", "paper", "beyond", "ledger", "model", "unfinished", "nowhere", "out.csv"
}  # fmt: skip
_ALONE = {"claims": "reports"}  # a large folder that only this program reads
_SESSIONS = ("t.seals", "pictures.seals")
OUTCOMES = ("refused", "served", "traceback", "hang", "changed")


@dataclass(frozen=True)
class Outcome:
    """The outcome of an input: one of OUTCOMES, with the command's output for the reader."""

    case: Case
    what: str
    said: str


def prepare() -> None:
    """Import what commands need once, so that a fork of this process can start at once."""
    import faiss
    import pandas
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet
    import sklearn.linear_model
    import torch

    from experiments.beyond import command as beyond  # noqa: F401
    from experiments.claims import command as claims  # noqa: F401
    from experiments.goodreads import command, report  # noqa: F401
    from experiments.paper import command as paper  # noqa: F401
    from experiments.theory_bounds import command as theory  # noqa: F401
    from seals_sim.cli import label, sessions, vectors  # noqa: F401
    from seals_sim.embed.encoder import Encoder
    from seals_sim.label.web import app  # noqa: F401
    from seals_sim.replay import replay, stopping  # noqa: F401

    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    assert pandas, pyarrow
    assert sklearn
    Encoder("wordllama").encode(["x"])


def run_all(
    cases: Iterable[Case], pristine: Path, n_workers: int, hang_seconds: float = HANG_SECONDS
) -> Iterator[Outcome]:
    """Run inputs, several at a time.

    Args:
        cases: The inputs.
        pristine: The folder of the fixtures, which is not changed.
        n_workers: How many to run at a time.
        hang_seconds: A run that takes longer counts as a hang.

    Yields:
        The outcome of each, in the order in which they end.
    """
    waiting, running, fixtures = iter(cases), {}, _Fixtures(pristine)
    is_over = False
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        while True:
            while not is_over and len(running) < n_workers:
                case = next(waiting, None)
                if case is None:
                    is_over = True
                    break
                run = _Run(case, fixtures, Path(tempfile.mkdtemp(dir=scratch)), hang_seconds)
                running[run.pid] = run
            if not running:
                return
            for run in list(running.values()):
                outcome = run.poll()
                if outcome is not None:
                    del running[run.pid]
                    yield outcome
            time.sleep(0.005)


@dataclass(frozen=True)
class _File:
    digest: str
    size: int
    mtime_ns: int


class _Fixtures:
    """The folder of the fixtures, digested only once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, _File] = {}
        for name, path in _walk(folder):
            facts = path.stat()
            self.files[name] = _File(_digest(path.read_bytes()), facts.st_size, facts.st_mtime_ns)

    def copy(self, here: Path, case: Case) -> None:
        left_out = () if case.words[0] in _ALONE else _ALONE.values()
        shutil.copytree(self.folder, here, ignore=shutil.ignore_patterns(*left_out))
        if case.file is not None:
            (here / case.file).write_bytes(case.content)

    def list_digests(self, here: Path) -> dict[str, str]:
        """Digests of all files in a copy. A file with the size and time of its fixture is taken to have its content."""
        return {name: self._digest(name, path) for name, path in _walk(here)}

    def _digest(self, name: str, path: Path) -> str:
        facts, file = path.stat(), self.files.get(name)
        if file is not None and (facts.st_size, facts.st_mtime_ns) == (file.size, file.mtime_ns):
            return file.digest
        return _digest(path.read_bytes())


class _Run:
    def __init__(self, case: Case, fixtures: _Fixtures, folder: Path, hang_seconds: float) -> None:
        self.case, self._fixtures, self._folder, self._here = case, fixtures, folder, folder / "here"
        self._deadline = time.monotonic() + hang_seconds
        self.pid = os.fork()
        if self.pid == 0:
            _work(case, fixtures, self._here, folder)

    def poll(self) -> Outcome | None:
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended == 0 and time.monotonic() < self._deadline:
            return None
        if ended == 0:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        said = (self._folder / "err").read_text(encoding="utf-8", errors="replace")
        outcome = Outcome(self.case, "hang", said) if ended == 0 else self._judge(status, said)
        shutil.rmtree(self._folder)
        return outcome

    def _judge(self, status: int, said: str) -> Outcome:
        code = os.waitstatus_to_exitcode(status)
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        if code not in (0, 2) or "Traceback" in said or (code == 2 and len(errors) != 1):
            return Outcome(self.case, "traceback", f"exit code {code}\n{said}")
        changed = self._list_changes(code == 2)
        if changed:
            return Outcome(self.case, "changed", f"exit code {code}: {', '.join(changed)}\n{said}")
        return Outcome(self.case, "served" if code == 0 else "refused", said)

    def _list_changes(self, is_refused: bool) -> list[str]:
        """The user's files that a command has changed, temporary files, and what a refused command has left behind."""
        after = self._fixtures.list_digests(self._here)
        before = {name: file.digest for name, file in self._fixtures.files.items()}
        if self.case.words[0] not in _ALONE:
            before = {name: digest for name, digest in before.items() if Path(name).parts[0] not in _ALONE.values()}
        if self.case.file is not None:
            before[self.case.file] = _digest(self.case.content)
        names = {name for name in {**before, **after} if before.get(name) != after.get(name)}
        if is_refused:  # a run that resumes may leave more of its files, such as its split
            names -= {name for name in names - set(before) if Path(name).parts[0] == "unfinished"}
        else:
            names = {
                name for name in names if name in before and name not in _SESSIONS
                and Path(name).parts[0].removeprefix("early-") not in _OUTPUTS
            }  # fmt: skip
        temporary = {name for name in after if Path(name).name.startswith(".") and not name.endswith(".lock")}
        made = {name for name in names if Path(name).parts[0] in _MAY_BE_MADE}
        return sorted((names - made) | temporary)


def _work(case: Case, fixtures: _Fixtures, here: Path, folder: Path) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        fixtures.copy(here, case)
        os.chdir(here)
        os.environ["XDG_CACHE_HOME"] = str(here / "cache")
        code = _run(case)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(case: Case) -> int:
    from experiments.beyond import __main__ as beyond
    from experiments.claims import __main__ as claims
    from experiments.goodreads import __main__ as goodreads
    from experiments.paper import __main__ as paper
    from experiments.theory_bounds import __main__ as theory
    from seals_sim.cli import main as cli
    from tests.fuzz.fixtures import no_page

    program, *words = case.words
    programs = {
        "seals": cli.main,
        "goodreads": goodreads.main,
        "paper": paper.main,
        "theory": theory.main,
        "beyond": beyond.main,
        "claims": claims.main,
    }
    try:
        with no_page():
            programs[program](words)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return 0


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
