"""`kill -9` of a running comparison at random moments, then the same command: nothing lost, nothing done twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.kills import Unbroken, kill_again_and_again, start
from benchmarks.kills import unbroken as run_unbroken

KILLS = int(os.environ.get("MINIMAND_KILLS", "20"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    return run_unbroken(tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize(("workers", "kills"), [(1, KILLS // 4), (2, KILLS)])
def test_killed_and_gone_on_gives_the_same_ledger_and_the_same_results(unbroken, workers, kills, tmp_path):
    found = kill_again_and_again(unbroken, tmp_path, kills, "--workers", str(workers), seed=workers)
    assert found.wrong == []
    assert found.kills == kills


def test_the_driver_alone_killed_leaves_no_worker_behind(unbroken, tmp_path):
    process = start(unbroken.data, tmp_path / "out", tmp_path / "log", "--workers", "2")
    deadline = time.monotonic() + 60
    while len(members_of(process.pid)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and members_of(process.pid):
        time.sleep(0.2)
    assert members_of(process.pid) == []


def members_of(group: int) -> list[str]:
    """Living processes of a process group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(status.parent.name)
    return found
