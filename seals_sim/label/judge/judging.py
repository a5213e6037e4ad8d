"""Lets a judge work on a session: several concurrent calls, each answer written to the journal as it arrives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from contextlib import suppress

from seals_sim.errors import UserError
from seals_sim.label.concepts import Concepts
from seals_sim.label.judge.assignments import Assignment, Call, take_calls
from seals_sim.label.judge.client import Judge, Line, RefusedTextError
from seals_sim.label.judge.words import describe_each
from seals_sim.label.session import Session

MAX_UNABLE = 10  # consecutive rows that the judge cannot answer: then something else is wrong
GRACE_SECONDS = 5.0  # for calls in progress when it is stopped: they are paid for
_LOOK_SECONDS = 0.1  # interval between checks whether to stop


class Judging:
    """Lets a judge answer a session's rows, in a separate thread, until its budget is spent or no row is left.

    If the session has several concepts, all those with an instruction for the judge get the same number of calls.

    Args:
        session: The session whose rows to answer. Everyone who uses it at the same time must hold `lock`, as this does.
        judge: The judge that answers.
        budget: Total calls, for all concepts, including those that the session's file has already counted.
        n_parallel: Concurrent calls.
        tell: Called in that thread with a line about how it ended, unless `stop` ended it; `ended` has the same line.

    Attributes:
        lock: Guards the session.
        n_calls: Total calls so far.
        left_out: Concepts without an instruction, which are left to the person.
        ended: How it ended.
        summary: The result, available after `stop`.
        other_instructions: Earlier instructions for the judge that differ from the current ones, by concept.
        problem: Why no more calls can be made; None if nothing is wrong.

    Raises:
        UserError: If the table has no texts, the session is read-only, or no concept has an instruction.
    """

    def __init__(
        self,
        session: Session | Concepts,
        judge: Judge,
        budget: int,
        n_parallel: int = 4,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        if session.corpus.texts is None:
            raise UserError("requires texts, but this table has only vectors", parameter="judge", value=judge.url)
        sessions = list(session.sessions.values()) if isinstance(session, Concepts) else [session]
        if sessions[0].is_read_only:
            raise UserError("cannot save its answers: the session is read-only", parameter="judge", value=judge.url)
        self.lock = threading.Lock()
        self.problem: UserError | None = None
        self.ended = self.summary = ""
        self._judge, self._budget, self._n_parallel, self._tell = judge, budget, n_parallel, tell
        self._assignments: list[Assignment] = []
        self.left_out: list[str] = []
        self.other_instructions: dict[str, str] = {}
        self.n_calls = 0
        for one in sessions:
            before, instruction = one.read_judge(judge.who), judge.find_instruction(one.concept)
            n_calls = before.n_calls if before else 0
            self.n_calls += n_calls
            if instruction is None:
                self.left_out.append(one.concept)
                continue
            self._assignments.append(Assignment(one, judge.who, instruction, n_calls))
            if before and before.instruction != instruction:
                self.other_instructions[one.concept] = before.instruction
        if not self._assignments:
            raise UserError("has no instruction for a concept of this session", parameter="judge", value=judge.url)
        self._n_unable = 0  # consecutive rows
        self._reason = ""
        self._is_stopping, self._has_ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="judge")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls, and end those in progress; answers that arrive within seconds are saved."""
        self._is_stopping.set()
        if self._thread.ident is not None:
            self._has_ended.wait()  # not `join`, which treats a thread as ended after Ctrl-C
        with self.lock:
            said = describe_each([one.session for one in self._assignments])
            self.summary = said or f"{self._judge.who} has answered no rows."

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most this long; return whether it has come."""
        return self._has_ended.wait(seconds)

    @property
    def is_working(self) -> bool:
        """Whether there may be more answers; also true before it starts, since a page may already be open."""
        has_begun = self._thread.ident is not None
        return not self._has_ended.is_set() if has_begun else not self._is_stopping.is_set()

    def _run(self) -> None:
        try:
            try:
                ended = asyncio.run(self._work())
            except UserError as error:
                self.problem = error
                ended = f"has stopped: {error}"
            self.ended = f"{self._judge.who} {ended}"
            if not self._is_stopping.is_set() or self.problem is not None:
                self._tell(self.ended)
        finally:
            self._has_ended.set()

    async def _work(self) -> str:
        calls: dict[asyncio.Task[int | None], Call] = {}
        async with self._judge.connect() as line:
            try:
                while True:
                    if not self._is_stopping.is_set():
                        for call in self._take(calls.values()):
                            calls[asyncio.create_task(self._ask(line, call))] = call
                    elif await self._wait_a_little(calls):
                        return "was stopped"
                    if not calls:
                        return self._explain_end()
                    done, _ = await asyncio.wait(calls, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    self._save({calls.pop(task): task for task in done})
            except UserError:
                await self._wait_a_little(calls)  # a permanent failure must not cost other calls
                raise

    async def _wait_a_little(self, calls: dict[asyncio.Task[int | None], Call]) -> bool:
        """Save replies to the calls in progress that arrive within seconds, and give up the rest."""
        if calls:
            done, late = await asyncio.wait(calls, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            with suppress(UserError):
                self._save({calls[task]: task for task in done})
            calls.clear()
        return True

    def _take(self, busy: Collection[Call]) -> list[Call]:
        """The next rows, one per free call; their calls are counted from here on."""
        with self.lock:
            n = min(self._n_parallel - len(busy), self._budget - self.n_calls)
            if n <= 0:
                return []
            taken = take_calls(self._assignments, busy, n)
            for one in self._assignments:
                self._count(one, sum(call.assignment is one for call in taken))
            return taken

    def _count(self, assignment: Assignment, n: int) -> None:
        assignment.count(n)
        self.n_calls += n

    async def _ask(self, line: Line, call: Call) -> int | None:
        text = call.assignment.session.corpus.get_text(call.row) or ""
        instruction = call.assignment.instruction
        try:
            answer = await line.ask(text, instruction)
            if answer is None and not self._is_stopping.is_set() and self.n_calls < self._budget:
                with self.lock:
                    self._count(call.assignment, 1)
                answer = await line.ask(text, instruction)
            self._reason = "it replied neither yes nor no" if answer is None else ""
            return answer
        except RefusedTextError as error:
            self._reason = str(error)
            return None

    def _save(self, done: dict[Call, asyncio.Task[int | None]]) -> None:
        """Write answers to the journal; a row without one is left to the person."""
        failed: UserError | None = None
        answers: dict[Call, int | None] = {}
        for call, task in done.items():
            if isinstance(error := task.exception(), UserError):
                failed = error
            else:
                answers[call] = task.result()
        with self.lock:
            for one in self._assignments:
                given = {call.row: answer for call, answer in answers.items() if call.assignment is one}
                if given:
                    one.session.tell(list(given), list(given.values()), self._judge.who)
        for answer in answers.values():
            self._n_unable = self._n_unable + 1 if answer is None else 0
        if failed is not None:
            raise failed
        if self._n_unable >= MAX_UNABLE:
            problem = f"could not answer {self._n_unable} rows in a row ({self._reason}); they are left to you"
            raise UserError(problem, parameter="judge", value=self._judge.url)

    def _explain_end(self) -> str:
        if self.n_calls >= self._budget:
            return f"has spent its budget of {self._budget:,} calls"
        return "has no row left to answer"
