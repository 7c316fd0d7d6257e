"""What is not learned from, each with a reason: constants, copies, the target in disguise, dates, ids, free text."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError
from minimand.workbench.tables.dates import are_dates
from minimand.workbench.tables.table import factorize, number_text, shown

_ID_NAME = re.compile(
    r"(^|[^a-z])(id|ids|idx|index|uuid|guid|key|rowid|row|rownum|nr|number|unnamed|column 0)($|[^a-z])"
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_FEW_ROWS = 20
SAME_NUMBER = 1e-9
"""Largest difference, in units of the largest deviation from the mean, of two columns that are one in two units."""
_HEAD = 2000


def reason_to_leave_out(
    name: str, values: NDArray[Any], target: NDArray[np.int64], n_classes: int, target_name: str
) -> str | None:
    """Why a column is not a feature, or `None` when it is one.

    Args:
        name: of the column; an id is often called one.
        values: float64, or `str` and `None` objects, one a row.
        target: `(N,)` codes.
        n_classes: how many classes there are.
        target_name: for the sentence.
    """
    constant = _constant(values)
    if constant is not None:
        return constant
    if _is_the_target(values, target, n_classes):
        return f"equals the target {shown(target_name)!r}: its values and the classes go together one to one"
    if values.dtype == object:
        texts = values.tolist()
        refuse_decimal_commas(name, texts)
        return _text_reason(texts)
    return _id_number(name, values)


def determines_target(values: NDArray[Any], target: NDArray[np.int64]) -> bool:
    """Whether every value of a column with few values goes with one class only: allowed, but worth a look."""
    if _distinct(values[:_HEAD]) > 50 or len(values) < 10 * _FEW_ROWS:
        return False
    codes, levels = factorize(values)
    if len(levels) > 50:
        return False
    return _pairs(codes, target) == len(levels)


def repeats_number(values: NDArray[Any], target: NDArray[np.float64], target_name: str) -> str | None:
    """Why a column is no feature where numbers are predicted: it is the target, perhaps in another unit."""
    if values.dtype == object or np.isnan(values).any() or len(values) < 3:
        return None
    one, other = (_standard(numbers) for numbers in (values, target))
    if np.abs(one - other).max() < SAME_NUMBER or np.abs(one + other).max() < SAME_NUMBER:
        return f"equals the target {shown(target_name)!r}, but for its unit"
    return None


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    halves = values / 2  # the difference of two large numbers may overflow where they do not
    middle = halves - halves.mean()
    spread = np.abs(middle).max()
    result: NDArray[np.float64] = middle / spread if spread > 0 else middle
    return result


def _constant(values: NDArray[Any]) -> str | None:
    if values.dtype == object:
        first = values[0]
        if any(value != first for value in values[:_HEAD].tolist()) or any(value != first for value in values.tolist()):
            return None
        return (
            "has no values: every cell is missing" if first is None else f"constant: always {shown(str(first), 30)!r}"
        )
    missing = np.isnan(values)
    if missing.all():
        return "has no values: every cell is missing"
    if missing.any() or values.min() != values.max():
        return None
    return f"constant: always {number_text(float(values[0]))}"


def _is_the_target(values: NDArray[Any], target: NDArray[np.int64], n_classes: int) -> bool:
    if _distinct(values[:_HEAD]) > n_classes:
        return False
    codes, levels = factorize(values)
    return len(levels) == n_classes and _pairs(codes, target) == n_classes


def _pairs(codes: NDArray[np.int64], target: NDArray[np.int64]) -> int:
    return len(np.unique(codes * (int(target.max()) + 1) + target))


def _distinct(values: NDArray[Any]) -> int:
    return len(set(values.tolist())) if values.dtype == object else len(np.unique(values))


def refuse_decimal_commas(name: str, values: list[str | None]) -> None:
    """Refuse a column of numbers written with commas, which would pass for text.

    Raises:
        InputError: all of its first texts are such numbers.
    """
    texts = list(itertools.islice((value for value in values if value is not None), _HEAD))
    with_comma = next((text for text in texts if "," in text), None)
    if with_comma is not None and all(_DECIMAL_COMMA.fullmatch(text) for text in texts):
        raise InputError(
            f"column {shown(name)!r} has numbers with commas, such as {with_comma!r}, which are read as text: write "
            "them with points, or leave the column out with --drop"
        )


def _text_reason(values: list[str | None]) -> str | None:
    levels = {value for value in values if value is not None}
    present = len(values) - values.count(None)
    sample = sorted(levels)[:: max(1, len(levels) // 100)]
    if are_dates(sample) and are_dates(levels):
        return "holds dates: they are left out; give the column to --time to split by it"
    if present < _FEW_ROWS:
        return None
    share = len(levels) / present
    letters = sum(map(len, levels)) / len(levels)
    words = sum(level.count(" ") + 1 for level in sample) / len(sample)
    if share > 0.5 and (letters > 40 or words >= 4):
        return f"free text: {len(levels)} different texts in {present} rows, {letters:.0f} letters long on average"
    if len(levels) == present:
        return "an id: every row has a text of its own"
    if share > 0.95:
        return f"almost an id: {len(levels)} different texts in {present} rows"
    return None


def _id_number(name: str, values: NDArray[np.float64]) -> str | None:
    """Whole numbers, all different, that count the rows or are called an id; a unique measurement is neither."""
    head = values[:_HEAD]
    if len(np.unique(head)) < len(head) or not (np.isfinite(head).all() and (head == np.floor(head)).all()):
        return None
    if not np.isfinite(values).all() or not (values == np.floor(values)).all():
        return None
    ordered = np.sort(values)
    if (ordered[1:] == ordered[:-1]).any():
        return None
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower().replace("_", " ")
    if len(values) > 2 and _ID_NAME.search(spelled):
        return "an id: whole numbers, different in every row, and called one"
    steps = np.diff(values)
    counts_rows = (steps > 0).all() or (steps < 0).all()
    dense = ordered[-1] - ordered[0] < 10 * len(values)
    if len(values) >= _FEW_ROWS and counts_rows and dense:
        return "an id: whole numbers, different in every row, that follow the order of the rows"
    return None


class Copies:
    """Finds columns that equal an earlier one, cell by cell."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], list[tuple[str, NDArray[Any]]]] = {}

    def earlier(self, name: str, values: NDArray[Any]) -> str | None:
        """The name of an earlier column with the same values; if there is none, this one is remembered."""
        if values.dtype == object:
            key = ("text", hash(tuple(values.tolist())))
        else:
            key = ("number", hash((values + 0.0).tobytes()))  # + 0.0: minus zero equals zero
        known = self._seen.setdefault(key, [])
        for other, same in known:
            if values.dtype == object and values.tolist() == same.tolist():
                return other
            if values.dtype != object and np.array_equal(values, same, equal_nan=True):
                return other
        known.append((name, values))
        return None
