"""Two encodings of one column of a table: normal scores for numbers, one-hot indicators for categories.

Each is fitted once and then frozen: a numeric column is a table of knots and codes between which it interpolates, a
categorical column a list of levels. So a fitted column is plain data, its export is exact, and the code of a row
depends on that row alone.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

ColumnKind = Literal["numeric", "categorical"]
Floats = NDArray[np.float64]

LARGEST_CODE = 5.2
"""Codes stay in [-5.2, 5.2], about the normal quantiles of 1e-7 and of 1 - 1e-7."""

_HUGE = 1e307  # beyond it the width of an interval may overflow
_NUMERIC = "biuf"


@dataclass(frozen=True, eq=False)
class NumericColumn:
    """A monotone map of a number to about a standard normal, and an indicator of missing values.

    A training value is coded as the normal quantile of its mid-rank: the share of rows below it plus half the share of
    rows equal to it. Between knots the code is interpolated, outside them it stays at that of the nearest knot. Where
    no value repeats this is scikit-learn's `QuantileTransformer` up to half a rank. It differs at a repeated smallest
    or largest value, which `QuantileTransformer` sends to -5.2 or 5.2 whatever its share: an amount that is 0 in 92 %
    of the rows would be -5.2 there, and is -0.1 here, the quantile of 0.46.

    Attributes:
        knots: `(m,)`, strictly increasing values; empty if the training column was constant.
        codes: `(m,)`, their codes; -1 and 1 where the column had two values.
        missing: whether the training column had missing values beside others, and so an indicator.
    """

    knots: Floats
    codes: Floats
    missing: bool

    @classmethod
    def fit(cls, values: Floats, *, n_quantiles: int) -> NumericColumn:
        """The column fitted to `values`, `(n,)`, where NaN is missing."""
        missing = bool(np.isnan(values).any())
        present = np.sort(values[~np.isnan(values)] if missing else values) + 0.0  # -0.0 becomes 0.0
        n = len(present)
        starts = np.flatnonzero(np.r_[n > 0, present[1:] != present[:-1]])
        if len(starts) < 2:
            return cls(np.empty(0), np.empty(0), missing and n > 0)
        knots = present[starts]
        if len(starts) == 2:
            return cls(knots, np.array([-1.0, 1.0]), missing)
        counts = np.diff(np.r_[starts, n])
        codes = np.clip(ndtri((starts + counts / 2) / n), -LARGEST_CODE, LARGEST_CODE)
        if len(starts) > n_quantiles:
            # Evenly spaced ranks, and in the last step at each end, where the normal quantile bends, ever denser ones.
            tail = 2 ** np.arange(int(np.log2(n / n_quantiles)) + 1)
            rows = np.unique(np.r_[np.linspace(0, n - 1, n_quantiles).round().astype(np.intp), tail, n - 1 - tail])
            chosen = np.unique(np.searchsorted(starts, rows, side="right") - 1)
            # The rank jumps on both sides of a value that fills a whole step of the grid: keep its neighbours too.
            heavy = chosen[counts[chosen] > n / n_quantiles]
            chosen = np.unique(np.clip(np.r_[chosen, heavy - 1, heavy + 1], 0, len(starts) - 1))
            knots, codes = knots[chosen], codes[chosen]
        return cls(knots, codes, missing)

    @property
    def width(self) -> int:
        """The number of output columns."""
        return int(len(self.knots) > 0) + int(self.missing)

    def names(self, name: str) -> list[str]:
        """The names of the output columns."""
        return [name] * (len(self.knots) > 0) + [f"{name} (missing)"] * self.missing

    def encode(self, values: Floats, out: NDArray[np.float32]) -> None:
        """Writes the codes of `values`, `(n,)`, into `out`, `(n, width)`; a missing value is 0, the median."""
        absent = np.isnan(values)
        if len(self.knots):
            out[:, 0] = np.where(absent, 0.0, self._interpolate(values))
        if self.missing:
            out[:, -1] = absent

    def _interpolate(self, values: Floats) -> Floats:
        # Not np.interp: its slopes overflow between knots that are very near or very far.
        knots, codes = self.knots, self.codes
        inside = np.clip(values, knots[0], knots[-1])
        left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
        if max(-knots[0], knots[-1]) > _HUGE:
            inside, knots = inside / 4, knots / 4
        gaps = np.diff(knots)
        gaps[gaps == 0] = 1.0  # two of the smallest numbers, after the division by four
        return codes[left] + (inside - knots[left]) / gaps[left] * np.diff(codes)[left]


@dataclass(frozen=True, eq=False)
class CategoricalColumn:
    """One 0/1 output column for each frequent level, one for all rare levels, one for missing values.

    Levels are compared as text (`level_text`), so that 1, 1.0 and "1" are one level. What was not seen in
    training, be it a level or a missing cell, counts as rare; if training had no rare level its row is all zeros.

    Attributes:
        levels: the frequent levels, the most frequent first, ties in the order of their text.
        rare: whether training had rare levels.
        missing: whether training had missing values.
    """

    levels: tuple[str, ...]
    rare: bool
    missing: bool

    @classmethod
    def fit(cls, column: NDArray[Any], *, min_level_count: int, max_levels: int, name: str) -> CategoricalColumn:
        """The column fitted to `column`, `(n,)`, of any dtype."""
        codes, texts = _distinct(column, name)
        counts: dict[str | None, int] = {}
        for text, count in zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True):
            counts[text] = counts.get(text, 0) + count
        missing = counts.pop(None, 0) > 0
        ranked = sorted(((-count, text) for text, count in counts.items() if text is not None))
        levels = tuple(text for count, text in ranked if -count >= min_level_count)[:max_levels]
        rare = len(levels) < len(ranked)
        if len(levels) + rare + missing < 2:
            return cls((), False, False)
        return cls(levels, rare, missing)

    @property
    def width(self) -> int:
        """The number of output columns."""
        return len(self.levels) + int(self.rare) + int(self.missing)

    def names(self, name: str) -> list[str]:
        """The names of the output columns."""
        levels = [f"{name}={level}" for level in self.levels]
        return levels + [f"{name} (rare)"] * self.rare + [f"{name} (missing)"] * self.missing

    def encode(self, column: NDArray[Any], out: NDArray[np.float32], *, name: str) -> None:
        """Writes the indicators of `column`, `(n,)`, into `out`, `(n, width)`, which holds zeros."""
        if self.width == 0:
            return
        unseen = len(self.levels) if self.rare else -1
        slots: dict[str | None, int] = {level: slot for slot, level in enumerate(self.levels)}
        if self.missing:
            slots[None] = self.width - 1
        codes, texts = _distinct(column, name)
        slot = np.array([slots.get(text, unseen) for text in texts], dtype=np.intp)[codes]
        rows = np.flatnonzero(slot >= 0)
        out[rows, slot[rows]] = 1.0


def is_missing(value: object) -> bool:
    """Whether a cell is empty: None, NaN, or the missing values of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, numbers.Number | np.generic) and not isinstance(value, str) and bool(value != value)


def level_text(value: Any, name: str) -> str:
    """A level as text; equal numbers, and booleans as 0 and 1, give equal text whatever their type.

    Raises:
        ValueError: an infinite or complex number.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, numbers.Integral | np.bool_):
        return str(int(value))
    if isinstance(value, numbers.Number):
        if isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real):
            raise ValueError(f"Complex data not supported, in column {name!r}")
        number = float(value)  # type: ignore[arg-type]
        if np.isinf(number):
            raise _infinity(name)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)


def as_numbers(column: NDArray[Any], name: str) -> Floats:
    """A column as float64 with NaN for missing cells; text such as "2.5" is read as a number.

    Raises:
        TypeError: dates, or cells that are neither text nor numbers.
        ValueError: text that is no number, infinity, complex numbers.
    """
    if column.dtype.kind in "mM":
        raise TypeError(f"column {name!r} holds dates or durations: leave it out, or turn it into numbers")
    if column.dtype.kind == "c":
        raise ValueError(f"Complex data not supported, in column {name!r}")
    try:
        values = _to_float(column)
    except OverflowError:
        raise _infinity(name) from None
    except (TypeError, ValueError) as error:
        example = _first_not_a_number(column)
        if isinstance(error, TypeError) and not isinstance(example, str):
            kind = type(example).__name__
            raise TypeError(f"column {name!r}: argument must be a string or a real number, not {kind!r}") from None
        raise ValueError(
            f"column {name!r} is numeric, but holds {example!r}: mend the value, or name the column in"
            " categorical_features"
        ) from None
    if np.isinf(values).any():
        raise _infinity(name)
    return values


def guess_kind(column: NDArray[Any]) -> ColumnKind:
    """Numeric if every cell that is not missing is a number or text that reads as one, else categorical."""
    if column.dtype.kind in _NUMERIC + "cmM":
        return "numeric"
    try:
        _to_float(column)
    except OverflowError:
        return "numeric"
    except (TypeError, ValueError):
        return "categorical"
    return "numeric"


def _to_float(column: NDArray[Any]) -> Floats:
    if column.dtype.kind in _NUMERIC:
        with np.errstate(over="ignore"):  # a long double beyond float64 becomes infinite, and is refused as such
            return np.ascontiguousarray(column, dtype=np.float64)
    try:
        return np.asarray(column, dtype=np.float64)
    except TypeError:  # perhaps only the missing values of pandas
        cells: list[Any] = [None if is_missing(value) else value for value in column.tolist()]
        values = np.empty(len(cells), dtype=object)
        values[:] = cells
        return values.astype(np.float64)


def _first_not_a_number(column: NDArray[Any]) -> Any:
    for value in column.tolist():
        if not is_missing(value):
            try:
                float(value)
            except (TypeError, ValueError):
                return value
    return None


def _distinct(column: NDArray[Any], name: str) -> tuple[NDArray[np.intp], Sequence[str | None]]:
    """The code of each row, and the text of each code; missing is None. Several codes may have the same text."""
    values: Sequence[Any]
    if column.dtype.kind in "mM":
        raise TypeError(f"column {name!r} holds dates or durations: leave it out, or turn it into text")
    if column.dtype.kind in _NUMERIC:
        distinct, inverse = np.unique(column, return_inverse=True)
        values, codes = distinct.tolist(), inverse.reshape(-1)
    else:
        cells = column.tolist()
        try:
            index = {value: code for code, value in enumerate(dict.fromkeys(cells))}
        except TypeError:
            kind = type(next((cell for cell in cells if not _hashable(cell)), None)).__name__
            raise TypeError(f"column {name!r}: argument must be a string or a real number, not {kind!r}") from None
        codes = np.fromiter(map(index.__getitem__, cells), dtype=np.intp, count=len(cells))
        values = list(index)
    return codes, [None if is_missing(value) else level_text(value, name) for value in values]


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _infinity(name: str) -> ValueError:
    return ValueError(
        f"Input X contains infinity or a value too large for dtype('float64'), in column {name!r}:"
        " mark such cells as missing (NaN), or leave the column out"
    )
