"""Comparisons on a Ray cluster of two machines that loses one of them, or all: nothing is lost or counted twice."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.kills import Unbroken, acknowledged, records_of, results_of, start
from benchmarks.kills import unbroken as run_unbroken

PATIENCE = 600.0
# To Ray each node is a machine. All of them, and the driver that joins them, stay on the loopback interface.
LOOPBACK = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster

node = {"num_gpus": 0, "object_store_memory": 100 << 20, "node_ip_address": "127.0.0.1"}
head = node | {"num_cpus": 0, "include_dashboard": False, "ray_client_server_port": int(sys.argv[1])}
cluster = Cluster(initialize_head=True, head_node_args=head)
workers = [cluster.add_node(num_cpus=1, **node) for _ in range(2)]
nodes = [list(node.all_processes.values()) for node in (cluster.head_node, *workers)]
processes = [[process.process.pid for kind in node for process in kind] for node in nodes]
print(json.dumps({"address": cluster.address, "processes": processes}), flush=True)
sys.stdin.read()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install '.[ray]'"),
]


class Cluster:
    """A head without processors and two nodes with one each."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.client = f"ray://127.0.0.1:{port}"
        with (folder / "cluster.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CLUSTER, str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline() or "{}")
        assert said, (folder / "cluster.log").read_text()
        self.address = said["address"]
        self.head, *self.workers = said["processes"]

    def kill(self, node: list[int]) -> None:
        """Ends a node as a power cut would; its workers end with it."""
        for process in node:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def close(self) -> None:
        for node in (*self.workers, self.head, [self.process.pid]):
            self.kill(node)
        self.process.communicate()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    return run_unbroken(tmp_path_factory.mktemp("unbroken"))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    for name, value in LOOPBACK.items():
        monkeypatch.setenv(name, value)
    found = Cluster(tmp_path)
    yield found
    found.close()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def begin(unbroken: Unbroken, folder: Path, address: str, tasks: int) -> subprocess.Popen[bytes]:
    """A comparison on a cluster that has so many tasks behind it."""
    process = start(unbroken.data, folder / "out", folder / "log", "--ray", address)
    wait_until(lambda: len(acknowledged(folder / "log")) >= tasks or process.poll() is not None)
    assert process.poll() is None, (folder / "log").read_text()
    return process


def is_as_unbroken(unbroken: Unbroken, folder: Path) -> None:
    tasks = acknowledged(folder / "log")
    assert sorted(tasks) == sorted(unbroken.tasks)  # each once, though some were begun twice
    assert records_of(folder / "out") == unbroken.records
    assert results_of(folder / "out") == unbroken.results


def test_a_node_that_is_killed_costs_its_task_in_flight_and_nothing_else(unbroken, cluster, tmp_path):
    process = begin(unbroken, tmp_path, cluster.address, 3)
    cluster.kill(cluster.workers[0])
    assert process.wait(PATIENCE) == 0, (tmp_path / "log").read_text()
    is_as_unbroken(unbroken, tmp_path)


def test_a_cluster_is_joined_from_outside(unbroken, cluster, tmp_path):
    process = begin(unbroken, tmp_path, cluster.client, 3)
    cluster.kill(cluster.workers[1])
    assert process.wait(PATIENCE) == 0, (tmp_path / "log").read_text()
    is_as_unbroken(unbroken, tmp_path)


def test_after_a_lost_cluster_the_run_goes_on_without_one(unbroken, cluster, tmp_path):
    process = begin(unbroken, tmp_path, cluster.address, 3)
    cluster.kill(cluster.head)
    assert process.wait(PATIENCE) == 3
    log = tmp_path / "log"
    assert f"minimand: error: the Ray cluster {cluster.address} was lost (" in log.read_text()
    assert "give the same command to go on, with or without --ray" in log.read_text()
    kept = acknowledged(log)
    assert len(kept) >= 3
    assert start(unbroken.data, tmp_path / "out", log, "--workers", "2").wait() == 0
    assert acknowledged(log)[: len(kept)] == kept
    is_as_unbroken(unbroken, tmp_path)


def test_ctrl_c_stops_and_the_same_command_goes_on(unbroken, cluster, tmp_path):
    process = begin(unbroken, tmp_path, cluster.address, 3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    log = tmp_path / "log"
    assert "minimand: stopped; the same command goes on where it was" in log.read_text()
    assert start(unbroken.data, tmp_path / "out", log, "--ray", cluster.address).wait(PATIENCE) == 0, log.read_text()
    is_as_unbroken(unbroken, tmp_path)
