from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats.multitest import multipletests

from minimand.workbench.compare.statistics import (
    CorrectedTest,
    bayesian_probabilities,
    corrected_t_test,
    holm_adjusted,
    mean_test_train_ratio,
    resamples_to_decide,
)

BAYCOMP = json.loads((Path(__file__).parent / "baycomp_reference.json").read_text(encoding="utf-8"))


pytestmark = pytest.mark.filterwarnings("error")


def differences(count: int, seed: int = 0, shift: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 0.02, count)


@pytest.mark.parametrize("count", [2, 3, 10, 15, 100])
@pytest.mark.parametrize("shift", [0.0, 0.01, -0.2])
def test_with_fresh_rows_it_is_the_paired_t_test_of_scipy(count, shift):
    ours = corrected_t_test(differences(count, shift=shift), test_train_ratio=0.0)
    theirs = stats.ttest_rel(differences(count, shift=shift) + 0.7, np.full(count, 0.7))
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-10, abs=0)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10, abs=0)
    assert ours.degrees == theirs.df
    for confidence in (0.5, 0.9, 0.95, 0.999):
        interval = theirs.confidence_interval(confidence)
        assert ours.interval(confidence) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-12)


def test_a_case_by_hand():
    # differences 1, 2, 3: mean 2, sd 1; tested 1 row for each 4 trained on: se = sqrt(1/3 + 1/4) = sqrt(7/12).
    # With 2 degrees of freedom the distribution is elementary: cdf(t) = 1/2 + t / (2 sqrt(2 + t^2)).
    test = corrected_t_test([1.0, 2.0, 3.0], test_train_ratio=0.25)
    t = 2.0 / math.sqrt(7 / 12)
    assert (test.mean, test.deviation, test.degrees) == (2.0, pytest.approx(1.0, abs=1e-15), 2)
    assert test.standard_error == pytest.approx(math.sqrt(7 / 12), rel=1e-14)
    assert test.p == pytest.approx(1.0 - t / math.sqrt(2.0 + t * t), rel=1e-12)


def test_the_correction_is_the_mean_of_equally_correlated_differences():
    # A second road to the factor: J differences of variance v and correlation r have a mean of variance
    # v (1/J + (1 - 1/J) r) and an expected sample variance of v (1 - r). With r = n_test / (n_test + n_train) their
    # ratio is the square of the standard error for a sample variance of 1.
    for resamples, tested, trained in itertools.product((2, 10, 30), (20, 50), (80, 450)):
        r = tested / (tested + trained)
        covariance = np.full((resamples, resamples), r) + (1 - r) * np.eye(resamples)
        of_mean = covariance.mean()
        of_sample = np.trace(covariance - covariance.mean(0)) / (resamples - 1)
        test = CorrectedTest(0.5, 1.0, resamples, tested / trained)
        assert test.standard_error**2 == pytest.approx(of_mean / of_sample, rel=1e-12)


@pytest.mark.parametrize("case", BAYCOMP["cases"], ids=range(len(BAYCOMP["cases"])))
def test_probabilities_agree_with_baycomp(case):
    test = corrected_t_test(np.subtract(case["y"], case["x"]), test_train_ratio=case["test_train_ratio"])
    ours = bayesian_probabilities(test, rope=case["rope"])
    assert (ours.worse, ours.equal, ours.better) == pytest.approx(
        (case["left"], case["equal"], case["right"]), abs=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_agree_with_quadrature_over_the_unknown_variance(seed):
    # Student's posterior is a normal one, averaged over the scaled inverse chi-squared posterior of the variance.
    test = corrected_t_test(differences(8, seed=seed, shift=0.004), test_train_ratio=0.25)

    def below(bound: float) -> float:
        def integrand(chi2: float) -> float:
            error = test.standard_error * math.sqrt(test.degrees / chi2)
            return stats.norm.cdf((bound - test.mean) / error) * stats.chi2.pdf(chi2, test.degrees)

        return integrate.quad(integrand, 0, np.inf, epsabs=1e-11)[0]

    probabilities = bayesian_probabilities(test, rope=0.005)
    assert probabilities.worse == pytest.approx(below(-0.005), abs=1e-8)
    assert probabilities.equal == pytest.approx(below(0.005) - below(-0.005), abs=1e-8)
    assert probabilities.better == pytest.approx(1 - below(0.005), abs=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_holm_agrees_with_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p_values = rng.random(1 + seed) ** 3
    p_values[:: 1 + seed % 3] = rng.choice([0.0, 0.01, 0.04, 1.0], len(p_values[:: 1 + seed % 3]))  # with ties
    theirs = multipletests(p_values, method="holm")[1]
    assert holm_adjusted(p_values.tolist()) == pytest.approx(list(theirs), abs=1e-10)


def test_holm_of_nothing_is_nothing():
    assert holm_adjusted([]) == []


def test_holm_refuses_what_is_no_probability():
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"p_values must be in \[0.0, 1.0\]"):
            holm_adjusted([0.5, bad])


@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=20), st.floats(0.0, 1.0), st.floats(0.0, 0.5))
def test_swapping_the_arms_turns_everything_round(values, ratio, rope):
    one = corrected_t_test(values, test_train_ratio=ratio)
    other = corrected_t_test([-value for value in values], test_train_ratio=ratio)
    assert (one.mean, one.t, one.p) == (-other.mean, -other.t, other.p)
    assert one.interval(0.95) == tuple(-end for end in reversed(other.interval(0.95)))
    mine, yours = bayesian_probabilities(one, rope=rope), bayesian_probabilities(other, rope=rope)
    assert (mine.worse, mine.better) == (yours.better, yours.worse)
    assert mine.equal == pytest.approx(yours.equal, abs=1e-15)
    assert mine.worse + mine.equal + mine.better == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 100.0, 1e300])
def test_units_do_not_matter(scale):
    plain = corrected_t_test(differences(10), test_train_ratio=0.25)
    scaled = corrected_t_test(scale * differences(10), test_train_ratio=0.25)
    assert scaled.t == pytest.approx(plain.t, rel=1e-12)
    assert scaled.p == pytest.approx(plain.p, rel=1e-10)
    assert np.divide(scaled.interval(0.9), scale) == pytest.approx(plain.interval(0.9), rel=1e-10)


def test_more_resamples_narrow_the_interval_but_not_below_its_floor():
    widths = [
        np.diff(CorrectedTest(0.01, 0.02, number, 0.25).interval(0.95)).item() for number in (2, 3, 10, 100, 10**6)
    ]
    assert widths == sorted(widths, reverse=True)
    floor = 2 * stats.norm.ppf(0.975) * 0.02 * math.sqrt(0.25)
    assert widths[-1] == pytest.approx(floor, rel=1e-5)
    assert widths[-1] > floor


def test_differences_of_exactly_zero():
    test = corrected_t_test([0.0] * 10, test_train_ratio=0.25)
    assert (test.mean, test.standard_error, test.t, test.p) == (0.0, 0.0, 0.0, 1.0)
    assert test.interval(0.95) == (0.0, 0.0)
    for rope in (0.0, 0.005):
        probabilities = bayesian_probabilities(test, rope=rope)
        assert (probabilities.worse, probabilities.equal, probabilities.better) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("value", [0.1, -0.1])
def test_differences_that_are_all_the_same(value):
    test = corrected_t_test([value] * 10, test_train_ratio=0.25)  # np.mean of these is not 0.1, np.std is not 0
    assert (test.mean, test.deviation, test.t, test.p) == (value, 0.0, math.copysign(math.inf, value), 0.0)
    assert test.interval(0.95) == (value, value)
    probabilities = bayesian_probabilities(test, rope=0.005)
    assert (probabilities.worse, probabilities.equal, probabilities.better) == (value < 0, 0.0, value > 0)
    assert bayesian_probabilities(test, rope=0.1).equal == 1.0


def test_mean_of_zero_with_a_spread():
    test = corrected_t_test([-1.0, 1.0], test_train_ratio=0.25)
    assert (test.t, test.p) == (0.0, 1.0)


@pytest.mark.parametrize("values", [[], [0.1], [[0.1, 0.2]]])
def test_fewer_than_two_differences_are_refused(values):
    with pytest.raises(ValueError, match="at least 2 numbers"):
        corrected_t_test(values, test_train_ratio=0.25)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_differences_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match=f"must be finite, got {bad} at resample 2"):
        corrected_t_test([0.1, 0.2, bad], test_train_ratio=0.25)


def test_arguments_out_of_range_are_refused():
    for bad in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"test_train_ratio must be finite and at least 0, got {bad}"):
            corrected_t_test([0.1, 0.2], test_train_ratio=bad)
        with pytest.raises(ValueError, match=f"rope must be finite and at least 0, got {bad}"):
            bayesian_probabilities(CorrectedTest(0.0, 1.0, 5, 0.25), rope=bad)
        with pytest.raises(ValueError, match=f"deviation must be finite and at least 0, got {bad}"):
            CorrectedTest(0.0, bad, 5, 0.25)
    for bad in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"confidence must be in \(0.0, 1.0\)"):
            CorrectedTest(0.0, 1.0, 5, 0.25).interval(bad)
    with pytest.raises(ValueError, match="mean must be finite"):
        CorrectedTest(math.inf, 1.0, 5, 0.25)
    with pytest.raises(ValueError, match="resamples must be at least 2"):
        CorrectedTest(0.0, 1.0, 1, 0.25)
    with pytest.raises(ValueError, match="most must be at least 2, got 1"):
        resamples_to_decide([], decided=lambda tests: [], most=1)


def test_mean_ratio_of_splits_of_several_sizes():
    assert mean_test_train_ratio([20, 20], [80, 80]) == 0.25
    # a split by time: 100 rows tested after 100, 200 and 300 trained on; not the ratio of sums, 0.5
    assert mean_test_train_ratio([100, 100, 100], [100, 200, 300]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, rel=1e-15)
    for tested, trained in (([], []), ([1], [1, 2]), ([0], [5]), ([5], [0])):
        with pytest.raises(ValueError, match="test_sizes and train_sizes"):
            mean_test_train_ratio(tested, trained)


def test_resamples_to_decide_finds_what_a_walk_finds():
    family = [CorrectedTest(mean, 0.02, 10, 0.25) for mean in (0.0, 0.025, 0.027, 0.028, 0.05, -0.3)]

    def decided(tests):
        return [p < 0.05 for p in holm_adjusted([test.p for test in tests])]

    found = resamples_to_decide(family, decided=decided, most=200)
    walked = [
        decided([CorrectedTest(test.mean, test.deviation, number, 0.25) for test in family]) for number in range(2, 201)
    ]
    expected = [next((number for number, row in enumerate(walked, start=2) if row[i]), None) for i in range(6)]
    assert found == expected
    assert None in found
    assert len(set(found)) >= 4


def test_resamples_to_decide_at_the_ends():
    family = [CorrectedTest(0.1, 0.0, 10, 0.25), CorrectedTest(0.05, 0.02, 10, 0.25)]

    def decided(tests):
        return [test.p < 0.05 for test in tests]

    first, second = resamples_to_decide(family, decided=decided)
    assert first == 2
    assert resamples_to_decide(family, decided=decided, most=second) == [2, second]
    assert resamples_to_decide(family, decided=decided, most=second - 1) == [2, None]
