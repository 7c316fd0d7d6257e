"""Every file of the corpus is accepted or refused as it should be: in one sentence, soon, in little memory."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import Dataset, prepare, read_table
from tests.workbench.hostile.corpus import CASES, GOOD, OBEYED, Case, npz, parquet, table

ROOT = Path(__file__).parents[3]
MOST_SECONDS = 10
MOST_MEMORY = 1 << 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks are those of Linux")


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was said of each case, by a process with limits."""
    folder = tmp_path_factory.mktemp("corpus")
    sentinel = tmp_path_factory.mktemp("sentinel") / "ran"
    environment = os.environ | {"SENTINEL": str(sentinel), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.workbench.hostile.looking", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    found = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    return {"found": found, "said": done.stderr, "ran": sentinel.exists(), "left": sorted(folder.rglob("*"))}


def test_the_corpus_is_large_and_no_case_stands_twice():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 250


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.encode("ascii", "replace").decode()[:50])
def test_a_bad_file_is_refused_in_a_sentence_or_accepted_with_a_note(case: Case, looked_at):
    assert case.name in looked_at["found"], looked_at["said"][-2000:]
    found = looked_at["found"][case.name]
    assert found["outcome"] in ("accepted", "refused"), found
    if case.accepted is not None:
        assert found["outcome"] == ("accepted" if case.accepted else "refused"), found
    for words in case.says:
        assert words in found["says"]
    if found["outcome"] == "refused":
        one_sentence(found["says"])
        if case.names_file:
            assert os.path.basename(case.file) in found["says"]
    assert found["seconds"] < MOST_SECONDS
    assert found["peak"] < MOST_MEMORY
    assert not found["changed"]


def test_nothing_was_run_and_nothing_left(looked_at):
    assert not looked_at["ran"]
    assert looked_at["left"] == []
    assert looked_at["said"] == ""


def one_sentence(text: str) -> None:
    assert text.isprintable()  # neither a second line nor a code that a terminal obeys
    assert len(text) < 1000
    for word in ("Traceback", "Error", "duckdb", "errno"):
        assert word not in text


# --- Bytes changed at random -----------------------------------------------------------------------------------------


def good_files(folder: Path) -> dict[str, bytes]:
    numbers = np.random.default_rng(0)
    x, y = numbers.normal(size=(40, 2)), np.array(["p", "q"] * 20)
    npz(folder / "a.npz", X=x, y=y)
    np.savez_compressed(folder / "b.npz", X=x, y=y)
    parquet("SELECT range / 7.0 AS a, chr((97 + range % 2)::INT) AS y FROM range(40)", folder / "a.parquet")
    (folder / "a.csv").write_bytes(GOOD)
    (folder / "b.csv").write_bytes(table(a=lambda i: f'"é, ""{i % 3}"" \n"'))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a.npz", "b.npz", "a.parquet", "a.csv", "b.csv"])
def test_changed_bytes_are_read_or_refused(name, tmp_path):
    content = good_files(tmp_path)[name]
    numbers = random.Random(name)
    for _ in range(25):
        changed = bytearray(content)
        for _ in range(numbers.choice([1, 1, 3, 20])):
            changed[numbers.randrange(len(changed))] = numbers.randrange(256)
        if numbers.random() < 0.3:
            del changed[numbers.randrange(len(changed)) :]
        (tmp_path / name).write_bytes(changed)
        try:
            prepare(read_table(tmp_path / name), target="y")
        except InputError as error:
            one_sentence(str(error))


# --- The file to predict for -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("known") / "known.csv"
    path.write_bytes(GOOD)
    return prepare(read_table(path), target="y")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"b,y\n1,p\n", "lacks the column 'a'"),
        (b"A,b\n1,2\n", "lacks the column 'a'"),
        (b"\x1b[31ma,b\n1,2\n", "lacks the column 'a'"),
        (b"a,b\n=1+1,2\n", "but holds numbers"),
        (b"a,b\n1,2\n" + b"x" * 100_000 + b",2\n", "but holds numbers"),
        (b"a,b\n1e999,2\n", "infinite in row 1"),
        (b"a,b\n-inf,2\n", "infinite in row 1"),
        (b"a,b,y\n1,2,r\n", "not among the classes"),
        (b"a,b,y\n1,2,\x1b[2J\n", "not among the classes"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2,3\n", "3 cells in line 2"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(known, content, words, tmp_path):
    (tmp_path / "new.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        known.aligned(read_table(tmp_path / "new.csv"))
    one_sentence(str(caught.value))
    assert words in str(caught.value)
    assert "new" in str(caught.value)


@pytest.mark.parametrize("content", [b"y,b,a\n,?,NA\n", b"b,a,more\n1,2,=1+1\n", b"\xef\xbb\xbfa,b\n1e-400,2\n"])
def test_a_file_that_fits_is_aligned(known, content, tmp_path):
    (tmp_path / "new.csv").write_bytes(content)
    assert known.aligned(read_table(tmp_path / "new.csv")).n_rows == 1


# --- The readers of many columns and of few say the same -------------------------------------------------------------


@pytest.mark.parametrize("what", OBEYED)
def test_wide_and_narrow_tables_are_read_alike(what, tmp_path):
    narrow = table(a=lambda i: f" {i % 2} " if i % 3 else OBEYED[what])
    more = b"," + b",".join(b"c%d" % i for i in range(200))
    rows = [narrow.splitlines()[0] + more, *(line + b",1" * 200 for line in narrow.splitlines()[1:])]
    (tmp_path / "narrow.csv").write_bytes(narrow)
    (tmp_path / "wide.csv").write_bytes(b"\n".join(rows) + b"\n")
    few, many = read_table(tmp_path / "narrow.csv"), read_table(tmp_path / "wide.csv")
    for name in few.columns:
        assert few.columns[name].tolist() == many.columns[name].tolist()


@pytest.mark.parametrize(
    "cell",
    [
        '"a ""quoted"" word"',
        '"1,5"',
        "' x '",
        "''''",
        '" 7 "',
        "7\xa0",
        "\t7",
        "NA",
        "'?'",
        "1_0",
        "0x1F",
        "nan",
        "1e999",
    ],
)
def test_cells_mean_the_same_in_wide_and_narrow_tables(cell, tmp_path):
    (tmp_path / "narrow.csv").write_text(f"a,y\n{cell},p\n3,q\n", encoding="utf-8")
    names = ",".join(f"c{i}" for i in range(200))
    ones = ",".join(["1"] * 200)
    text = f"a,y,{names}\n{cell},p,{ones}\n3,q,{ones}\n"
    (tmp_path / "wide.csv").write_text(text, encoding="utf-8")
    few, many = read_table(tmp_path / "narrow.csv"), read_table(tmp_path / "wide.csv")
    np.testing.assert_array_equal(few.columns["a"], many.columns["a"])
    assert few.notes == many.notes


def test_an_archive_is_never_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("../evil.npy", b"x")
    with pytest.raises(InputError, match="no array called X"):
        read_table(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert not (tmp_path.parent / "evil.npy").exists()
