"""Outer resamples and inner validation rows: drawn by name, stratified, and without leaks across groups or time.

A resample divides the rows into those that are trained on and those that only judge. Inside the former, a fifth is
set aside to choose settings and epochs. What is drawn depends on the seed and on the resample's name alone, so that
every objective meets the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.extras import require
from minimand.training.seeds import named_seed
from minimand.workbench.compare.problem import problem_of
from minimand.workbench.tables import Dataset
from minimand.workbench.tables.targets import as_number

Index = NDArray[np.int64]

PARTS = 5
"""One part in five judges; of the rest, one part in five validates."""
DRAWS = 20
"""How often whole groups are drawn again when a class is lacking on one side."""
LEAST_TIMES = 40
"""With fewer, stretches of time to judge on would be the same again and again."""
LEAST_ROWS_OF_A_CLASS = 8
"""With fewer, a class may be missing among the rows that train, validate or judge."""
LEAST_ROWS = 50
"""With fewer, a handful of rows would judge and choose; of numbers and labels, which have no rarest class to go by."""


@dataclass(frozen=True)
class Resample:
    """Rows that are trained on and rows that judge, by position in the dataset, both sorted."""

    name: str
    training: Index
    test: Index


def check_splittable(dataset: Dataset) -> None:
    """Refuse a dataset that cannot be resampled.

    Raises:
        InputError: a class has too few rows, there are too few groups, or both group and time were given.
    """
    target = dataset.target if dataset.weights is None else dataset.target[dataset.weights > 0]
    if dataset.problem in ("regression", "multi-label") and len(target) < LEAST_ROWS:
        raise InputError(f"{dataset.name} has {len(target)} rows that count, and resampling needs {LEAST_ROWS}")
    if dataset.problem == "regression":
        if target.min() == target.max():
            raise InputError(f"the target {dataset.roles.target!r} is {target[0]:g} in every row of positive weight")
    elif dataset.problem == "multi-label":
        _check_labels(dataset, target)
    else:
        _check_classes(dataset, np.bincount(target, minlength=dataset.n_classes))
    if dataset.groups is not None and dataset.times is not None:
        raise InputError("give --group or --time, not both: rows cannot be kept together and in order at once")
    if dataset.groups is not None and len(np.unique(dataset.groups)) < 2 * PARTS:
        raise InputError(
            f"the group column {dataset.roles.group!r} has {len(np.unique(dataset.groups))} groups, and resampling "
            f"whole groups needs at least {2 * PARTS}"
        )
    if dataset.times is not None and len(np.unique(dataset.times)) < LEAST_TIMES:
        raise InputError(
            f"the time column {dataset.roles.time!r} has {len(np.unique(dataset.times))} different times, and "
            f"splitting by time needs at least {LEAST_TIMES}"
        )


def _check_classes(dataset: Dataset, counts: Index) -> None:
    smallest = int(counts.argmin())
    if counts[smallest] < LEAST_ROWS_OF_A_CLASS:
        numbers = all(as_number(label) is not None for label in dataset.classes)
        or_numbers = ", or take them for numbers by --task regression" if numbers else ""
        raise InputError(
            f"class {dataset.classes[smallest]!r} of {dataset.roles.target!r} has only {counts[smallest]} rows, and "
            f"each class needs {LEAST_ROWS_OF_A_CLASS} to be resampled: merge it with another class or drop its rows"
            f"{or_numbers}"
        )


def _check_labels(dataset: Dataset, target: Index) -> None:
    present = (target == 1).sum(0)
    for place, (count, label) in enumerate(zip(present.tolist(), dataset.classes, strict=True)):
        rarer = min(count, len(target) - count)
        if rarer < LEAST_ROWS_OF_A_CLASS:
            state = "present" if present[place] == rarer else "absent"
            raise InputError(
                f"the label {label!r} is {state} in only {rarer} rows, and each label needs {LEAST_ROWS_OF_A_CLASS} "
                "with it and without it to be resampled: leave it out"
            )


def outer_resamples(dataset: Dataset, names: Sequence[str], *, seed: int) -> list[Resample]:
    """The outer resamples with these names.

    Raises:
        InputError: with groups or times, a split leaves a class without rows to train on.
    """
    if dataset.times is not None:
        found = _by_time(dataset.times, names)
    else:
        found, strata = [], _strata(dataset)
        for name in names:
            kept, judged = hold_out(strata, dataset.groups, seed=named_seed(seed, name, "outer"))
            found.append(Resample(name, kept, judged))
    for resample in found:
        if dataset.problem in ("regression", "multi-label"):
            _check_sides(dataset, resample)
            continue
        if len(np.unique(dataset.target[resample.test])) < 2:
            raise InputError(
                f"in {resample.name}, all rows to judge on are of one class once groups or times are kept apart: use "
                "another --group or --time column"
            )
        missing = np.setdiff1d(dataset.target, dataset.target[resample.training])
        if len(missing):
            raise InputError(
                f"in {resample.name}, class {dataset.classes[int(missing[0])]!r} has no rows to train on once groups "
                "or times are kept apart: use another --group or --time column, or merge the class"
            )
    return found


def _strata(dataset: Dataset) -> Index:
    return problem_of(dataset).strata(dataset.target)


def _check_sides(dataset: Dataset, resample: Resample) -> None:
    """Refuse rows to train on from which nothing can be learned; rows that judge may all have one number."""
    known, judging = dataset.target[resample.training], dataset.target[resample.test]
    where = f"in {resample.name}, once groups or times are kept apart,"
    if dataset.problem == "regression":
        if known.min() == known.max():
            raise InputError(
                f"{where} all rows to train on have the target {known[0]:g}: use another --group or --time column"
            )
        return
    lacking = np.flatnonzero(~(known == 1).any(0))
    if len(lacking):
        raise InputError(
            f"{where} no row to train on has the label {dataset.classes[int(lacking[0])]!r}: use another --group or "
            "--time column, or leave the label out"
        )
    if not (judging == 1).any():
        raise InputError(f"{where} no row to judge on has a label: use another --group or --time column")


def outer_resamples_by_name(dataset: Dataset, names: Sequence[str], *, seed: int) -> list[Resample]:
    """The resamples with these names; where rows are ordered by time, the place of one depends on how many there are.

    A name is `resample-3/10`: the fourth of ten.
    """
    found = []
    for name in names:
        stem, _, count = name.partition("/")
        family, _, number = stem.rpartition("-")
        if dataset.times is None:
            found += outer_resamples(dataset, [name], seed=seed)
        else:
            # confirmations start half a step later, so that they are not the same stretches again.
            drawn = outer_resamples(dataset, [f"{name} {i}" for i in range(2 * int(count))], seed=seed)
            chosen = drawn[2 * int(number) + (1 if family == "confirmation" else 0)]
            found.append(Resample(name, chosen.training, chosen.test))
    return found


def inner_split(dataset: Dataset, rows: Index, *, seed: int) -> tuple[Index, Index]:
    """The rows that train and the rows that validate among `rows`; with times, the latest validate."""
    if dataset.times is not None:
        ordered = rows[np.argsort(dataset.times[rows], kind="stable")]
        cut = _cut_between_times(dataset.times[ordered], len(ordered) - len(ordered) // PARTS)
        return np.sort(ordered[:cut]), np.sort(ordered[cut:])
    groups = None if dataset.groups is None else dataset.groups[rows]
    kept, held = hold_out(_strata(dataset)[rows], groups, seed=seed)
    return rows[kept], rows[held]


def tuning_rows(dataset: Dataset, rows: Index, *, most: int, seed: int) -> Index:
    """At most `most` of the rows, by class and at random; with times, the latest ones; with groups, whole groups."""
    if len(rows) <= most:
        return rows
    if dataset.times is not None:
        return np.sort(rows[np.argsort(dataset.times[rows], kind="stable")][-most:])
    generator = np.random.default_rng(seed)
    if dataset.groups is not None:
        groups = dataset.groups[rows]
        names = generator.permutation(np.unique(groups))
        sizes = np.array([np.count_nonzero(groups == name) for name in names])
        kept = names[np.cumsum(sizes) <= most]
        chosen_groups = kept if len(kept) >= PARTS else names[:PARTS]
        inside: Index = rows[np.isin(groups, chosen_groups)]
        return inside
    strata = _strata(dataset)[rows]
    shares = [np.flatnonzero(strata == stratum) for stratum in range(int(strata.max()) + 1)]
    wanted = [max(LEAST_ROWS_OF_A_CLASS, round(most * len(share) / len(rows))) for share in shares]
    chosen = [generator.permutation(share)[:size] for share, size in zip(shares, wanted, strict=True)]
    drawn: Index = rows[np.sort(np.concatenate(chosen))]
    return drawn


def hold_out(strata: Index, groups: Index | None, *, seed: int) -> tuple[Index, Index]:
    """Positions that stay and that are held out (one part in five), stratified, whole groups kept together."""
    if groups is not None:
        return _hold_out_groups(strata, groups, seed=seed)
    counts = np.bincount(strata)
    # a stratum of one row cannot be divided: the row joins the largest.
    strata = np.where(counts[strata] < 2, int(counts.argmax()), strata)
    selection = require("sklearn.model_selection", extra="workbench")
    splitter = selection.StratifiedShuffleSplit(n_splits=1, test_size=1 / PARTS, random_state=seed % 2**32)
    kept, held = next(splitter.split(np.zeros(len(strata)), strata))
    return np.sort(kept).astype(np.int64), np.sort(held).astype(np.int64)


def _hold_out_groups(strata: Index, groups: Index, *, seed: int) -> tuple[Index, Index]:
    """Whole groups in random order, until about a fifth of the rows is held out; drawn again where a stratum lacks.

    Every group can be held out and every group can stay, however large it is: a rule that looked for the best
    balanced division would find the same one each time, and the resamples would be one.
    """
    names, place = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), int(strata.max()) + 1))
    np.add.at(table, (place, strata), 1.0)
    sizes, wanted = table.sum(1), len(strata) / PARTS
    generator = np.random.default_rng(seed)
    chosen = np.zeros(0, dtype=np.int64)
    for _ in range(DRAWS):
        order = generator.permutation(len(names))
        # the group at which a fifth is reached is taken or left, whichever comes nearer; one group at the least.
        filled = np.cumsum(sizes[order])
        count = max(1, int(np.argmin(np.abs(filled - wanted))) + 1)
        chosen = order[:count]
        held, kept = table[chosen].sum(0), table[order[count:]].sum(0)
        if (held > 0).sum() > 1 and not (kept[table.sum(0) > 0] == 0).any():
            break
    is_held = np.isin(place, chosen)
    return np.flatnonzero(~is_held).astype(np.int64), np.flatnonzero(is_held).astype(np.int64)


def describe_split(dataset: Dataset) -> str:
    """How rows are divided, in words."""
    if dataset.times is not None:
        return (
            f"each resample trains on the rows up to a point in time ({dataset.roles.time}) and is judged on those "
            "that follow; of the training rows the latest fifth validates"
        )
    by = {"regression": "size of the target", "multi-label": "rarest label", "ordinal": "level"}.get(
        dataset.problem, "class"
    )
    kept = f", groups of {dataset.roles.group} kept whole" if dataset.groups is not None else ""
    return (
        f"each resample draws four fifths of the rows to train on, by {by} and at random{kept}, and is judged on the "
        "rest; of the training rows a fifth validates"
    )


def _by_time(times: NDArray[np.float64], names: Sequence[str]) -> list[Resample]:
    """Rolling origins over the second half of the rows: stretches that share no row, each after its training rows."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    # cuts between different times only, spread as evenly over the rows as the times allow.
    cuts = np.flatnonzero(np.diff(ordered) > 0) + 1
    cuts = np.append(cuts[cuts >= len(order) // 2], len(order))
    if len(cuts) < len(names) + 1:
        raise InputError(
            f"the second half of the rows has {len(cuts)} different times, and {len(names)} stretches to judge on "
            "need more: ask for fewer --resamples"
        )
    ideal = np.linspace(cuts[0], len(order), len(names) + 1)
    chosen = [0]
    for number, wanted in enumerate(ideal[1:], start=1):
        last = len(cuts) - 1 - (len(names) - number)  # leave a cut for each stretch that follows
        nearest = int(np.abs(cuts - wanted).argmin())
        chosen.append(min(max(nearest, chosen[-1] + 1), last))
    bounds = cuts[chosen]
    return [
        Resample(name, np.sort(order[:first]), np.sort(order[first:last]))
        for name, first, last in zip(names, bounds[:-1], bounds[1:], strict=True)
    ]


def _cut_between_times(ordered: NDArray[np.float64], cut: int) -> int:
    """The nearest cut at or before `cut` that does not divide rows of one time; after it if there is none."""
    if not 0 < cut < len(ordered):
        return cut
    before = int(np.searchsorted(ordered, ordered[cut], side="left"))
    return before if before > 0 else int(np.searchsorted(ordered, ordered[cut], side="right"))
