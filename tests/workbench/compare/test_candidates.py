from __future__ import annotations

import pytest
import torch

from minimand.contracts.card import Suits
from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.losses import GCELoss, gce_loss
from minimand.workbench.compare.candidates import candidate_name, choose, given, named
from minimand.workbench.compare.problem import problem_of
from tests.workbench.compare.datasets import dataset

REFERENCE = "cross-entropy"
DATASET = dataset(classes=3)
PROBLEM = problem_of(DATASET)
CLEAN = {"imbalance_ratio": 1.2, "label_noise": {"share": 0.02, "false_alarm_rate": 0.02}}
UNBALANCED = {**CLEAN, "imbalance_ratio": 40.0}
NOISY = {**CLEAN, "label_noise": {"share": 0.12, "false_alarm_rate": 0.03}}


def names(diagnosis, **options):
    chosen, left = choose(diagnosis, PROBLEM, DATASET, **{"takes_probabilities": False, "least": 2, **options})
    assert {c.name for c in chosen} | {n.slug for n in left} == {candidate_name(card) for card in cards("loss")}
    assert not {c.name for c in chosen} & {n.slug for n in left}
    return [c.name for c in chosen], {c.name: c.why for c in chosen}, {n.slug: n.why for n in left}


def test_the_reference_comes_first_and_general_losses_always():
    chosen, why, left = names(CLEAN)
    assert chosen[0] == REFERENCE
    assert "label-smoothing" in chosen
    assert "Serves every classification problem." in why["label-smoothing"]
    assert "logit-adjustment" in left
    assert "no need" in left["logit-adjustment"]


def test_unbalanced_classes_call_for_the_room_of_imbalance():
    chosen, why, _ = names(UNBALANCED)
    called_for = {candidate_name(card) for card in cards("loss") if Suits.UNBALANCED_CLASSES in card.suits}
    assert {"focal", "logit-adjustment"} <= called_for
    assert set(chosen[1 : 1 + len(called_for)]) == called_for  # before what suits every problem
    assert "unbalanced (40 rows of the largest" in why["logit-adjustment"]
    assert "gce" not in chosen


def test_suspected_noise_calls_for_the_room_of_noise():
    chosen, why, _ = names(NOISY)
    assert {"gce", "elr"} <= set(chosen)
    assert "12.0% of the labels look wrong" in why["gce"]
    assert "logit-adjustment" not in chosen


def test_no_estimate_of_noise_is_no_suspicion():
    assert "gce" not in names({**CLEAN, "label_noise": None})[0]


def test_a_short_list_is_filled():
    chosen, why, _ = names(CLEAN, least=9)
    assert len(chosen) == 9
    assert any("fills the list" in reason for reason in why.values())


def test_a_metric_of_probabilities_leaves_out_losses_without():
    chosen, _, left = names(CLEAN, takes_probabilities=True, least=100)
    assert "spherical-z-loss" not in chosen
    assert "defines no probabilities" in left["spherical-z-loss"]


def test_named_objectives_come_after_the_reference_and_once():
    chosen = named(["focal", "GCELoss", "gce"], PROBLEM, DATASET, takes_probabilities=False)
    assert [c.name for c in chosen] == [REFERENCE, "focal", "gce"]


def test_an_unknown_objective_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no loss called 'focl': the nearest .*'focal'"):
        named(["focl"], PROBLEM, DATASET, takes_probabilities=False)


def test_a_metric_is_no_objective():
    with pytest.raises(InputError, match="no loss called 'accuracy'"):
        named(["accuracy"], PROBLEM, DATASET, takes_probabilities=False)


def test_an_objective_without_probabilities_is_refused_where_they_are_needed():
    with pytest.raises(InputError, match="spherical-z-loss defines no probabilities"):
        named(["spherical-z-loss"], PROBLEM, DATASET, takes_probabilities=True)


def test_objectives_from_python_keep_what_they_bring():
    mine = lambda pred, target: pred.sum() * 0.0  # noqa: E731  the shortest of all objectives
    found = {c.name: c for c in given({"mine": mine, "tuned": gce_loss, "fixed": GCELoss(q=0.5)})}
    assert found["mine"].search == {}
    assert "q" in found["tuned"].search
    assert found["fixed"].search == {}  # its q is what the user set
    assert given({"torch": torch.nn.CrossEntropyLoss()})[0].title == "torch"
    with pytest.raises(InputError, match="'broken' must be callable"):
        given({"broken": 3})


def test_no_two_losses_are_called_alike():
    called = [candidate_name(card) for card in cards("loss")]
    assert len(called) == len(set(called))


def test_a_shared_slug_means_the_loss_that_the_claim_is_about():
    names = [
        candidate.name
        for candidate in named(["polyloss", "poly1-focal", "entmax15"], PROBLEM, DATASET, takes_probabilities=False)
    ]
    assert names == ["cross-entropy", "polyloss", "poly1-focal", "entmax15"]


def test_a_loss_that_needs_what_a_table_does_not_tell_is_refused_in_words():
    two = dataset()
    with pytest.raises(InputError, match="it needs customer value, which a table does not tell; hand it over in"):
        named(["churn-profit-regret-loss"], problem_of(two), two, takes_probabilities=False)


def test_a_loss_of_other_targets_is_refused_in_words():
    with pytest.raises(InputError, match="mse serves regression targets, and these are 3 classes"):
        named(["mse"], PROBLEM, DATASET, takes_probabilities=False)


def test_a_loss_without_suits_waits_to_be_named():
    chosen, left = choose(CLEAN, PROBLEM, DATASET, takes_probabilities=False)
    assert "brier-loss" not in [candidate.name for candidate in chosen]
    [why] = [other.why for other in left if other.slug == "brier-loss"]
    assert why.startswith("it is compared when it is named")
