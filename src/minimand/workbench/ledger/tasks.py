"""Tasks, and what may become of them: what every pool has in common, wherever its workers run."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from minimand.errors import InputError

RETRIES = 2
"""How often a task is begun again whose worker died in the middle of it."""
CURE = "define it at the top level of an importable module, or use workers=1"
UNGUARDED_SCRIPT = (
    "the script starts this work at its top level, which every worker process would run again: put the call under "
    '`if __name__ == "__main__":`, or use workers=1'
)
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""The environment that holds the libraries for matrices to one thread; they read it when they are loaded."""

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


@dataclass
class Task:
    """One call of the function, under a key that no other has."""

    key: str
    payload: Any
    deaths: int = 0
    """How many workers have died in the middle of it."""


class Pool(ABC):
    """Workers that run pure functions and hand every result to the driver, once; a context manager.

    A pool is prepared once and then serves any number of runs, one after the other. What it does when something fails
    does not depend on where its workers are. After an exception that ended its workers the next run starts fresh ones.
    """

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many tasks run at once."""

    @abstractmethod
    def start(self) -> None:
        """Begins to start the workers, without waiting for them; otherwise the first run does."""

    @abstractmethod
    def prepare(self, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
        """Says what each worker calls once before its first task, to load what all tasks share; before any run.

        Raises:
            InputError: it cannot be sent to a worker.
        """

    @abstractmethod
    def run(
        self,
        function: Callable[[Any], Result],
        tasks: Iterable[tuple[str, Any]],
        *,
        on_result: Callable[[str, Result], None],
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Runs `function(payload)` for each task and hands every result to `on_result(key, result)`.

        Args:
            function: pure; with several workers it, the payloads and the results must be picklable.
            tasks: pairs of a unique key and a payload, taken as workers become free.
            on_result: called in this process, in the order in which tasks finish.
            should_stop: asked before a task is handed out; once true, those in flight are finished and no other is
                begun.

        Raises:
            TaskFailed: a task raised. Tasks in flight are finished first, and their results delivered.
            WorkerError: a task's worker died, on each of 3 attempts, or workers could not be started, or are lost.
            InputError: something cannot be sent to a worker, or a task raised InputError.
            KeyboardInterrupt: Ctrl-C; the workers are ended at once.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends the workers; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Queue:
    """The tasks of one run: looked up one by one, begun again where a worker died, dropped after a failure."""

    def __init__(self, tasks: Iterable[tuple[str, Any]], should_stop: Callable[[], bool] | None) -> None:
        """Takes nothing from `tasks` yet."""
        self._source = checked_keys(tasks)
        self._again: list[Task] = []
        self._should_stop = should_stop
        self.failure: Exception | None = None

    def waiting(self, number: int) -> bool:
        """Whether at least so many tasks can be begun."""
        if self._should_stop is not None and self._should_stop():
            self._drop_the_rest()
        while len(self._again) < number:
            task = next(self._source, None)
            if task is None:
                return False
            self._again.append(task)
        return True

    def take(self) -> Task:
        """The next task, of which `waiting` has said that it is there."""
        return self._again.pop(0)

    def fail(self, failure: Exception) -> None:
        """Remembers the first failure, to be raised when the tasks in flight have ended, and begins no other task."""
        self.failure = self.failure or failure
        self._drop_the_rest()

    def failed(self, task: Task, cause: str, traceback: str, is_input: bool) -> None:
        """Deals with an exception inside a task."""
        self.fail(failure_of(task.key, cause, traceback, is_input))

    def died(self, task: Task, how: str) -> bool:
        """Deals with a task whose worker died: it goes back to the front, twice at most. Whether it is begun again."""
        task.deaths += 1
        if task.deaths > RETRIES:
            self.fail(
                WorkerError(
                    f"the task {task.key!r} ended its worker process {task.deaths} times ({how} at last): use "
                    "fewer workers or a smaller task, then give the same command to go on"
                )
            )
            return False
        if self.failure is not None:
            return False
        self._again.insert(0, task)
        return True

    def _drop_the_rest(self) -> None:
        self._again.clear()
        self._source = iter(())


def checked_keys(tasks: Iterable[tuple[str, Any]]) -> Iterator[Task]:
    """The tasks, looked up as they are asked for.

    Raises:
        ValueError: two have the same key.
    """
    seen: set[str] = set()
    for key, payload in tasks:
        if key in seen:
            raise ValueError(f"two tasks have the key {key!r}: keys must be unique")
        seen.add(key)
        yield Task(key, payload)


def failure_of(key: str, cause: str, traceback: str, is_input: bool) -> Exception:
    """What the driver raises for an exception inside a task."""
    if not is_input:
        return TaskFailed(key, cause, traceback)
    failure = InputError(cause)
    failure.add_note(traceback)
    return failure


def failure_of_setup(what: str, cause: str, traceback: str, is_input: bool) -> Exception:
    """What the driver raises where `what`, a worker, could not be prepared."""
    failure = InputError(cause) if is_input else WorkerError(f"{what} could not be set up: {cause}")
    failure.add_note(traceback)
    return failure


def pickled(value: object, what: str, dumps: Callable[..., bytes] = pickle.dumps) -> bytes:
    """The bytes that a worker gets.

    Raises:
        InputError: `what` has none.
    """
    try:
        # pickle itself, not multiprocessing's: torch teaches that one to move tensors into shared memory, which a
        # killed worker would leave behind.
        return dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # what __reduce__ raises is anyone's choice
        raise InputError(f"{what} cannot be sent to a worker process: {CURE} ({error})") from error


def name_of(function: object) -> str:
    """The name of a function, or of the type of what is called like one."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@contextlib.contextmanager
def environment(settings: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes inherit which are started meanwhile."""
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
def interrupts_held_back() -> Iterator[None]:
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
