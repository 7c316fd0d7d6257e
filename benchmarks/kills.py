"""`kill -9` of a running comparison at random moments: nothing acknowledged is lost, and nothing is done twice.

    python -m benchmarks.kills --count 100 --workers 2

A small comparison runs to its end once, unbroken, on one worker. Then it is begun in a new folder on `--workers`
workers, and the whole process group is killed at a moment drawn uniformly from the time that the unbroken run took; the
same command goes on, is killed again, and so on. Where it ends before it is killed, it is held against the unbroken
run, and the next one begins, until there have been as many kills as asked for and the last comparison has ended.

Each comparison must give the same ledger and the same results.json, but for timings. A training counts as acknowledged
when its line is in the log, which is written after its record is committed: no line may appear twice (done again, so
lost), and every line must have its record at every moment (looked up after each kill).

Prints a table, writes benchmarks/results/kills.json, and exits with 1 where something was lost, doubled or different.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from minimand.workbench.ledger import LEDGER_NAME, Ledger, is_ledger

RESULTS = Path(__file__).parent / "results" / "kills.json"
OPTIONS = ["--target", "label", "--objective", "gce", "--objective", "elr", "--resamples", "5", "--configurations", "3"]
TIMINGS = ("seconds", "timings", "created", "total_seconds", "estimated_seconds")
# The commands differ in where they write and how many work, and in nothing else.
WORDING = ("command", "config")


@dataclass
class Unbroken:
    """The comparison that nothing interrupts."""

    data: Path
    results: Any
    records: dict[str, Any]
    tasks: set[str]
    seconds: float


@dataclass
class Count:
    """What the kills did."""

    kills: int = 0
    comparisons: int = 0
    killed_at: list[int] = field(default_factory=list)
    """How many tasks had been acknowledged at each kill."""
    wrong: list[str] = field(default_factory=list)
    """What was lost, doubled or different."""


def write_data(folder: Path, rows: int = 400) -> Path:
    """A table of two classes that takes some seconds to compare on."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 4))
    label = (x[:, 0] + 0.5 * x[:, 1] + generator.normal(scale=0.7, size=rows) > 0).astype(int)
    cells = [",".join([*(f"{value:.6f}" for value in row), f"k{y}"]) for row, y in zip(x, label, strict=True)]
    path = folder / "data.csv"
    path.write_text("\n".join(["a,b,c,d,label", *cells]) + "\n")
    return path


def start(data: Path, out: Path, log: Path, *more: str) -> subprocess.Popen[bytes]:
    """The comparison as a process group of its own, its log at the end of a file."""
    command = [sys.executable, "-m", "minimand", "compare", str(data), *OPTIONS, "--out", str(out), "--verbose", *more]
    with log.open("ab") as stream:
        return subprocess.Popen(
            command, stdout=stream, stderr=stream, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True
        )


def without_timings(value: Any) -> Any:
    """Results or records without what may differ between two runs of the same."""
    if isinstance(value, dict):
        return {key: without_timings(item) for key, item in value.items() if key not in TIMINGS + WORDING}
    return [without_timings(item) for item in value] if isinstance(value, list) else value


def acknowledged(log: Path) -> list[str]:
    """The tasks that were said to be finished, in order."""
    return re.findall(r"trained (\S+)\n", log.read_text()) if log.exists() else []


def records_of(out: Path) -> dict[str, Any]:
    """The records in a ledger, without timings; none before there is one."""
    if not is_ledger(out / LEDGER_NAME):
        return {}
    with Ledger.read(out / LEDGER_NAME) as ledger:
        return {key: without_timings(record) for key, record in ledger.items()}


def results_of(out: Path) -> Any:
    """The results without timings."""
    return without_timings(json.loads((out / "results.json").read_text()))


def unbroken(folder: Path) -> Unbroken:
    """Runs the comparison to its end.

    Raises:
        RuntimeError: it failed.
    """
    data, out, log = write_data(folder), folder / "out", folder / "log"
    began = time.monotonic()
    if start(data, out, log).wait() != 0:
        raise RuntimeError(log.read_text())
    seconds = time.monotonic() - began
    return Unbroken(data, results_of(out), records_of(out), set(acknowledged(log)), seconds)


def kill_again_and_again(
    whole: Unbroken, folder: Path, kills: int, *more: str, seed: int = 0, least: float = 0.1
) -> Count:
    """Kills comparisons until there have been so many kills and the last comparison has ended.

    Args:
        whole: the unbroken comparison.
        folder: an empty one.
        kills: how many.
        *more: options of the comparison, such as its workers.
        seed: of the moments.
        least: seconds that a process gets.
    """
    moments = random.Random(seed)
    found = Count()
    while found.kills < kills or found.comparisons == 0:
        found.comparisons += 1
        out, log = folder / f"out-{found.comparisons}", folder / f"log-{found.comparisons}"
        while True:
            process = start(whole.data, out, log, *more)
            if found.kills < kills:
                try:
                    process.wait(moments.uniform(least, max(6.0, whole.seconds)))
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    found.kills += 1
                    found.killed_at.append(len(acknowledged(log)))
                    found.wrong += _lost(whole, out, log)
                    continue
            if process.wait() != 0:
                found.wrong.append(f"exit code {process.returncode}: {log.read_text()[-500:]}")
                return found
            break
        found.wrong += _lost(whole, out, log)
        if set(acknowledged(log)) - whole.tasks:
            found.wrong.append(f"tasks of another plan: {sorted(set(acknowledged(log)) - whole.tasks)}")
        if records_of(out) != whole.records:
            found.wrong.append("another ledger than that of the unbroken run")
        if results_of(out) != whole.results:
            found.wrong.append("other results than those of the unbroken run")
    return found


def _lost(whole: Unbroken, out: Path, log: Path) -> list[str]:
    lines = acknowledged(log)
    wrong = [f"done {times} times: {task}" for task, times in Counter(lines).items() if times > 1]
    records = records_of(out)
    wrong += [f"record of {task} lost" for task in lines if not any(_belongs(key, task) for key in records)]
    wrong += [f"record of {key} differs" for key, record in records.items() if whole.records.get(key, record) != record]
    return wrong


def _belongs(key: str, task: str) -> bool:
    """Whether a record is one of a task, which is named by all objectives that it trains at once."""
    resample, stage, names = task.split("/")
    keys = [f"{resample}/{stage}/{name}" for name in names.split("+")]
    return key in keys or key.rpartition("/")[0] in keys


def main() -> int:
    """Run, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        whole = unbroken(Path(folder))
        print(f"unbroken: {len(whole.tasks)} tasks, {len(whole.records)} records, {whole.seconds:.1f} s", flush=True)
        kills = Path(folder) / "kills"
        kills.mkdir()
        found = kill_again_and_again(whole, kills, asked.count, "--workers", str(asked.workers), seed=asked.seed)
    record = {
        "kills": found.kills,
        "workers": asked.workers,
        "seed": asked.seed,
        "comparisons": found.comparisons,
        "tasks": len(whole.tasks),
        "records": len(whole.records),
        "killed before the first task": sum(at == 0 for at in found.killed_at),
        "killed between tasks": sum(0 < at < len(whole.tasks) for at in found.killed_at),
        "killed after the last task": sum(at == len(whole.tasks) for at in found.killed_at),
        "wrong": found.wrong,
        "seconds": round(time.monotonic() - began, 1),
        "processor": platform.processor() or platform.machine(),
        "versions": {"python": platform.python_version(), "torch": version("torch"), "minimand": version("minimand")},
        "date": datetime.date.today().isoformat(),
    }
    for name, value in record.items():
        print(f"{name:32s} {value}")
    asked.out.parent.mkdir(exist_ok=True)
    asked.out.write_text(json.dumps(record, indent=1) + "\n")
    return 1 if found.wrong or found.kills < asked.count else 0


if __name__ == "__main__":
    sys.exit(main())
