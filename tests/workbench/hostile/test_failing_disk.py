"""The n-th write, sync, rename or open for writing fails, for every n: a sentence, an exit code, nothing lost.

A small library that is loaded before Python makes the calls of the C library fail, so that Python's files and SQLite's
are hit alike, and a full disk takes half of what is written to it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = Path(__file__).with_name("failing_disk.c")

# What SQLite gets over by itself (it folds its log into the file at the end, or later), and the number in the lock.
GOT_OVER = re.compile(r"/out$|/ledger\.sqlite(-wal|-shm|-journal|\.lock)?$")

Places = list[dict[str, Any]]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], tuple[int, Places]]:
    """Runs a job on a disk that fails: how many calls there are, and what happened at each place tried."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("failing-disk")  # no spaces: they divide the names in LD_PRELOAD
    library = folder / "failing_disk.so"
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], capture_output=True, check=False
    )
    if built.returncode:
        pytest.skip(f"the library cannot be built here: {built.stderr.decode(errors='replace')[:200]}")

    def run(job: str, spread: int) -> tuple[int, Places]:
        own = folder / f"{job}-{spread}"
        own.mkdir()
        command = [sys.executable, "-m", "tests.workbench.hostile.failing_runs", str(own), job, str(spread)]
        environment = os.environ | {"LD_PRELOAD": str(library)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        first, *places = map(json.loads, done.stdout.splitlines())
        return int(first["calls"]), places

    return run


def check(places: Places) -> None:
    for place in places:
        about = json.dumps(place, indent=1)
        assert place["code"] in (0, 3), about
        if place["code"] == 3:
            one_sentence(place["said"])
        else:  # the disk failed once, or where nothing was at stake
            assert place["got over"], about
            assert GOT_OVER.search(place["failed"]), about
        assert place["ledger"] in ("readable", "none yet"), about
        assert place["half"] == [], about
        assert place["again"] == 0, about
        assert place["same"], about
        assert place["left"] == [], about


def one_sentence(said: str) -> None:
    assert said.strip().count("\n") == 0
    assert "Traceback" not in said
    assert "bug" not in said
    assert "disk" in said  # full, or failed: what to mend


def test_every_call_of_a_ledger_may_fail(failing):
    calls, places = failing("ledger", 0)
    assert calls > 50
    assert {place["number"] for place in places} == set(range(1, calls + 1))
    kinds = {place["failed"].split()[0] for place in places}
    assert kinds == {"open", "write", "fsync", "truncate", "mkdir"}
    check(places)


def test_some_calls_of_a_comparison_may_fail(failing):
    _, places = failing("outputs", 2)
    assert len(places) == 2
    check(places)


@pytest.mark.slow
def test_every_call_of_the_outputs_may_fail(failing):
    calls, places = failing("outputs", 0)
    kinds = {place["failed"].split()[0] for place in places}
    assert kinds >= {"open", "write", "fsync", "rename", "mkdir"}
    targets = {Path(place["failed"].partition(" ")[2]).name for place in places}
    assert targets >= {"report.html", "results.json", "train.py", "data.json", "model.json"}
    assert {place["number"] for place in places} == set(range(1, calls + 1))
    check(places)


@pytest.mark.slow
def test_calls_all_over_a_comparison_may_fail(failing):
    calls, places = failing("compare", 40)
    assert calls > 200
    check(places)
