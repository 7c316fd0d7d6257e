"""From a table to a dataset: which column is the target, which splits or weighs the rows, and what is learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.dataset import Dataset, Feature, LeftOut, Roles
from minimand.workbench.tables.dates import MixedDatesError, date_reader
from minimand.workbench.tables.leaving import Copies, determines_target, reason_to_leave_out, repeats_number
from minimand.workbench.tables.table import Table, factorize, shown, some_names
from minimand.workbench.tables.targets import Target, as_number, read_target

Reference = str | int


def prepare(
    table: Table,
    *,
    target: Reference | Sequence[Reference] | None = None,
    group: Reference | None = None,
    time: Reference | None = None,
    weight: Reference | None = None,
    drop: Iterable[Reference] = (),
    drop_missing_target: bool = False,
    task: str = "auto",
) -> Dataset:
    """The dataset to learn from: the target coded, roles set apart, useless and leaking columns left out and said.

    Args:
        table: as read.
        target: the column to predict: its name, or without a header its number from 0 (-1 is the last). Bundled sets
            and `.npz` files know theirs. Several are labels, of which each row may have any number.
        group: rows of one group never stand on both sides of a split.
        time: numbers or dates; no split trains on what comes after what it tests.
        weight: nonnegative numbers, one a row.
        drop: columns to leave out.
        drop_missing_target: drop rows without a target instead of refusing them.
        task: "auto" (text and few different numbers are classes, other numbers are numbers), "classification",
            "regression" or "ordinal".

    Raises:
        InputError: a column is unknown or cannot play its part, or nothing is left to learn from.
    """
    roles = _roles(table, target=target, group=group, time=time, weight=weight, drop=drop)
    notes = list(table.notes)
    found = read_target(table, roles.targets, task=task, drop_missing=drop_missing_target, notes=notes)
    kept = found.kept
    left_out: list[LeftOut] = []
    features: list[Feature] = []
    others = {column for column in (*roles.targets, roles.group, roles.time, roles.weight) if column is not None}
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
        reason = _reason_to_leave_out(name, values, found, roles)
        if reason is None:
            twin = copies.earlier(name, values)
            reason = None if twin is None else f"repeats column {shown(twin)!r}"
        if reason is not None:
            left_out.append(LeftOut(name, reason))
            continue
        if found.problem in ("classification", "ordinal") and determines_target(values, found.values):
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
        target=found.values,
        classes=found.classes,
        roles=roles,
        groups=None if roles.group is None else _group_codes(table, roles.group, kept, notes),
        times=None if roles.time is None else read_times(table, roles.time, kept, notes),
        weights=None if roles.weight is None else read_weights(table, roles.weight, kept),
        left_out=left_out,
        notes=notes,
        row_numbers=kept,
        problem=found.problem,
        problem_why=found.why,
    )


def _reason_to_leave_out(name: str, values: NDArray[Any], target: Target, roles: Roles) -> str | None:
    """Why a column is not a feature, or `None` when it is one."""
    if target.problem == "regression":
        nothing = np.zeros(len(values), dtype=np.int64)
        reason = reason_to_leave_out(name, values, nothing, 0, roles.target)
        return reason or repeats_number(values, target.values, roles.target)
    if target.problem == "multi-label":
        reasons = (
            reason_to_leave_out(name, values, target.values[:, place], 2, label)
            for place, label in enumerate(roles.labels)
        )
        return next((reason for reason in reasons if reason is not None), None)
    return reason_to_leave_out(name, values, target.values, len(target.classes), roles.target)


def _roles(
    table: Table,
    *,
    target: Reference | Sequence[Reference] | None,
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
    several = [target] if isinstance(target, str | int) else list(target)
    targets = [table.resolve(one, role="--target") for one in several]
    for column in targets:
        if targets.count(column) > 1:
            raise InputError(f"--target {shown(column)!r} is given twice: give each column once.")
    if not targets:
        raise InputError("--target names no column: give at least one.")
    named = {"--target" if place == 0 else f"--target {place + 1}": column for place, column in enumerate(targets)}
    for role, reference in (("--group", group), ("--time", time), ("--weight", weight)):
        if reference is not None:
            column = table.resolve(reference, role=role)
            for other, taken in named.items():
                if taken == column:
                    raise InputError(
                        f"{_option(other)} and {role} are the same column, {shown(column)!r}: give each its own."
                    )
            named[role] = column
    dropped: list[str] = []
    for reference in drop:
        known_unreadable = str(reference) in table.unreadable
        column = str(reference) if known_unreadable else table.resolve(reference, role="--drop")
        for other, taken in named.items():
            if taken == column:
                raise InputError(
                    f"{_option(other)} and --drop are the same column, {shown(column)!r}: a dropped column has no part."
                )
        dropped.append(column)
    return Roles(
        target=", ".join(targets),
        group=named.get("--group"),
        time=named.get("--time"),
        weight=named.get("--weight"),
        drop=tuple(dict.fromkeys(dropped)),
        header=table.header,
        columns=tuple(table.columns),
        labels=tuple(targets) if len(targets) > 1 else (),
    )


def _option(name: str) -> str:
    """The option of a role; of several targets it is one."""
    return name.partition(" ")[0]


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
        wrong = next(row for row, text in enumerate(values.tolist()) if text is None or as_number(text) is None)
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
