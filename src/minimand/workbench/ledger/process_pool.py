"""A pool of worker processes on this machine: any of them may die, and each result reaches the driver once.

The driver hands each worker one task at a time over the worker's own pipe, and alone deals with the results. So a
worker that is killed takes nothing with it but its task in flight, which is known, and which a fresh worker gets again.
(An executor of `concurrent.futures` is broken for good by one dead worker.)

Workers are spawned, never forked: a fork copies locks held by threads that it does not copy. They ignore Ctrl-C, which
is the driver's to handle, and end when the driver ends, however it ends.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from minimand.errors import InputError
from minimand.workbench.ledger.tasks import (
    CURE,
    ONE_THREAD,
    RETRIES,
    UNGUARDED_SCRIPT,
    Pool,
    Queue,
    Result,
    Task,
    WorkerError,
    environment,
    failure_of_setup,
    interrupts_held_back,
    name_of,
    pickled,
)
from minimand.workbench.ledger.worker import UNGUARDED, serve

_LOG = logging.getLogger("minimand")


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    task: Task | None = None


class ProcessPool(Pool):
    """So many spawned processes of one thread each, which stay from one run to the next."""

    def __init__(self, workers: int, modules: tuple[str, ...]) -> None:
        """Used by `open_pool`."""
        self._limit = workers
        self._modules = modules
        self._setup = pickle.dumps((None, ()))
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        # those of the run under way
        self._queue = Queue((), None)
        self._function = b""
        self._on_result: Callable[[str, Result], None] = _nothing

    @property
    def workers(self) -> int:
        """How many processes there are when all are at work."""
        return self._limit

    def prepare(self, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
        """See `Pool`."""
        # pickled now and not by Process: an object that cannot be sent is then found before anything is started, and
        # one that cannot be loaded is reported by the worker instead of killing it.
        self._setup = pickled((initializer, initargs), f"{name_of(initializer)} with its arguments")

    def start(self) -> None:
        """See `Pool`."""
        while len(self._workers) < self._limit:
            self._start_worker()

    def run(
        self,
        function: Callable[[Any], Result],
        tasks: Iterable[tuple[str, Any]],
        *,
        on_result: Callable[[str, Result], None],
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """See `Pool`."""
        self._function = pickled(function, name_of(function))
        self._queue, self._on_result, self._failed_starts = Queue(tasks, should_stop), on_result, 0
        try:
            while self._hand_out():
                ends = [end for w in self._workers for end in (w.connection, w.process.sentinel)]
                woken = set(wait(ends))
                for worker in list(self._workers):
                    if worker.connection in woken:
                        self._hear(worker)
                    elif worker.process.sentinel in woken:
                        # it may have answered and died between the two looks: the answer comes first
                        self._hear(worker) if worker.connection.poll() else self._bury(worker)
        except BaseException:
            self._end(kill=True)
            raise
        if self._queue.failure is not None:
            raise self._queue.failure

    def close(self) -> None:
        """See `Pool`."""
        self._end(kill=False)

    def _hand_out(self) -> bool:
        """Gives tasks to free workers and starts missing workers; False when nothing is left to wait for."""
        for worker in list(self._workers):
            if worker.ready and worker.task is None and self._queue.waiting(1):
                self._give(worker, self._queue.take())
        starting = sum(not worker.ready for worker in self._workers)
        while len(self._workers) < self._limit and self._queue.waiting(starting + 1):
            self._start_worker()
            starting += 1
        return any(worker.task is not None for worker in self._workers) or self._queue.waiting(1)

    def _start_worker(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._modules), daemon=True, name="minimand-worker")
        with environment(ONE_THREAD), interrupts_held_back():
            process.start()
        theirs.close()  # the worker's copy must be the only one, or its death would not be seen on the pipe
        self._workers.append(_Worker(process, ours))

    def _give(self, worker: _Worker, task: Task) -> None:
        try:
            payload = pickled(task.payload, f"the payload of task {task.key!r}")
        except InputError as error:
            self._queue.fail(error)
            return
        worker.task = task
        self._send(worker, self._function, payload)

    def _send(self, worker: _Worker, *messages: bytes) -> None:
        try:
            for message in messages:
                worker.connection.send_bytes(message)
        except OSError:
            self._bury(worker)

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker)
            return
        kind, *content = pickle.loads(message)  # noqa: S301  our own worker's, over a pipe without a name
        if kind == "hello":
            # only now: a large setup sent to a worker that is not yet listening would make the driver wait for its
            # start
            self._send(worker, self._setup)
        elif kind == "ready":
            worker.ready, self._failed_starts = True, 0
        elif kind == "unloadable":
            self._queue.fail(InputError(f"a worker process cannot load what it was sent ({content[0]}): {CURE}"))
            self._dismiss(worker)
        elif kind == "unprepared":
            self._queue.fail(failure_of_setup("a worker process", *content))
            self._dismiss(worker)
        else:
            task, worker.task = worker.task, None
            assert task is not None
            if kind == "done":
                self._on_result(task.key, content[0])
            else:
                self._queue.failed(task, *content)

    def _bury(self, worker: _Worker) -> None:
        """Deals with a worker that has died."""
        self._dismiss(worker)
        code = worker.process.exitcode
        how = _cause_of_death(code)
        if worker.task is not None:
            if self._queue.died(worker.task, how):
                _LOG.warning("a worker process ended (%s) during the task %r, which starts again", how, worker.task.key)
        elif not worker.ready:
            self._failed_starts += 1
            if code == UNGUARDED:
                self._queue.fail(InputError(UNGUARDED_SCRIPT))
            elif self._failed_starts > RETRIES or (code or 0) > 0:
                self._queue.fail(
                    WorkerError(
                        f"a worker process ended ({how}) before it could start; if the script does work at its top "
                        'level, put that under `if __name__ == "__main__":`, or use workers=1'
                    )
                )

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(1)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()

    def _end(self, *, kill: bool) -> None:
        for worker in self._workers:
            if kill or not worker.ready:
                worker.process.kill()
            worker.connection.close()  # a worker that is listening ends when its pipe does
        for worker in self._workers:
            worker.process.join(0 if kill else 5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()


def _nothing(key: str, result: Result) -> None:
    """Before the first run there is nothing to deliver."""


def _cause_of_death(code: int | None) -> str:
    if code is None:
        return "for a reason unknown"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}, as when the memory is full" if name == "SIGKILL" else name
    return f"signal {-code}"
