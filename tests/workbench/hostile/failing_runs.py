"""Runs of `minimand compare` on a disk that fails, in a process of their own: the library must be loaded before Python.

    LD_PRELOAD=failing_disk.so python -m tests.workbench.hostile.failing_runs FOLDER JOB SPREAD

prints a line of JSON for each place where the disk failed. `JOB` is `ledger` (its creation and some records), `outputs`
(the files of a comparison whose trainings are all in its ledger) or `compare` (all of it). `SPREAD` is how many places
to try, spread evenly; 0 is every one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMINGS = ("seconds", "timings", "created", "total_seconds", "estimated_seconds", "command", "config")
IDENTITY = {"schema": "1", "job": "compare", "data": "d" * 64}
RECORDS = 4

disk = ctypes.CDLL(None)
disk.disk_failed_call.restype = ctypes.c_char_p


@contextlib.contextmanager
def failing(folder: Path, number: int, error: int = 0, *, stays: bool = False) -> Iterator[None]:
    """The `number`-th writing call below a folder fails, alone or with all that follow; 0 only counts."""
    disk.disk_arm(str(folder).encode(), number, error, int(stays))
    try:
        yield
    finally:
        disk.disk_arm(b"", 0, 0, 0)


class Job:
    """Something that writes into a folder, can be given again, and leaves what can be compared."""

    def prepare(self, folder: Path) -> None:
        """Put into the folder what was there before."""

    def run(self, folder: Path) -> tuple[int, str]:
        """Do it: the exit code and what was said."""
        raise NotImplementedError

    def outcome(self, folder: Path) -> Any:
        """What must be the same whatever failed on the way."""
        raise NotImplementedError


class LedgerJob(Job):
    """The creation of a ledger, a plan and a few records, one of them of several pages."""

    def run(self, folder: Path) -> tuple[int, str]:
        from minimand.workbench.ledger import LEDGER_NAME, Ledger, LedgerError, claim_out

        try:
            out = claim_out(folder / "out")
            with Ledger.open(out / LEDGER_NAME, identity=IDENTITY) as ledger:
                ledger.plan = {"resamples": 5}
                for number in range(RECORDS):
                    ledger.put(f"record/{number}", record(number))
        except LedgerError as error:
            return error.exit_code, str(error)
        return 0, ""

    def outcome(self, folder: Path) -> Any:
        from minimand.workbench.ledger import LEDGER_NAME, Ledger

        with Ledger.read(folder / "out" / LEDGER_NAME) as ledger:
            return [ledger.plan, *ledger.items()]


def record(number: int) -> dict[str, Any]:
    return {"value": number / 3, "curve": [0.1] * (5000 if number == 1 else 1)}


class CompareJob(Job):
    """A small comparison by the command line; its trainings are done once and then remembered."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, folder: Path) -> tuple[int, str]:
        from minimand.cli import main

        options = ["--target", "label", "--objective", "gce", "--resamples", "5", "--configurations", "2", "--quiet"]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), remembered_trainings():
            code = main(["compare", str(self.data), *options, "--out", str(folder / "out")])
        return code, said.getvalue()

    def outcome(self, folder: Path) -> Any:
        out = folder / "out"
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        files = {path.name: path.read_bytes() for path in (out / "model").iterdir() if path.suffix == ".safetensors"}
        return [
            without_timings(results),
            (out / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>"),
            {name: len(content) for name, content in files.items()},
            sorted(path.name for path in out.iterdir() if not path.name.startswith("ledger.sqlite-")),
        ]


class OutputsJob(CompareJob):
    """The end of a comparison: every training is in the ledger, nothing else is there."""

    def prepare(self, folder: Path) -> None:
        if not hasattr(self, "ledger"):
            self.ledger = folder.parent / "trained.sqlite"
            code, said = self.run(folder)
            assert code == 0, said
            shutil.copy(folder / "out" / "ledger.sqlite", self.ledger)
            without_fits(self.ledger)
            shutil.rmtree(folder / "out")
        (folder / "out").mkdir()
        shutil.copy(self.ledger, folder / "out" / "ledger.sqlite")


def without_fits(ledger: Path) -> None:
    """Takes the fits to all rows, which come with the outputs, out of a ledger."""
    import sqlite3

    connection = sqlite3.connect(ledger)
    with connection:
        connection.execute("DELETE FROM records WHERE key LIKE 'everything/%'")
    connection.close()


def without_timings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_timings(item) for key, item in value.items() if key not in TIMINGS}
    return [without_timings(item) for item in value] if isinstance(value, list) else value


_remembered: dict[str, Any] = {}


@contextlib.contextmanager
def remembered_trainings() -> Iterator[None]:
    """Each task that runs in this process is run once, and then remembered."""
    from minimand.workbench.ledger import open_pool

    pool: Any = type(open_pool(1))
    plain = pool.run

    def remembering(self: Any, function: Any, tasks: Any, *, on_result: Any, should_stop: Any = None) -> None:
        for key, payload in tasks:
            if should_stop is not None and should_stop():
                return
            known = f"{key} {payload!r}"
            if known not in _remembered:
                plain(self, function, [(key, payload)], on_result=lambda _, found, at=known: keep(at, found))
            on_result(key, _remembered[known])

    def keep(known: str, found: Any) -> None:
        _remembered[known] = found

    pool.run = remembering
    try:
        yield
    finally:
        pool.run = plain


def readable(folder: Path) -> str:
    """What a ledger in the folder is after a failure."""
    from minimand.errors import InputError
    from minimand.workbench.ledger import LEDGER_NAME, Ledger

    place = folder / "out" / LEDGER_NAME
    if not place.exists() or place.stat().st_size == 0:
        return "none yet"
    try:
        with Ledger.read(place) as ledger:
            dict(ledger.items())
    except InputError as error:
        return "none yet" if "was stopped before it began" in str(error) else str(error)
    return "readable"


def half_written(folder: Path) -> list[str]:
    """Files that are there but not whole."""
    return [path.name for path in folder.rglob("*") if path.is_file() and not whole(path)]


def whole(path: Path) -> bool:
    """Whether a file is no temporary one and has an end."""
    if path.suffix == ".json":
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return False
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    return not path.name.endswith(".minimand-part")


def main(folder: Path, what: str, spread: int) -> None:
    folder = folder.resolve()
    jobs = {
        "ledger": lambda: LedgerJob(),
        "outputs": lambda: OutputsJob(data(folder)),
        "compare": lambda: CompareJob(data(folder)),
    }
    job = jobs[what]()
    work = folder / "work"

    def afresh() -> None:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        job.prepare(work)

    afresh()
    with failing(work, 0):
        code, said = job.run(work)
        calls = disk.disk_calls()
    assert code == 0, said
    unbroken = job.outcome(work)
    say({"calls": calls})
    count = calls if spread == 0 else min(spread, calls)
    for number in sorted({1 + i * calls // count for i in range(count)}):
        # a full disk stays full until there is room; a bad sector fails once
        kinds = [(errno.ENOSPC, True), (errno.EIO, False)]
        for error, stays in kinds if what == "ledger" else [kinds[number % 2]]:
            afresh()
            with failing(work, number, error, stays=stays):
                code, said = job.run(work)
                failed = disk.disk_failed_call().decode()
            found = {
                "number": number,
                "error": errno.errorcode[error],
                "failed": failed.replace(str(work), ""),
                "code": code,
                "said": said,
                "ledger": readable(work),
                "half": half_written(work),
                "got over": code == 0 and job.outcome(work) == unbroken,
            }
            again, said_again = job.run(work)
            found |= {"again": again, "said again": said_again}
            found["same"] = again == 0 and job.outcome(work) == unbroken
            found["left"] = half_written(work)
            say(found)


def say(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def data(folder: Path) -> Path:
    """A table of two classes and few rows."""
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 2))
    label = np.where(x[:, 0] + 0.5 * generator.normal(size=100) > 0, "yes", "no")
    rows = [f"{a:.4f},{b:.4f},{c}" for (a, b), c in zip(x, label, strict=True)]
    path = folder / "data.csv"
    path.write_text("\n".join(["a,b,label", *rows]) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
