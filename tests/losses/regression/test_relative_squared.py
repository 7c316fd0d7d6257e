import pytest
import torch
from sklearn.metrics import r2_score

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import RangeSquaredLoss, RelativeSquaredLoss, SizeSquaredLoss

TRAINING = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)


def bound(kind, target=TRAINING, **hyper):
    return bind(kind, TaskInfo.of_values(target), **hyper)


def test_one_less_it_is_r2_on_the_training_rows():
    pred = torch.tensor([1.5, 1.0, 5.0, 7.0], dtype=torch.float64)
    expected = r2_score(TRAINING.numpy(), pred.numpy())
    assert 1 - float(bound(RelativeSquaredLoss)(pred, TRAINING)) == pytest.approx(expected)


def test_the_published_code_is_always_one_and_this_is_not():
    pred = TRAINING + 0.5
    assert float(((TRAINING - pred) ** 2).sum() / ((TRAINING - pred) ** 2).sum()) == 1.0
    # variance (9 + 4 + 0 + 25) / 4
    assert float(bound(RelativeSquaredLoss)(pred, TRAINING)) == pytest.approx(0.25 / 9.5)


def test_range_and_size_by_hand():
    pred, target = torch.tensor([0.0]), torch.tensor([4.0])
    assert float(bound(RangeSquaredLoss)(pred, target)) == pytest.approx(16 / 64)
    assert float(bound(SizeSquaredLoss)(pred, target)) == pytest.approx(16 / 25.5)


def test_predicting_larger_numbers_does_not_make_the_size_larger():
    loss = bound(SizeSquaredLoss)
    values = [float(loss(factor * TRAINING, TRAINING)) for factor in (1.0, 2.0, 10.0)]
    assert values == sorted(values)
    # with the predictions below the line 10 times the targets would cost less than one
    assert values[-1] == pytest.approx(81.0)


@pytest.mark.parametrize("kind", [RelativeSquaredLoss, RangeSquaredLoss, SizeSquaredLoss])
def test_units_do_not_matter(kind):
    pred = torch.tensor([1.5, 1.0, 5.0, 7.0], dtype=torch.float64)
    for factor in (1e-200, 1e3):
        large = bound(kind, factor * TRAINING)(factor * pred, factor * TRAINING)
        if factor > 1 or kind is RangeSquaredLoss:
            torch.testing.assert_close(large, bound(kind)(pred, TRAINING))
        assert large.isfinite()


@pytest.mark.parametrize("kind", [RelativeSquaredLoss, RangeSquaredLoss, SizeSquaredLoss])
def test_what_is_refused(kind):
    with pytest.raises(ValueError, match="task must have values"):
        bind(kind, TaskInfo(2))
    with pytest.raises(ValueError, match=r"must be in \(0.0, inf\), got -1"):
        kind(-1.0)


def test_equal_targets():
    equal = torch.full((3,), 7.1)
    pred, target = torch.tensor([5.1]), torch.tensor([7.1])
    for kind in (RelativeSquaredLoss, RangeSquaredLoss):
        assert float(bound(kind, equal)(pred, target)) == pytest.approx(4.0)
    assert float(bound(SizeSquaredLoss, equal)(pred, target)) == pytest.approx(4 / 7.1**2)
    assert float(bound(SizeSquaredLoss, 0 * equal)(pred, target)) == pytest.approx(4.0)
