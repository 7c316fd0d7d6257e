"""Reading tables that carry types of their own: Parquet, and NumPy's `.npz`."""

from __future__ import annotations

import logging
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.extras import require
from minimand.workbench.tables.casting import cast_columns, cleaned, fetch, filled
from minimand.workbench.tables.delimited import connect
from minimand.workbench.tables.memory import from_arrays
from minimand.workbench.tables.read import content_digest, literal_path, refuse_bomb, shown_path
from minimand.workbench.tables.table import LARGEST_EXACT_INTEGER, MAX_COLUMNS, Table, shown, some_names

logger = logging.getLogger("minimand")

_FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_AS_TEXT = ("VARCHAR", "ENUM", "DATE", "TIME", "TIMESTAMP", "UUID", "INTERVAL")
FEATURE_NAMES = ("X", "x", "data")
TARGET_NAMES = ("y", "target", "labels")
_COLUMNS_AT_ONCE = 128  # the time of a query grows with the square of its columns


def read_parquet(path: Path) -> Table:
    """The table in a Parquet file: numbers as they are, text by the same rule as a CSV's.

    Raises:
        InputError: it is not a Parquet file, is damaged, has no rows, or too many columns.
    """
    duckdb = require("duckdb", extra="workbench")
    with tempfile.TemporaryDirectory(prefix="minimand-") as folder, literal_path(path, ".parquet") as literal:
        connection = connect(folder)
        try:
            connection.execute("SET enable_progress_bar = false")
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [literal]).fetchall()
            if len(described) > MAX_COLUMNS:
                raise InputError(
                    f"{shown_path(path)} has {len(described)} columns, more than the {MAX_COLUMNS} that are read."
                )
            claimed = connection.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [literal]).fetchone()[0]
            refuse_bomb(path, 8 * int(claimed) * len(described), cure="save it as CSV")
            types = {row[0]: str(row[1]) for row in described}
            return _parquet_table(connection, path, literal, types)
        except (duckdb.Error, UnicodeDecodeError) as error:
            logger.debug("duckdb could not read %s: %s", path, error)
            raise InputError(
                f"{shown_path(path)} is not a readable Parquet file: it is damaged, or something else."
            ) from None
        finally:
            connection.close()


def _parquet_table(connection: Any, path: Path, literal: str, types: dict[str, str]) -> Table:
    folded: dict[str, str] = {}
    for name in types:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise InputError(
                f"{shown_path(path)} has columns {shown(other)!r} and {shown(name)!r}, which differ in case "
                "only: rename one."
            )
    unreadable: dict[str, str] = {}
    selected: dict[str, str] = {}
    for name, kind in types.items():
        column = '"' + name.replace('"', '""') + '"'
        family = _family(kind)
        if kind.endswith("]") or not (
            family in (*_FLOATS, *_INTEGERS, *_AS_TEXT, "BOOLEAN", "DECIMAL") or family.startswith("TIMESTAMP")
        ):
            unreadable[name] = f"holds {shown(kind.lower(), 40)} values, neither numbers nor text"
        elif family in (*_FLOATS, *_INTEGERS, "DECIMAL", "BOOLEAN"):
            selected[name] = column
        else:
            selected[name] = cleaned(f"CAST({column} AS VARCHAR)")
    if not selected:
        raise InputError(f"{shown_path(path)} has no column of numbers or text.")
    columns: dict[str, NDArray[Any]] = {}
    markers: dict[str, NDArray[Any]] = {}
    notes: list[str] = []
    names = list(selected)
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        part = {f"c{number}": name for number, name in enumerate(names[start : start + _COLUMNS_AT_ONCE])}
        chosen = ", ".join(f"{selected[name]} AS {column}" for column, name in part.items())
        connection.execute(f"CREATE OR REPLACE TABLE cells AS SELECT {chosen} FROM read_parquet(?)", [literal])
        if connection.execute("SELECT count(*) FROM cells").fetchone()[0] == 0:
            raise InputError(f"{shown_path(path)} has columns but no rows.")
        found, said, more = _typed_columns(connection, part, types)
        columns |= found
        markers |= said
        notes += more
    return Table(
        name=path.stem,
        path=str(path),
        sha256=content_digest(path),
        columns={name: columns[name] for name in names},
        markers=markers,
        unreadable=unreadable,
        notes=tuple(notes),
    )


def _typed_columns(connection: Any, inside: dict[str, str], types: dict[str, str]) -> tuple[Any, Any, list[str]]:
    """The columns in duckdb's table of cells by the names of the file, with markers and notes."""
    notes: list[str] = []
    columns: dict[str, NDArray[Any]] = {}
    texts: dict[str, str] = {}
    for column, name in inside.items():
        family = _family(types[name])
        if family in (*_FLOATS, "DECIMAL") or (family in _INTEGERS and _exact(connection, column)):
            columns[name] = filled(fetch(connection, f"CAST({column} AS DOUBLE)", "cells").astype(np.float64), np.nan)
        elif family in _INTEGERS or family == "BOOLEAN":
            if family in _INTEGERS:
                notes.append(f"column {shown(name)!r} has whole numbers above 2^53: read as text, not rounded")
            fetched = fetch(connection, f"CAST({column} AS VARCHAR)", "cells")
            columns[name] = filled(fetched.astype(object), None)
        else:
            texts[column] = name
    cast, markers, more = cast_columns(connection, "cells", texts)
    return columns | cast, markers, [*notes, *more]


def _family(kind: str) -> str:
    return kind.partition("(")[0].partition(" ")[0]


def _exact(connection: Any, column: str) -> bool:
    low, high = connection.execute(f"SELECT min({column}), max({column}) FROM cells").fetchone()
    return low is None or max(abs(int(low)), abs(int(high))) <= LARGEST_EXACT_INTEGER


def read_npz(path: Path) -> Table:
    """The table in an `.npz`: features from `X`, `x` or `data`, the target from `y`, `target` or `labels` if present.

    Nothing in the file is executed: arrays of Python objects are refused.
    """
    where = shown_path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            features = next((name for name in FEATURE_NAMES if name in entries), None)
            target = next((name for name in TARGET_NAMES if name in entries), None)
            if features is None:
                raise InputError(
                    f"{where} has no array called {', '.join(FEATURE_NAMES[:-1])} or {FEATURE_NAMES[-1]}, but "
                    f"{some_names(entries) or 'none at all'}."
                )
            wanted = [name for name in (features, target) if name is not None]
            claimed = sum(_bytes_in_memory(archive, entries[name], name, where) for name in wanted)
            refuse_bomb(path, claimed, cure="save it uncompressed, by numpy.savez")
            X = _array(archive, entries[features])
            y = None if target is None else _array(archive, entries[target])
    except (InputError, PermissionError, MemoryError):
        raise
    except Exception as error:  # what zipfile, zlib and numpy raise of a damaged file is anyone's choice
        logger.debug("numpy could not read %s: %s", path, error)
        raise InputError(f"{where} is not a readable .npz file: it is damaged, or something else.") from None
    digest = content_digest(path)
    return from_arrays(X, y, target_name=target or "y", name=path.stem, path=str(path), sha256=digest, where=where)


def _bytes_in_memory(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, where: str) -> int:
    """What an array takes as a table, by its header alone: numpy would make room for what the header claims.

    Raises:
        InputError: it holds Python objects.
        ValueError: it is no array, or its header claims another length than the archive.
    """
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        rest = entry.file_size - file.tell()
    if dtype.hasobject:
        raise InputError(
            f"{where} has Python objects in its array {shown(name)!r}, which could run code when read: save numbers "
            "or text (dtype float, int or U)."
        )
    count = math.prod(shape)
    if count < 0 or count * dtype.itemsize != rest:
        raise ValueError(f"{name}: {shape} of {dtype} is not {rest} bytes long")
    return int(count * max(dtype.itemsize, 8))


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array
