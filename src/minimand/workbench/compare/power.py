r"""What difference a comparison can find: its power under the rule that decides, before and after it is made.

With true difference $\delta$, standard deviation $s$ of the paired differences and $J$ resamples, the corrected
test's own model says that the mean difference is normal around $\delta$ with variance $s^2 (1/J + r)$, r = n_test /
n_train, and independent of the estimate of $s^2$, a chi-squared with J - 1 degrees of freedom. An objective is found
better when its mean exceeds the region of practical equivalence and its p-value is below $\alpha / m$, the first and
strictest step of Holm's procedure for $m$ objectives: as if no other objective were found too. Both conditions
together are one integral over the estimate of $s^2$; without a region it is the noncentral t distribution.

$s$ is not known. It is guessed from the number of rows that judge, or estimated from resamples that have been trained,
and then power is averaged over what the estimate leaves open: few resamples make it uncertain, and a plan that took it
for true would find less than it says.

More resamples do not help for ever: the standard error stays above $s \sqrt{r}$. Then only more rows do.

References:
    C. Nadeau and Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.
    J. Wittes and E. Brittain. The role of internal pilot studies in increasing the efficiency of clinical trials.
        Statistics in Medicine 9, 1990.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minimand.extras import require
from minimand.workbench.compare.options import LEAST_RESAMPLES

POWER = 0.8
"""The chance with which a difference that is called detectable is found."""
PILOT = LEAST_RESAMPLES
"""Resamples that are trained before the number of all is recommended; they are the first of all."""
MOST_RECOMMENDED = 100
"""The largest number recommended: with 80/20 splits the standard error is then 2 % above what no number undercuts."""
COVERED = 0.75
"""The share of objectives for which the power holds: those that vary still more are found less often."""
DISAGREEMENT = 0.10
"""The guess, before anything is trained, of the share of rows on which one objective is right and another wrong."""

_NODES = 64


@dataclass(frozen=True)
class Spread:
    """What is known of the standard deviation of paired differences over resamples.

    Args:
        deviation: the estimate, at least 0.
        degrees: degrees of freedom that it rests on, positive; None where it is taken as it stands.
        source: where it comes from, in words.
    """

    deviation: float
    degrees: float | None
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.deviation) and self.deviation >= 0.0):
            raise ValueError(f"deviation must be finite and at least 0, got {self.deviation}")
        if self.degrees is not None and not self.degrees > 0.0:
            raise ValueError(f"degrees must be positive, got {self.degrees}")


@dataclass(frozen=True)
class Design:
    """What decides about power besides the spread and the number of resamples.

    Args:
        test_train_ratio: rows judged on / rows trained on in a resample.
        comparisons: how many objectives are compared with the reference, at least 1.
        rope: half the width of the region of practical equivalence.
        alpha: level of the test over all comparisons.
    """

    test_train_ratio: float
    comparisons: int
    rope: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if self.comparisons < 1:
            raise ValueError(f"comparisons must be at least 1, got {self.comparisons}")


def power_of(difference: float, spread: Spread, resamples: int, design: Design) -> float:
    """Chance that an objective which is truly better by this difference is judged better.

    Args:
        difference: the true difference, in units of the metric.
        spread: what is known of the standard deviation of the paired differences; see `Spread`.
        resamples: how many, at least 2.
        design: the rest of the rule.
    """
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2, got {resamples}")
    special = require("scipy.special", extra="workbench")
    levels = (np.arange(_NODES) + 0.5) / _NODES
    deviations = np.array([spread.deviation])
    if spread.degrees is not None and spread.deviation > 0.0:
        # the posterior of the variance under the flat prior of its logarithm: scaled inverse chi-squared.
        deviations = spread.deviation * np.sqrt(spread.degrees / special.chdtri(spread.degrees, levels))
    degrees = resamples - 1
    # Gauss-Legendre over the level of the estimate, denser at both ends than equal steps.
    points, weights = _levels()
    estimates = np.sqrt(special.chdtri(degrees, (1.0 - points) / 2.0) / degrees)
    error = deviations[:, None] * math.sqrt(1.0 / resamples + design.test_train_ratio)
    critical = -float(special.stdtrit(degrees, design.alpha / (2.0 * design.comparisons)))
    bar = np.maximum(design.rope, critical * estimates * error)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = special.ndtr((difference - bar) / error)
    # without any spread the mean is the difference itself.
    found = np.where(error > 0.0, found, float(difference > design.rope))
    return float(np.mean(found @ weights / 2.0))


def detectable_difference(spread: Spread, resamples: int, design: Design, *, power: float = POWER) -> float:
    """The smallest true difference that is found with this power."""
    _require_power(power)

    def enough(difference: float) -> bool:
        return power_of(difference, spread, resamples, design) >= power

    low, high = design.rope, max(2.0 * design.rope, spread.deviation, 1e-12)
    while not enough(high):
        low, high = high, 2.0 * high
    return _boundary(low, high, enough)


def resamples_to_detect(
    difference: float,
    spread: Spread,
    design: Design,
    *,
    power: float = POWER,
    least: int = LEAST_RESAMPLES,
    most: int = MOST_RECOMMENDED,
) -> int | None:
    """The smallest number of resamples that finds a true difference with this power; None where `most` do not."""
    _require_power(power)
    numbers = range(least, most + 1)
    place = bisect.bisect_left(numbers, power, key=lambda number: power_of(difference, spread, number, design))
    return numbers[place] if place < len(numbers) else None


def rows_factor(
    difference: float,
    spread: Spread,
    design: Design,
    *,
    power: float = POWER,
    most: int = MOST_RECOMMENDED,
) -> float | None:
    """By how much the rows must grow for `most` resamples to find the difference; None where no rows would do.

    The standard deviation is taken to shrink with the square root of the rows that judge. What varies between
    trainings for other reasons than rows shrinks less: the factor is a lower bound.
    """
    if difference <= design.rope:
        return None

    def enough(shrunk: float) -> bool:
        smaller = replace(spread, deviation=spread.deviation / shrunk)
        return power_of(difference, smaller, most, design) >= power

    high = 1.0
    while not enough(high):
        high *= 2.0
    return 1.0 if high == 1.0 else _boundary(high / 2.0, high, enough) ** 2


def spread_of_scores(
    scores: Mapping[str, Sequence[float]], *, reference: str, source: str
) -> tuple[Spread, dict[str, float]]:
    """The spread that three in four objectives do not exceed, and that of each, from scores on the same resamples.

    Not the mean: an objective that diverges now and then varies many times more, and would swell it. Not the typical
    spread either: an objective that is better differs more from the reference than those that are equal to it, and a
    plan for the typical one would miss it (benchmarks/false_winners.py). Nor is the estimate taken for more certain
    than that of one objective, though several share in it.

    Args:
        scores: for each objective its score on every resample, at least 2 of each.
        reference: the objective that the others are compared with.
        source: where the scores come from, in words.
    """
    names = [name for name in scores if name != reference]
    if not names:
        raise ValueError("scores must be of at least one objective besides the reference, got none")
    gaps = np.array([np.subtract(scores[name], scores[reference]) for name in names], dtype=np.float64)
    if gaps.shape[1] < 2:
        raise ValueError(f"scores must be on at least 2 resamples, got {gaps.shape[1]}")
    deviations = gaps.std(axis=1, ddof=1)
    place = math.ceil(COVERED * len(names)) - 1
    each = dict(zip(names, deviations.tolist(), strict=True))
    return Spread(float(np.sort(deviations)[place]), float(gaps.shape[1] - 1), source), each


def spread_of_rows(metric: str, test_counts: Sequence[float], *, disagreement: float = DISAGREEMENT) -> Spread | None:
    """A guess before anything is trained, for metrics that are shares of rows; None for others.

    Two models that are right on different rows in a share q of them differ in accuracy by a mean of numbers -1, 0 and
    1, whose variance is at most q / n_test; balanced accuracy weighs the rows of each class by its number.

    Args:
        metric: its slug.
        test_counts: rows of each class that judge in a resample.
        disagreement: the guess of q.
    """
    counts = np.asarray(test_counts, dtype=np.float64)
    if metric == "accuracy":
        variance = disagreement / counts.sum()
    elif metric == "balanced-accuracy":
        variance = disagreement * float((1.0 / counts).sum()) / len(counts) ** 2
    else:
        return None
    return Spread(
        math.sqrt(float(variance)),
        None,
        f"a guess from the {counts.sum():.0f} rows that judge: two objectives are right on different rows in "
        f"{100 * disagreement:.0f} % of them",
    )


@functools.cache
def _levels() -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return points, weights


def _boundary(low: float, high: float, enough: Callable[[float], bool]) -> float:
    """The smallest number that is enough between one that is not and one that is, to six digits."""
    while high - low > 1e-6 * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _require_power(power: float) -> None:
    if not 0.0 < power < 1.0:
        raise ValueError(f"power must be in (0.0, 1.0), got {power}")
