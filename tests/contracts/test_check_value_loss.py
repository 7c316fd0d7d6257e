"""`check_loss` has teeth for losses of numbers too: each deliberately broken one breaks the promise that it should."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimand.contracts.card import Range, Trait
from minimand.contracts.values import per_value, value_loss, value_pairs
from minimand.losses import MSELoss, huber_loss, mae_loss
from minimand.testing import check_loss
from minimand.testing.loss import BrokenPromisesError

QUICK = {"compiles": "slow, and not what is broken here"}


def plain(values, **facts):
    """A loss function of numbers with a card, right in everything but its values."""
    traits, search = facts.pop("traits", set()), facts.pop("search", None)

    def made_loss(pred, target, /, *, sample_weight=None, reduction="mean"):
        return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction)

    decorate = value_loss(slug="made", when="Never.", drawback="All.", traits=traits, search=search, **facts)
    return decorate(made_loss)


def broken_by(objective, **keywords):
    with pytest.raises(BrokenPromisesError) as error:
        check_loss(objective, exempt=QUICK, **keywords)
    return error.value.report.broken


def squares(pred, target):
    return (pred - target).square()


@pytest.mark.parametrize("objective", [mae_loss, huber_loss, MSELoss()])
def test_good_losses_pass(objective):
    report = check_loss(objective, exempt=QUICK)
    assert {"predicts_what_it_says", "a_column_is_not_broadcast", "mistakes_with_numbers_are_refused"} <= set(
        report.kept
    )
    assert "targets are numbers" in report.skipped["masked_classes_are_not_nan"]


def test_losses_of_torch_pass_what_is_asked_of_them():
    for foreign in (nn.MSELoss(), nn.SmoothL1Loss(reduction="none")):
        report = check_loss(foreign, cases=value_pairs)
        assert "a_column_is_not_broadcast" in report.kept
        assert "numbers" in report.skipped["masked_classes_are_not_nan"] or "foreign" in str(report)


def test_a_column_that_is_broadcast():
    def spread_loss(pred, target, /, *, sample_weight=None, reduction="mean"):
        rows = (pred - target).square()
        if rows.ndim == 2:
            rows = rows.mean(1)
        if sample_weight is not None:
            rows = rows * sample_weight
        return rows if reduction == "none" else rows.sum() if reduction == "sum" else rows.mean()

    broken = broken_by(spread_loss, cases=value_pairs)
    assert "gives another value" in broken["a_column_is_not_broadcast"]


def test_a_loss_that_predicts_something_else_than_it_says():
    assert "not the median" in broken_by(plain(squares, predicts="median"))["predicts_what_it_says"]
    said = broken_by(plain(lambda p, y: (p - y).abs(), predicts="mean"))
    assert "not the mean" in said["predicts_what_it_says"]


def test_a_link_that_is_forgotten():
    def of_logarithms(pred, target):
        return pred.exp() - target * pred

    broken = broken_by(plain(of_logarithms, predicts="mean", lowest_target=0.0))
    assert "not the mean" in broken["predicts_what_it_says"]


def test_traits_that_are_not_kept():
    def tilted(pred, target):
        return torch.where(pred > target, 2 * (pred - target), target - pred).square()

    broken = broken_by(plain(tilted, predicts="expectile", traits={Trait.SYMMETRIC}))
    assert "cost differently" in broken["is_symmetric"]

    def relative(pred, target):
        return ((pred - target) / (1 + target.abs())).square()

    broken = broken_by(plain(relative, predicts="weighted mean", traits={Trait.TRANSLATION_INVARIANT}))
    assert "moving everything" in broken["is_translation_invariant"]


def test_a_ratio_of_the_batch():
    def of_the_batch(pred, target):
        return squares(pred, target) / (target - target.mean()).square().mean().clamp_min(1e-300)

    broken = broken_by(plain(of_the_batch, predicts="something"))
    assert "shards_add_up" in broken
    assert "another value than among others" in broken["one_row_alone"]


def test_squares_that_lose_the_small_and_the_large():
    def through_half(pred, target):
        return squares(pred.half(), target.half()).to(pred.dtype)

    broken = broken_by(plain(through_half))
    assert {"fits_in_float32", "gradient_is_right"} & set(broken)


def test_illegal_targets_that_are_let_through():
    broken = broken_by(plain(squares, lowest_target=0.0))
    assert "a target out of range" in broken["mistakes_with_numbers_are_refused"]


def test_a_target_of_weight_zero_that_leaks():
    def leaking_loss(pred, target, /, *, sample_weight=None, reduction="mean"):
        rows = F.mse_loss(pred.reshape(target.shape), target, reduction="none")
        weight = torch.ones_like(rows) if sample_weight is None else sample_weight
        total = (rows * weight).sum()
        return rows * weight if reduction == "none" else total if reduction == "sum" else total / weight.sum()

    broken = broken_by(leaking_loss, cases=value_pairs)
    assert "target nan in a row of weight 0" in broken["an_absent_target_may_be_anything"]


def test_an_illegal_end_of_a_search_range():
    def powered_loss(pred, target, /, *, power=2.0, sample_weight=None, reduction="mean"):
        def values(p, y):
            return ((p - y).square() + 1e-12) ** (power / 2) / (power - 1)

        return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction)

    search = {"power": Range(1.0, 3.0, default=2.0)}
    decorate = value_loss(slug="made", when="Never.", drawback="All.", predicts="something", search=search)
    with pytest.raises((BrokenPromisesError, ZeroDivisionError)):
        check_loss(decorate(powered_loss), exempt=QUICK)
