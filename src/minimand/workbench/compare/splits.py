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
from minimand.workbench.tables import Dataset

Index = NDArray[np.int64]

PARTS = 5
"""One part in five judges; of the rest, one part in five validates."""
DRAWS = 20
"""How often whole groups are drawn again when a class is lacking on one side."""
LEAST_TIMES = 40
"""With fewer, stretches of time to judge on would be the same again and again."""
LEAST_ROWS_OF_A_CLASS = 8
"""With fewer, a class may be missing among the rows that train, validate or judge."""


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
    present = slice(None) if dataset.weights is None else dataset.weights > 0
    counts = np.bincount(dataset.target[present], minlength=dataset.n_classes)
    smallest = int(counts.argmin())
    if counts[smallest] < LEAST_ROWS_OF_A_CLASS:
        raise InputError(
            f"class {dataset.classes[smallest]!r} of {dataset.roles.target!r} has only {counts[smallest]} rows, and "
            f"each class needs {LEAST_ROWS_OF_A_CLASS} to be resampled: merge it with another class or drop its rows"
        )
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


def outer_resamples(dataset: Dataset, names: Sequence[str], *, seed: int) -> list[Resample]:
    """The outer resamples with these names.

    Raises:
        InputError: with groups or times, a split leaves a class without rows to train on.
    """
    if dataset.times is not None:
        found = _by_time(dataset.times, names)
    else:
        found = []
        for name in names:
            kept, judged = hold_out(dataset.target, dataset.groups, seed=named_seed(seed, name, "outer"))
            found.append(Resample(name, kept, judged))
    for resample in found:
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
    kept, held = hold_out(dataset.target[rows], groups, seed=seed)
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
    shares = [np.flatnonzero(dataset.target[rows] == label) for label in range(dataset.n_classes)]
    wanted = [max(LEAST_ROWS_OF_A_CLASS, round(most * len(share) / len(rows))) for share in shares]
    chosen = [generator.permutation(share)[:size] for share, size in zip(shares, wanted, strict=True)]
    drawn: Index = rows[np.sort(np.concatenate(chosen))]
    return drawn


def hold_out(target: Index, groups: Index | None, *, seed: int) -> tuple[Index, Index]:
    """Positions that stay and that are held out (one part in five), stratified, whole groups kept together."""
    if groups is not None:
        return _hold_out_groups(target, groups, seed=seed)
    selection = require("sklearn.model_selection", extra="workbench")
    splitter = selection.StratifiedShuffleSplit(n_splits=1, test_size=1 / PARTS, random_state=seed % 2**32)
    kept, held = next(splitter.split(np.zeros(len(target)), target))
    return np.sort(kept).astype(np.int64), np.sort(held).astype(np.int64)


def _hold_out_groups(target: Index, groups: Index, *, seed: int) -> tuple[Index, Index]:
    """Whole groups in random order, until about a fifth of the rows is held out; drawn again where a class is lacking.

    Every group can be held out and every group can stay, however large it is: a rule that looked for the best
    balanced division would find the same one each time, and the resamples would be one.
    """
    names, place = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), int(target.max()) + 1))
    np.add.at(table, (place, target), 1.0)
    sizes, wanted = table.sum(1), len(target) / PARTS
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
    kept = f", groups of {dataset.roles.group} kept whole" if dataset.groups is not None else ""
    return (
        f"each resample draws four fifths of the rows to train on, by class and at random{kept}, and is judged on the "
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
