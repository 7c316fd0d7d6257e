"""The honest decision of `compare`: which objectives beat the reference on this data set, by one stated rule.

`decide` takes the outer test scores of all objectives on the same resamples and gives each a verdict against the
reference; `confirm` re-estimates the winner's advantage on resamples that did not choose it. The rule is `RULE`. What
it asks for *better* and for *practically equal* cannot both hold: the first needs a mean difference outside the region
of practical equivalence, the second an interval inside it, and the mean is the centre of the interval. So a difference
that is significant but too small to matter ends as practically equal (or undecided, while its interval still reaches
beyond the region), never as better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from minimand.errors import InputError
from minimand.workbench.compare.statistics import (
    MOST_RESAMPLES,
    CorrectedTest,
    PracticalProbabilities,
    bayesian_probabilities,
    corrected_t_test,
    holm_adjusted,
    resamples_to_decide,
)

RULE = (
    "An objective is better than the reference when the p-value of the corrected resampled t-test "
    "(Nadeau and Bengio), adjusted by Holm for all objectives compared, is below alpha and its mean difference exceeds "
    "the region of practical equivalence; it is worse when the same holds in the other direction; it is practically "
    "equal when the corrected 90 % interval of the difference lies inside the region; otherwise it is undecided, and "
    "the number of resamples is given at which the same mean and spread of the differences would decide, or it is "
    f"said that more rows are needed because not even {MOST_RESAMPLES} resamples of these would."
)
"""The one rule, in words."""

EQUIVALENCE_CONFIDENCE = 0.90  # two one-sided tests at 5 % each are the same as a 90 % interval inside the region

Verdict = Literal["better", "practically equal", "undecided", "worse"]


@dataclass(frozen=True)
class Comparison:
    """One objective against the reference; differences are oriented so that positive = better than the reference.

    `resamples_needed` and `needs_more_rows` speak of undecided comparisons only: either a number of resamples larger
    than the one at hand, or None and True.
    """

    objective: str
    difference: float
    interval95: tuple[float, float]
    interval90: tuple[float, float]
    p: float
    p_holm: float
    bayes: PracticalProbabilities
    verdict: Verdict
    resamples_needed: int | None
    needs_more_rows: bool


@dataclass(frozen=True)
class Decision:
    """All comparisons with one reference, and what follows from them.

    `winner` has the largest mean difference among the objectives judged better, or is None. `best` has the largest
    mean difference of all, whatever its verdict, or is None where nothing was compared with the reference.
    """

    reference: str
    comparisons: Mapping[str, Comparison]
    winner: str | None
    best: str | None
    resamples: int
    test_train_ratio: float
    rope: float
    alpha: float

    @property
    def nominee(self) -> str | None:
        """The objective whose advantage is estimated again: the winner, or the best where there is none."""
        return self.winner or self.best

    @property
    def rule(self) -> str:
        """The rule with the numbers that were used."""
        return f"{RULE} Here alpha is {self.alpha:g} and the region is from {-self.rope:g} to {self.rope:g}."


@dataclass(frozen=True)
class Confirmation:
    """The winner's advantage over the reference, estimated again on resamples that did not choose it."""

    resamples: int
    difference: float
    interval: tuple[float, float]
    p: float

    @property
    def holds(self) -> bool:
        """Whether the whole 95 % interval lies on the winner's side of 0."""
        return self.interval[0] > 0.0


def decide(
    scores: Mapping[str, Sequence[float]],
    *,
    reference: str,
    test_train_ratio: float,
    rope: float = 0.005,
    alpha: float = 0.05,
    higher_is_better: bool = True,
) -> Decision:
    """A verdict for every objective against the reference, by `RULE`.

    Args:
        scores: for each objective its test score on every outer resample; the same resamples in the same order for
            all, at least 2. A training that diverged must count, since leaving it out would reward the objective that
            diverges: give it the worst score that was to be had on that resample. NaN is refused.
        reference: the objective that the others are compared with; a key of `scores`.
        test_train_ratio: rows tested / rows trained on in a resample; see `statistics.mean_test_train_ratio`.
        rope: half the width of the region of practical equivalence, in units of the score, at least 0.
        alpha: level of the test over the whole family, in (0, 1).
        higher_is_better: False for a score such as log loss; differences are turned round, so that positive is better.

    Raises:
        ValueError: scores that are missing, unpaired, too few or not finite, by arm and resample.
        InputError: `rope` or `alpha` out of range.
    """
    if not (math.isfinite(rope) and rope >= 0.0):
        raise InputError(
            f"rope must be a number of at least 0, in units of the score (0.005 = half a point); got {rope}"
        )
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha must be between 0 and 1, such as 0.05; got {alpha}")
    if reference not in scores:
        raise ValueError(f"reference must be one of the objectives {sorted(scores)}, got {reference!r}")
    table = {name: _checked(name, values, len(scores[reference])) for name, values in scores.items()}
    sign = 1.0 if higher_is_better else -1.0
    names = [name for name in table if name != reference]
    tests = [
        corrected_t_test(sign * (table[name] - table[reference]), test_train_ratio=test_train_ratio) for name in names
    ]
    verdicts = family_verdicts(tests, rope=rope, alpha=alpha)
    adjusted = holm_adjusted([test.p for test in tests])
    needed = _resamples_needed(tests, verdicts, rope=rope, alpha=alpha)
    comparisons = {
        name: Comparison(
            objective=name,
            difference=test.mean,
            interval95=test.interval(0.95),
            interval90=test.interval(EQUIVALENCE_CONFIDENCE),
            p=test.p,
            p_holm=p_holm,
            bayes=bayesian_probabilities(test, rope=rope),
            verdict=verdict,
            resamples_needed=number,
            needs_more_rows=verdict == "undecided" and number is None,
        )
        for name, test, p_holm, verdict, number in zip(names, tests, adjusted, verdicts, needed, strict=True)
    }
    return Decision(
        reference=reference,
        comparisons=comparisons,
        winner=_largest([one for one in comparisons.values() if one.verdict == "better"]),
        best=_largest(list(comparisons.values())),
        resamples=len(table[reference]),
        test_train_ratio=test_train_ratio,
        rope=rope,
        alpha=alpha,
    )


def family_verdicts(tests: Sequence[CorrectedTest], *, rope: float, alpha: float) -> list[Verdict]:
    """The rule itself: the verdicts of comparisons that were made together."""
    adjusted = holm_adjusted([test.p for test in tests])
    return [_verdict(test, p_holm, rope=rope, alpha=alpha) for test, p_holm in zip(tests, adjusted, strict=True)]


def confirm(
    scores: Sequence[float],
    reference_scores: Sequence[float],
    *,
    test_train_ratio: float,
    higher_is_better: bool = True,
) -> Confirmation:
    """The winner's advantage on fresh resamples, with its corrected 95 % interval.

    The largest of several estimates is too large on average, because luck on these very resamples helped to choose it.
    Resamples that had no part in the choice are free of that luck. They are drawn from the same rows, though: what the
    rows themselves got wrong is not removed, only covered by the corrected interval.

    Args:
        scores: the winner's test scores, at least 2, all finite.
        reference_scores: the reference's, on the same resamples in the same order.
        test_train_ratio: rows tested / rows trained on in a resample.
        higher_is_better: False for a score such as log loss.
    """
    reference = _checked("reference", reference_scores, len(reference_scores))
    winner = _checked("winner", scores, len(reference))
    sign = 1.0 if higher_is_better else -1.0
    test = corrected_t_test(sign * (winner - reference), test_train_ratio=test_train_ratio)
    return Confirmation(resamples=test.resamples, difference=test.mean, interval=test.interval(0.95), p=test.p)


def _verdict(test: CorrectedTest, p_holm: float, *, rope: float, alpha: float) -> Verdict:
    if p_holm < alpha and abs(test.mean) > rope:
        return "better" if test.mean > 0.0 else "worse"
    low, high = test.interval(EQUIVALENCE_CONFIDENCE)
    # The region is closed, so that identical arms are practically equal even with rope = 0.
    return "practically equal" if -rope <= low and high <= rope else "undecided"


def _resamples_needed(
    tests: Sequence[CorrectedTest], verdicts: Sequence[Verdict], *, rope: float, alpha: float
) -> list[int | None]:
    if "undecided" not in verdicts:
        return [None] * len(tests)

    def decided(family: Sequence[CorrectedTest]) -> list[bool]:
        return [verdict != "undecided" for verdict in family_verdicts(family, rope=rope, alpha=alpha)]

    numbers = resamples_to_decide(tests, decided=decided, most=max(MOST_RESAMPLES, tests[0].resamples))
    return [number if verdict == "undecided" else None for number, verdict in zip(numbers, verdicts, strict=True)]


def _largest(comparisons: Sequence[Comparison]) -> str | None:
    best = max(comparisons, key=lambda one: one.difference, default=None)
    return None if best is None else best.objective


def _checked(name: str, values: Sequence[float], resamples: int) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"scores of {name!r} must be at least 2, one for each resample; got {len(array)}")
    if len(array) != resamples:
        raise ValueError(f"scores of {name!r} must be paired with those of the reference: {len(array)} and {resamples}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"scores of {name!r} must be finite, got {array[bad[0]]} at resample {bad[0]}: "
            "give a training that diverged the worst score, do not leave it out"
        )
    return array
