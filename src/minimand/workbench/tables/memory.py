"""Tables from what a Python program holds: a pair of arrays, a dictionary of columns, or a data frame."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.casting import cast_flags, cast_integers, cast_texts
from minimand.workbench.tables.read import read_table
from minimand.workbench.tables.table import MAX_COLUMNS, Table, factorize, shown


def as_table(data: Any, *, header: bool = True, name: str = "data") -> Table:
    """A table from whatever `compare` is given.

    Args:
        data: a `Table`; a path or bundled name; a pair `(X, y)`; a mapping of names to columns; or a data frame
            (anything with `.columns` whose columns are had by `data[column]`: pandas, polars).
        header: for files only, see `read_table`.
        name: what to call data from memory.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, (str, Path)):
        return read_table(data, header=header)
    if isinstance(data, Mapping):
        return from_columns(data, name=name)
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        labels = list(data.columns)
        if len({str(label) for label in labels}) < len(labels):
            repeated = next(label for label in labels if [str(other) for other in labels].count(str(label)) > 1)
            raise InputError(f"the data frame has the column name {shown(str(repeated))!r} twice: rename one.")
        return from_columns({label: data[label] for label in labels}, name=name)
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(data[0], data[1], name=name)
    raise InputError(
        "data must be a path, a bundled name, a data frame, a mapping of columns or a pair (X, y), got a "
        f"{type(data).__name__}."
    )


def from_arrays(
    X: Any,
    y: Any = None,
    *,
    names: Sequence[str] | None = None,
    target_name: str = "target",
    name: str = "data",
    path: str | None = None,
    sha256: str | None = None,
    where: str = "the data",
) -> Table:
    """A table from a matrix of features and, as its last column, a target.

    Args:
        X: `(N, D)` numbers, truth values or text; a data frame keeps its names.
        y: `(N,)` classes or numbers, or `(N, C)` several labels of 0 and 1; or `None`.
        names: of the columns of `X`; without, they are numbered.
        target_name: what to call the column of `y`.
        name, path, sha256: of the table; without `sha256`, that of the values.
        where: how an error calls the data.
    """
    if hasattr(X, "columns") and names is None:
        frame = {str(label): X[label] for label in X.columns}
        if y is not None:
            if target_name in frame:
                raise InputError(f"{where} has a feature called {target_name!r}, like the target: rename it.")
            frame[target_name] = y
        table = from_columns(frame, name=name)
        return _with_target(table, None if y is None else target_name)
    matrix = np.asarray(X)
    if matrix.ndim != 2:
        raise InputError(f"{where} must have its features as (rows, columns), got an array of shape {matrix.shape}.")
    if matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise InputError(f"{where} has no rows or no columns: its features have the shape {matrix.shape}.")
    if matrix.shape[1] > MAX_COLUMNS:
        raise InputError(f"{where} has {matrix.shape[1]} columns, more than the {MAX_COLUMNS} that are read.")
    labels = [str(number) for number in range(matrix.shape[1])] if names is None else [str(label) for label in names]
    if len(labels) != matrix.shape[1]:
        raise InputError(f"{where} has {matrix.shape[1]} columns but {len(labels)} names.")
    columns: dict[str, Any] = {label: matrix[:, at] for at, label in enumerate(labels)}
    if len(columns) < len(labels):
        repeated = next(label for label in labels if labels.count(label) > 1)
        raise InputError(f"{where} has the column name {shown(repeated)!r} twice: rename one.")
    if y is not None:
        target = np.asarray(y)
        if target.ndim == 2 and target.shape[1] == 1:
            target = target[:, 0]
        if target.ndim not in (1, 2) or len(target) != len(matrix) or target.size == 0:
            raise InputError(f"{where} has {len(matrix)} rows of features but a target of shape {target.shape}.")
        for label, values in _targets(target, target_name).items():
            if label in columns:
                raise InputError(f"{where} has a feature called {label!r}, like the target: rename it.")
            columns[label] = values
        found = tuple(_targets(target, target_name))
        known = found if len(found) > 1 else target_name
    table = from_columns(columns, name=name, path=path, sha256=sha256, header=names is not None)
    return _with_target(table, None if y is None else known)


def _targets(target: NDArray[Any], name: str) -> dict[str, NDArray[Any]]:
    """The columns of a target: itself, or several labels by their numbers."""
    if target.ndim == 1:
        return {name: target}
    return {f"{name} {number}": target[:, number] for number in range(target.shape[1])}


def _with_target(table: Table, target: str | tuple[str, ...] | None) -> Table:
    from dataclasses import replace

    return replace(table, target=target)


def from_columns(
    columns: Mapping[Any, Any],
    *,
    name: str = "data",
    path: str | None = None,
    sha256: str | None = None,
    header: bool = True,
) -> Table:
    """A table from named columns; text among them is read by the same rule as the cells of a file."""
    if not columns:
        raise InputError("the data has no columns.")
    if len(columns) > MAX_COLUMNS:
        raise InputError(f"the data has {len(columns)} columns, more than the {MAX_COLUMNS} that are read.")
    values: dict[str, NDArray[Any]] = {}
    markers: dict[str, NDArray[np.int8]] = {}
    unreadable: dict[str, str] = {}
    notes: list[str] = []
    length: int | None = None
    for label, column in columns.items():
        key = str(label)
        if key in values or key in unreadable:
            raise InputError(f"the data has the column name {shown(key)!r} twice: rename one.")
        array = _one_dimensional(key, column)
        if length is not None and len(array) != length:
            raise InputError(f"column {shown(key)!r} has {len(array)} rows, but the columns before it have {length}.")
        length = len(array)
        typed, said, more = _typed(key, array)
        if typed is None:
            unreadable[key] = f"holds {array.dtype} values, neither numbers nor text"
            continue
        values[key] = typed
        if said is not None:
            markers[key] = said
        notes += more
    if not values:
        raise InputError(f"{path or name} has no column of numbers or text.")
    if not length:
        raise InputError("the data has no rows.")
    return Table(
        name=name,
        path=path,
        sha256=sha256 or _digest(values),
        columns=values,
        header=header,
        markers=markers,
        unreadable=unreadable,
        notes=tuple(notes),
    )


def _one_dimensional(name: str, column: Any) -> NDArray[Any]:
    if hasattr(column, "to_numpy"):
        column = column.to_numpy()
    elif not isinstance(column, np.ndarray):
        listed = list(column)
        column = np.asarray(listed) if _same_kind(listed) else _objects(listed)
    array: NDArray[Any] = np.asarray(column)
    if array.ndim != 1:
        raise InputError(f"column {shown(name)!r} must be one value a row, got an array of shape {array.shape}.")
    return array


def _same_kind(listed: list[Any]) -> bool:
    # numpy would turn [1, "a", None] into text or fail: only lists of one kind of number are for it to read.
    return all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in listed) and all(
        not isinstance(value, int) or abs(value) < 2**63 for value in listed
    )


def _objects(listed: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _typed(name: str, array: NDArray[Any]) -> tuple[NDArray[Any] | None, NDArray[np.int8] | None, list[str]]:
    """Float64 or text, what missing cells said, and notes; `None` for a type that is neither."""
    kind = array.dtype.kind
    if kind == "f":
        return array.astype(np.float64), None, []
    if kind == "b":
        return cast_flags(array), None, []
    if kind in "iu":
        exact, as_text = cast_integers(array)
        note = f"column {shown(name)!r} has whole numbers above 2^53: read as text, not rounded"
        return exact, None, [note] if as_text else []
    if kind in "UT":
        return cast_texts(name, array.tolist())
    if kind == "M":
        return cast_texts(name, [None if text == "NaT" else text for text in np.datetime_as_string(array).tolist()])
    if kind == "O":
        return cast_texts(name, [_cell_text(value) for value in array.tolist()])
    return None, None, []


def _cell_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and np.isnan(value):
        return None
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


def _digest(columns: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(f"{len(name)}:{name}:{values.dtype.kind}:{len(values)}".encode())
        if values.dtype == object:
            codes, levels = factorize(values)
            digest.update(codes.tobytes())
            for level in levels:
                digest.update(b"-" if level is None else f"{len(str(level))}:{level}".encode("utf-8", "surrogatepass"))
        else:
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
