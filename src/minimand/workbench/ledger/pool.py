"""Tasks on workers that may die: each result reaches the driver once, whatever happens to a worker.

The driver hands out one task at a time and alone deals with the results; where the workers are is a matter of the
pool. Tasks are pure functions of their payload and run on one thread, so that neither the number of workers, nor their
place, nor the order of results changes a number.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minimand.errors import InputError
from minimand.workbench.ledger.process_pool import ProcessPool
from minimand.workbench.ledger.ray_pool import RayPool
from minimand.workbench.ledger.tasks import (
    ONE_THREAD,
    Pool,
    Result,
    Task,
    TaskFailed,
    WorkerError,
    checked_keys,
    environment,
    failure_of,
)
from minimand.workbench.ledger.worker import UNGUARDED, describe_failure, limit_torch_threads

__all__ = ["Pool", "TaskFailed", "WorkerError", "leave_if_worker_is_starting", "open_pool", "run_tasks"]


def open_pool(
    workers: int = 1,
    *,
    ray: str | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    modules: tuple[str, ...] = (),
) -> Pool:
    """A pool of workers, to be used as a context manager.

    Nothing is started before the first run, unless `start` is called: workers then start and import `modules` while
    the driver does something else, such as reading its data, and `prepare` follows when there is something to share.

    Args:
        workers: 1 runs in this process; more run in that many spawned processes. One thread each in both cases.
        ray: run on a Ray cluster instead: `"local"` starts one of `workers` processors on this machine, `"auto"` joins
            the one that runs on this machine, and `host:port` or `ray://host:port` one elsewhere, all of whose
            processors are then used.
        initializer: called once in each worker before its first task, to load what all tasks share.
        initargs: the arguments of `initializer`.
        modules: names of modules that workers import as they start.

    Raises:
        InputError: a wrong number of workers or address, or what is shared cannot be sent to a worker.
        MissingExtraError: Ray is asked for and not installed.
    """
    leave_if_worker_is_starting()
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise InputError(f"workers must be a whole number, got {workers!r}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    pool: Pool
    if ray is not None:
        pool = RayPool(ray, workers, modules)
    elif workers > 1:
        pool = ProcessPool(workers, modules)
    else:
        pool = _ThisProcess()
    if initializer is not None:
        pool.prepare(initializer, initargs)
    return pool


def run_tasks(
    function: Callable[[Any], Result],
    tasks: Iterable[tuple[str, Any]],
    *,
    workers: int,
    ray: str | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    on_result: Callable[[str, Result], None],
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """One run of a pool of its own: `open_pool`, `Pool.run` and `Pool.close`, whose arguments and errors it shares."""
    with open_pool(workers, ray=ray, initializer=initializer, initargs=initargs) as pool:
        pool.run(function, tasks, on_result=on_result, should_stop=should_stop)


def leave_if_worker_is_starting() -> None:
    """Ends this process if it is a worker that is still importing the script which started it.

    A spawned process imports the script again. A script that starts its work at the top level, not under
    `if __name__ == "__main__":`, would then start it once more in each worker. A job calls this first; `open_pool` does
    too, and the driver says what to change.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(UNGUARDED)


class _ThisProcess(Pool):
    """The driver itself as the only worker."""

    def __init__(self) -> None:
        self._prepare: Callable[[], object] | None = None

    @property
    def workers(self) -> int:
        return 1

    def start(self) -> None:
        """Nothing: the worker is here."""

    def prepare(self, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
        self._prepare = lambda: initializer(*initargs)

    def run(
        self,
        function: Callable[[Any], Result],
        tasks: Iterable[tuple[str, Any]],
        *,
        on_result: Callable[[str, Result], None],
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        with _one_thread_here():
            if self._prepare is not None:
                self._prepare()
                self._prepare = None
            for task in checked_keys(tasks):
                if should_stop is not None and should_stop():
                    break
                on_result(task.key, _run_here(function, task))

    def close(self) -> None:
        """Nothing: the worker stays."""


def _run_here(function: Callable[[Any], Result], task: Task) -> Result:
    limit_torch_threads()  # in every task: the one before may have been the first to load torch
    try:
        return function(task.payload)
    except (Exception, SystemExit) as error:
        raise failure_of(task.key, *describe_failure(error)) from error


@contextlib.contextmanager
def _one_thread_here() -> Iterator[None]:
    torch = sys.modules.get("torch")
    threads = None if torch is None else torch.get_num_threads()
    try:
        with environment(ONE_THREAD):
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(threads)
