"""`minimand list`."""

from __future__ import annotations

import pytest

from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.workbench.catalogue.listing import entries, table, verdict


def test_an_entry_says_what_the_card_and_the_record_say(record):
    metric, loss = entries()
    assert loss == {
        "id": "losses.noisy.one:one_loss",
        "path": "losses/noisy/one",
        "slug": "one",
        "name": "one_loss",
        "module": "OneLoss",
        "title": "One loss",
        "room": "losses.noisy",
        "kind": "loss",
        "tasks": ["binary", "multiclass"],
        "traits": ["bounded", "nonnegative"],
        "claim": "One beats two.",
        "claim_of": "losses.noisy.gce:gce_loss",
        "verdict": "holds here",
        "seeds_needed": None,
    }
    assert metric["slug"] == "other"
    assert metric["claim"] is metric["verdict"] is metric["module"] is None


def test_a_claim_without_a_record_has_no_verdict(claim_folder):
    _, loss = entries()
    assert (loss["claim"], loss["verdict"]) == ("One beats two.", None)
    assert "not recorded" in table(entries())


@pytest.mark.parametrize(
    ("asked", "slugs"),
    [
        ({"room": "losses.noisy"}, ["one"]),
        ({"room": "losses/noisy"}, ["one"]),
        ({"room": "losses"}, ["one"]),
        ({"room": "evaluation"}, ["other"]),
        ({"kind": "metric"}, ["other"]),
        ({"kind": "metric", "room": "losses"}, []),
        ({}, ["other", "one"]),
    ],
)
def test_room_and_kind_narrow_the_list(asked, slugs, claim_folder):
    assert [entry["slug"] for entry in entries(**asked)] == slugs


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"room": "losses.nosy"}, "there is no room 'losses.nosy': did you mean losses.noisy"),
        ({"room": "zzz"}, "there are evaluation, evaluation.ranking, losses, losses.noisy"),
        ({"room": "los"}, "did you mean losses"),
        ({"kind": "metrics"}, "there is no kind 'metrics': did you mean metric"),
    ],
)
def test_unknown_rooms_and_kinds_are_refused_with_the_nearest_names(asked, sentence, claim_folder):
    with pytest.raises(InputError) as refused:
        entries(**asked)
    assert sentence in str(refused.value)


def test_table_has_a_line_each_in_columns_of_one_width(record):
    head, metric, loss = table(entries()).splitlines()
    assert head.split() == ["slug", "name", "room", "kind", "verdict", "title"]
    assert loss.split("  ")[0] == "one"
    assert head.index("verdict") == loss.index("holds here") == metric.index("no claim")
    assert "OneLoss" in loss
    narrow = table(entries(), width=30).splitlines()
    assert max(map(len, narrow)) == 30
    assert all(line.endswith("...") for line in narrow)


def test_a_component_has_the_verdict_of_its_own_claim_and_else_that_of_its_method_which_is_said():
    method, own = (entry for entry in entries(room="losses.classification") if entry["slug"] == "comp-sum")
    assert (method["name"], own["name"]) == ("comp_sum_loss", "smooth_adversarial_comp_sum_loss")
    assert (method["claim_of"], own["claim_of"]) == (method["id"], own["id"])
    assert method["claim"] != own["claim"]
    assert verdict(own) == own["verdict"] == "undecided"
    [head] = [entry for entry in entries(room="heads") if entry["slug"] == "bi-tempered"]
    assert head["claim_of"] == "losses.noisy.bi_tempered:bi_tempered_loss"
    assert verdict(head) == f"{head['verdict']} (of bi_tempered_loss)"
    assert "(of bi_tempered_loss)" in table([head])


def test_every_real_component_is_listed():
    found = entries()
    assert [entry["id"] for entry in found] == [card.id for card in cards()]
    assert {"gce", "elr", "accuracy"} <= {entry["slug"] for entry in found}
