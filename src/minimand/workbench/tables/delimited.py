"""Reading CSV and TSV: the delimiter is found, duckdb reads all cells as text, and a failure is traced to its line."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import logging
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minimand.errors import InputError
from minimand.extras import require
from minimand.workbench.tables.casting import cast_columns, cleaned
from minimand.workbench.tables.read import literal_path, shown_path
from minimand.workbench.tables.table import MAX_COLUMNS, Table, shown

logger = logging.getLogger("minimand")

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_CHUNK = 1 << 22
_HEAD = 1 << 18
_LONGEST_LINE = 1 << 24


@dataclass(frozen=True)
class _Scan:
    """What one pass over the bytes found."""

    sha256: str
    encoding: str
    line_ends: frozenset[bytes]
    head: str


def read_delimited(path: Path, *, header: bool) -> Table:
    """The table in a CSV or TSV file.

    Raises:
        InputError: it is not text, has no rows, or its rows do not all have as many cells as the first.
    """
    scan = _scan(path)
    delimiter = find_delimiter(scan.head, prefer="\t" if path.suffix.lower() in (".tsv", ".tab") else None)
    first = _first_record(path, scan, delimiter)
    if len(first) > MAX_COLUMNS:
        raise InputError(f"{shown_path(path)} has {len(first)} columns, more than the {MAX_COLUMNS} that are read.")
    notes: list[str] = []
    if header:
        names = _header_names(path, first, notes)
    else:
        names = [str(number) for number in range(len(first))]
    if scan.encoding == "latin-1":
        notes.append("the file is not UTF-8 and was read as latin-1: letters outside ASCII may be wrong")
    with tempfile.TemporaryDirectory(prefix="minimand-") as folder:
        readable = path
        if scan.encoding != "utf-8" or len(scan.line_ends) > 1:
            readable = _rewritten(path, scan.encoding, Path(folder) / "data.csv")
        with literal_path(readable, ".csv") as literal:
            connection = connect(folder)
            try:
                _load(connection, literal, delimiter, width=len(first), skip=int(header))
                inside = {f"c{number}": name for number, name in enumerate(names)}
                columns, markers, more = cast_columns(connection, "cells", inside)
            except require("duckdb", extra="workbench").Error as error:
                logger.debug("duckdb could not read %s: %s", path, error)
                raise InputError(_what_is_wrong(path, scan, delimiter, len(first))) from None
            finally:
                connection.close()
    table = Table(
        name=path.stem,
        path=str(path),
        sha256=scan.sha256,
        columns=columns,
        header=header,
        markers=markers,
        notes=(*notes, *more),
    )
    if table.n_rows == 0:
        raise InputError(
            f"{shown_path(path)} has a header but no rows." if header else f"{shown_path(path)} has no rows."
        )
    return table


def connect(folder: str) -> Any:
    """A duckdb in memory that loads no extensions, spills into `folder`, and shows no bar."""
    duckdb = require("duckdb", extra="workbench")
    return duckdb.connect(
        ":memory:",
        config={
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true",
        },
    )


def _load(connection: Any, literal: str, delimiter: str, *, width: int, skip: int) -> None:
    connection.execute("SET enable_progress_bar = false")
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
    selected = ", ".join(f"{cleaned(f'c{number}')} AS c{number}" for number in range(width))
    connection.execute(
        f"CREATE TABLE cells AS SELECT {selected} FROM read_csv(?, columns = {{{columns}}}, delim = ?, quote = '\"', "
        f"escape = '\"', header = false, skip = {skip}, auto_detect = false, compression = 'none', "
        f"max_line_size = {_LONGEST_LINE})",
        [literal, delimiter],
    )


def _scan(path: Path) -> _Scan:
    """One pass: the digest, NUL bytes, the encoding, the kinds of line ends, and the beginning as text."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8"
    line_ends: set[bytes] = set()
    head = b""
    lines = 0
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if not head and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise InputError(f"{shown_path(path)} is UTF-16 text: save it as UTF-8.")
            at = chunk.find(b"\0")
            if at >= 0:
                line = lines + chunk.count(b"\n", 0, at) + 1
                raise InputError(
                    f"{shown_path(path)} is not text but binary: it has a NUL byte in line {line}; give a CSV, or the "
                    "right suffix (.parquet, .npz)."
                )
            digest.update(chunk)
            head += chunk[: max(0, _HEAD - len(head))]
            if encoding == "utf-8":
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    encoding = "latin-1"
            both, feeds, returns = chunk.count(b"\r\n"), chunk.count(b"\n"), chunk.count(b"\r")
            if last == b"\r" and chunk.startswith(b"\n"):
                both += 1
                returns += 1
            if chunk.endswith(b"\r"):
                returns -= 1  # decided with the next chunk
            line_ends |= {
                end for end, count in ((b"\r\n", both), (b"\n", feeds - both), (b"\r", returns - both)) if count
            }
            lines += feeds
            last = chunk[-1:]
    if encoding == "utf-8":
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            encoding = "latin-1"
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{shown_path(path)} is empty: it holds nothing but blanks.")
    return _Scan(digest.hexdigest(), encoding, frozenset(line_ends), text)


def find_delimiter(head: str, *, prefer: str | None = None) -> str:
    """The delimiter that cuts the first lines into equally many cells, and into more than one.

    A tab, bar or semicolon that does so wins over a comma that does too: the commas are then inside the cells
    (`1,5;2,5`). When none is regular, the one with the most frequent count of more than one cell is taken.
    """
    lines = head.splitlines(keepends=True)
    if len(lines) > 2 and len(head) >= _HEAD // 2:
        lines.pop()  # cut off in the middle
    sample = lines[:200]
    best, best_rank = ",", (-1.0, 0)
    order = [*([prefer] if prefer else []), "\t", "|", ";", ","]
    for delimiter in dict.fromkeys(order):
        try:
            widths = [
                len(record) for record in csv.reader(sample, delimiter=delimiter, skipinitialspace=True) if record
            ]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        if width < 2:
            continue
        share = count / len(widths)
        rank = (share if share < 1 else 2.0, 1 if delimiter == prefer else 0)
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _first_record(path: Path, scan: _Scan, delimiter: str) -> list[str]:
    """The cells of the first line that is not blank."""
    with path.open(encoding=_decoding(scan.encoding), newline="") as file:
        text = file.read(_LONGEST_LINE)
    try:
        for record in _records(io.StringIO(text, newline=""), delimiter):
            if record:
                return list(record)
    except csv.Error:
        raise InputError(_what_is_wrong(path, scan, delimiter, None)) from None
    raise InputError(f"{shown_path(path)} is empty: it holds nothing but blanks.")


def _records(file: Any, delimiter: str) -> Any:
    return csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)


def _decoding(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _header_names(path: Path, first: list[str], notes: list[str]) -> list[str]:
    names = [_bare(cell) for cell in first]
    numbers = sum(_is_number(name) for name in names)
    hint = " (it looks like data: add --no-header)" if numbers * 2 >= len(names) else ""
    for at, name in enumerate(names):
        if not name:
            names[at] = f"column {at}"
            notes.append(f"column {at}, counted from 0, has no name in the header and is called {names[at]!r}")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InputError(
            f"{shown_path(path)} has the column name {shown(repeated[0])!r} twice in its first line{hint}: rename one."
        )
    if hint:
        notes.append("the first line was read as names but looks like data: if it is, add --no-header")
    return names


def _bare(cell: str) -> str:
    text = cell.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == "'" else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rewritten(path: Path, encoding: str, target: Path) -> Path:
    """A copy in UTF-8 whose lines all end in a line feed."""
    with (
        path.open(encoding=_decoding(encoding), newline=None) as source,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        while text := source.read(_CHUNK):
            out.write(text)
    return target


def _what_is_wrong(path: Path, scan: _Scan, delimiter: str, width: int | None) -> str:
    """The sentence about the first line that does not fit, found by the slow reader of the standard library."""
    where = shown_path(path)
    start = 1
    limit = csv.field_size_limit(_LONGEST_LINE)
    try:
        with path.open(encoding=_decoding(scan.encoding), newline="") as file:
            reader = _records(file, delimiter)
            while True:
                try:
                    record = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    if "unexpected end of data" in str(error):
                        return f"{where} has a quote in line {start} that is never closed."
                    if "field larger" in str(error):
                        return f"{where} has a cell of more than {_LONGEST_LINE} characters in line {start}."
                    return f"{where} has text after a closing quote in line {start}: double the quotes inside a cell."
                if record and width is None:
                    width = len(record)
                if record and len(record) != width:
                    return (
                        f"{where} has {len(record)} cells in line {start}, but {width} in its first line "
                        f"(cells end at a {DELIMITERS[delimiter]})."
                    )
                start = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)
    return f"{where} cannot be read as a table of cells that end at a {DELIMITERS[delimiter]}."
