"""Tables with targets on their way to a training: absent rows, weights, validation rows, and an order of their own.

Two promises are kept here. Weight 0 is the row absent and weight 2 the row twice: absent rows are dropped before
anything is learned from them, and rows with whole-number weights are repeated. And the network does not depend on how
the training rows are ordered: they are sorted by their content before the seeded shuffles, so that a row with weight 2
and the row twice give bitwise the same network wherever the copies stood.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y, _num_samples, check_consistent_length

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

LEAST_VALIDATION_ROWS = 20
"""With fewer, a validation score moves in steps too coarse to choose an epoch by."""
MOST_REPEATS = 10
"""Whole-number weights repeat rows as long as that makes the table at most this many times longer."""
_HASHED_AT_ONCE = 4096


@dataclass(frozen=True)
class Labelled:
    """Rows of a table with their targets and, where rows count differently, their weights.

    Args:
        table: a data frame or an array with `n` rows.
        y: `(n,)` labels of the user, or numbers, `(n,)` or `(n, D)`.
        weight: `(n,)` nonnegative, or None when every row counts once.
    """

    table: Any
    y: NDArray[Any]
    weight: Floats | None = None

    @classmethod
    def checked(cls, table: Any, y: NDArray[Any], sample_weight: Any, *, name: str) -> Labelled:
        """The rows that are present, those of weight 0 left out.

        Raises:
            ValueError: lengths that do not fit, negative weights, or no weight above zero.
        """
        check_consistent_length(table, y)
        if sample_weight is None:
            return cls(table, y)
        weight = _check_sample_weight(sample_weight, np.empty((_num_samples(table), 0)), dtype=np.float64)
        if (weight < 0).any():
            raise ValueError(f"{name} must not be negative, got {weight.min()}")
        if not (weight > 0).any():
            raise ValueError(f"{name} must contain at least one non-zero number: all weights are zero")
        return cls(table, y, weight).take(np.flatnonzero(weight > 0))

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: Index) -> Labelled:
        """The rows at these places, in this order; the very same object where that is all of them as they are."""
        if len(index) == len(self) and np.array_equal(index, np.arange(len(self))):
            return self
        weight = None if self.weight is None else self.weight[index]
        return Labelled(_safe_indexing(self.table, index), self.y[index], weight)

    def repeated(self) -> Labelled:
        """Each row as often as its weight says, where weights are whole and not too large; else as it is."""
        if self.weight is None or (self.weight % 1).any() or self.weight.sum() > MOST_REPEATS * len(self):
            return self
        copies = self.take(np.repeat(np.arange(len(self)), self.weight.astype(np.intp)))
        return Labelled(copies.table, copies.y)


def checked_labels(y: Any, estimator: Any) -> NDArray[Any]:
    """The labels as an array `(n,)` of numbers or text.

    Raises:
        ValueError: another shape, missing labels, labels of several types, or a continuous target.
    """
    if getattr(getattr(y, "dtype", None), "kind", None) == "T":
        y = y.astype(object)  # the strings of NumPy 2, which scikit-learn does not know
    labels: NDArray[Any] = _check_y(y, estimator=estimator)
    if labels.dtype == object and not all(isinstance(label, str) for label in labels):
        found = np.array(labels.tolist())
        if found.ndim != 1 or found.dtype.kind not in "biuf":
            raise ValueError("y must hold labels of one type, text or numbers, without missing ones")
        labels = found
    check_classification_targets(labels)
    return labels


def class_codes(y: NDArray[Any], classes: NDArray[Any], *, name: str) -> NDArray[np.int64]:
    """The place of each label in the sorted classes, `(n,)`.

    Raises:
        ValueError: a label that is no class.
    """
    try:
        place = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    except TypeError:
        raise ValueError(f"{name} must hold labels of the same type as the classes {classes.tolist()}") from None
    unknown = np.flatnonzero(np.asarray(classes[place] != y))
    if len(unknown):
        raise ValueError(
            f"{name} must hold the classes {classes.tolist()} only, got {y[unknown[0]]!r} in row {unknown[0]}"
        )
    return place.astype(np.int64)


def class_factors(
    class_weight: Any, classes: NDArray[Any], codes: NDArray[np.int64], weight: Floats | None
) -> Floats | None:
    """The weight of each class `(K,)` that a `class_weight` means for these rows; None for None.

    Raises:
        ValueError: another word than "balanced", a label that is no class, or a negative weight.
        TypeError: neither None, a word nor a mapping.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f'class_weight must be None, "balanced" or a dict, got {class_weight!r}')
        counts = np.bincount(codes, weight, minlength=len(classes)).astype(np.float64)
        seen = counts > 0
        return np.where(seen, counts.sum() / (seen.sum() * np.where(seen, counts, 1.0)), 1.0)
    if not isinstance(class_weight, Mapping):
        raise TypeError(f'class_weight must be None, "balanced" or a dict, got {class_weight!r}')
    factors = np.ones(len(classes))
    for label, factor in class_weight.items():
        places = [place for place, known in enumerate(classes.tolist()) if known == label]
        if not places:
            raise ValueError(f"class_weight must have classes as keys, {classes.tolist()}, got {label!r}")
        if not (factor >= 0 and np.isfinite(factor)):
            raise ValueError(f"class_weight must be nonnegative and finite, got {factor!r} for class {label!r}")
        factors[places] = factor
    return factors


def combined_weight(weight: Floats | None, factors: Floats | None, codes: NDArray[np.int64]) -> Floats | None:
    """Weights of rows times those of their classes; None where all rows weigh the same."""
    if factors is not None:
        weight = factors[codes] if weight is None else weight * factors[codes]
    return uneven(weight)


def uneven(weight: Floats | None) -> Floats | None:
    """Weights of rows; None where all rows weigh the same."""
    return None if weight is None or (weight == weight[0]).all() else weight


def of_weighted_classes(
    part: Labelled, codes: NDArray[np.int64], factors: Floats
) -> tuple[Labelled, NDArray[np.int64]]:
    """The rows whose class has a weight above zero.

    Raises:
        ValueError: there are none.
    """
    kept = np.flatnonzero(factors[codes] > 0)
    if not len(kept):
        raise ValueError("class_weight must leave some rows a weight: all weights are zero")
    return part.take(kept), codes[kept]


def stratified_split(codes: NDArray[np.int64], fraction: float, *, seed: int) -> tuple[Index, Index] | None:
    """The rows that stay and the rows held out, a share of each class; None where too few would be held out.

    Each class keeps at least one row to train on. Shares are rounded so that the total is right, by the largest
    remainders.
    """
    wanted = round(fraction * len(codes))
    if wanted < LEAST_VALIDATION_ROWS:
        return None
    rng = np.random.default_rng(seed)
    counts = np.bincount(codes)
    exact = fraction * counts
    held_counts = np.floor(exact).astype(np.intp)
    # ties between equal remainders are broken by chance, not in favour of the first classes
    ranked = np.lexsort((rng.random(len(counts)), held_counts - exact))
    held_counts[ranked[: max(0, wanted - int(held_counts.sum()))]] += 1
    held_counts = np.minimum(held_counts, np.maximum(counts - 1, 0))
    held = np.zeros(len(codes), dtype=bool)
    for code, count in enumerate(held_counts):
        held[rng.permutation(np.flatnonzero(codes == code))[:count]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def order_by_content(x: NDArray[np.float32], targets: NDArray[Any], weight: Floats | None) -> Index:
    """The places of the rows in an order that depends on what they hold, not on where they stand.

    Sorted by a hash of the row's bits: sums of integers modulo 2^64, the same on every machine.

    Args:
        x: `(n, ...)`.
        targets: `(n,)` or `(n, D)`, of a dtype of 64 bits.
        weight: `(n,)`, or None.
    """
    words = np.ascontiguousarray(x.reshape(len(x), -1)).view(np.uint32)
    beside = np.ascontiguousarray(targets.reshape(len(x), -1)).view(np.uint32)
    if sys.byteorder == "big":
        beside = beside.reshape(len(x), -1, 2)[:, :, ::-1].reshape(len(x), -1)
    width = words.shape[1]
    keys = np.random.SeedSequence(0).generate_state(width + beside.shape[1], np.uint64) | np.uint64(1)
    content = (beside * keys[width:]).sum(1, dtype=np.uint64)
    for start in range(0, len(words), _HASHED_AT_ONCE):
        part = slice(start, start + _HASHED_AT_ONCE)
        content[part] += (words[part] * keys[:width]).sum(1, dtype=np.uint64)
    return np.lexsort((content,) if weight is None else (weight, content))
