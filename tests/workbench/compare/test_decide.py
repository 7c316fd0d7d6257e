from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from minimand.errors import InputError
from minimand.workbench.compare.decide import RULE, confirm, decide, family_verdicts
from minimand.workbench.compare.statistics import CorrectedTest, corrected_t_test

RATIO = 0.25


pytestmark = pytest.mark.filterwarnings("error")


def scores(*, resamples: int = 10, noise: float = 0.004, **gains: float) -> dict[str, list[float]]:
    rng = np.random.default_rng(7)
    reference = rng.normal(0.8, 0.02, resamples)
    arms = {name: reference + gain + noise * rng.standard_normal(resamples) for name, gain in gains.items()}
    return {"ce": reference.tolist()} | {name: arm.tolist() for name, arm in arms.items()}


def judge(table, **changes):
    return decide(table, **({"reference": "ce", "test_train_ratio": RATIO} | changes))


def test_the_four_verdicts():
    decision = judge(scores(good=0.05, great=0.08, bad=-0.05, close=0.009, same=0.0), rope=0.01)
    verdicts = {name: one.verdict for name, one in decision.comparisons.items()}
    assert verdicts == {
        "good": "better",
        "great": "better",
        "bad": "worse",
        "close": "undecided",
        "same": "practically equal",
    }
    assert decision.winner == "great"
    assert decision.best == "great"
    assert decision.reference == "ce"
    assert decision.resamples == 10


def test_numbers_are_those_of_scipy_and_statsmodels_with_the_corrected_error():
    table = scores(noise=0.02, a=0.02, b=0.03, c=-0.01, d=0.0)
    decision = judge(table)
    raw = []
    for name in "abcd":
        difference = np.subtract(table[name], table["ce"])
        error = difference.std(ddof=1) * math.sqrt(1 / 10 + 20 / 80)
        raw.append(2 * stats.t(df=9).sf(abs(difference.mean()) / error))
        one = decision.comparisons[name]
        assert one.objective == name
        assert one.difference == pytest.approx(difference.mean(), abs=1e-12)
        assert one.p == pytest.approx(raw[-1], rel=1e-10)
        for interval, confidence in ((one.interval95, 0.95), (one.interval90, 0.90)):
            assert interval == pytest.approx(stats.t.interval(confidence, 9, difference.mean(), error), abs=1e-10)
        assert one.bayes.worse == pytest.approx(stats.t(9, difference.mean(), error).cdf(-0.005), abs=1e-10)
        assert one.bayes.better == pytest.approx(stats.t(9, difference.mean(), error).sf(0.005), abs=1e-10)
    adjusted = multipletests(raw, method="holm")[1]
    assert [decision.comparisons[name].p_holm for name in "abcd"] == pytest.approx(list(adjusted), rel=1e-10)


def test_best_may_be_undecided_while_a_steadier_objective_wins():
    table = scores(noise=0.002, steady=0.02)
    table["wild"] = [score + 0.03 + (-1) ** number * 0.1 for number, score in enumerate(table["ce"])]
    decision = judge(table)
    assert decision.comparisons["wild"].verdict == "undecided"
    assert (decision.winner, decision.best) == ("steady", "wild")


def test_only_the_reference():
    decision = judge(scores())
    assert (dict(decision.comparisons), decision.winner, decision.best) == ({}, None, None)


def test_a_sure_but_tiny_gain_is_practically_equal_and_never_better():
    decision = judge(scores(noise=1e-5, tiny=0.004))
    tiny = decision.comparisons["tiny"]
    assert tiny.p_holm < 1e-6
    assert tiny.verdict == "practically equal"
    assert decision.winner is None


def test_a_sure_gain_whose_interval_leaves_the_region_from_inside_is_undecided():
    family = [CorrectedTest(0.0049, 0.001, 10, RATIO)]
    assert family[0].p < 0.05
    assert family_verdicts(family, rope=0.005, alpha=0.05) == ["undecided"]


def test_better_and_practically_equal_never_hold_together():
    for mean in (0.0, 0.004, 0.005, 0.0051, 0.02, -0.006):
        for deviation in (0.0, 1e-6, 0.001, 0.1):
            test = CorrectedTest(mean, deviation, 10, RATIO)
            low, high = test.interval(0.9)
            assert not (abs(mean) > 0.005 and low >= -0.005 and high <= 0.005)


def test_holm_and_not_the_raw_p_decides():
    family = [CorrectedTest(0.03, 0.02, 10, RATIO)] * 7
    assert family[0].p < 0.05 < 7 * family[0].p
    assert family_verdicts(family[:1], rope=0.005, alpha=0.05) == ["better"]
    assert set(family_verdicts(family, rope=0.005, alpha=0.05)) == {"undecided"}


def test_the_mean_must_exceed_the_region():
    family = [CorrectedTest(0.03, 0.005, 10, RATIO)]
    assert family_verdicts(family, rope=0.0299, alpha=0.05) == ["better"]
    assert family_verdicts(family, rope=0.03, alpha=0.05) == ["undecided"]
    assert family_verdicts(family, rope=0.05, alpha=0.05) == ["practically equal"]


def test_the_90_percent_interval_and_not_the_95_percent_one_shows_equality():
    family = [CorrectedTest(0.0, 0.0042, 10, RATIO)]
    (low, high), (_, further) = family[0].interval(0.90), family[0].interval(0.95)
    assert low > -0.005
    assert high < 0.005 < further
    assert family_verdicts(family, rope=0.005, alpha=0.05) == ["practically equal"]


def test_swapping_the_arms_swaps_the_verdict():
    table = scores(good=0.05)
    forth = judge(table).comparisons["good"]
    back = judge(table, reference="good").comparisons["ce"]
    assert (forth.verdict, back.verdict) == ("better", "worse")
    assert (back.difference, back.p) == (-forth.difference, forth.p)
    assert back.interval95 == tuple(-end for end in reversed(forth.interval95))


def test_a_lower_score_may_be_the_better_one():
    table = scores(good=0.05, bad=-0.05, unsure=0.005)
    losses = {name: [-value for value in values] for name, values in table.items()}
    assert judge(losses, higher_is_better=False) == judge(table)
    assert judge(losses).comparisons["good"].verdict == "worse"


def test_units_of_the_score_do_not_matter():
    table = scores(noise=0.02, good=0.05, unsure=0.02, same=0.0)
    percent = {name: [100 * value for value in values] for name, values in table.items()}
    for one, other in zip(
        judge(table).comparisons.values(), judge(percent, rope=0.5).comparisons.values(), strict=True
    ):
        assert one.verdict == other.verdict
        assert one.resamples_needed == other.resamples_needed
        assert one.p_holm == pytest.approx(other.p_holm, rel=1e-9)


def test_order_of_the_resamples_does_not_matter():
    table = scores(noise=0.02, a=0.05, b=0.01)
    turned = {name: values[::-1] for name, values in table.items()}
    for one, other in zip(judge(table).comparisons.values(), judge(turned).comparisons.values(), strict=True):
        assert one.p == pytest.approx(other.p, rel=1e-9)
        assert one.verdict == other.verdict


def undecided_but_decidable() -> dict[str, list[float]]:
    """Ten resamples whose differences have exactly the wanted mean and deviation."""
    shape = stats.zscore(np.random.default_rng(3).standard_normal(10), ddof=1)
    means = {"nearly": 0.034, "never": 0.012, "nearly equal": 0.0, "sure": 0.2}
    spreads = {"nearly": 0.02, "never": 0.02, "nearly equal": 0.0048, "sure": 0.02}
    return {"ce": [0.0] * 10} | {name: (means[name] + spreads[name] * shape).tolist() for name in means}


def test_the_number_of_resamples_that_would_decide_really_decides():
    table = undecided_but_decidable()
    comparisons = judge(table).comparisons
    assert [one.verdict for one in comparisons.values()] == ["undecided", "undecided", "undecided", "better"]
    tests = [corrected_t_test(table[name], test_train_ratio=RATIO) for name in comparisons]
    found = {}
    for index, (name, one) in enumerate(comparisons.items()):
        if one.resamples_needed is None:
            continue
        at, before = (
            family_verdicts(
                [dataclasses.replace(test, resamples=one.resamples_needed - fewer) for test in tests],
                rope=0.005,
                alpha=0.05,
            )[index]
            for fewer in (0, 1)
        )
        found[name] = at
        assert before == "undecided"
        assert one.resamples_needed > 10
        assert not one.needs_more_rows
    assert found == {"nearly": "better", "nearly equal": "practically equal"}


def test_more_rows_are_needed_where_no_number_of_resamples_would_do():
    one = judge(undecided_but_decidable()).comparisons["never"]
    assert (one.verdict, one.resamples_needed, one.needs_more_rows) == ("undecided", None, True)
    tests = [corrected_t_test(undecided_but_decidable()["never"], test_train_ratio=RATIO)]
    assert family_verdicts([dataclasses.replace(tests[0], resamples=10**7)], rope=0.005, alpha=0.05) == ["undecided"]
    # with more rows the spread shrinks, the ratio of test to train does not: then it is decided
    assert family_verdicts([dataclasses.replace(tests[0], deviation=0.005)], rope=0.005, alpha=0.05) == ["better"]


def test_the_decided_need_nothing():
    one = judge(undecided_but_decidable()).comparisons["sure"]
    assert (one.resamples_needed, one.needs_more_rows) == (None, False)


@pytest.mark.parametrize("rope", [0.0, 0.005])
def test_identical_arms(rope):
    table = scores(good=0.05)
    decision = judge(table | {"twin": list(table["ce"])}, rope=rope)
    twin = decision.comparisons["twin"]
    assert (twin.difference, twin.p, twin.p_holm) == (0.0, 1.0, 1.0)
    assert twin.interval95 == twin.interval90 == (0.0, 0.0)
    assert twin.verdict == "practically equal"
    assert (twin.bayes.worse, twin.bayes.equal, twin.bayes.better) == (0.0, 1.0, 0.0)
    assert decision.winner == "good"


def test_the_same_gain_on_every_resample():
    table = {"ce": [0.5] * 10, "up": [0.625] * 10, "down": [0.375] * 10}
    comparisons = judge(table).comparisons
    assert [one.verdict for one in comparisons.values()] == ["better", "worse"]
    assert [one.p_holm for one in comparisons.values()] == [0.0, 0.0]
    assert [one.interval95 for one in comparisons.values()] == [(0.125, 0.125), (-0.125, -0.125)]


def test_a_diverged_resample_is_refused_by_arm_and_number():
    for bad in (math.nan, math.inf):
        table = scores(good=0.05, other=0.0)
        table["other"][4] = bad
        with pytest.raises(ValueError, match=f"scores of 'other' must be finite, got {bad} at resample 4"):
            judge(table)


def test_unpaired_scores_are_refused():
    table = scores(good=0.05)
    with pytest.raises(ValueError, match="scores of 'good' must be paired with those of the reference: 9 and 10"):
        judge(table | {"good": table["good"][:-1]})
    with pytest.raises(ValueError, match="scores of 'ce' must be at least 2"):
        judge({name: values[:1] for name, values in table.items()})
    with pytest.raises(ValueError, match=r"reference must be one of the objectives \['ce', 'good'\], got 'mse'"):
        judge(table, reference="mse")


def test_options_out_of_range_are_the_users_to_mend():
    for bad in (-0.1, math.nan, math.inf):
        with pytest.raises(InputError, match="rope must be a number of at least 0"):
            judge(scores(good=0.05), rope=bad)
    for bad in (0.0, 1.0, math.nan):
        with pytest.raises(InputError, match="alpha must be between 0 and 1"):
            judge(scores(good=0.05), alpha=bad)


def test_the_rule_is_printed_with_its_numbers():
    decision = judge(scores(good=0.05), rope=0.02, alpha=0.1)
    assert decision.rule == f"{RULE} Here alpha is 0.1 and the region is from -0.02 to 0.02."


def test_confirmation_is_the_corrected_interval_of_fresh_scores():
    table = scores(resamples=12, noise=0.02, good=0.05)
    again = confirm(table["good"], table["ce"], test_train_ratio=RATIO)
    difference = np.subtract(table["good"], table["ce"])
    error = difference.std(ddof=1) * math.sqrt(1 / 12 + 20 / 80)
    assert again.resamples == 12
    assert again.interval == pytest.approx(stats.t.interval(0.95, 11, difference.mean(), error), abs=1e-10)
    assert again.holds
    turned = confirm([-x for x in table["good"]], [-x for x in table["ce"]], test_train_ratio=RATIO)
    assert not turned.holds
    back = confirm(
        [-x for x in table["good"]], [-x for x in table["ce"]], test_train_ratio=RATIO, higher_is_better=False
    )
    assert back == again
    unsure = confirm([0.81, 0.80, 0.83], [0.80, 0.81, 0.80], test_train_ratio=RATIO)
    assert unsure.interval[0] < 0.0 < unsure.difference < unsure.interval[1]
    assert not unsure.holds
    assert not confirm(table["ce"], table["ce"], test_train_ratio=RATIO).holds
    with pytest.raises(ValueError, match="must be paired"):
        confirm(table["good"][:-1], table["ce"], test_train_ratio=RATIO)


def exchangeable_arms(index: int) -> dict[str, list[float]]:
    """Least squares on two halves of features that are all alike, 15 random splits 80/20 of one small data set."""
    rng = np.random.default_rng([11, index])
    rows, features = 200, 12
    target = rng.choice([-1.0, 1.0], rows)
    data = 0.35 * target[:, None] + rng.standard_normal((rows, features))
    table: dict[str, list[float]] = {"ce": [], "other": []}
    for _ in range(15):
        order = rng.permutation(rows)
        train, test = order[rows // 5 :], order[: rows // 5]
        for name, half in (("ce", slice(0, features // 2)), ("other", slice(features // 2, None))):
            weights = np.linalg.lstsq(data[train, half], target[train])[0]
            table[name].append(float(np.mean(np.sign(data[test, half] @ weights) == target[test])))
    return table


def test_false_winners_are_few_where_the_plain_test_finds_many():
    tables = [exchangeable_arms(index) for index in range(300)]

    def share(**changes) -> float:
        verdicts = [judge(table, rope=0.0, **changes).comparisons["other"].verdict for table in tables]
        return float(np.mean([verdict in ("better", "worse") for verdict in verdicts]))

    # 5 % by the correction; 0.10 is four standard errors above. The broken twin lacks only the correction.
    assert share(test_train_ratio=RATIO) < 0.10
    assert share(test_train_ratio=0.0) > 0.25
