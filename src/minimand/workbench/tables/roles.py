"""From a table to a dataset: which column is the target, which splits or weighs the rows, and what is learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.dataset import Dataset, Feature, LeftOut, Roles
from minimand.workbench.tables.dates import MixedDatesError, date_reader
from minimand.workbench.tables.leaving import Copies, determines_target, reason_to_leave_out
from minimand.workbench.tables.table import MISSING_MARKERS, TARGET_MISSING_MARKERS, Table, factorize, shown, some_names

MAX_CLASSES = 200
_MOST_FRACTIONS = 20
_MOST_SURE_INTEGERS = 50
_ENOUGH_ROWS = 10

Reference = str | int


def prepare(
    table: Table,
    *,
    target: Reference | None = None,
    group: Reference | None = None,
    time: Reference | None = None,
    weight: Reference | None = None,
    drop: Iterable[Reference] = (),
    drop_missing_target: bool = False,
) -> Dataset:
    """The dataset to learn from: the target coded, roles set apart, useless and leaking columns left out and said.

    Args:
        table: as read.
        target: the column to predict: its name, or without a header its number from 0 (-1 is the last). Bundled sets
            and `.npz` files know theirs.
        group: rows of one group never stand on both sides of a split.
        time: numbers or dates; no split trains on what comes after what it tests.
        weight: nonnegative numbers, one a row.
        drop: columns to leave out.
        drop_missing_target: drop rows without a target instead of refusing them.

    Raises:
        InputError: a column is unknown or cannot play its part, or nothing is left to learn from.
    """
    roles = _roles(table, target=target, group=group, time=time, weight=weight, drop=drop)
    labels = table.labels(roles.target)
    notes = list(table.notes)
    kept = _rows_with_target(table, roles.target, labels, drop_missing_target, notes)
    labels = labels[kept]
    codes, classes = _code_classes(table, roles.target, labels, notes)
    left_out: list[LeftOut] = []
    features: list[Feature] = []
    others = {column for column in (roles.target, roles.group, roles.time, roles.weight) if column is not None}
    copies = Copies()
    for name in (*table.columns, *table.unreadable):
        if name in others:
            continue
        if name in roles.drop:
            left_out.append(LeftOut(name, "dropped as asked"))
            continue
        if name in table.unreadable:
            left_out.append(LeftOut(name, table.unreadable[name]))
            continue
        values = table.columns[name][kept]
        _refuse_infinite(name, values, kept)
        reason = reason_to_leave_out(name, values, codes, len(classes), roles.target)
        if reason is None:
            twin = copies.earlier(name, values)
            reason = None if twin is None else f"repeats column {shown(twin)!r}"
        if reason is not None:
            left_out.append(LeftOut(name, reason))
            continue
        if determines_target(values, codes):
            notes.append(
                f"column {shown(name)!r} alone tells the class of every row: check that it is known before the "
                "target is"
            )
        features.append(Feature(name, "categorical" if values.dtype == object else "numeric", values))
    if not features:
        why = "; ".join(f"{shown(item.column)}: {item.reason}" for item in left_out[:5])
        raise InputError(f"{table.name} has no column left to learn from{f' ({why})' if why else ''}.")
    missing = sum(feature.missing for feature in features)
    if missing:
        affected = sum(feature.missing > 0 for feature in features)
        notes.append(f"{missing} cells in {affected} columns are missing")
    return Dataset(
        name=table.name,
        path=table.path,
        sha256=table.sha256,
        features=features,
        target=codes,
        classes=classes,
        roles=roles,
        groups=None if roles.group is None else _group_codes(table, roles.group, kept, notes),
        times=None if roles.time is None else read_times(table, roles.time, kept, notes),
        weights=None if roles.weight is None else read_weights(table, roles.weight, kept),
        left_out=left_out,
        notes=notes,
        row_numbers=kept,
    )


def _roles(
    table: Table,
    *,
    target: Reference | None,
    group: Reference | None,
    time: Reference | None,
    weight: Reference | None,
    drop: Iterable[Reference],
) -> Roles:
    if target is None:
        if table.target is None:
            raise InputError(
                f"{table.name} does not say which column to predict: give --target ({some_names(table.columns)})."
            )
        target = table.target
    named = {"--target": table.resolve(target, role="--target")}
    for role, reference in (("--group", group), ("--time", time), ("--weight", weight)):
        if reference is not None:
            column = table.resolve(reference, role=role)
            for other, taken in named.items():
                if taken == column:
                    raise InputError(f"{other} and {role} are the same column, {shown(column)!r}: give each its own.")
            named[role] = column
    dropped: list[str] = []
    for reference in drop:
        known_unreadable = str(reference) in table.unreadable
        column = str(reference) if known_unreadable else table.resolve(reference, role="--drop")
        for other, taken in named.items():
            if taken == column:
                raise InputError(
                    f"{other} and --drop are the same column, {shown(column)!r}: a dropped column has no part."
                )
        dropped.append(column)
    return Roles(
        target=named["--target"],
        group=named.get("--group"),
        time=named.get("--time"),
        weight=named.get("--weight"),
        drop=tuple(dict.fromkeys(dropped)),
        header=table.header,
        columns=tuple(table.columns),
    )


def _rows_with_target(
    table: Table, target: str, labels: NDArray[np.object_], drop_missing_target: bool, notes: list[str]
) -> NDArray[np.int64]:
    present = np.array([label is not None for label in labels.tolist()], dtype=bool)
    without = len(present) - int(present.sum())
    if without == len(present):
        raise InputError(f"the target {shown(target)!r} is empty in every row: give another column.")
    if without and not drop_missing_target:
        first = int(np.flatnonzero(~present)[0]) + 1
        raise InputError(
            f"{without} of {len(present)} rows have no target in {shown(target)!r} (the first is row {first}): "
            "fill them, "
            "or leave them out by --drop-missing-target."
        )
    if without:
        notes.append(f"{without} of {len(present)} rows have no target and were dropped")
    return np.flatnonzero(present).astype(np.int64)


def _code_classes(
    table: Table, target: str, labels: NDArray[np.object_], notes: list[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and classes, in the order of the numbers when all classes are numbers, else of the text."""
    counts = Counter(labels.tolist())
    where = f"the target {shown(target)!r}"
    if len(counts) == 1:
        raise InputError(f"{where} has one class only, {shown(next(iter(counts)))!r}: there is nothing to tell apart.")
    numbers = {label: _as_number(label) for label in counts}
    if all(number is not None for number in numbers.values()):
        _refuse_regression(where, list(numbers.values()), counts)  # type: ignore[arg-type]
        classes = sorted(counts, key=lambda label: (numbers[label], label))
    else:
        classes = sorted(counts)
    if len(classes) > MAX_CLASSES:
        raise InputError(
            f"{where} has {len(classes)} different values, more than the {MAX_CLASSES} classes that are "
            "compared: is it "
            "an id or a text? Give another column."
        )
    unusual = [label for label in classes if label in MISSING_MARKERS and label not in TARGET_MISSING_MARKERS]
    if unusual:
        notes.append(f"{where} has the class {unusual[0]!r}: in the target only empty cells and '?' are missing")
    folded = Counter(label.casefold() for label in classes)
    alike = [label for label in classes if folded[label.casefold()] > 1]
    if alike:
        notes.append(f"the classes {some_names(alike[:2])} differ in case only: are they one?")
    position = {label: code for code, label in enumerate(classes)}
    codes = np.fromiter(map(position.__getitem__, labels.tolist()), dtype=np.int64, count=len(labels))
    return codes, classes


def _as_number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if np.isfinite(number) and "_" not in label else None


def _refuse_regression(where: str, numbers: list[float], counts: Counter[str]) -> None:
    """Numbers are classes when few; many whole numbers are codes of classes only when each has enough rows."""
    whole = all(number == int(number) for number in numbers)
    fewest = min(counts.values())
    if len(numbers) <= (_MOST_SURE_INTEGERS if whole else _MOST_FRACTIONS):
        return
    if whole and len(numbers) <= MAX_CLASSES and fewest >= _ENOUGH_ROWS:
        return
    raise InputError(
        f"{where} is a number with {len(numbers)} different values, not a class (numbers are classes up to "
        f"{_MOST_FRACTIONS} values, whole numbers up to {_MOST_SURE_INTEGERS}, or {MAX_CLASSES} if each has at least "
        f"{_ENOUGH_ROWS} rows): regression comes later."
    )


def _refuse_infinite(name: str, values: NDArray[Any], rows: NDArray[np.int64]) -> None:
    if values.dtype != object and np.isinf(values).any():
        bad = np.flatnonzero(np.isinf(values))
        raise InputError(
            f"column {shown(name)!r} is infinite in {len(bad)} rows (the first is row {int(rows[bad[0]]) + 1}): "
            "leave the "
            "cells empty, or leave the column out by --drop."
        )


def _group_codes(table: Table, column: str, rows: NDArray[np.int64], notes: list[str]) -> NDArray[np.int64]:
    codes, levels = factorize(table.labels(column)[rows])
    if len(levels) < 2:
        raise InputError(f"--group {shown(column)!r} has the same value in every row: there is nothing to split by.")
    if levels[-1] is None:
        notes.append(f"rows without a value in the group {shown(column)!r} count as one group")
    return codes


def read_times(table: Table, column: str, rows: NDArray[np.int64], notes: list[str]) -> NDArray[np.float64]:
    """The time of each row: numbers as given, dates as seconds since 1970.

    Raises:
        InputError: a row has none, or one that cannot be read.
    """
    values = table.columns[column][rows]
    if values.dtype != object:
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise InputError(
                f"--time {shown(column)!r} has no finite number in {len(wrong)} rows (the first is row "
                f"{int(rows[wrong[0]]) + 1})."
            )
        return values.astype(np.float64)
    texts = values.tolist()
    levels = {text for text in texts if text is not None}
    try:
        read, note = date_reader(levels)
    except MixedDatesError:
        raise InputError(
            f"--time {shown(column)!r} mixes day/month/year with month/day/year: write the dates as 2026-12-31."
        ) from None
    seconds = {text: read(text) for text in levels}
    for row, text in enumerate(texts):
        if text is None or seconds[text] is None:
            found = "nothing" if text is None else repr(shown(text, 30))
            raise InputError(
                f"--time {shown(column)!r} has {found} in row {int(rows[row]) + 1}, which is neither a date nor "
                "a number: "
                "write dates as 2026-12-31."
            )
    if note is not None:
        notes.append(f"--time {shown(column)!r}: {note}")
    return np.array([seconds[text] for text in texts], dtype=np.float64)


def read_weights(table: Table, column: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weight of each row.

    Raises:
        InputError: one is missing, negative, infinite or no number, or all are zero.
    """
    values = table.columns[column][rows]
    if values.dtype == object:
        wrong = next(row for row, text in enumerate(values.tolist()) if text is None or _as_number(text) is None)
        raise InputError(
            f"--weight {shown(column)!r} has {shown(str(values[wrong] or 'nothing'), 30)!r} in row "
            f"{int(rows[wrong]) + 1}: "
            "weights are numbers of 0 or more."
        )
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if len(bad):
        found = "nothing" if np.isnan(values[bad[0]]) else repr(float(values[bad[0]]))
        raise InputError(
            f"--weight {shown(column)!r} has {found} in row {int(rows[bad[0]]) + 1}: weights are finite numbers "
            "of 0 or more."
        )
    if not values.any():
        raise InputError(f"--weight {shown(column)!r} is 0 in every row: at least one row must count.")
    return values.astype(np.float64)
