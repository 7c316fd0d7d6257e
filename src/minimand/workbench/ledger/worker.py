"""The inside of a worker process: it prepares itself, then answers one task after the other until its pipe ends.

Every answer, here and in a Ray worker, is a pickled tuple whose first item names its kind: `ready`, `unloadable` (what
was sent cannot be loaded), `unprepared`, `done` or `failed`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from minimand.errors import InputError

UNGUARDED = 78
"""The exit code of a worker that found itself running the script which started it (`EX_CONFIG` of sysexits)."""


def serve(connection: Connection, modules: tuple[str, ...] = ()) -> None:
    """The whole life of a worker.

    It imports `modules`, says hello, gets its preparation, says ready, then gets pairs of a function and a payload and
    answers each.
    """
    leave_interrupts_to_the_driver()
    threading.Thread(target=end_with_the_driver, daemon=True).start()
    for module in modules:
        # whoever needs it imports it again, and tells what is wrong with it
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    try:
        connection.send_bytes(pickle.dumps(("hello",)))
        answer = prepared(connection.recv_bytes())
        connection.send_bytes(answer)
        if answer != READY:
            return
        while True:
            function = connection.recv_bytes()
            connection.send_bytes(answered(function, connection.recv_bytes()))
    except (EOFError, OSError):
        return  # the driver has closed the pipe, or is gone


READY = pickle.dumps(("ready",))
"""What `prepared` answers when all went well."""


def prepared(setup: bytes) -> bytes:
    """The answer to a pickled pair of an initializer (or None) and its arguments, which it calls."""
    try:
        # S301 below: the bytes are our own driver's, over a pipe without a name or the user's own cluster
        initializer, initargs = pickle.loads(setup)  # noqa: S301
    except Exception as error:
        return _unloadable(error)
    try:
        limit_torch_threads()
        if initializer is not None:
            initializer(*initargs)
    except (Exception, SystemExit) as error:
        return pickle.dumps(("unprepared", *describe_failure(error)))
    return READY


def answered(function: bytes, payload: bytes) -> bytes:
    """The answer to a task: a pickled function, and what it is called with."""
    try:
        call = _loaded(function)
    except Exception as error:
        return _unloadable(error)
    limit_torch_threads()  # in every task: the one before may have been the first to load torch
    try:
        return pickle.dumps(("done", call(pickle.loads(payload))))  # noqa: S301
    except (Exception, SystemExit) as error:
        return pickle.dumps(("failed", *describe_failure(error)))


@functools.lru_cache(maxsize=1)
def _loaded(function: bytes) -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = pickle.loads(function)  # noqa: S301
    return found


def _unloadable(error: Exception) -> bytes:
    return pickle.dumps(("unloadable", f"{type(error).__name__}: {error}"))


def limit_torch_threads() -> None:
    """Holds torch to one thread, if anything has loaded it; sums then never depend on the number of processors."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def describe_failure(error: BaseException) -> tuple[str, str, bool]:
    """What is told of an exception: its cause in words, its traceback, and whether it is the user's input."""
    text = "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, InputError):
        return str(error), text, True
    return f"{type(error).__name__}: {error}", text, False


def leave_interrupts_to_the_driver() -> None:
    """Ignores Ctrl-C, which a terminal sends to every process of its group."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the driver had it blocked while this process started
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_the_driver(grace: float = 0.0) -> None:
    """Waits for the driver's end, then ends this process after so many seconds, whatever it is doing."""
    # A pipe that only the driver holds open: it becomes readable when the driver ends, be it by kill -9 in mid-task.
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        threading.Event().wait(grace)
        os._exit(1)
