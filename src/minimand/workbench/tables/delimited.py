"""Reading CSV and TSV: the delimiter is found, duckdb reads all cells as text, and a failure is traced to its line."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.extras import require
from minimand.workbench.tables.casting import cast_columns, cast_texts, cleaned
from minimand.workbench.tables.read import literal_path, shown_path
from minimand.workbench.tables.table import MAX_COLUMNS, Table, shown

logger = logging.getLogger("minimand")

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_CHUNK = 1 << 22
_HEAD = 1 << 18
_LONGEST_LINE = 1 << 24
_LONGEST_NAME = 1000
_WIDE = 128
_CELLS_AT_ONCE = 1 << 20
# what packs files, and old Excel's: their bytes need not hold a NUL near the beginning
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\3\4": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"7z\xbc\xaf": "7z",
    b"\xd0\xcf\x11\xe0": "old Excel",
}


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
        if len(names) > _WIDE and path.stat().st_size < len(names) << 20:
            columns, markers, more = _wide(path, scan, delimiter, names, skip=int(header))
        else:
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
            # each thread has buffers of its own, and more than a few do not read faster
            "threads": min(4, os.cpu_count() or 1),
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
    open_line = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if not head:
                _refuse_by_mark(path, chunk)
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
                except UnicodeDecodeError as error:
                    _refuse_broken_promise(path, head, lines + chunk.count(b"\n", 0, error.start) + 1)
                    encoding = "latin-1"
            open_line = _open_line(path, chunk, open_line, lines)
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
            _refuse_broken_promise(path, head, lines + 1)
            encoding = "latin-1"
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{shown_path(path)} is empty: it holds nothing but blanks.")
    return _Scan(digest.hexdigest(), encoding, frozenset(line_ends), text)


def _refuse_by_mark(path: Path, start: bytes) -> None:
    """Raises InputError for what its first bytes show not to be text in a single-byte encoding."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        name = "UTF-16" if start[:1] != b"\0" and start[2:4] != b"\0\0" else "UTF-32"
        raise InputError(f"{shown_path(path)} is {name} text: save it as UTF-8.")
    for mark, name in _PACKED.items():
        if start.startswith(mark) and not start[:200].isascii():
            raise InputError(
                f"{shown_path(path)} is not text but binary, a {name} file by its first bytes: unpack it, or save the "
                "table as CSV."
            )


def _refuse_broken_promise(path: Path, head: bytes, line: int) -> None:
    # its mark says UTF-8: read as latin-1, the mark itself would become a part of the first name.
    if head.startswith(codecs.BOM_UTF8):
        raise InputError(
            f"{shown_path(path)} begins with the mark of UTF-8 but is not UTF-8 in line {line}: save it as UTF-8."
        )


def _open_line(path: Path, chunk: bytes, before: int, lines: int) -> int:
    """The bytes of the line that is open at the end of a chunk, when `before` of it stood in the chunks before.

    Raises:
        InputError: a line is longer than any that is read: its bytes must not all be in memory.
    """
    ends = [place for place in (chunk.find(b"\n"), chunk.find(b"\r")) if place >= 0]
    length = before + (min(ends) if ends else len(chunk))
    if length > _LONGEST_LINE:
        raise InputError(
            f"{shown_path(path)} has more than {_LONGEST_LINE >> 20} MiB without a line end in line {lines + 1}: a "
            "table has a line for each row."
        )
    return len(chunk) - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) - 1 if ends else length


def find_delimiter(head: str, *, prefer: str | None = None) -> str:
    """The delimiter that cuts the first lines into equally many cells, and into more than one.

    A tab, bar or semicolon that does so wins over a comma that does too: the commas are then inside the cells
    (`1,5;2,5`). When none is regular, the one with the most frequent count of more than one cell is taken.
    """
    lines = list(io.StringIO(head, newline=""))  # not splitlines: to it a form feed ends a line too
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
        with _long_cells():
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
        elif len(name) > _LONGEST_NAME:
            raise InputError(
                f"{shown_path(path)} has a name of {len(name)} characters in its first line, that of column {at} "
                f"counted from 0{hint}: shorten it to {_LONGEST_NAME}."
            )
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


def _wide(
    path: Path, scan: _Scan, delimiter: str, names: list[str], *, skip: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]], list[str]]:
    """Typed values, markers and notes of a table of many columns, without duckdb, whose time grows with their square.

    Cells wait for their types as one text for a column and a chunk of rows, joined by NUL, which no cell holds: as
    objects of their own they would take eight times the memory.
    """
    parts: list[list[str]] = [[] for _ in names]
    rows_at_once = max(1, _CELLS_AT_ONCE // len(names))
    waiting: list[list[str]] = []

    def put_away() -> None:
        for part, cells in zip(parts, zip(*waiting, strict=True), strict=True):
            part.append("\0".join(cells))
        waiting.clear()

    for number, record in enumerate(_checked_records(path, scan, delimiter, len(names))):
        if number >= skip:
            waiting.append(record)
        if len(waiting) == rows_at_once:
            put_away()
    if waiting:
        put_away()
    columns: dict[str, NDArray[Any]] = {}
    markers: dict[str, NDArray[Any]] = {}
    notes: list[str] = []
    for name, part in zip(names, parts, strict=True):
        cells: list[str | None] = [*"\0".join(part).split("\0")] if part else []
        part.clear()
        columns[name], said, more = cast_texts(name, cells)
        if said is not None:
            markers[name] = said
        notes += more
    return columns, markers, notes


def _what_is_wrong(path: Path, scan: _Scan, delimiter: str, width: int | None) -> str:
    """The sentence about the first line that does not fit, found by the slow reader of the standard library."""
    try:
        for _ in _checked_records(path, scan, delimiter, width):
            pass
    except InputError as error:
        return str(error)
    return f"{shown_path(path)} cannot be read as a table of cells that end at a {DELIMITERS[delimiter]}."


def _checked_records(path: Path, scan: _Scan, delimiter: str, width: int | None) -> Iterator[list[str]]:
    """The lines of cells, blank lines left out; each must have as many as the first, or `width`.

    Raises:
        InputError: about the first line that does not fit.
    """
    where = shown_path(path)
    start = 1
    with _long_cells(), path.open(encoding=_decoding(scan.encoding), newline="") as file:
        reader = _records(file, delimiter)
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    raise InputError(f"{where} has a quote in line {start} that is never closed.") from None
                if "field larger" in str(error):
                    raise InputError(
                        f"{where} has a cell of more than {_LONGEST_LINE} characters in line {start}."
                    ) from None
                raise InputError(
                    f"{where} has text after a closing quote in line {start}: double the quotes inside a cell."
                ) from None
            if record and width is None:
                width = len(record)
            if record and len(record) != width:
                raise InputError(
                    f"{where} has {len(record)} cells in line {start}, but {width} in its first line "
                    f"(cells end at a {DELIMITERS[delimiter]})."
                )
            start = reader.line_num + 1
            if record:
                yield record


@contextmanager
def _long_cells() -> Iterator[None]:
    """Lets the csv module read long cells; its limit, which is the whole process's, is put back."""
    before = csv.field_size_limit(_LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)
