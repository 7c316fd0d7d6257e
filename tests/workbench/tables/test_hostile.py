"""Files that are not what they say, or no table: each ends in one sentence, never in a traceback."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import prepare, read_table

GOOD = b"a,b,y\n" + b"".join(f"{i},{i % 3},{'pq'[i % 2]}\n".encode() for i in (5, 2, 9, 1, 7, 3))


def npz(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def parquet(query: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import duckdb

        duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")

    return write


def damaged_parquet(path: Path) -> None:
    parquet("SELECT range AS a FROM range(5000)")(path)
    content = bytearray(path.read_bytes())
    content[40:-400] = bytes(len(content[40:-400]))
    path.write_bytes(content)


def zip_of(name: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)

    return write


# name of the file, its content (or how to write it), words that the sentence must have.
UNREADABLE: dict[str, tuple[str, bytes | Callable[[Path], None], list[str]]] = {
    "empty": ("a.csv", b"", ["is empty"]),
    "blank": ("a.csv", b" \n\n  \n", ["is empty", "blanks"]),
    "only a byte order mark": ("a.csv", b"\xef\xbb\xbf", ["is empty"]),
    "header only": ("a.csv", b"a,b,c\n", ["header but no rows"]),
    "header without line end": ("a.csv", b"a,b,c", ["header but no rows"]),
    "NUL bytes": ("a.csv", b"a,b\n1,2\n3,\0\n", ["binary", "NUL", "line 3"]),
    "NUL far inside": ("a.csv", b"a,b\n" + b"1,2\n" * 100_000 + b"\0", ["NUL", "line 100002"]),
    "an image": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1", ["binary"]),
    "a zip": ("a.csv", zip_of("a.csv", GOOD), ["binary"]),
    "parquet called csv": ("a.csv", parquet("SELECT 1 AS a, 'x' AS b"), ["binary", ".parquet"]),
    "UTF-16": ("a.csv", "a,b\n1,2\n".encode("utf-16"), ["UTF-16", "UTF-8"]),
    "UTF-16 without mark": ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), ["binary", "NUL"]),
    "too many cells": ("a.csv", b"a,b\n1,2\n3,4,5\n6,7\n", ["3 cells", "line 3", "2 in its first line", "comma"]),
    "too few cells": ("a.csv", b"a,b,c\n1,2,3\n4,5\n", ["2 cells", "line 3", "but 3"]),
    "ragged far inside": ("a.csv", b"a,b\n" + b"1,2\n" * 5000 + b"1\n" + b"1,2\n" * 5, ["1 cells", "line 5002"]),
    "ragged after a quoted line end": ("a.csv", b'a,b\n"x\ny",2\n3\n', ["1 cells", "line 4"]),
    "ragged with semicolons": ("a.csv", b"a;b\n1;2\n3;4\n5;6;7\n", ["line 4", "semicolon"]),
    "header one short": ("a.csv", b"a\n1,2\n3,4\n", ["line 2", "1 in its first line"]),
    "unclosed quote": ("a.csv", b'a,b\n1,2\n3,"4\n5,6\n7,8\n', ["quote", "line 3", "never closed"]),
    "unclosed quote in the header": ("a.csv", b'a,"b\n1,2\n3,4\n', ["quote", "line 1", "never closed"]),
    "text after a quote": ("a.csv", b'a,b\n1,"x" y\n', ["closing quote", "line 2"]),
    "same name twice": ("a.csv", b"a,b,a\n1,2,3\n", ["'a'", "twice"]),
    "same name twice, by data": ("a.csv", b"1,2,1\n3,4,5\n", ["'1'", "twice", "--no-header"]),
    "same name twice after trimming": ("a.csv", b"a, a ,c\n1,2,3\n", ["'a'", "twice"]),
    "too many columns": ("a.csv", b",".join(b"c%d" % i for i in range(20_001)) + b"\n", ["20001 columns", "20000"]),
    "unknown suffix": ("a.xlsx", b"PK", ["unknown suffix", ".xlsx", ".csv", ".parquet"]),
    "no suffix": ("table", GOOD, ["unknown suffix"]),
    "compressed": ("a.csv.gz", b"\x1f\x8b", ["unknown suffix", ".gz"]),
    "pickle": ("a.pkl", b"\x80\x04.", ["unknown suffix"]),
    "parquet of text": ("a.parquet", GOOD, ["not a readable Parquet"]),
    "parquet empty": ("a.parquet", b"", ["is empty"]),
    "parquet magic only": ("a.parquet", b"PAR1PAR1", ["not a readable Parquet"]),
    "parquet cut off": ("a.pq", b"PAR1" + b"\1" * 100, ["not a readable Parquet"]),
    "parquet damaged inside": ("a.parquet", damaged_parquet, ["not a readable Parquet"]),
    "parquet without rows": ("a.parquet", parquet("SELECT 1 AS a, 2 AS b WHERE false"), ["no rows"]),
    "parquet of lists": ("a.parquet", parquet("SELECT [1, 2] AS a"), ["no column of numbers or text"]),
    "npz of text": ("a.npz", GOOD, ["not a readable .npz"]),
    "npz cut off": ("a.npz", b"PK\3\4" + b"\0" * 50, ["not a readable .npz"]),
    "npz of other names": ("a.npz", npz(weights=np.zeros(3)), ["no array called X", "weights"]),
    "npz of objects": ("a.npz", npz(X=np.zeros((3, 1)), y=np.array([{}, [], "x"], dtype=object)), ["objects", "'y'"]),
    "npz that is no array": ("a.npz", zip_of("X.npy", b"cos\nsystem\n(S'true'\ntR."), [".npz"]),
    "npz of one dimension": ("a.npz", npz(X=np.zeros(3), y=np.zeros(3)), ["(rows, columns)", "(3,)"]),
    "npz of images": ("a.npz", npz(X=np.zeros((3, 4, 4))), ["(3, 4, 4)"]),
    "npz of unequal length": ("a.npz", npz(X=np.zeros((3, 1)), y=np.zeros(4)), ["3 rows", "(4,)"]),
    "npz without rows": ("a.npz", npz(X=np.zeros((0, 2)), y=np.zeros(0)), ["no rows"]),
    "npz of complex numbers": ("a.npz", npz(X=np.zeros((3, 2), dtype=complex)), ["no column of numbers or text"]),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_files_get_a_sentence(tmp_path, case):
    name, content, words = UNREADABLE[case]
    path = tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(InputError) as caught:
        read_table(path)
    one_sentence(str(caught.value), [str(path), *words])
    assert sorted(os.listdir(tmp_path)) == before  # nothing half-written beside it


def one_sentence(sentence: str, words: list[str]) -> None:
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Error" not in sentence
    assert "duckdb" not in sentence.lower()
    for word in words:
        assert word in sentence


def test_a_huge_array_that_is_not_there_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000, 1000), }"
    header += b" " * (117 - len(header)) + b"\n"
    zip_of("X.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"memory|not a readable"):
        read_table(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.csv", ["does not exist"]),
        ("nowhere/", ["does not exist"]),
        ("", ["path"]),
        ("a\0b.csv", ["NUL"]),
        ("x" * 5000 + ".csv", ["cannot be read"]),
        ("iriss", ["neither a file nor", "iris"]),
        ("something", ["neither a file nor", "iris", "digits", "moons"]),
        ("https://example.org/a.csv", ["does not exist"]),
        ("s3://bucket/a.parquet", ["does not exist"]),
    ],
)
def test_what_is_not_there(tmp_path, monkeypatch, source, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read_table(source)
    one_sentence(str(caught.value), words)


def test_a_misspelled_file_is_offered_its_neighbours(tmp_path):
    (tmp_path / "adult.csv").write_bytes(GOOD)
    with pytest.raises(InputError, match=r"does not exist: in that folder there is adult\.csv"):
        read_table(tmp_path / "adlut.csv")


def test_a_folder_and_a_file_as_folder(tmp_path):
    (tmp_path / "f.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path / "f.csv")
    (tmp_path / "a.csv").write_bytes(GOOD)
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "a.csv" / "b.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(InputError, match="not a regular file"):
        read_table(tmp_path / "a.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(GOOD)
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read_table(tmp_path / "a.csv")


def test_a_refused_permission_becomes_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(GOOD)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="permission denied"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "name",
    [
        "x'; DROP TABLE cells; --.csv",
        "*.csv",
        "a?.csv",
        "[ab].csv",
        "a b.csv",
        "ü.csv",
        "{a,b}.csv",
        '"q".csv',
        "-.csv",
        "$x%.csv",
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_path_is_taken_literally(tmp_path, name, suffix):
    for other in ("a.csv", "b.csv", "ab.csv", "a.parquet", "ab.parquet"):
        (tmp_path / other).write_bytes(b"wrong,file\n1,2\n")
    path = tmp_path / Path(name).with_suffix(suffix)
    if suffix == ".csv":
        path.write_bytes(GOOD)
    else:
        parquet("SELECT unnest([5, 2]) AS a, 1 AS b, 'p' AS y")(tmp_path / "plain.parquet")
        (tmp_path / "plain.parquet").rename(path)
    table = read_table(path)
    assert list(table.columns) == ["a", "b", "y"]
    assert table.columns["a"][:2].tolist() == [5, 2]


def test_names_with_sql_quotes_and_control_characters_stay_data(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'"a""; DROP TABLE cells; --",b\x1b[31m,y\n1,2,p\n3,2,q\n')
    table = read_table(path)
    assert next(iter(table.columns)) == 'a"; DROP TABLE cells; --'
    with pytest.raises(InputError) as caught:
        prepare(table, target="nothing like it")
    assert "\x1b" not in str(caught.value)


def test_a_cell_of_a_million_letters_is_read_and_a_longer_line_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1," + b"x" * 1_000_000 + b"\n2,y\n")
    assert len(read_table(path).columns["b"][0]) == 1_000_000
    path.write_bytes(b"a,b\n1," + b"x" * 17_000_000 + b"\n2,y\n")
    with pytest.raises(InputError, match="line 2"):
        read_table(path)


def test_the_limit_of_the_csv_module_is_put_back(tmp_path):
    import csv

    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2,3\n")
    with pytest.raises(InputError):
        read_table(tmp_path / "a.csv")
    assert csv.field_size_limit() == before
