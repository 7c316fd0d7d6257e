"""When settings are cut, which ones, and what is said of the price."""

from __future__ import annotations

import math

import pytest
from scipy.stats import spearmanr

from minimand.workbench.compare.halving import (
    EPOCHS,
    cost_of_cutting,
    epochs_trained,
    rank_correlation,
    rungs,
    survivors,
)


def test_three_quarters_go_on_after_the_first_cut_and_half_after_the_second():
    assert rungs(8) == ((10, 6), (20, 4))
    assert rungs(5) == ((10, 4), (20, 3))
    assert rungs(3) == ((20, 2),)
    assert rungs(2) == ((20, 1),)
    assert rungs(1) == ()


def test_the_best_survive_and_of_equal_ones_the_first():
    assert survivors({3: 0.5, 1: 0.9, 0: 0.9, 2: 0.1}, 3) == [0, 1, 3]
    assert survivors({0: -math.inf, 1: 0.0}, 1) == [1]


def test_epochs_are_counted_up_to_each_cut():
    # 8 settings for 10 epochs, 6 for 10 more, and 4 for the last 10
    assert epochs_trained(8, 30, halving=True) == 8 * 10 + 6 * 10 + 4 * 10
    assert epochs_trained(8, 30, halving=False) == 240
    # trainings that end before the cuts are not made longer by them
    assert epochs_trained(8, 3, halving=True) == 24
    assert epochs_trained(8, 12, halving=True) == 8 * 10 + 6 * 2


def record(*rungs, final):
    return {"rungs": list(rungs), "validation": final}


def test_a_slow_starter_that_would_have_won_is_the_regret():
    records = [record(0.8, 0.8, final=0.8), record(0.1, 0.1, final=0.9)]
    assert cost_of_cutting(records, sign=1.0) == {
        "rank_correlation": pytest.approx(-1.0),
        "regret": pytest.approx(0.1),
    }
    errors = [record(0.8, 0.8, final=0.8), record(0.9, 0.9, final=0.7)]
    assert cost_of_cutting(errors, sign=-1.0)["regret"] == pytest.approx(0.1)


def test_no_regret_where_early_ranks_are_the_final_ones():
    records = [record(v, v, final=v) for v in (0.1, 0.5, 0.4, 0.3, 0.2, 0.45)]
    assert cost_of_cutting(records, sign=1.0) == {"rank_correlation": pytest.approx(1.0), "regret": 0.0}
    assert EPOCHS == (10, 20)


def test_the_rank_correlation_is_spearmans():
    some, others = [0.1, 0.4, 0.4, 0.9, 0.3], [1.0, 3.0, 2.0, 2.0, 5.0]
    assert rank_correlation(some, others) == pytest.approx(spearmanr(some, others).statistic, rel=1e-12)
    assert rank_correlation([0.5, 0.5], [0.1, 0.2]) is None
