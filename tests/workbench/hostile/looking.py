"""Looks at every case of the corpus, in a process of its own with limits, and prints what was said of each.

    SENTINEL=FILE python -m tests.workbench.hostile.looking FOLDER [FIRST]

prints a line of JSON for each case, from the FIRST on. The limit on the address space makes a reader that asks for too
much fail instead of the machine; the peak of each case is that of the memory really used.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from minimand.errors import InputError
from minimand.workbench.compare.splits import check_splittable
from minimand.workbench.tables import prepare, read_table
from minimand.workbench.tables.diagnosis import repeated_rows
from tests.workbench.hostile.corpus import CASES, Case

ADDRESSES = 6 << 30
RUNS_ON_AFTER = 30  # seconds of the processor
WAITS_AFTER = 900  # seconds of the clock, for what waits without working: a busy machine must not look like a hang


class HangsError(BaseException):
    """Nothing that the readers catch."""


def look(case: Case, folder: Path) -> dict[str, Any]:
    """What `compare` would say of a file before it trains."""
    source = case.file
    if case.make is not None:
        path = folder / case.file
        source = str(path)
        path.write_bytes(case.make) if isinstance(case.make, bytes) else case.make(path)
    before = sorted(os.listdir(folder))
    reset_peak()
    started = time.process_time()
    signal.alarm(WAITS_AFTER)
    signal.setitimer(signal.ITIMER_PROF, RUNS_ON_AFTER)
    try:
        found: dict[str, Any] = seen(case, source)
    except InputError as error:
        found = {"outcome": "refused", "says": str(error)}
    except (Exception, HangsError) as error:
        found = {"outcome": f"crash: {type(error).__name__}", "says": str(error)}
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    return found | {
        "name": case.name,
        "source": source,
        "seconds": time.process_time() - started,
        "peak": peak(),
        "changed": sorted(os.listdir(folder)) != before,
    }


def seen(case: Case, source: str) -> dict[str, Any]:
    options = {"target": "y"} | case.options
    table = read_table(source, header=options.pop("header", True))
    dataset = prepare(table, **options)
    check_splittable(dataset)
    repeated_rows(dataset)
    left_out = [f"{item.column} {item.reason}" for item in dataset.left_out]
    return {"outcome": "accepted", "says": "; ".join([*dataset.notes, *left_out])}


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak() -> int:
    """The most memory that was used since the reset, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) << 10


def main(folder: Path, first: int) -> None:
    def hangs(*_: Any) -> None:
        raise HangsError

    signal.signal(signal.SIGALRM, hangs)
    signal.signal(signal.SIGPROF, hangs)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, case in enumerate(CASES[first:]):
        own = folder / str(number)
        own.mkdir()
        os.chdir(own)
        sys.stdout.write(json.dumps(look(case, own)) + "\n")
        sys.stdout.flush()
        shutil.rmtree(own)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
