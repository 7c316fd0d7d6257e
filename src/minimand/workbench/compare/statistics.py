"""Paired tests over resamples of one data set: how far a mean difference can be trusted, and when more resamples help.

The J resamples of one data set share its rows, so their differences are correlated and the plain paired t-test is
grossly wrong: it calls a winner between two equal methods in a third to two thirds of all data sets, and the more
often, the more resamples it is given. The corrected resampled t-test adds the share of the variance that no number of
resamples can remove:

    standard error = sd of the differences * sqrt(1/J + n_test/n_train)

`CorrectedTest` holds the four numbers that determine everything else, `corrected_t_test` makes one from scores.
`bayesian_probabilities` says the same as three probabilities, `holm_adjusted` allows for many comparisons, and
`resamples_to_decide` asks at which number of resamples a rule would have come to a verdict.

References:
    C. Nadeau and Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.
    G. Corani and A. Benavoli. A Bayesian approach for comparing cross-validated algorithms on multiple data sets.
        Machine Learning 100, 2015.
    S. Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minimand.extras import require

MOST_RESAMPLES = 1000
"""Where `resamples_to_decide` stops looking: beyond it 1/J is nothing beside n_test/n_train."""


@dataclass(frozen=True)
class CorrectedTest:
    """Corrected resampled t-test of a mean paired difference against 0, two-sided.

    Args:
        mean: mean of the paired differences.
        deviation: their standard deviation (n - 1 in the denominator), at least 0.
        resamples: how many differences, at least 2.
        test_train_ratio: rows tested / rows trained on in a resample, at least 0; 0 is the plain paired t-test, right
            only where every difference comes from fresh rows.
    """

    mean: float
    deviation: float
    resamples: int
    test_train_ratio: float

    def __post_init__(self) -> None:
        if self.resamples < 2:
            raise ValueError(f"resamples must be at least 2, since one difference has no spread; got {self.resamples}")
        if not math.isfinite(self.mean):
            raise ValueError(f"mean must be finite, got {self.mean}")
        if not (math.isfinite(self.deviation) and self.deviation >= 0.0):
            raise ValueError(f"deviation must be finite and at least 0, got {self.deviation}")
        if not (math.isfinite(self.test_train_ratio) and self.test_train_ratio >= 0.0):
            raise ValueError(f"test_train_ratio must be finite and at least 0, got {self.test_train_ratio}")

    @property
    def degrees(self) -> int:
        """Degrees of freedom, J - 1."""
        return self.resamples - 1

    @property
    def standard_error(self) -> float:
        """sd * sqrt(1/J + n_test/n_train); it does not go to 0 with the number of resamples, only with rows."""
        return self.deviation * math.sqrt(1.0 / self.resamples + self.test_train_ratio)

    @property
    def t(self) -> float:
        """Mean over standard error; 0 for a mean of exactly 0, infinite where only the spread is 0."""
        if self.mean == 0.0:
            return 0.0
        if self.standard_error == 0.0:
            return math.copysign(math.inf, self.mean)
        return self.mean / self.standard_error

    @property
    def p(self) -> float:
        """Two-sided p-value; 1 for a mean of exactly 0, 0 where the differences are all the same and not 0."""
        return min(1.0, 2.0 * _student_cdf(self.degrees, -abs(self.t)))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Interval around the mean that covers the true difference with this confidence, in (0, 1)."""
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must be in (0.0, 1.0), got {confidence}")
        special = require("scipy.special", extra="workbench")
        # minus the lower quantile, not the upper one: (1 - c)/2 keeps its digits where (1 + c)/2 rounds to 1.
        half = -float(special.stdtrit(self.degrees, (1.0 - confidence) / 2.0)) * self.standard_error
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class PracticalProbabilities:
    """Posterior probabilities that the true difference lies below, inside and above the region of equivalence."""

    worse: float
    equal: float
    better: float


def corrected_t_test(differences: Sequence[float] | np.ndarray, *, test_train_ratio: float) -> CorrectedTest:
    """Corrected resampled t-test (Nadeau and Bengio) of paired differences.

    Args:
        differences: one for each resample, at least 2, all finite.
        test_train_ratio: rows tested / rows trained on; see `mean_test_train_ratio`.

    Raises:
        ValueError: fewer than two differences, or one that is not finite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"differences must be one row of at least 2 numbers, got shape {values.shape}")
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"differences must be finite, got {values[where]} at resample {where}")
    scale = float(np.abs(values).max())
    if values.min() == values.max():
        # Not left to np.std: the mean of ten times 0.1 is not 0.1, and the spread would come out as 1e-17, not 0.
        mean, deviation = float(values[0]), 0.0
    else:
        # In units of the largest difference, so that the squares of tiny differences do not vanish.
        mean = float(np.mean(values / scale)) * scale
        deviation = float(np.std(values / scale, ddof=1)) * scale
    return CorrectedTest(mean, deviation, len(values), test_train_ratio)


def mean_test_train_ratio(test_sizes: Sequence[int], train_sizes: Sequence[int]) -> float:
    """Mean over the resamples of rows tested / rows trained on.

    The correction knows one ratio. Splits by time or by group have resamples of several sizes, and their mean ratio
    stands for them; where all are alike it is exactly theirs.
    """
    if len(test_sizes) != len(train_sizes) or not test_sizes:
        raise ValueError(
            "test_sizes and train_sizes must have one entry for each resample, "
            f"got {len(test_sizes)} and {len(train_sizes)}"
        )
    if min(*test_sizes, *train_sizes) < 1:
        raise ValueError("test_sizes and train_sizes must be at least 1 everywhere")
    return math.fsum(test / train for test, train in zip(test_sizes, train_sizes, strict=True)) / len(test_sizes)


def bayesian_probabilities(test: CorrectedTest, *, rope: float) -> PracticalProbabilities:
    """Bayesian correlated t-test (Corani and Benavoli), in closed form.

    With correlation n_test / (n_test + n_train) between the differences and the usual flat prior, the posterior of
    the true difference is Student's t around the mean with the standard error of the corrected test. The three
    probabilities are its mass below -rope, inside, and above rope. Without any spread it is a point, and the region is
    closed: two identical arms are equal with probability 1 even for rope = 0.
    """
    _require_rope(rope)
    if test.standard_error == 0.0:
        worse, better = float(test.mean < -rope), float(test.mean > rope)
    else:
        worse = _student_cdf(test.degrees, (-rope - test.mean) / test.standard_error)
        better = _student_cdf(test.degrees, (test.mean - rope) / test.standard_error)
    return PracticalProbabilities(worse=worse, equal=max(0.0, 1.0 - worse - better), better=better)


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given.

    Comparing each with alpha keeps the chance of any false rejection among them below alpha, however they depend on
    each other (here all arms are compared with one reference on the same rows).
    """
    if any(not 0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"p_values must be in [0.0, 1.0], got {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def resamples_to_decide(
    tests: Sequence[CorrectedTest],
    *,
    decided: Callable[[Sequence[CorrectedTest]], Sequence[bool]],
    most: int = MOST_RESAMPLES,
) -> list[int | None]:
    """Smallest number of resamples at which each comparison would be decided, all means and deviations staying.

    Args:
        tests: the comparisons of one family; they are all given the same number of resamples, since Holm's adjustment
            of one depends on the others.
        decided: the rule; says for each comparison of a family whether it has a verdict. A rule that, once decided,
            stays decided with more resamples: true of any that looks at adjusted p-values and intervals.
        most: the largest number considered, at least 2.

    Returns:
        For each comparison a number between 2 and `most`, or None where even `most` would not do: the standard error
        stops shrinking at sd * sqrt(n_test/n_train), and only more rows can help.
    """
    if most < 2:
        raise ValueError(f"most must be at least 2, got {most}")

    def at(resamples: int) -> Sequence[bool]:
        return decided([replace(test, resamples=resamples) for test in tests])

    def smallest(index: int) -> int:
        return numbers[bisect.bisect_left(numbers, True, key=lambda resamples: at(resamples)[index])]

    numbers = range(2, most + 1)
    return [smallest(index) if reachable else None for index, reachable in enumerate(at(most))]


def _require_rope(rope: float) -> None:
    if not (math.isfinite(rope) and rope >= 0.0):
        raise ValueError(f"rope must be finite and at least 0, got {rope}")


def _student_cdf(degrees: int, t: float) -> float:
    if math.isinf(t):
        return float(t > 0)
    return float(require("scipy.special", extra="workbench").stdtr(degrees, t))
