"""What is to be predicted: classes, numbers, ordered levels or several labels, told by the column or asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.dataset import ProblemKind
from minimand.workbench.tables.leaving import refuse_decimal_commas
from minimand.workbench.tables.table import (
    MISSING_MARKERS,
    TARGET_MISSING_MARKERS,
    Table,
    number_text,
    shown,
    some_names,
)

Task = Literal["auto", "classification", "regression", "ordinal"]
TASKS = ("auto", "classification", "regression", "ordinal")

MAX_CLASSES = 200
MOST_SURE_CLASSES = 20
"""Different numbers up to which they are taken for classes, if rows repeat them."""
ROWS_OF_A_NUMBER = 3
"""Rows for each different number, on average, from which so few are taken for classes."""
ENOUGH_ROWS = 10
"""Rows of the rarest from which whole numbers are taken for codes of classes, up to `MAX_CLASSES` of them."""

LARGEST_TARGET = 1e18
"""Beyond it the square of a number is too large for float32."""

# What a label may be written as: absent, present.
LABEL_WORDS = (("0", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("-1", "1"))


@dataclass(frozen=True)
class Target:
    """A target that has been read.

    Args:
        problem: what kind it is.
        why: in words, for the user.
        kept: the rows that have it.
        values: of those rows; see `Dataset.target`.
        classes: see `Dataset.classes`.
    """

    problem: ProblemKind
    why: str
    kept: NDArray[np.int64]
    values: NDArray[Any]
    classes: list[str]


def read_target(table: Table, columns: Sequence[str], *, task: str, drop_missing: bool, notes: list[str]) -> Target:
    """The target in one column, or the labels in several.

    Args:
        table: as read.
        columns: the names of the target columns.
        task: one of `TASKS`; "auto" takes text and few different numbers for classes, else numbers for numbers.
        drop_missing: leave out rows without a target instead of refusing them.
        notes: sentences that the user should see are added here.

    Raises:
        InputError: rows without a target, or a target that does not fit the task.
    """
    if task not in TASKS:
        raise InputError(f"--task must be one of {', '.join(TASKS)}, got {task!r}")
    if len(columns) > 1:
        return _labels(table, columns, task=task, drop_missing=drop_missing, notes=notes)
    column = columns[0]
    is_number, why = (task == "regression", "asked for") if task != "auto" else _looks_numeric(table, column)
    if is_number:
        return _numbers(table, column, why, drop_missing=drop_missing, notes=notes)
    labels = table.labels(column)
    kept = rows_with_target(column, np.array([label is not None for label in labels.tolist()]), drop_missing, notes)
    codes, classes = _code_classes(column, labels[kept], notes, ordered=task == "ordinal")
    return Target("ordinal" if task == "ordinal" else "classification", why, kept, codes, classes)


def as_number(label: str) -> float | None:
    """The number that a text is, finite and without tricks such as `1_000`; None for any other text."""
    try:
        number = float(label)
    except ValueError:
        return None
    return number if np.isfinite(number) and "_" not in label and label.isascii() else None


def rows_with_target(
    column: str, present: NDArray[np.bool_], drop_missing: bool, notes: list[str]
) -> NDArray[np.int64]:
    """The rows that have a target; that some have none is noted, or refused."""
    without = len(present) - int(present.sum())
    if without == len(present):
        raise InputError(f"the target {shown(column)!r} is empty in every row: give another column.")
    if without and not drop_missing:
        first = int(np.flatnonzero(~present)[0]) + 1
        raise InputError(
            f"{without} of {len(present)} rows have no target in {shown(column)!r} (the first is row {first}): "
            "fill them, "
            "or leave them out by --drop-missing-target."
        )
    if without:
        notes.append(f"{without} of {len(present)} rows have no target and were dropped")
    return np.flatnonzero(present).astype(np.int64)


# --- Classes and numbers ---------------------------------------------------------------------------------------------


def _looks_numeric(table: Table, column: str) -> tuple[bool, str]:
    """Whether a target is a number rather than a class, and why it is taken for what it is."""
    if not table.is_numeric(column):
        texts = table.columns[column].tolist()
        if len(set(texts)) > MOST_SURE_CLASSES:  # fewer may be names of classes that look so
            refuse_decimal_commas(column, texts)
        return False, "it is text"
    values = table.columns[column].astype(np.float64, copy=False)
    levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if not len(levels):
        return False, "it is empty"
    different = f"it is a number with {len(levels)} different value{'s' if len(levels) > 1 else ''}"
    if len(levels) <= MOST_SURE_CLASSES and counts.sum() >= ROWS_OF_A_NUMBER * len(levels):
        return False, f"{different}, and up to {MOST_SURE_CLASSES} that rows repeat are taken for classes"
    whole = bool((levels == np.floor(levels)).all())
    if whole and len(levels) <= MAX_CLASSES and counts.min() >= ENOUGH_ROWS:
        return False, f"{different}, all whole and each in at least {ENOUGH_ROWS} rows"
    return True, different


def numbers_of(table: Table, column: str, *, where: str) -> NDArray[np.float64]:
    """A target column as numbers, NaN where it is missing.

    Raises:
        InputError: a cell is no finite number.
    """
    cells = table.columns[column]
    if cells.dtype != object:
        values = cells.astype(np.float64)
    else:
        texts = cells.tolist()
        refuse_decimal_commas(column, texts)
        values = np.full(len(texts), np.nan)
        for row, text in enumerate(texts):
            if text is None:
                continue
            number = as_number(text)
            if number is None:
                hint = "write it without signs and separators" if any(c.isdigit() for c in text) else "take classes"
                raise InputError(
                    f"{where} has {shown(text, 30)!r} in row {row + 1}, which is no finite number, and regression "
                    f"needs numbers: {hint}, or leave the cell empty and give --drop-missing-target"
                )
            values[row] = number
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(
            f"{where} is infinite in {len(infinite)} rows (the first is row {int(infinite[0]) + 1}): leave the cells "
            "empty and give --drop-missing-target, or write the numbers that were meant"
        )
    return values


def _numbers(table: Table, column: str, why: str, *, drop_missing: bool, notes: list[str]) -> Target:
    where = f"the target {shown(column)!r}"
    values = numbers_of(table, column, where=where)
    kept = rows_with_target(column, ~np.isnan(values), drop_missing, notes)
    values = values[kept] + 0.0  # one zero
    if values.min() == values.max():
        only = number_text(float(values[0]))
        raise InputError(f"{where} is {only} in every row: there is nothing to predict.")
    largest = float(np.abs(values).max())
    if largest > LARGEST_TARGET:
        raise InputError(f"{where} has numbers as large as {largest:.3g}, whose squares overflow: divide it by a unit")
    return Target("regression", why, kept, values, [])


def _code_classes(
    column: str, labels: NDArray[np.object_], notes: list[str], *, ordered: bool
) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and classes, in the order of the numbers when all classes are numbers, else of the text."""
    counts = Counter(labels.tolist())
    where = f"the target {shown(column)!r}"
    if len(counts) == 1:
        raise InputError(f"{where} has one class only, {shown(next(iter(counts)))!r}: there is nothing to tell apart.")
    numbers = {label: as_number(label) for label in counts}
    if all(number is not None for number in numbers.values()):
        classes = sorted(counts, key=lambda label: (numbers[label], label))
    elif ordered:
        text = next(label for label in sorted(counts) if numbers[label] is None)
        raise InputError(
            f"{where} has the level {shown(text, 30)!r}, and the order of texts is not known: write the levels of "
            "--task ordinal as numbers"
        )
    else:
        classes = sorted(counts)
    if len(classes) > MAX_CLASSES:
        kind = "levels" if ordered else "classes"
        numeric = "" if None in numbers.values() else " (or --task regression)"
        raise InputError(
            f"{where} has {len(classes)} different values, more than the {MAX_CLASSES} {kind} that are "
            f"compared: is it an id or a text? Give another column{numeric}."
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


# --- Several labels --------------------------------------------------------------------------------------------------


def _labels(table: Table, columns: Sequence[str], *, task: str, drop_missing: bool, notes: list[str]) -> Target:
    if task not in ("auto", "classification"):
        raise InputError(f"--task {task} predicts one column, got {len(columns)} times --target: give one")
    if len(columns) > MAX_CLASSES:
        raise InputError(
            f"{len(columns)} labels are more than the {MAX_CLASSES} that are compared: give fewer --target"
        )
    found = np.stack([label_codes(table, column) for column in columns], axis=1)
    present: NDArray[np.bool_] = np.all(found >= 0, axis=1)
    kept = rows_with_target(", ".join(columns), present, drop_missing, notes)
    found = found[kept]
    for place, column in enumerate(columns):
        if found[:, place].min() == found[:, place].max():
            always = "present" if found[0, place] else "absent"
            raise InputError(f"the label {shown(column)!r} is {always} in every row: there is nothing to tell apart.")
    return Target("multi-label", f"{len(columns)} columns are to be predicted", kept, found, list(columns))


def label_codes(table: Table, column: str) -> NDArray[np.int64]:
    """A label column as 0 (absent), 1 (present) and -1 (missing).

    Raises:
        InputError: it holds anything else than two words for no and yes.
    """
    texts = [None if text is None else text.casefold() for text in table.labels(column).tolist()]
    levels = set(texts) - {None}
    for absent, present in LABEL_WORDS:
        if levels <= {absent, present}:
            codes = {None: -1, absent: 0, present: 1}
            return np.array([codes[text] for text in texts], dtype=np.int64)
    raise InputError(
        f"the label {shown(column)!r} has {some_names(sorted(map(str, levels)), 4)}: where several --target are given, "
        "each is a label of 0 and 1 (or false and true, no and yes)"
    )
