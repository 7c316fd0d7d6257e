"""Every promise of every loss of the catalogue: a new loss is tested here without anyone editing this file."""

import functools
import json
import pickle
from pathlib import Path

import pytest
import torch

from minimand.contracts.card import Trait
from minimand.contracts.catalogue import cards
from minimand.testing.capabilities import COLUMNS, LABELS_ARE_SHARES, YES, page
from minimand.testing.loss import keep, loss_promises
from minimand.testing.promises.subject import SkippedPromise, Subject

LOSSES = [pytest.param(card, id=card.id) for card in cards("loss")]
PROMISES = [pytest.param(check, id=name) for name, check in loss_promises().items()]

every_loss = pytest.mark.parametrize("card", LOSSES)


TABLE = Path(__file__).parents[2] / "docs" / "capabilities.json"
COLUMN_OF = {promise: column for column, promise in COLUMNS.items()}


@functools.cache
def committed_table():
    return json.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("check", PROMISES)
@every_loss
def test_promise(card, check):
    column = COLUMN_OF.get(check.__name__)
    said = None if column is None else committed_table()[card.id][column]
    skipped = None
    subject = Subject.of(card.component)
    try:
        keep(check, subject, card.exempt)
    except SkippedPromise as reason:
        skipped = LABELS_ARE_SHARES if column == "soft targets" and subject.takes_labels else str(reason)
    assert said in (None, skipped or YES), "make capabilities: the table of docs/capabilities.md is out of date"
    if skipped is not None:
        pytest.skip(skipped)


def test_the_table_of_capabilities_is_of_these_losses_and_shows_what_is_kept():
    assert list(committed_table()) == [card.id for card in cards("loss")]
    assert TABLE.with_suffix(".md").read_text(encoding="utf-8") == page(committed_table())
    assert set(COLUMNS.values()) <= set(loss_promises())


@every_loss
def test_exemptions_name_a_promise_and_give_a_reason(card):
    for name, reason in card.exempt.items():
        assert name in loss_promises()
        assert len(reason.split()) >= 4, f"{name}: {reason!r} is no reason"


@every_loss
def test_a_bound_loss_is_pickled_with_its_state(card):
    subject = Subject.of(card.component)
    batch = subject.batch()
    loss = subject.fresh(batch)
    loss(batch.pred, batch.target, index=batch.index)
    again = pickle.loads(pickle.dumps(loss))  # noqa: S301 - our own bytes
    assert repr(again) == repr(loss)
    assert torch.equal(
        again(batch.pred, batch.target, index=batch.index), loss(batch.pred, batch.target, index=batch.index)
    )


def test_the_catalogue_is_not_empty():
    assert {"cross-entropy", "focal", "gce"} <= {card.slug for card in cards("loss")}


def test_each_trait_has_exactly_one_promise():
    tested = [vars(check)["trait"] for check in loss_promises().values()]
    assert sorted(trait for trait in tested if trait is not None) == sorted(Trait)


def test_each_promise_says_what_it_promises():
    for name, check in loss_promises().items():
        assert (check.__doc__ or "").rstrip().endswith("."), name
