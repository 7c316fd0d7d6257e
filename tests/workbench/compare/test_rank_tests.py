from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from minimand.workbench.compare.rank_tests import (
    friedman_test,
    groups_alike,
    least_p,
    nemenyi_difference,
    pairwise_p,
    ranks_of,
    signed_rank_p,
)


def scores(objectives: int = 6, sets: int = 9, *, seed: int = 0, digits: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.8, 0.05, (objectives, sets)).round(digits)


@pytest.mark.parametrize("digits", [6, 1])
def test_ranks_are_those_of_scipy(digits):
    table = scores(digits=digits)
    np.testing.assert_allclose(ranks_of(table), stats.rankdata(-table, axis=0))


def test_the_last_bits_of_a_mean_make_no_rank():
    table = np.array([[0.1 + 0.2, 0.5], [0.3, 0.6]])
    assert ranks_of(table)[:, 0].tolist() == [1.5, 1.5]


@pytest.mark.parametrize("digits", [6, 1])
@pytest.mark.parametrize("seed", range(3))
def test_friedman_is_that_of_scipy_in_the_form_of_iman_and_davenport(digits, seed):
    table = scores(seed=seed, digits=digits)
    found = friedman_test(ranks_of(table))
    expected = stats.friedmanchisquare(*table).statistic
    assert found.chi_squared == pytest.approx(expected, rel=1e-10)
    f = 8 * expected / (9 * 5 - expected)
    assert found.f == pytest.approx(f, rel=1e-10)
    assert found.p == pytest.approx(stats.f.sf(f, 5, 40), rel=1e-10)


def test_friedman_at_its_ends():
    same_order = np.arange(4.0)[:, None] * np.ones((1, 5))
    assert friedman_test(ranks_of(same_order)).p == 0.0
    assert friedman_test(ranks_of(np.ones((4, 5)))).p == 1.0
    with pytest.raises(ValueError, match="at least 2 objectives and 2 data sets"):
        friedman_test(ranks_of(np.ones((4, 1))))


@pytest.mark.parametrize("sets", [1, 2, 5, 12, 30])
def test_signed_ranks_without_ties_are_those_of_scipy(sets):
    gaps = np.random.default_rng(sets).normal(0.3, 1.0, sets)
    expected = stats.wilcoxon(gaps, method="exact").pvalue
    assert signed_rank_p(gaps.tolist()) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_with_ties_and_zeros_all_signs_are_counted(seed):
    gaps = np.random.default_rng(seed).integers(-3, 4, size=9).astype(float)
    gaps[seed] = 0.0
    ranks = stats.rankdata(np.abs(gaps))
    nonzero = gaps != 0
    centre = ranks[nonzero].sum() / 2
    seen = abs(ranks[gaps > 0].sum() - centre)
    sums = [np.dot(signs, ranks[nonzero]) for signs in product((0, 1), repeat=int(nonzero.sum()))]
    expected = np.mean([abs(one - centre) >= seen - 1e-9 for one in sums])
    assert signed_rank_p(gaps.tolist()) == pytest.approx(expected, rel=1e-12)


def test_equal_objectives_do_not_differ_and_unanimous_ones_differ_most():
    assert signed_rank_p([0.0] * 8) == 1.0
    assert signed_rank_p(list(range(1, 9))) == least_p(8) == 2**-7
    assert signed_rank_p([1e-17, -1e-17, 1e-16]) == 1.0


def test_a_pair_does_not_depend_on_the_others():
    table = scores()
    few, many = pairwise_p(table[:2]), pairwise_p(table)
    assert few[0, 1] == many[0, 1]
    assert len(many) == 15


def test_bars_are_the_longest_runs_without_a_difference():
    differing = {frozenset(pair) for pair in ((0, 3), (0, 4), (1, 4))}
    assert groups_alike([0, 1, 2, 3, 4], differing) == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert groups_alike([0, 1, 2], set()) == [[0, 1, 2]]
    assert groups_alike([2, 0, 1], {frozenset(pair) for pair in ((0, 1), (0, 2), (1, 2))}) == []


def test_nemenyi_is_that_of_the_paper():
    # Demsar (2006), table 5a: q at 5 % is 1.960, 2.343, 2.569 for 2, 3, 4 classifiers, 3.164 for 10
    for objectives, quantile in ((2, 1.960), (3, 2.343), (4, 2.569), (10, 3.164)):
        expected = quantile * np.sqrt(objectives * (objectives + 1) / (6 * 14))
        assert nemenyi_difference(objectives, 14, alpha=0.05) == pytest.approx(expected, rel=5e-4)
