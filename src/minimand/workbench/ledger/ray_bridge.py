"""The process between the driver and a Ray cluster, and what runs in the cluster's workers.

Ray ends the process that is connected to it when the cluster is gone, prints what it likes, and takes over signals.
None of that may happen to the driver, which has a ledger to close and a sentence to say. So the driver starts this
process, gives it tasks as bytes over a pipe, and gets the answers as bytes; when it ends, the cluster is lost.

Retries are the driver's too: a task whose worker or machine died is reported as such, and handed in again. Ray's own
would start in silence.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import platform
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from minimand.workbench.ledger.tasks import ONE_THREAD
from minimand.workbench.ledger.worker import (
    READY,
    answered,
    end_with_the_driver,
    leave_interrupts_to_the_driver,
    prepared,
)

LOCAL = "local"
"""The address of a cluster on this machine that ends with the driver."""
PATIENCE = 600.0
"""Seconds that a cluster may be without any processor, as while its machines are replaced, before it counts as lost."""
# Numbers depend on these; what else is installed does not matter.
_DECIDING = ("minimand", "torch", "numpy", "scipy", "scikit-learn")
_SECONDS_BETWEEN_LOOKS = 2.0
_HOW = {
    "WorkerCrashedError": "it crashed or was killed",
    "NodeDiedError": "its machine was lost",
    "OutOfMemoryError": "the memory of its machine was full",
}

_prepared_for: str | None = None


def bridge(connection: Connection, address: str, processors: int, folder: str | None, modules: tuple[str, ...]) -> None:
    """The whole life of this process.

    It says `("ready", processors)` or `("refused", cause)`, then gets `("setup", name, bytes)` once and
    `("task", key, function, payload)` as often as there are processors, and says `("answer", key, bytes)` or
    `("died", key, how)` to each task, `("processors", number)` when their number changes, and `("lost", cause)`.

    Args:
        connection: the pipe to the driver; this process ends when it does.
        address: as `ray.init` takes it.
        processors: how many a local cluster has.
        folder: where a local cluster keeps its files; Ray's choice if None.
        modules: what workers import as they start.
    """
    leave_interrupts_to_the_driver()
    threading.Thread(target=end_with_the_driver, args=(10.0,), daemon=True).start()
    try:
        cluster = _Cluster(address, processors, folder)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        _say(connection, "refused", f"{type(error).__name__}: {_first_sentence(error)}")
        return
    try:
        _serve(connection, cluster, modules)
    except Exception as error:
        traceback.print_exc()
        _say(connection, "lost", f"{type(error).__name__}: {_first_sentence(error)}")
    finally:
        cluster.leave()
        if folder is not None:  # here too, as the driver may be gone
            shutil.rmtree(folder, ignore_errors=True)


def serve_task(name: str, shared: list[Any], function: bytes, payload: bytes) -> bytes:
    """What Ray runs: the answer to one task, after the preparation that is called `name` if this process lacks it.

    Args:
        name: unlike that of any other preparation.
        shared: the reference to it in the object store; in a list, as Ray would fetch it for every task otherwise.
        function: pickled.
        payload: pickled.
    """
    global _prepared_for
    if name != _prepared_for:
        import ray

        os.environ.update(ONE_THREAD)
        deciding, path, modules, setup = pickle.loads(ray.get(shared[0]))  # noqa: S301  the user's own cluster
        # the driver's own modules, where the machine has them too; last, so that they hide nothing.
        sys.path.extend(entry for entry in path if entry not in sys.path and os.path.isdir(entry))
        difference = _difference(deciding, versions())
        if difference is not None:
            return pickle.dumps(("unprepared", f"on {platform.node()} {difference}", "", False))
        for module in modules:
            importlib.import_module(module)
        answer = prepared(setup)
        if answer != READY:
            return answer
        _prepared_for = name
    return answered(function, payload)


def versions() -> dict[str, str]:
    """The versions on which numbers depend, without their build: that of a machine with a GPU has another one."""
    from importlib import metadata

    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for package in _DECIDING:
        try:
            found[package] = metadata.version(package).partition("+")[0]
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def _difference(there: dict[str, str], here: dict[str, str]) -> str | None:
    for package, version in there.items():
        if here.get(package) != version:
            return (
                f"{package} is {here.get(package)} and the driver has {version}: install the same versions on every "
                "machine"
            )
    return None


class _Cluster:
    """A connection to Ray."""

    def __init__(self, address: str, processors: int, folder: str | None) -> None:
        import ray

        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == LOCAL:
            options |= {
                "num_cpus": processors,
                "num_gpus": 0,
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": folder,
            }
        self.ray = ray
        try:
            ray.init(address=address, **options)
        except Exception:
            if address != LOCAL:
                raise
            ray.shutdown()  # on a busy machine its parts may not have found each other in the time that Ray gives them
            ray.init(address=address, **options)
        self.node = None if address.startswith("ray://") else ray.get_runtime_context().get_node_id()
        # retries are the driver's, see above
        self.task = ray.remote(num_cpus=1, max_retries=0)(serve_task)
        self.without_processors_since: float | None = None

    def processors(self) -> int:
        """How many there are now.

        Raises:
            ConnectionError: the cluster is lost.
        """
        alive = [node for node in self.ray.nodes() if node["Alive"]]
        if self.node is not None and self.node not in {node["NodeID"] for node in alive}:
            raise ConnectionError("its node on this machine has ended")
        number = int(sum(node["Resources"].get("CPU", 0) for node in alive))
        if number:
            self.without_processors_since = None
        elif self.without_processors_since is None:
            self.without_processors_since = time.monotonic()
        elif time.monotonic() - self.without_processors_since > PATIENCE:
            raise ConnectionError(f"it has had no processor for {PATIENCE / 60:g} minutes")
        return number

    def leave(self) -> None:
        """Ends the tasks in flight, and a cluster of our own."""
        self.ray.shutdown()


def _serve(connection: Connection, cluster: _Cluster, modules: tuple[str, ...]) -> None:
    events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, events.put), daemon=True).start()
    name, shared = "", None
    known = cluster.processors()
    _say(connection, "ready", known)
    looked = time.monotonic()
    while True:
        try:
            kind, *content = events.get(timeout=_SECONDS_BETWEEN_LOOKS)
        except queue.Empty:
            kind = "nothing"
        if kind == "end":
            return
        if kind == "setup":
            name, setup = content
            shared = cluster.ray.put(pickle.dumps((versions(), sys.path, modules, setup)))
        elif kind == "task":
            key, function, payload = content
            reference = cluster.task.options(name=key).remote(name, [shared], function, payload)
            reference.future().add_done_callback(lambda future, key=key: events.put(("finished", key, future)))
        elif kind == "finished":
            key, future = content
            _say(connection, *_outcome(cluster.ray, key, future))
        if time.monotonic() - looked > _SECONDS_BETWEEN_LOOKS:
            looked = time.monotonic()
            number = cluster.processors()
            if number != known:
                known = number
                _say(connection, "processors", known)


def _listen(connection: Connection, put: Callable[[tuple[Any, ...]], None]) -> None:
    """Passes on what the driver says; in a thread of its own, so that nothing that Ray does keeps it waiting."""
    try:
        while True:
            put(pickle.loads(connection.recv_bytes()))  # noqa: S301  our own driver's, over a pipe without a name
    except (EOFError, OSError):
        put(("end",))


def _outcome(ray: Any, key: str, future: Any) -> tuple[Any, ...]:
    error = future.exception()
    if error is None:
        return ("answer", key, future.result())
    if isinstance(error, ray.exceptions.RayTaskError):
        # `serve_task` itself raises nothing: the machine has no minimand, or another one.
        return ("answer", key, pickle.dumps(("unloadable", _last_line(error))))
    if isinstance(error, ray.exceptions.RayError):
        return ("died", key, _HOW.get(type(error).__name__, type(error).__name__))
    raise error


def _say(connection: Connection, *message: Any) -> None:
    with contextlib.suppress(OSError):  # `_listen` sees when the driver has closed the pipe, or is gone
        connection.send_bytes(pickle.dumps(message))


def _first_sentence(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].partition(". ")[0].rstrip(".")


def _last_line(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2]
