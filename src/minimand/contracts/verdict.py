"""Verdicts: what the numbers of some seeds say, by 95 % intervals against a margin that was declared before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from minimand.extras import require

LEVEL = 0.95
MOST_SEEDS = 100_000
"""Beyond this many seeds a number of seeds that would decide is not worth saying."""


class Verdict(StrEnum):
    """What the experiment says of the claim; "reproduced" is not among it, since data and scale are smaller."""

    HOLDS = "holds here"
    FAILS = "does not hold here"
    UNDECIDED = "undecided"
    BROKEN = "broken experiment"


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its two-sided 95 % interval by Student's t."""

    mean: float
    low: float
    high: float
    deviation: float
    n: int


def interval_of(values: Sequence[float]) -> Interval:
    """The mean of independent values with its 95 % interval; a point when all values are equal.

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"values must be at least 2 for an interval, got {n}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"values must be finite, got {list(values)}")
    mean = math.fsum(values) / n
    # equal counts divided differently differ in the last bit: that is no spread.
    if max(values) - min(values) <= 1e-12 * max(1.0, *map(abs, values)):
        return Interval(mean, mean, mean, 0.0, n)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = half_width(deviation, n)
    return Interval(mean, mean - half, mean + half, deviation, n)


def half_width(deviation: float, n: int) -> float:
    """Half the length of the 95 % interval of a mean of `n` values with this sample deviation."""
    quantile = require("scipy.stats", extra="workbench").t.ppf(0.5 + LEVEL / 2, n - 1)
    return float(quantile) * deviation / math.sqrt(n)


def seeds_to_decide(interval: Interval, bounds: Sequence[float]) -> int | None:
    """The fewest seeds at which an interval with this mean and deviation would leave out every bound.

    None where no number up to 100,000 would, as when the mean lies on a bound.
    """
    distance = min((abs(interval.mean - bound) for bound in bounds if math.isfinite(bound)), default=math.inf)
    if half_width(interval.deviation, MOST_SEEDS) >= distance:
        return None
    low, high = 2, MOST_SEEDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(interval.deviation, middle) < distance else (middle + 1, high)
    return low


@dataclass(frozen=True)
class Finding:
    """What was measured of one expectation, and what it says."""

    text: str
    """The expectation in words, with its margin."""
    mean: float
    low: float
    high: float
    kind: Literal["95 % interval", "range over seeds"]
    margin: tuple[float | None, float | None]
    """Where the interval must lie; None is an open end."""
    verdict: Verdict
    seeds_needed: int | None = None
    """Of an undecided one: how many seeds would decide; None also where no reasonable number would."""
    control: bool = False
    """Whether it must hold for the experiment to count at all."""


def against(interval: Interval, low: float, high: float) -> Verdict:
    """Whether an interval lies wholly inside `(low, high)`, wholly outside, or neither."""
    if low < interval.low and interval.high < high:
        return Verdict.HOLDS
    # a point on the bound is not beyond it, and no further seed would move it.
    point = interval.low == interval.high
    if interval.high < low or interval.low > high or point:
        return Verdict.FAILS
    return Verdict.UNDECIDED


def mean_finding(text: str, values: Sequence[float], low: float, high: float, *, control: bool = False) -> Finding:
    """Whether the interval of the mean lies in `(low, high)`."""
    found = interval_of(values)
    verdict = against(found, low, high)
    return Finding(
        text,
        found.mean,
        found.low,
        found.high,
        "95 % interval",
        _ends(low, high),
        verdict,
        seeds_to_decide(found, (low, high)) if verdict is Verdict.UNDECIDED else None,
        control,
    )


def range_finding(text: str, values: Sequence[float], low: float, high: float) -> Finding:
    """Whether every value lies in `[low, high]`."""
    inside = all(low <= value <= high for value in values)
    mean = math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan
    verdict = Verdict.HOLDS if inside else Verdict.FAILS
    return Finding(text, mean, min(values), max(values), "range over seeds", _ends(low, high), verdict)


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)
