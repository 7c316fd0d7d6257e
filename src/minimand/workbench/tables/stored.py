"""Reading tables that carry types of their own: Parquet, and NumPy's `.npz`."""

from __future__ import annotations

import logging
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
from minimand.workbench.tables.read import content_digest, literal_path, shown_path
from minimand.workbench.tables.table import LARGEST_EXACT_INTEGER, MAX_COLUMNS, Table, shown

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
_LARGEST_ARRAYS = 1 << 35


def read_parquet(path: Path) -> Table:
    """The table in a Parquet file: numbers as they are, text by the same rule as a CSV's.

    Raises:
        InputError: it is not a Parquet file, is damaged, has no rows, or too many columns.
    """
    duckdb = require("duckdb", extra="workbench")
    digest = content_digest(path)
    with tempfile.TemporaryDirectory(prefix="minimand-") as folder, literal_path(path, ".parquet") as literal:
        connection = connect(folder)
        try:
            connection.execute("SET enable_progress_bar = false")
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [literal]).fetchall()
            if len(described) > MAX_COLUMNS:
                raise InputError(
                    f"{shown_path(path)} has {len(described)} columns, more than the {MAX_COLUMNS} that are read."
                )
            types = {row[0]: str(row[1]) for row in described}
            return _parquet_table(connection, path, literal, types, digest)
        except (duckdb.Error, UnicodeDecodeError) as error:
            logger.debug("duckdb could not read %s: %s", path, error)
            raise InputError(
                f"{shown_path(path)} is not a readable Parquet file: it is damaged, or something else."
            ) from None
        finally:
            connection.close()


def _parquet_table(connection: Any, path: Path, literal: str, types: dict[str, str], digest: str) -> Table:
    folded: dict[str, str] = {}
    for name in types:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise InputError(
                f"{shown_path(path)} has columns {shown(other)!r} and {shown(name)!r}, which differ in case "
                "only: rename one."
            )
    unreadable: dict[str, str] = {}
    selected: list[str] = []
    inside: dict[str, str] = {}
    for number, (name, kind) in enumerate(types.items()):
        column = '"' + name.replace('"', '""') + '"'
        family = kind.partition("(")[0].partition(" ")[0]
        if kind.endswith("]") or not (
            family in (*_FLOATS, *_INTEGERS, *_AS_TEXT, "BOOLEAN", "DECIMAL") or family.startswith("TIMESTAMP")
        ):
            unreadable[name] = f"holds {shown(kind.lower(), 40)} values, neither numbers nor text"
            continue
        if family in (*_FLOATS, *_INTEGERS, "DECIMAL", "BOOLEAN"):
            selected.append(f"{column} AS c{number}")
        else:
            selected.append(f"{cleaned(f'CAST({column} AS VARCHAR)')} AS c{number}")
        inside[f"c{number}"] = name
    if not inside:
        raise InputError(f"{shown_path(path)} has no column of numbers or text.")
    connection.execute(f"CREATE TABLE cells AS SELECT {', '.join(selected)} FROM read_parquet(?)", [literal])
    if connection.execute("SELECT count(*) FROM cells").fetchone()[0] == 0:
        raise InputError(f"{shown_path(path)} has columns but no rows.")
    notes: list[str] = []
    columns: dict[str, NDArray[Any]] = dict.fromkeys(inside.values(), np.zeros(0))
    texts: dict[str, str] = {}
    for column, name in inside.items():
        family = types[name].partition("(")[0].partition(" ")[0]
        if family in (*_FLOATS, "DECIMAL") or (family in _INTEGERS and _exact(connection, column)):
            columns[name] = filled(fetch(connection, f"CAST({column} AS DOUBLE)", "cells").astype(np.float64), np.nan)
        else:
            if family in _INTEGERS:
                notes.append(f"column {shown(name)!r} has whole numbers above 2^53: read as text, not rounded")
            texts[column] = name
    exact = {name for column, name in texts.items() if types[name] in _INTEGERS or types[name] == "BOOLEAN"}
    for column in [column for column, name in texts.items() if name in exact]:
        fetched = fetch(connection, f"CAST({column} AS VARCHAR)", "cells")
        columns[texts.pop(column)] = filled(fetched.astype(object), None)
    cast, markers, more = cast_columns(connection, "cells", texts)
    columns.update(cast)
    return Table(
        name=path.stem,
        path=str(path),
        sha256=digest,
        columns=columns,
        markers=markers,
        unreadable=unreadable,
        notes=(*notes, *more),
    )


def _exact(connection: Any, column: str) -> bool:
    low, high = connection.execute(f"SELECT min({column}), max({column}) FROM cells").fetchone()
    return low is None or max(abs(int(low)), abs(int(high))) <= LARGEST_EXACT_INTEGER


def read_npz(path: Path) -> Table:
    """The table in an `.npz`: features from `X`, `x` or `data`, the target from `y`, `target` or `labels` if present.

    Nothing in the file is executed: arrays of Python objects are refused.
    """
    where = shown_path(path)
    digest = content_digest(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_ARRAYS:
                raise InputError(
                    f"{where} unpacks to more than {_LARGEST_ARRAYS >> 30} GiB: give a sample of its rows."
                )
        with np.load(path, allow_pickle=False) as arrays:
            names = list(arrays.files)
            features = next((name for name in FEATURE_NAMES if name in names), None)
            target = next((name for name in TARGET_NAMES if name in names), None)
            if features is None:
                raise InputError(
                    f"{where} has no array called {', '.join(FEATURE_NAMES[:-1])} or {FEATURE_NAMES[-1]}, but "
                    f"{', '.join(shown(name) for name in names[:8]) or 'none at all'}."
                )
            X = _array(arrays, features, where)
            y = None if target is None else _array(arrays, target, where)
    except (zipfile.BadZipFile, EOFError, KeyError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, (InputError, PermissionError)):
            raise
        logger.debug("numpy could not read %s: %s", path, error)
        raise InputError(f"{where} is not a readable .npz file: it is damaged, or something else.") from None
    return from_arrays(X, y, target_name=target or "y", name=path.stem, path=str(path), sha256=digest, where=where)


def _array(arrays: Any, name: str, where: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = arrays[name]
    except ValueError as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise InputError(
                f"{where} has Python objects in its array {shown(name)!r}, which could run code when read: save "
                "numbers "
                "or text (dtype float, int or U)."
            ) from None
        raise
    return array
