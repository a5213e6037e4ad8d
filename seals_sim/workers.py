"""Where the work is done: in this thread, in several threads, or by the workers of a Dask cluster, behind one `map`.

A cluster is used through a `concurrent.futures.Executor`, like threads, so the same code runs on all of them with the
same results. Tasks and results travel as Dask's pickles: connect to a scheduler only if you trust everyone who can
reach it.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from importlib import metadata
from typing import Any, TypeVar
from urllib.parse import urlsplit

from seals_sim.errors import UserError, get_first_line
from seals_sim.packing import PACKAGE, call_packed, describe_version, name_version, pack, require_same_version

_LOCAL = "local:"
_SCHEMES = ("tcp", "tls")
_CONNECT_SECONDS, _WORKERS_SECONDS, _LOOK_SECONDS = 10, 60, 5
_AHEAD = 16  # tasks per worker sent in advance: with fewer, workers would wait between tasks of a millisecond
_IN_A_TASK = 2**16  # bytes up to which a shared value is sent with each task
_UNLIMITED = "1 TiB"
# Dask makes its workers return every freed block at once, so each block of a scan consists of new pages, which doubles
# its CPU time.
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**25}
_SILENT = logging.CRITICAL + 1

S = TypeVar("S")
A = TypeVar("A")
R = TypeVar("R")


class Workers:
    """Calls functions in this thread or elsewhere.

    Examples:
        >>> list(INLINE.map(pow, 2, [1, 2, 3]))
        [2, 4, 8]
        >>> with open_threads(2) as workers:
        ...     sorted(workers.map(pow, 2, range(4), in_order=False))
        [1, 2, 4, 8]
    """

    def __init__(self, executor: Executor | None = None, n: int = 1) -> None:
        """Wrap an executor.

        Args:
            executor: Calls the functions; None to call them in this thread.
            n: Number of calls it makes at a time.
        """
        self._executor, self.n = executor, n

    def map(
        self, function: Callable[[S, A], R], shared: S, arguments: Iterable[A], in_order: bool = True
    ) -> Iterator[R]:
        """Call function(shared, argument) for each argument, running some calls ahead.

        Args:
            function: A function at module level.
            shared: A value common to all calls; sent once if it is large. Memory-mapped arrays are sent by path.
            arguments: Arguments, read as calls can be started.
            in_order: Whether results come in the order of the arguments rather than as they finish.

        Yields:
            The results.

        Raises:
            UserError: If the cluster fails. Errors of the function are raised as they are.
        """
        if self._executor is None:
            yield from (function(shared, argument) for argument in arguments)
            return
        with self._sharing(function, shared) as call:
            yield from self._map(self._executor, call, iter(arguments), in_order)

    def _map(
        self, executor: Executor, call: Callable[[Executor, A], Future[R]], arguments: Iterator[A], in_order: bool
    ) -> Iterator[R]:
        sent: deque[Future[R]] = deque()
        try:
            while True:
                while len(sent) < _AHEAD * self.n:
                    try:
                        sent.append(call(executor, next(arguments)))
                    except StopIteration:
                        break
                if not sent:
                    return
                done = self._wait([sent[0]] if in_order else sent)
                sent.remove(done)
                yield done.result()
        finally:
            for future in sent:
                future.cancel()

    def _wait(self, futures: Iterable[Future[R]]) -> Future[R]:
        """Wait for one that is done."""
        return next(iter(wait(futures, return_when=FIRST_COMPLETED).done))

    @contextmanager
    def _sharing(self, function: Callable[[S, A], R], shared: S) -> Iterator[Callable[[Executor, A], Future[R]]]:
        """Yields a function that sends one call."""
        yield lambda executor, argument: executor.submit(function, shared, argument)


INLINE = Workers()
"""Runs every call in this thread, when its result is requested."""


class ClusterWorkers(Workers):
    """The workers of a Dask cluster.

    If a worker ends, another repeats its task. Shared values are kept by the scheduler, as bytes, so they outlive any
    worker.
    """

    def __init__(self, client: Any, n: int, address: str) -> None:
        super().__init__(client.get_executor(pure=False), n)
        self._client, self._address = client, address

    @contextmanager
    def _sharing(self, function: Callable[[S, A], R], shared: S) -> Iterator[Callable[[Executor, A], Future[R]]]:
        packed = pack((function, shared))
        digest = hashlib.sha256(packed).hexdigest()
        with explaining(self._address):
            sent = packed if len(packed) <= _IN_A_TASK else self._client.submit(bytes, packed, pure=False)
            address, version = self._address, describe_version()
            yield lambda executor, argument: executor.submit(
                call_packed, address, version, digest, sent, pack(argument)
            )

    def _wait(self, futures: Iterable[Future[R]]) -> Future[R]:
        """Wait, but not forever for workers, as Dask would."""
        last_seen = time.monotonic()
        while True:
            done = wait(futures, _LOOK_SECONDS, FIRST_COMPLETED).done
            if done:
                return next(iter(done))
            if self._client.nthreads():
                last_seen = time.monotonic()
            elif time.monotonic() > last_seen + _WORKERS_SECONDS:
                problem = "all its workers are gone; start some and rerun the same command"
                raise UserError(problem, parameter="cluster", value=self._address)


@contextmanager
def open_threads(n: int) -> Iterator[Workers]:
    """Use n threads of this process."""
    with ThreadPoolExecutor(n) as threads:
        yield Workers(threads, n)


@contextmanager
def open_workers(cluster: str | None) -> Iterator[Workers]:
    """Use the workers of a cluster, or this thread.

    Args:
        cluster: Address of a Dask scheduler. `local:N` starts N processes that only this machine can reach and that end
            with the block. None for this thread.

    Raises:
        UserError: If there is no such cluster, it has no workers, or Dask is not installed.
    """
    if cluster is None:
        yield INLINE
        return
    require_cluster(cluster)
    try:
        import dask
        import distributed
    except ImportError as error:
        problem = "needs a package that is not installed: pip install 'seals-sim[dask]'"
        raise UserError(problem, parameter="cluster", value=cluster) from error
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(_SILENT)  # what matters is raised and reported in one line
    try:
        environment = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in _MALLOC.items()}
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": _UNLIMITED, **environment}):
            if cluster.startswith(_LOCAL):
                n = int(cluster.removeprefix(_LOCAL))
                with (
                    distributed.LocalCluster(
                        n_workers=n, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0,
                        silence_logs=_SILENT, scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    ) as local,
                    distributed.Client(local, set_as_default=False) as client,
                ):  # fmt: skip
                    yield ClusterWorkers(client, n, cluster)
            else:
                with _connect(distributed, cluster) as client:
                    yield ClusterWorkers(client, _count_workers(client, cluster), cluster)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connect(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # the last two: TLS without certificates
        problem = f"no scheduler answers ({get_first_line(error)}); start it with: dask scheduler"
        raise UserError(problem, parameter="cluster", value=address) from error


def _count_workers(client: Any, address: str) -> int:
    """Number of threads of all workers, once there is one; all must have the same versions."""
    with explaining(address):
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError as error:
            problem = f"has no workers; start some with: dask worker {address}"
            raise UserError(problem, parameter="cluster", value=address) from error
        # Both calls work even if this package is missing or older; Dask ends a worker that cannot unpickle a task.
        packages, pythons = client.run(metadata.version, PACKAGE), client.run(platform.python_version)
        packages["scheduler"] = client.run_on_scheduler(metadata.version, PACKAGE)
        pythons["scheduler"] = client.run_on_scheduler(platform.python_version)
        for one in packages.keys() & pythons.keys():
            require_same_version(name_version(packages[one], pythons[one]), address)
        return sum(client.nthreads().values())


def require_cluster(cluster: str | None) -> None:
    """Check that an address is plausible.

    Args:
        cluster: As for `open_workers`.

    Raises:
        UserError: If it is not.

    Examples:
        >>> require_cluster("local:2"), require_cluster("tcp://10.0.0.1:8786"), require_cluster(None)
        (None, None, None)
        >>> require_cluster("local:0")
        Traceback (most recent call last):
        seals_sim.errors.UserError: cluster = 'local:0': must be a scheduler, such as tcp://10.0.0.1:8786, or local:2 \
for two processes on this machine
    """
    if cluster is None:
        return
    if cluster.startswith(_LOCAL):
        number = cluster.removeprefix(_LOCAL)
        is_good = number.isascii() and number.isdecimal() and 1 <= int(number) <= 1024
    else:
        try:
            parts = urlsplit(cluster)
            is_good = parts.scheme in _SCHEMES and bool(parts.hostname) and bool(parts.port)
            is_good = is_good and not (parts.username or parts.path or parts.query or parts.fragment)
        except ValueError:  # an invalid port
            is_good = False
    if not is_good:
        problem = "must be a scheduler, such as tcp://10.0.0.1:8786, or local:2 for two processes on this machine"
        raise UserError(problem, parameter="cluster", value=cluster.rpartition("@")[2])


@contextmanager
def explaining(address: str) -> Iterator[None]:
    """A context that turns Dask's own errors into one line.

    Args:
        address: Address of the cluster.
    """
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except (CancelledError, CommClosedError) as error:  # often without a message
        problem = "the scheduler is gone or dropped the work; start it and rerun the same command"
        raise UserError(problem, parameter="cluster", value=address) from error
    except KilledWorker as error:
        problem = "a task killed one worker after another; most often it needs more memory than they have"
        raise UserError(problem, parameter="cluster", value=address) from error
    except (ModuleNotFoundError, RuntimeError) as error:
        missing = _find_missing_module(error)
        if missing is None:
            raise
        problem = f"its workers or scheduler lack the module {missing}; install the same packages there as here"
        raise UserError(problem, parameter="cluster", value=address) from error


def _find_missing_module(error: BaseException | None) -> str | None:
    """The missing module that an error or one of its causes is about."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        error = error.__cause__ or error.__context__
    return None
