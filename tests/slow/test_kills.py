"""`kill -9` of a running comparison at random moments, then the same command: nothing lost, nothing done twice."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minimand.workbench.ledger import LEDGER_NAME, Ledger

KILLS = 10
OPTIONS = ["--target", "label", "--objective", "gce", "--objective", "elr", "--resamples", "5", "--configurations", "3"]
TIMINGS = ("seconds", "timings", "created", "total_seconds", "estimated_seconds")

pytestmark = pytest.mark.slow


def write_data(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 4))
    label = (x[:, 0] + 0.5 * x[:, 1] + generator.normal(scale=0.7, size=400) > 0).astype(int)
    rows = [",".join([*(f"{value:.6f}" for value in row), f"k{y}"]) for row, y in zip(x, label, strict=True)]
    lines = ["a,b,c,d,label", *rows]
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def start(data: Path, out: Path, workers: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "minimand", "compare", str(data), *OPTIONS]
    command += ["--workers", str(workers), "--out", str(out), "--verbose"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with log.open("ab") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, start_new_session=True)


def without_timings(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_timings(item) for key, item in value.items() if key not in TIMINGS}
        # the commands differ in where they write and how many work, and nothing else.
        return {key: item for key, item in kept.items() if key not in ("command", "config")}
    return [without_timings(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, float, int]:
    folder = tmp_path_factory.mktemp("unbroken")
    data = write_data(folder)
    began = time.monotonic()
    assert start(data, folder / "out", 1, folder / "log").wait() == 0, (folder / "log").read_text()
    results = without_timings(json.loads((folder / "out" / "results.json").read_text()))
    with Ledger.read(folder / "out" / LEDGER_NAME) as ledger:
        trainings = sum("/" in key and not key.startswith("everything") for key, _ in ledger.items())
    return data, results, time.monotonic() - began, trainings


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_ten_times_and_gone_on_gives_the_same_results(unbroken, workers, tmp_path):
    data, results, seconds, trainings = unbroken
    log, out = tmp_path / "log", tmp_path / "out"
    moments = random.Random(workers)
    kills = 0
    while kills < KILLS:
        process = start(data, out, workers, log)
        time.sleep(moments.uniform(0.1, max(4.0, 0.4 * seconds)))
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills == KILLS, "the comparison ended before it could be killed often enough"
    assert start(data, out, workers, log).wait() == 0, log.read_text()
    assert without_timings(json.loads((out / "results.json").read_text())) == results
    finished = re.findall(r"trained (\S+)", log.read_text())
    # a record may be safe and its line not yet written when the kill comes: then the line is missing, never doubled.
    assert len(finished) == len(set(finished))
    assert trainings - kills <= len(finished) <= trainings


def test_the_driver_alone_killed_leaves_no_worker_behind(unbroken, tmp_path):
    data, _, seconds, _ = unbroken
    process = start(data, tmp_path / "out", 2, tmp_path / "log")
    time.sleep(max(6.0, 0.3 * seconds))
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
