from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from minimand.workbench.compare.decide import family_verdicts
from minimand.workbench.compare.power import (
    MOST_RECOMMENDED,
    Design,
    Spread,
    detectable_difference,
    power_of,
    resamples_to_detect,
    rows_factor,
    spread_of_rows,
    spread_of_scores,
)
from minimand.workbench.compare.statistics import CorrectedTest

ALONE = Design(test_train_ratio=0.25, comparisons=1, rope=0.0)
USUAL = Design(test_train_ratio=0.25, comparisons=9, rope=0.005)


def known(deviation: float) -> Spread:
    return Spread(deviation, None, "known")


@pytest.mark.parametrize("resamples", [5, 10, 60])
@pytest.mark.parametrize("difference", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("comparisons", [1, 9])
def test_without_a_region_it_is_the_noncentral_t(resamples, difference, comparisons):
    design = Design(0.25, comparisons, 0.0)
    error = math.sqrt(1 / resamples + 0.25)
    bar = stats.t.ppf(1 - 0.05 / (2 * comparisons), resamples - 1)
    expected = stats.nct.sf(bar, resamples - 1, difference / error)
    assert power_of(difference, known(1.0), resamples, design) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("difference", "spread"), [(0.02, 0.01), (0.012, 0.004), (0.03, 0.02)])
def test_it_is_how_often_the_rule_says_better_under_its_own_model(difference, spread):
    rng = np.random.default_rng(0)
    resamples, tries = 10, 4000
    shared = math.sqrt(0.25) * spread * rng.standard_normal(tries)
    gaps = difference + shared[:, None] + spread * rng.standard_normal((tries, resamples))
    # two others that are sure to stay undecided: Holm's first step is all that the first one meets.
    others = [CorrectedTest(0.0, spread, resamples, 0.25)] * 2
    found = [
        family_verdicts([CorrectedTest(mean, sd, resamples, 0.25), *others], rope=0.01, alpha=0.05)[0] == "better"
        for mean, sd in zip(gaps.mean(1), gaps.std(1, ddof=1), strict=True)
    ]
    expected = power_of(difference, known(spread), resamples, Design(0.25, 3, 0.01))
    assert np.mean(found) == pytest.approx(expected, abs=4 * math.sqrt(0.25 / tries))


def test_an_estimate_is_averaged_over_what_it_leaves_open():
    rng = np.random.default_rng(1)
    drawn = 0.01 * np.sqrt(4 / rng.chisquare(4, size=3000))
    expected = np.mean([power_of(0.02, known(s), 10, USUAL) for s in drawn])
    assert power_of(0.02, Spread(0.01, 4.0, ""), 10, USUAL) == pytest.approx(expected, abs=0.02)
    assert power_of(0.02, Spread(0.01, 1e9, ""), 10, USUAL) == pytest.approx(power_of(0.02, known(0.01), 10, USUAL))


def test_what_is_detectable_has_the_power_asked_for():
    for spread in (known(0.01), Spread(0.01, 6.0, "")):
        for resamples in (5, 10, 100):
            found = detectable_difference(spread, resamples, USUAL, power=0.9)
            assert power_of(found, spread, resamples, USUAL) == pytest.approx(0.9, abs=1e-4)


def test_units_of_the_metric_do_not_matter():
    percent = Design(0.25, 9, 0.5)
    found = detectable_difference(Spread(1.0, 4.0, ""), 10, percent)
    assert found == pytest.approx(100 * detectable_difference(Spread(0.01, 4.0, ""), 10, USUAL), rel=1e-5)


def test_more_resamples_objectives_and_rows_do_what_they_must():
    at = [detectable_difference(known(0.01), number, USUAL) for number in (5, 10, 50, 500)]
    assert at == sorted(at, reverse=True)
    assert detectable_difference(known(0.01), 10, ALONE) < at[1]
    assert at[3] > 0.01 * math.sqrt(0.25) * stats.norm.ppf(1 - 0.025 / 9)  # the floor that rows alone can lower


def test_a_gain_inside_the_region_is_never_found():
    assert power_of(0.004, known(1e-6), 100, USUAL) < 1e-6
    assert detectable_difference(known(0.0), 10, USUAL) == pytest.approx(0.005, rel=1e-5)
    assert power_of(0.0051, known(0.0), 10, USUAL) == 1.0
    assert power_of(0.005, known(0.0), 10, USUAL) == 0.0
    assert rows_factor(0.005, known(0.01), USUAL) is None


def test_the_recommended_number_is_the_smallest():
    number = resamples_to_detect(0.02, known(0.008), USUAL)
    assert number is not None
    assert power_of(0.02, known(0.008), number, USUAL) >= 0.8 > power_of(0.02, known(0.008), number - 1, USUAL)
    assert resamples_to_detect(1.0, known(0.008), USUAL) == 5


def test_where_no_number_is_enough_rows_are():
    assert resamples_to_detect(0.02, known(0.04), USUAL) is None
    factor = rows_factor(0.02, known(0.04), USUAL)
    assert factor > 1
    enough = known(0.04 / math.sqrt(factor))
    assert power_of(0.02, enough, MOST_RECOMMENDED, USUAL) == pytest.approx(0.8, abs=1e-3)
    assert rows_factor(0.02, known(0.001), USUAL) == 1.0


def test_the_spread_of_a_single_objective_is_its_own():
    scores = {"ce": [0.8, 0.7, 0.9, 0.8], "a": [0.9, 0.7, 0.8, 0.9]}
    spread, each = spread_of_scores(scores, reference="ce", source="here")
    assert spread.deviation == pytest.approx(np.std([0.1, 0.0, -0.1, 0.1], ddof=1))
    assert each == {"a": pytest.approx(spread.deviation)}
    assert (spread.degrees, spread.source) == (3.0, "here")


def test_three_in_four_objectives_vary_no_more_and_wild_ones_do_not_matter():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal(8)
    gaps = {f"arm {k}": (k + 1) * rng.standard_normal(8) for k in range(8)}
    scores = {"ce": reference.tolist()} | {name: (reference + gap).tolist() for name, gap in gaps.items()}
    spread, each = spread_of_scores(scores, reference="ce", source="")
    assert each == {name: pytest.approx(gap.std(ddof=1)) for name, gap in gaps.items()}
    assert spread.deviation == sorted(each.values())[5]
    assert sum(one <= spread.deviation for one in each.values()) == 6
    assert spread.degrees == 7.0
    widest = sorted(each, key=each.get)[-2:]
    wild = scores | {name: (1000 * np.array(scores[name])).tolist() for name in widest}
    assert spread_of_scores(wild, reference="ce", source="")[0] == spread
    two = {name: scores[name] for name in ("ce", "arm 0", "arm 5")}
    assert spread_of_scores(two, reference="ce", source="")[0].deviation == max(each["arm 0"], each["arm 5"])


def test_before_anything_is_trained_the_rows_that_judge_give_a_guess():
    spread = spread_of_rows("accuracy", [60.0, 40.0], disagreement=0.2)
    assert spread.deviation == pytest.approx(math.sqrt(0.2 / 100))
    assert spread.degrees is None
    assert "a guess" in spread.source
    rng = np.random.default_rng(0)
    right = rng.random((4000, 100, 2)) < 0.5  # two models, right on different rows in half of them
    gaps = right[:, :, 0].mean(1) - right[:, :, 1].mean(1)
    assert gaps.std() == pytest.approx(spread_of_rows("accuracy", [100.0], disagreement=0.5).deviation, rel=0.05)
    by_class = [right[:, part, 0].mean(1) - right[:, part, 1].mean(1) for part in (slice(0, 90), slice(90, 100))]
    balanced = spread_of_rows("balanced-accuracy", [90.0, 10.0], disagreement=0.5)
    assert np.std(np.mean(by_class, axis=0)) == pytest.approx(balanced.deviation, rel=0.05)
    assert spread_of_rows("log-loss", [60.0, 40.0]) is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Spread(-1.0, None, ""), "deviation must be finite and at least 0, got -1.0"),
        (lambda: Spread(1.0, 0.0, ""), "degrees must be positive, got 0.0"),
        (lambda: Design(0.25, 0, 0.0), "comparisons must be at least 1, got 0"),
        (lambda: power_of(0.1, known(1.0), 1, ALONE), "resamples must be at least 2, got 1"),
        (lambda: detectable_difference(known(1.0), 5, ALONE, power=1.0), "power must be in"),
        (lambda: spread_of_scores({"ce": [1.0, 2.0]}, reference="ce", source=""), "at least one objective"),
        (lambda: spread_of_scores({"ce": [1.0], "a": [1.0]}, reference="ce", source=""), "at least 2 resamples"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
