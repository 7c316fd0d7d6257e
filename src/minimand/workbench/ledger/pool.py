"""Tasks on worker processes that may die: each result reaches the driver once, whatever happens to a worker.

The driver hands each worker one task at a time over the worker's own pipe, and alone deals with the results. So a
worker that is killed takes nothing with it but its task in flight, which is known, and which a fresh worker gets again.
(An executor of `concurrent.futures` is broken for good by one dead worker.) Tasks are pure functions of their payload
and run on one thread, so that neither the number of workers nor the order of results changes a number.

Workers are spawned, never forked: a fork copies locks held by threads that it does not copy. They ignore Ctrl-C, which
is the driver's to handle, and end when the driver ends, however it ends.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from minimand.errors import InputError
from minimand.workbench.ledger.worker import UNGUARDED, describe_failure, limit_torch_threads, serve

_LOG = logging.getLogger("minimand")
_RETRIES = 2
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
_CURE = "define it at the top level of an importable module, or use workers=1"

Result = dict[str, Any]


class WorkerError(RuntimeError):
    """Worker processes that die or cannot be started; what was finished is kept."""

    exit_code = 3


class TaskFailed(RuntimeError):  # noqa: N818  what happened, said as a sentence
    """An exception inside a task.

    Attributes:
        key: the task's.
        cause: the exception's type and message.
        traceback: the text of its traceback, from the process where it happened.
    """

    exit_code = 3

    def __init__(self, key: str, cause: str, traceback: str) -> None:
        super().__init__(f"the task {key!r} failed: {cause}")
        self.key, self.cause, self.traceback = key, cause, traceback
        self.add_note(traceback)


def run_tasks(
    function: Callable[[Any], Result],
    tasks: Iterable[tuple[str, Any]],
    *,
    workers: int,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    on_result: Callable[[str, Result], None],
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Runs `function(payload)` for each task and hands every result to `on_result(key, result)`.

    Args:
        function: pure; with several workers it, the payloads and the results must be picklable.
        tasks: pairs of a unique key and a payload, taken as workers become free.
        workers: 1 runs in this process; more run in that many spawned processes. One thread each in both cases.
        initializer: called once in each worker (once here for one) before its first task, to load what all tasks share.
        initargs: the arguments of `initializer`.
        on_result: called in this process, in the order in which tasks finish.
        should_stop: asked before a task is handed out; once true, those in flight are finished and no other is begun.

    Raises:
        TaskFailed: a task raised. Tasks in flight are finished first, and their results delivered.
        WorkerError: a task's worker died, on each of 3 attempts, or workers could not be started.
        InputError: something cannot be sent to a worker, or a task raised InputError.
        KeyboardInterrupt: Ctrl-C; the workers are killed at once.
    """
    leave_if_worker_is_starting()
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise InputError(f"workers must be a whole number, got {workers!r}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    if workers > 1:
        _Driver(function, tasks, workers, (initializer, initargs), on_result, should_stop).run()
        return
    with _one_thread_here():
        if initializer is not None:
            initializer(*initargs)
        for task in _checked_keys(tasks):
            if should_stop is not None and should_stop():
                break
            on_result(task.key, _run_here(function, task))


def leave_if_worker_is_starting() -> None:
    """Ends this process if it is a worker that is still importing the script which started it.

    A spawned process imports the script again. A script that starts its work at the top level, not under
    `if __name__ == "__main__":`, would then start it once more in each worker. A job calls this first; `run_tasks` does
    too, and the driver says what to change.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(UNGUARDED)


@dataclass
class _Task:
    key: str
    payload: Any
    deaths: int = 0


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    task: _Task | None = None


class _Driver:
    """One call of `run_tasks` with several workers."""

    def __init__(
        self,
        function: Callable[[Any], Result],
        tasks: Iterable[tuple[str, Any]],
        limit: int,
        preparation: tuple[Callable[..., object] | None, tuple[Any, ...]],
        on_result: Callable[[str, Result], None],
        should_stop: Callable[[], bool] | None,
    ) -> None:
        # pickled now and not by Process: an object that cannot be sent is then found before anything is started, and
        # one that cannot be loaded is reported by the worker instead of killing it.
        self.setup = _pickled(
            (function, *preparation), f"{_name(function)} cannot be sent to a worker process: {_CURE}"
        )
        self.source = _checked_keys(tasks)
        self.limit = limit
        self.on_result = on_result
        self.should_stop = should_stop
        self.workers: list[_Worker] = []
        self.waiting: deque[_Task] = deque()
        self.failure: Exception | None = None
        self.failed_starts = 0

    def run(self) -> None:
        try:
            while self._hand_out():
                ends = [end for w in self.workers for end in (w.connection, w.process.sentinel)]
                woken = set(wait(ends))
                for worker in list(self.workers):
                    if worker.connection in woken:
                        self._hear(worker)
                    elif worker.process.sentinel in woken:
                        # it may have answered and died between the two looks: the answer comes first
                        self._hear(worker) if worker.connection.poll() else self._bury(worker)
        except BaseException:
            self._end(kill=True)
            raise
        self._end(kill=False)
        if self.failure is not None:
            raise self.failure

    def _hand_out(self) -> bool:
        """Gives tasks to free workers and starts missing workers; False when nothing is left to wait for."""
        if self.should_stop is not None and self.should_stop():
            self._drop_the_rest()
        for worker in list(self.workers):
            if worker.ready and worker.task is None and self._some_waiting(1):
                self._give(worker, self.waiting.popleft())
        starting = sum(not worker.ready for worker in self.workers)
        while len(self.workers) < self.limit and self._some_waiting(starting + 1):
            self._start_worker()
            starting += 1
        return bool(self.waiting) or any(worker.task is not None for worker in self.workers)

    def _some_waiting(self, number: int) -> bool:
        while len(self.waiting) < number:
            task = next(self.source, None)
            if task is None:
                return False
            self.waiting.append(task)
        return True

    def _start_worker(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,), daemon=True, name="minimand-worker")
        with _environment(_ONE_THREAD), _interrupts_held_back():
            process.start()
        theirs.close()  # the worker's copy must be the only one, or its death would not be seen on the pipe
        self.workers.append(_Worker(process, ours))

    def _give(self, worker: _Worker, task: _Task) -> None:
        try:
            message = _pickled(
                task.payload, f"the payload of task {task.key!r} cannot be sent to a worker process: {_CURE}"
            )
        except InputError as error:
            self._fail(error)
            return
        worker.task = task
        self._send(worker, message)

    def _send(self, worker: _Worker, message: bytes) -> None:
        try:
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
            self._send(worker, self.setup)
        elif kind == "ready":
            worker.ready, self.failed_starts = True, 0
        elif kind == "unloadable":
            self._fail(InputError(f"a worker process cannot load what it was sent ({content[0]}): {_CURE}"))
            self._dismiss(worker)
        elif kind == "unprepared":
            cause, traceback, is_input = content
            failure = InputError(cause) if is_input else WorkerError(f"a worker process could not be set up: {cause}")
            failure.add_note(traceback)
            self._fail(failure)
            self._dismiss(worker)
        else:
            task, worker.task = worker.task, None
            assert task is not None
            if kind == "done":
                self.on_result(task.key, content[0])
            else:
                self._fail(_failure_of(task.key, *content))

    def _bury(self, worker: _Worker) -> None:
        """Deals with a worker that has died: its task goes back to the front of the queue, twice at most."""
        self._dismiss(worker)
        code = worker.process.exitcode
        how = _cause_of_death(code)
        task = worker.task
        if task is not None:
            task.deaths += 1
            if task.deaths > _RETRIES:
                self._fail(
                    WorkerError(
                        f"the task {task.key!r} ended its worker process {task.deaths} times ({how} at last): use "
                        "fewer workers or a smaller task, then give the same command to go on"
                    )
                )
            elif self.failure is None:
                _LOG.warning("a worker process ended (%s) during the task %r, which starts again", how, task.key)
                self.waiting.appendleft(task)
        elif not worker.ready:
            self.failed_starts += 1
            if code == UNGUARDED:
                self._fail(
                    InputError(
                        "the script starts this work at its top level, which every worker process would run again: "
                        'put the call under `if __name__ == "__main__":`, or use workers=1'
                    )
                )
            elif self.failed_starts > _RETRIES or (code or 0) > 0:
                self._fail(
                    WorkerError(
                        f"a worker process ended ({how}) before it could start; if the script does work at its top "
                        'level, put that under `if __name__ == "__main__":`, or use workers=1'
                    )
                )

    def _fail(self, failure: Exception) -> None:
        """Remembers the first failure, to be raised when the tasks in flight have ended."""
        self.failure = self.failure or failure
        self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        self.waiting.clear()
        self.source = iter(())

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.connection.close()
        worker.process.join(1)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()

    def _end(self, *, kill: bool) -> None:
        for worker in self.workers:
            if kill or not worker.ready:
                worker.process.kill()
            worker.connection.close()  # a worker that is listening ends when its pipe does
        for worker in self.workers:
            worker.process.join(0 if kill else 5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self.workers.clear()


def _checked_keys(tasks: Iterable[tuple[str, Any]]) -> Iterator[_Task]:
    seen: set[str] = set()
    for key, payload in tasks:
        if key in seen:
            raise ValueError(f"two tasks have the key {key!r}: keys must be unique")
        seen.add(key)
        yield _Task(key, payload)


def _run_here(function: Callable[[Any], Result], task: _Task) -> Result:
    limit_torch_threads()  # in every task: the one before may have been the first to load torch
    try:
        return function(task.payload)
    except (Exception, SystemExit) as error:
        raise _failure_of(task.key, *describe_failure(error)) from error


def _failure_of(key: str, cause: str, traceback: str, is_input: bool) -> Exception:
    if not is_input:
        return TaskFailed(key, cause, traceback)
    failure = InputError(cause)
    failure.add_note(traceback)
    return failure


def _pickled(value: object, refusal: str) -> bytes:
    try:
        # pickle itself, not multiprocessing's: torch teaches that one to move tensors into shared memory, which a
        # killed worker would leave behind.
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # what __reduce__ raises is anyone's choice
        raise InputError(f"{refusal} ({error})") from error


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _cause_of_death(code: int | None) -> str:
    if code is None:
        return "for a reason unknown"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}, as when the memory is full" if name == "SIGKILL" else name
    return f"signal {-code}"


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _one_thread_here() -> Iterator[None]:
    torch = sys.modules.get("torch")
    threads = None if torch is None else torch.get_num_threads()
    try:
        with _environment(_ONE_THREAD):
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(threads)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Blocks Ctrl-C: a process spawned meanwhile is not torn down by it while it starts, and here it is put off."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # started now, because its first start, which `Process.start` would cause, unblocks the signal
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
