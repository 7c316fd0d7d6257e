from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from minimand.workbench.compare.consensus import bootstrap, borda_shares, consensus, consensuses, oriented_scores
from minimand.workbench.compare.statistics import holm_adjusted
from tests.workbench.compare.several_results import compared

ARMS = ("cross-entropy", "gce", "focal", "hinge")


def some(sets: int = 12, *, gains: dict[str, float] | None = None, seed: int = 0, noise: float = 0.01):
    rng = np.random.default_rng(seed)
    gains = {"gce": 0.03, "focal": 0.0, "hinge": -0.03} if gains is None else gains
    found = {}
    for number in range(sets):
        base = rng.uniform(0.5, 0.95)
        means = {"cross-entropy": base}
        means |= {slug: base + gain + noise * rng.standard_normal() for slug, gain in gains.items()}
        found[f"set {number}"] = compared(means)
    return found


def by_slug(block):
    return {one["slug"]: one for one in block["objectives"]}


def test_a_better_objective_is_first_and_shown_to_be():
    block = consensus("classification", some(), seed=0)
    assert block["objectives"][0]["slug"] == "gce"
    assert block["objectives"][-1]["slug"] == "hinge"
    assert "generalized" not in block["sentence"]
    assert block["sentence"].startswith("Over 12 data sets gce ranks first (mean rank 1.")
    assert "scores higher than cross entropy by the test over data sets" in block["sentence"]
    assert "Lower scores than cross entropy by the test over data sets: Hinge." in block["details"]
    assert block["friedman"]["p"] < 0.001
    arms = by_slug(block)
    assert arms["gce"]["against_reference"]["p_holm"] < 0.05
    assert arms["focal"]["against_reference"]["p_holm"] > 0.05
    assert arms["cross-entropy"]["against_reference"] is None
    assert arms["gce"]["kemeny_rank"] == 1.0
    json.dumps(block, allow_nan=False)


def test_ranks_and_borda_shares_are_two_ways_to_say_the_same():
    block = consensus("classification", some(), seed=0)
    count = len(block["objectives"])
    for one in block["objectives"]:
        assert one["borda"] == pytest.approx((count - one["mean_rank"]) / (count - 1))
        assert one["mean_rank"] == pytest.approx(np.mean(one["ranks"]))
        assert one["borda"] == pytest.approx(np.mean(one["borda_by_set"]))
        assert one["borda_interval"][0] <= one["borda"] <= one["borda_interval"][1]
    assert sum(one["first"] for one in block["objectives"]) == pytest.approx(1.0)


def test_the_numbers_against_the_reference_are_those_of_scipy():
    sets = some(10)
    block = consensus("classification", sets, seed=0)
    means = {slug: [r["objectives"][ARMS.index(slug)]["mean"] for r in sets.values()] for slug in ARMS}
    raw = [stats.wilcoxon(np.subtract(means[s], means["cross-entropy"]), method="exact").pvalue for s in ARMS[1:]]
    arms = by_slug(block)
    assert [arms[s]["against_reference"]["p"] for s in ARMS[1:]] == pytest.approx(raw)
    assert [arms[s]["against_reference"]["p_holm"] for s in ARMS[1:]] == pytest.approx(holm_adjusted(raw))
    expected = stats.friedmanchisquare(*means.values()).statistic
    assert block["friedman"]["chi_squared"] == pytest.approx(expected)


def test_wins_ties_and_losses_are_the_verdicts_of_the_data_sets():
    verdicts = ["better", "better", "practically equal", "undecided", "worse"]
    sets = {
        str(number): compared(
            {"cross-entropy": 0.8, "gce": 0.8 + 0.01 * (2 - number)},
            verdicts={"gce": verdict},
            recommended="gce" if number == 0 else "cross-entropy",
        )
        for number, verdict in enumerate(verdicts)
    }
    against = by_slug(consensus("classification", sets, seed=0))["gce"]["against_reference"]
    assert {k: against[k] for k in ("better", "practically_equal", "undecided", "worse", "recommended")} == {
        "better": 2,
        "practically_equal": 1,
        "undecided": 1,
        "worse": 1,
        "recommended": 1,
    }
    assert (against["higher"], against["lower"]) == (2, 2)


def test_a_metric_where_low_is_good_is_turned_round():
    sets = some(8)
    losses = {
        name: compared(
            {arm["slug"]: -arm["mean"] for arm in results["objectives"]}, metric="log-loss", lower_is_better=True
        )
        for name, results in sets.items()
    }
    ours, theirs = (consensus("classification", one, seed=0) for one in (losses, sets))
    for mine, other in zip(ours["objectives"], theirs["objectives"], strict=True):
        assert mine["ranks"] == other["ranks"]
        assert mine["slug"] == other["slug"]
    assert ours["pairs"] == theirs["pairs"]


def test_only_what_was_tried_everywhere_is_ranked_and_the_rest_is_listed():
    sets = some(4)
    sets["set 2"] = compared({"cross-entropy": 0.7, "gce": 0.8, "elr": 0.9})
    block = consensus("classification", sets, seed=0)
    assert set(by_slug(block)) == {"cross-entropy", "gce"}
    left = {one["slug"]: one["sets"] for one in block["left_out"]}
    assert left == {
        "focal": ["set 0", "set 1", "set 3"],
        "hinge": ["set 0", "set 1", "set 3"],
        "elr": ["set 2"],
    }
    assert any("3 objectives were tried on some of the data sets only" in line for line in block["details"])


def test_equal_objectives_share_everything_and_the_reference_stands_first():
    sets = {str(number): compared({"cross-entropy": 0.8, "gce": 0.8, "focal": 0.8}) for number in range(5)}
    block = consensus("classification", sets, seed=0)
    assert {one["borda"] for one in block["objectives"]} == {0.5}
    assert block["objectives"][0]["slug"] == "cross-entropy"
    assert block["groups"] == [["cross-entropy", "gce", "focal"]]
    assert block["friedman"]["p"] == 1.0
    assert "no objective ranks above cross entropy" in block["sentence"]


def test_a_lead_by_luck_is_not_called_one():
    block = consensus("classification", some(gains={"gce": 0.0, "focal": 0.0}, noise=0.01, seed=3), seed=0)
    assert "ranks first" not in block["sentence"] or "no objective is shown to score higher" in block["sentence"]


def test_too_few_data_sets_are_said_to_be_too_few():
    gains = {f"arm {number}": 0.001 * number for number in range(1, 10)}
    block = consensus("classification", some(5, gains=gains), seed=0)
    assert not block["pairs_can_differ"]
    assert len(block["groups"]) == 1
    assert len(block["groups"][0]) == 10
    line = next(line for line in block["details"] if "not even an objective that won on all" in line)
    assert "11 data sets are needed" in line  # 45 pairs: 45 * 2 ** -10 is below 5 %
    assert any("Intervals over 5 data sets are rough" in line for line in block["details"])


def test_tasks_are_kept_apart():
    sets = some(3)
    sets["prices"] = compared({"mse": 1.0, "huber": 0.9}, problem="regression", metric="rmse", lower_is_better=True)
    found, without = consensuses(sets, seed=0)
    assert [block["task"] for block in found] == ["classification"]
    assert without == [{"task": "regression", "sets": ["prices"], "why": "there is one data set of this task"}]
    sets["rents"] = compared({"mse": 1.0, "mae": 0.9}, problem="regression")
    found, without = consensuses(sets, seed=0)
    assert without[0]["why"].startswith("no objective but the reference")


def test_the_bootstrap_is_over_data_sets():
    duels = borda_shares(oriented_scores(some(20, noise=0.05), ARMS))
    intervals, first = bootstrap(duels, seed=0)
    error = duels.std(1) / np.sqrt(20)
    np.testing.assert_allclose(intervals[:, 1] - intervals[:, 0], 2 * 1.96 * error, rtol=0.12)
    again, _ = bootstrap(duels, seed=0)
    np.testing.assert_array_equal(intervals, again)
    assert first.sum() == pytest.approx(1.0)


def test_boosting_is_not_forgotten():
    sets = some(3) | {"hard": compared(dict.fromkeys(ARMS, 0.6), boosting_wins=True)}
    block = consensus("classification", sets, seed=0)
    assert block["boosting_wins"] == ["hard"]
    said = "On 1 of 4 data sets gradient boosting beats every objective: hard."
    assert said in block["details"]
