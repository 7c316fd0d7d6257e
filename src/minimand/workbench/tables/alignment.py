"""The roles of one dataset applied to another table: for a test file and for predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.dataset import Dataset, Feature, Values, no_target
from minimand.workbench.tables.roles import read_weights
from minimand.workbench.tables.table import Table, nearest_names, number_texts, shown, some_names
from minimand.workbench.tables.targets import label_codes, numbers_of


def align(dataset: Dataset, table: Table) -> Dataset:
    """The rows of `table` as features of `dataset`, in its order and kinds, and coded by its classes.

    Columns are found by name, or by number when neither has a header; a header-less table may lack the target, and
    then the columns after it move up by one. Rows without a label get the code -1, rows without a number NaN. Groups
    and times are not read.

    Raises:
        InputError: a feature is missing or of another kind, or a label is not one of the classes.
    """
    place = _places(dataset, table)
    notes = list(table.notes)
    features = [
        Feature(feature.name, feature.kind, _values(table, place[feature.name], feature))
        for feature in dataset.features
    ]
    target = _target(dataset, table, place, notes)
    weight = place.get(dataset.roles.weight or "")
    every = np.arange(table.n_rows, dtype=np.int64)
    return Dataset(
        name=table.name,
        path=table.path,
        sha256=table.sha256,
        features=features,
        target=target,
        classes=list(dataset.classes),
        roles=dataset.roles,
        weights=None if weight is None else read_weights(table, weight, every),
        left_out=list(dataset.left_out),
        notes=notes,
        row_numbers=every,
        problem=dataset.problem,
        problem_why=dataset.problem_why,
    )


def _places(dataset: Dataset, table: Table) -> dict[str, str]:
    """Name in the dataset to name in the table, for every column that is in both."""
    roles = dataset.roles
    if roles.header != table.header:
        one, other = ("has", "has not") if roles.header else ("has no", "has")
        raise InputError(f"{table.name} {other} column names, but the data it must fit {one}: read both the same way.")
    needed = [feature.name for feature in dataset.features]
    names = list(table.columns)
    if roles.header:
        for name in needed:
            if name not in table.columns:
                raise InputError(f"{table.name} lacks the column {shown(name)!r}: {nearest_names(name, names)}.")
        return {name: name for name in (*needed, *roles.targets, roles.weight) if name in table.columns}
    expected = list(roles.columns)
    if len(names) == len(expected):
        return dict(zip(expected, names, strict=True))
    without = [name for name in expected if name not in roles.targets]
    if len(names) == len(without):
        return dict(zip(without, names, strict=True))
    raise InputError(
        f"{table.name} has {len(names)} columns, but must have {len(expected)} like the data it must fit, or "
        f"{len(without)} without the target."
    )


def _values(table: Table, column: str, feature: Feature) -> Values:
    values = table.columns[column]
    if feature.kind == "categorical":
        return values if values.dtype == object else number_texts(values.astype(np.float64, copy=False))
    if values.dtype == object:
        values = _numbers(table, column, values)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(f"column {shown(column)!r} of {table.name} is infinite in row {int(infinite[0]) + 1}.")
    return values


def _numbers(table: Table, column: str, values: Values) -> NDArray[np.float64]:
    numbers = np.full(len(values), np.nan)
    for row, text in enumerate(values.tolist()):
        if text is not None:
            try:
                numbers[row] = float(text)
            except ValueError:
                raise InputError(
                    f"column {shown(column)!r} of {table.name} has {shown(text, 30)!r} in row {row + 1}, but "
                    "holds numbers "
                    "in the data it must fit."
                ) from None
    return numbers


def _target(dataset: Dataset, table: Table, place: dict[str, str], notes: list[str]) -> NDArray[Any]:
    """The target of each row, as far as it is there."""
    target = no_target(dataset.problem, table.n_rows, dataset.n_classes)
    if dataset.problem == "multi-label":
        for number, label in enumerate(dataset.roles.targets):
            if label in place:
                target[:, number] = label_codes(table, place[label])
        missing = (target < 0).any(1)
    elif dataset.roles.target not in place:
        return target
    elif dataset.problem == "regression":
        column = place[dataset.roles.target]
        target = numbers_of(table, column, where=f"the target {shown(column)!r} of {table.name}")
        missing = np.isnan(target)
    else:
        target = _codes(dataset, table, place[dataset.roles.target], notes)
        missing = target < 0
    if missing.any():
        notes.append(f"{int(missing.sum())} rows of {table.name} have no target")
    return target


def _codes(dataset: Dataset, table: Table, column: str, notes: list[str]) -> NDArray[np.int64]:
    labels = table.labels(column).tolist()
    known = {label: code for code, label in enumerate(dataset.classes)}
    unknown = {label for label in labels if label is not None and label not in known}
    if unknown:
        # the labels of a well-known test file end in a full stop, those of its training file do not.
        bare = {label.removesuffix("."): code for label, code in known.items()}
        if len(bare) == len(known) and all(label.removesuffix(".") in bare for label in unknown):
            known |= {label: bare[label.removesuffix(".")] for label in unknown}
            notes.append(f"a full stop at the end of the labels was ignored (such as {shown(sorted(unknown)[0])!r})")
        else:
            more = sorted(label for label in unknown if label.removesuffix(".") not in bare) or sorted(unknown)
            raise InputError(
                f"the target {shown(column)!r} of {table.name} has labels that are not among the classes "
                f"{some_names(dataset.classes)}: {', '.join(repr(shown(label)) for label in more[:3])}."
            )
    return np.array([-1 if label is None else known[label] for label in labels], dtype=np.int64)
