"""A pool on a Ray cluster: the same functions as tasks of Ray, on this machine or on many.

Each task takes one processor and one thread; there are never more in flight than the cluster has processors. What all
tasks share travels once, through Ray's object store; data, settings and the user's own functions travel with it, so the
other machines need the same versions of minimand and its libraries, and none of the files. A worker or machine that
dies loses its task in flight only, which is begun again elsewhere. Ray itself is met in `ray_bridge`, in a process of
its own.

A cluster on this machine listens on the loopback interface only, behind a token that nobody else knows, without
dashboard and without usage statistics.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import multiprocessing
import os
import pickle
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from minimand.errors import InputError
from minimand.extras import MissingExtraError, require
from minimand.workbench.ledger.ray_bridge import LOCAL, bridge
from minimand.workbench.ledger.tasks import (
    ONE_THREAD,
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
from minimand.workbench.ledger.worker import UNGUARDED

_LOG = logging.getLogger("minimand")
_CURE = "let every machine of the cluster be able to import it, or go on without --ray"
_SECONDS_TO_JOIN = 120.0  # a cluster elsewhere; one that starts here gives up by itself
_SECONDS_TO_LEAVE = 10.0
_LONGEST_FOLDER = 35
# A cluster of our own: Ray's switch for systems without clusters makes it stay on the loopback interface.
_PRIVATE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}


def checked_address(address: str) -> str:
    """An address of a Ray cluster, if it can be one.

    Raises:
        InputError: it cannot.
    """
    if address in ("auto", LOCAL) or re.fullmatch(r"(ray://)?[^\s:/]+:\d{1,5}", address):
        return address
    raise InputError(
        f"--ray must be local, auto, HOST:PORT or ray://HOST:PORT, got {address!r}: local starts a cluster on this "
        "machine, auto joins the one that runs on it"
    )


class RayPool(Pool):
    """The processors of a Ray cluster, joined when the first task is there."""

    def __init__(self, address: str, workers: int, modules: tuple[str, ...]) -> None:
        """Used by `open_pool`."""
        self._address = checked_address(address)
        # by value where the function is no module's, as in a script: the workers do not run the script
        _require_ray()
        self._dumps = require("cloudpickle", extra="ray").dumps
        self._wanted = workers
        self._modules = modules
        self._setup = pickle.dumps((None, ()))
        self._shared = False
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._folder: str | None = None
        self._processors: int | None = None
        self._in_flight: dict[str, Task] = {}

    @property
    def workers(self) -> int:
        """How many processors the cluster has, at least 1; joins it to know."""
        if self._address == LOCAL:
            return self._wanted
        self._join()
        return max(1, self._processors or 0)

    def prepare(self, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
        """See `Pool`."""
        self._setup = pickled((initializer, initargs), f"{name_of(initializer)} with its arguments", self._dumps)
        self._shared = False

    def start(self) -> None:
        """See `Pool`."""
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        settings = {}
        if self._address == LOCAL:
            settings = _PRIVATE | ONE_THREAD | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
            self._folder = _folder()
        arguments = (theirs, self._address, self._wanted, self._folder, self._modules)
        self._process = context.Process(target=_quiet_bridge, args=(_LOG.isEnabledFor(logging.INFO), *arguments))
        self._process.daemon = True
        with environment(settings), interrupts_held_back():
            self._process.start()
        theirs.close()  # the other side's copy must be the only one, or its end would not be seen on the pipe

    def run(
        self,
        function: Callable[[Any], Result],
        tasks: Iterable[tuple[str, Any]],
        *,
        on_result: Callable[[str, Result], None],
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """See `Pool`."""
        call = pickled(function, name_of(function), self._dumps)
        queue = Queue(tasks, should_stop)
        if not queue.waiting(1):
            return
        try:
            self._join()
            if not self._shared:
                self._send("setup", secrets.token_hex(8), self._setup)
                self._shared = True
            while True:
                while len(self._in_flight) < self.workers and queue.waiting(1):
                    self._give(queue, call)
                if not self._in_flight:
                    break
                self._hear(queue, on_result)
        except BaseException:
            self.close()
            raise
        if queue.failure is not None:
            raise queue.failure

    def close(self) -> None:
        """See `Pool`."""
        process, connection = self._process, self._connection
        self._process = self._connection = self._processors = None
        self._shared, self._in_flight = False, {}
        if process is not None and connection is not None:
            connection.close()  # the process that is listening leaves the cluster when its pipe ends
            process.join(_SECONDS_TO_LEAVE)
            if process.is_alive():
                process.kill()
                process.join()
        if self._folder is not None:
            for _ in range(20):  # processes of a cluster that was killed may still be writing
                shutil.rmtree(self._folder, ignore_errors=True)
                if not os.path.exists(self._folder):
                    break
                time.sleep(0.1)
            self._folder = None

    def _join(self) -> None:
        """Waits until the cluster is joined."""
        self.start()
        while self._processors is None:
            kind, *content = self._received(None if self._address == LOCAL else _SECONDS_TO_JOIN)
            if kind == "refused":
                self.close()
                raise WorkerError(
                    f"the Ray cluster {self._address} cannot be joined ({content[0]}){self._advice(content[0])}"
                )
            self._processors = int(content[0])

    def _give(self, queue: Queue, call: bytes) -> None:
        task = queue.take()
        try:
            payload = pickled(task.payload, f"the payload of task {task.key!r}", self._dumps)
        except InputError as error:
            queue.fail(error)
            return
        self._in_flight[task.key] = task
        self._send("task", task.key, call, payload)

    def _hear(self, queue: Queue, on_result: Callable[[str, Result], None]) -> None:
        kind, *content = self._received()
        if kind == "processors":
            (self._processors,) = content
            if not self._processors:
                _LOG.warning("the Ray cluster %s has no processor now: waiting for one", self._address)
        elif kind == "lost":
            raise self._lost(content[0])
        elif kind == "died":
            key, how = content
            task = self._in_flight.pop(key)
            if queue.died(task, how):
                _LOG.warning("a Ray worker ended (%s) during the task %r, which starts again", how, key)
        else:
            key, answer = content
            self._answered(self._in_flight.pop(key), queue, answer, on_result)

    def _answered(self, task: Task, queue: Queue, answer: bytes, on_result: Callable[[str, Result], None]) -> None:
        kind, *content = pickle.loads(answer)  # noqa: S301  from the user's own cluster
        if kind == "done":
            on_result(task.key, content[0])
        elif kind == "failed":
            queue.failed(task, *content)
        elif kind == "unprepared":
            queue.fail(failure_of_setup("a Ray worker", *content))
        else:
            queue.fail(InputError(f"a Ray worker cannot load what it was sent ({content[0]}): {_CURE}"))

    def _send(self, *message: Any) -> None:
        assert self._connection is not None
        with contextlib.suppress(OSError):  # the other side's end is noticed where it is listened to
            self._connection.send_bytes(pickle.dumps(message))

    def _received(self, timeout: float | None = None) -> tuple[Any, ...]:
        assert self._connection is not None
        assert self._process is not None
        if not wait([self._connection, self._process.sentinel], timeout):
            # Ray itself would try for ever
            raise WorkerError(
                f"the Ray cluster {self._address} cannot be joined: it has not answered in {timeout:g} seconds"
            )
        with contextlib.suppress(EOFError, OSError):
            if self._connection.poll():
                message: tuple[Any, ...] = pickle.loads(self._connection.recv_bytes())  # noqa: S301  as above
                return message
        self._process.join(1)
        if self._process.exitcode == UNGUARDED:
            raise InputError(UNGUARDED_SCRIPT)
        if self._processors is None:
            raise WorkerError(f"the Ray cluster {self._address} cannot be joined: is it running, with the same Ray?")
        raise self._lost("the connection has ended")

    def _advice(self, cause: str) -> str:
        if self._address == LOCAL:
            return ": give the same command to go on, with --workers in place of --ray"
        if "node" in cause.lower() or "raylet" in cause.lower():
            return ": start Ray on this machine too (ray start --address=HOST:PORT), or give ray://HOST:10001"
        return ": see that it is running, with the same versions of Ray and Python"

    def _lost(self, cause: str) -> WorkerError:
        return WorkerError(
            f"the Ray cluster {self._address} was lost ({cause}): what was finished is kept; give the same command to "
            "go on, with or without --ray"
        )


def _quiet_bridge(verbose: bool, *arguments: Any) -> None:
    """The process between driver and cluster; what Ray prints there is shown only to who wants to know."""
    if not verbose:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
    else:
        os.dup2(2, 1)  # stdout is for results
    sys.stdout.flush()
    bridge(*arguments)


def _require_ray() -> None:
    # not imported in this process: at its import Ray registers what makes a script end otherwise after Ctrl-C
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("this needs ray, which is not installed: pip install 'minimand[ray]'")


def _folder() -> str | None:
    """A folder for the files of a cluster of our own, to be removed after it."""
    folder = tempfile.mkdtemp(prefix="minimand-ray-")
    if len(folder) <= _LONGEST_FOLDER:
        return folder
    os.rmdir(folder)  # Ray has sockets in it, whose names the system limits to about 100 characters
    return None
