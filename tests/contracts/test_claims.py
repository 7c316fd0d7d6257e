"""The contract of claims: verdict maths by a second road, controls that must be refused, and every recorded claim."""

from __future__ import annotations

import json
import math

import pytest
from scipy import stats

from minimand.contracts.catalogue import all_cards
from minimand.contracts.claim import (
    AtLeast,
    AtMost,
    Beats,
    BrokenExperiment,
    MeanWithin,
    Ties,
    Within,
    claim_of,
    claims_in,
    comparative_claim,
    property_claim,
)
from minimand.contracts.verdict import Verdict, interval_of, seeds_to_decide
from minimand.losses import gce_loss
from minimand.workbench.verify.record import finding_as_dict, read_record, recorded, verdict_on_recorded_seeds
from minimand.workbench.verify.scope import claim_files
from minimand.workbench.verify.verification import FRESH_SEEDS, RECORDED_SEEDS

TEXTS = {"says": "It is so.", "where": "Table 1", "gap": "small data"}
TEN = [0.031, 0.024, 0.040, 0.028, 0.035, 0.022, 0.030, 0.041, 0.019, 0.033]
ZEROS = [0.0] * 10


def comparative(*expects):
    @comparative_claim(of=gce_loss, expects=expects, **TEXTS)
    def experiment(seed):
        return {}

    return claim_of(experiment)


def judged(differences, *, margin=0.0, within=0.01, off=None, lower=False):
    claim = comparative(Beats("ours", "base", margin, lower_is_better=lower), Ties("off", "base", within))
    base = [0.9 + 0.01 * k for k in range(len(differences))]
    ours = [b + d for b, d in zip(base, differences, strict=True)]
    off = [b + d for b, d in zip(base, off or [0.0] * len(differences), strict=True)]
    return claim.judge({"ours": ours, "base": base, "off": off})


def of_property(*expects):
    @property_claim(of=gce_loss, expects=expects, **TEXTS)
    def experiment(seed, *, broken=False):
        return 1.0

    return claim_of(experiment)


# --- Intervals ---


def test_interval_is_that_of_scipys_one_sample_t_test():
    ours = interval_of(TEN)
    theirs = stats.ttest_1samp(TEN, 0.0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-14)


def test_interval_by_hand():
    # mean 2, deviation 1, three values: t with 2 degrees of freedom is 4.302653 at 97.5 %
    found = interval_of([1.0, 2.0, 3.0])
    assert found.high - found.mean == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_equal_values_are_a_point_even_when_they_differ_by_rounding():
    found = interval_of([0.3 - 0.1, 0.2, 0.1 + 0.1])
    assert found.low == found.high == found.mean


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_interval_refuses_what_has_none(values):
    with pytest.raises(ValueError, match="values must be"):
        interval_of(values)


@pytest.mark.parametrize("margin", [0.02, 0.029, 0.0301])
def test_seeds_that_would_decide_is_the_first_number_whose_interval_leaves_out_the_margin(margin):
    found = interval_of(TEN)
    needed = seeds_to_decide(found, (margin,))
    interval = [
        stats.t.interval(0.95, n - 1, loc=found.mean, scale=found.deviation / math.sqrt(n))
        for n in (needed - 1, needed)
    ]
    assert interval[0][0] <= margin <= interval[0][1]
    assert not interval[1][0] <= margin <= interval[1][1]


def test_no_number_of_seeds_decides_a_mean_on_the_margin():
    assert seeds_to_decide(interval_of([1.0, 2.0, 3.0]), (2.0,)) is None


# --- Comparative verdicts ---


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [(0.02, Verdict.HOLDS), (0.029, Verdict.UNDECIDED), (0.04, Verdict.FAILS), (-0.01, Verdict.HOLDS)],
)
def test_verdict_is_where_the_interval_lies(margin, verdict):
    found = judged(TEN, margin=margin)
    assert found.verdict is verdict
    assert (found.seeds_needed is not None) == (verdict is Verdict.UNDECIDED)


def test_lower_is_better_turns_the_difference_round():
    assert judged([-d for d in TEN], margin=0.02, lower=True).verdict is Verdict.HOLDS
    assert judged(TEN, margin=0.02, lower=True).verdict is Verdict.FAILS


def test_equal_arms_do_not_beat_by_more_than_nothing():
    found = judged(ZEROS, margin=0.0)
    assert found.verdict is Verdict.FAILS
    assert found.seeds_needed is None


def test_equal_differences_beyond_the_margin_hold():
    assert judged([0.05] * 10, margin=0.02).verdict is Verdict.HOLDS


def test_all_that_is_expected_must_hold():
    claim = comparative(Beats("a", "b", 0.0), Beats("a", "c", 0.0), Ties("off", "b", 0.01))
    arms = {"a": TEN, "b": ZEROS, "off": ZEROS}
    assert claim.judge(arms | {"c": ZEROS}).verdict is Verdict.HOLDS
    assert claim.judge(arms | {"c": [x + 0.1 for x in TEN]}).verdict is Verdict.FAILS
    assert claim.judge(arms | {"c": [0.03] * 10}).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("off", [TEN, [-d for d in TEN], [0.2, -0.2] * 5])
def test_switched_off_arm_that_does_not_tie_breaks_the_experiment(off):
    found = judged(TEN, margin=0.02, off=off)
    assert found.verdict is Verdict.BROKEN
    with pytest.raises(BrokenExperiment, match=r"off ties with base within 0\.01"):
        found.require_sound()


def test_arm_without_a_number_breaks_the_experiment():
    found = judged([math.nan, *TEN[1:]])
    assert found.verdict is Verdict.BROKEN
    with pytest.raises(BrokenExperiment, match="ours gave no number"):
        found.require_sound()


def test_missing_arm_and_unequal_seeds_are_refused():
    claim = comparative(Beats("ours", "base", 0.0), Ties("off", "base", 0.01))
    with pytest.raises(ValueError, match="arms must include off"):
        claim.judge({"ours": TEN, "base": TEN})
    with pytest.raises(ValueError, match="one number a seed"):
        claim.judge({"ours": TEN, "base": TEN, "off": TEN[1:]})


# --- Property verdicts ---


@pytest.mark.parametrize(
    ("expects", "values", "twin", "verdict"),
    [
        (AtMost(0.0), [-1.0, 0.0], [0.1, 9.0], Verdict.HOLDS),
        (AtMost(0.0), [-1.0, 1e-9], [0.1, 9.0], Verdict.FAILS),
        (AtMost(0.0), [-1.0, -2.0], [-0.1, 9.0], Verdict.BROKEN),  # the twin passes once
        (AtMost(0.0), [-1.0, -2.0], [math.inf, math.inf], Verdict.HOLDS),
        (AtMost(0.0), [-1.0, math.nan], [1.0, 1.0], Verdict.BROKEN),
        (AtLeast(1.0), [1.0, 2.0], [0.9, 0.0], Verdict.HOLDS),
        (Within(-1.0, 1.0), [-1.0, 1.0], [-2.0, 2.0], Verdict.HOLDS),
        (Within(-1.0, 1.0), [-1.1, 1.0], [-2.0, 2.0], Verdict.FAILS),
        (MeanWithin(-0.1, 0.1), TEN, [1 + d for d in TEN], Verdict.HOLDS),
        (MeanWithin(-0.1, 0.1), [1 + d for d in TEN], [2 + d for d in TEN], Verdict.FAILS),
        (MeanWithin(-0.1, 0.03), TEN, [1 + d for d in TEN], Verdict.UNDECIDED),
        (MeanWithin(-0.1, 0.1), TEN, [0.07 + d for d in TEN], Verdict.BROKEN),  # the twin is not wholly outside
        (MeanWithin(-0.1, 0.1), [*TEN[1:], math.inf], TEN, Verdict.BROKEN),
    ],
)
def test_verdict_of_properties(expects, values, twin, verdict):
    found = of_property(expects).judge({"value": values, "broken_twin": twin})
    assert found.verdict is verdict
    assert bool(found.broken) == (verdict is Verdict.BROKEN)


def test_range_shown_is_that_over_the_seeds():
    (finding,) = of_property(AtMost(0.0)).judge({"value": [-3.0, -1.0], "broken_twin": [1.0, 1.0]}).findings
    assert (finding.low, finding.mean, finding.high, finding.margin) == (-3.0, -2.0, -1.0, (None, 0.0))


def test_a_property_is_measured_with_and_without_its_fault():
    @property_claim(of=gce_loss, expects=AtMost(0.0), **TEXTS)
    def experiment(seed, *, broken=False):
        return seed + 100 * broken

    assert claim_of(experiment).measure(3) == {"value": 3.0, "broken_twin": 103.0}


# --- Declaration ---


def test_the_decorated_function_is_returned_as_it_is():
    def experiment(seed):
        return {"a": 1.0, "b": 0.0, "off": 0.0}

    decorated = comparative_claim(of=gce_loss, expects=[Beats("a", "b", 0.0), Ties("off", "b", 0.1)], **TEXTS)(
        experiment
    )
    assert decorated is experiment
    assert claim_of(decorated).card.slug == "gce"


@pytest.mark.parametrize("expects", [(), (Beats("a", "b", 0.0),), (Ties("a", "b", 0.1),)])
def test_comparative_claim_needs_a_comparison_and_a_switched_off_arm(expects):
    with pytest.raises(ValueError, match="expects must hold at least one"):
        comparative_claim(of=gce_loss, expects=expects, **TEXTS)


def test_property_claim_needs_a_broken_twin():
    with pytest.raises(TypeError, match="must take broken"):
        property_claim(of=gce_loss, expects=AtMost(0.0), **TEXTS)(lambda seed: 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Ties("a", "b", 0.0),
        lambda: Beats("a", "b", math.nan),
        lambda: Within(1.0, 0.0),
        lambda: MeanWithin(1, 1),
    ],
)
def test_margins_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_empty_texts_are_refused():
    with pytest.raises(ValueError, match="gap must not be empty"):
        property_claim(of=gce_loss, expects=AtMost(0.0), **(TEXTS | {"gap": " "}))


# --- The claims of the package ---

FILES = [pytest.param(file, id=file.path) for file in claim_files(all=True)]
every_file = pytest.mark.parametrize("file", FILES)


@pytest.mark.parametrize("slug", sorted({card.slug for card in all_cards()}))
def test_every_method_has_exactly_one_claim_file_at_the_path_of_one_of_its_components(slug):
    paths = {card.path for card in all_cards() if card.slug == slug}
    assert len(paths & {param.values[0].path for param in FILES}) == 1


@every_file
def test_claims_of_a_file_are_of_the_method_at_its_path(file):
    claims = file.claims()
    assert claims
    assert file.path in {card.path for card in all_cards() if card.slug == claims[0].card.slug}
    assert {claim.card.slug for claim in claims} == {claims[0].card.slug}


@every_file
def test_record_says_what_the_claims_say_and_its_verdicts_follow_from_its_numbers(file):
    record = read_record(file)
    assert record is not None, "not recorded"
    assert record.content["slug"] == file.claims()[0].card.slug
    assert [entry["name"] for entry in record.claims] == [claim.name for claim in file.claims()]
    for claim, entry in zip(file.claims(), record.claims, strict=True):
        again = claim.judge(entry["arms"])
        again.require_sound()
        assert entry["seeds"] == list(RECORDED_SEEDS)
        assert all(len(numbers) == len(entry["seeds"]) for numbers in entry["arms"].values())
        assert verdict_on_recorded_seeds(entry) == str(again.verdict)
        if "fresh" in entry:
            fresh = claim.judge(entry["fresh"]["arms"])
            assert entry["fresh"]["seeds"] == list(FRESH_SEEDS)
            assert entry["fresh"]["verdict"] == str(fresh.verdict)
            assert entry["verdict"] == (str(again.verdict) if fresh.verdict is again.verdict else "undecided")
        else:
            assert entry["verdict"] == str(again.verdict)
        if entry["verdict"] == str(again.verdict):
            assert entry["seeds_needed"] == again.seeds_needed
        else:
            assert entry["seeds_needed"] > len(RECORDED_SEEDS)
        findings = json.loads(json.dumps([finding_as_dict(f) for f in again.findings]))
        for stored, computed in zip(entry["findings"], findings, strict=True):
            for key in ("mean", "low", "high"):  # quantiles differ in their last digits between versions of scipy
                assert stored.pop(key) == pytest.approx(computed.pop(key), rel=1e-9, abs=1e-15)
            assert stored == computed
        assert entry["expects"] == [expectation.text for expectation in claim.expects]
        for field in ("says", "where", "gap", "tier", "kind"):
            assert entry[field] == getattr(claim, field), field


def test_at_most_one_in_ten_recorded_verdicts_is_undecided():
    verdicts = [recorded(card).verdict for card in all_cards()]
    assert verdicts.count("undecided") <= len(verdicts) / 10


def test_claims_in_finds_only_the_module_s_own():
    import minimand.claims.losses.noisy.gce as module

    assert [claim.module for claim in claims_in(module)] == [module.__name__] * len(claims_in(module))
