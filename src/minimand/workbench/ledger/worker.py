"""The inside of a worker process: it loads the function, then answers one task after the other until its pipe ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection, wait

from minimand.errors import InputError

UNGUARDED = 78
"""The exit code of a worker that found itself running the script which started it (`EX_CONFIG` of sysexits)."""


def serve(connection: Connection) -> None:
    """The whole life of a worker.

    It says hello, gets the function and its preparation, says ready, then gets payloads and answers each. Every answer
    is a tuple whose first item names its kind: `hello`, `ready`, `unloadable`, `unprepared`, `done` or `failed`.
    """
    _leave_interrupts_to_the_driver()
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    try:
        connection.send_bytes(pickle.dumps(("hello",)))
        setup = connection.recv_bytes()
        try:
            # S301 below: the bytes are our own driver's, over a pipe without a name
            function, initializer, initargs = pickle.loads(setup)  # noqa: S301
        except Exception as error:
            connection.send_bytes(pickle.dumps(("unloadable", f"{type(error).__name__}: {error}")))
            return
        try:
            limit_torch_threads()
            if initializer is not None:
                initializer(*initargs)
        except (Exception, SystemExit) as error:
            connection.send_bytes(pickle.dumps(("unprepared", *describe_failure(error))))
            return
        connection.send_bytes(pickle.dumps(("ready",)))
        while True:
            payload = connection.recv_bytes()
            limit_torch_threads()  # in every task: the one before may have been the first to load torch
            try:
                answer = pickle.dumps(("done", function(pickle.loads(payload))))  # noqa: S301
            except (Exception, SystemExit) as error:
                answer = pickle.dumps(("failed", *describe_failure(error)))
            del payload
            connection.send_bytes(answer)
    except (EOFError, OSError):
        return  # the driver has closed the pipe, or is gone


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


def _leave_interrupts_to_the_driver() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the driver had it blocked while this process started
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_the_driver() -> None:
    # A pipe that only the driver holds open: it becomes readable when the driver ends, be it by kill -9 in mid-task.
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)
