import numpy as np
import pytest
import torch

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import RelativeAbsoluteLoss, mae_loss

TRAINING = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)


def test_by_hand():
    # mean 4, mean absolute deviation (3 + 2 + 0 + 5) / 4
    loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(TRAINING), reduction="none")
    assert loss(torch.tensor([0.0, 5.0]), torch.tensor([5.0, 5.0])).tolist() == [2.0, 0.0]


def test_predicting_the_mean_of_the_training_rows_costs_one_there():
    loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(TRAINING))
    assert float(loss(TRAINING.mean().expand(4), TRAINING)) == pytest.approx(1.0)


def test_weighted_training_rows():
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0])
    values = np.repeat(TRAINING.numpy(), weight.int().numpy())
    deviation = np.abs(values - values.mean()).mean()
    loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(TRAINING, sample_weight=weight))
    pred = torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close(loss(pred, TRAINING), mae_loss(pred, TRAINING) / deviation)


def test_the_unit_is_that_of_training_and_not_of_the_batch():
    loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(TRAINING))
    pred, target = torch.zeros(2, dtype=torch.float64), torch.tensor([100.0, -100.0], dtype=torch.float64)
    assert float(loss(pred, target)) == pytest.approx(40.0)


def test_equal_targets_have_no_unit():
    loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(torch.full((3,), 7.1)))
    assert float(loss(torch.tensor([5.1]), torch.tensor([7.1]))) == pytest.approx(2.0)


def test_what_is_refused():
    with pytest.raises(ValueError, match="task must have values for this loss, got none"):
        bind(RelativeAbsoluteLoss, TaskInfo(2))
    with pytest.raises(ValueError, match=r"deviation must be in \(0.0, inf\), got 0.0"):
        RelativeAbsoluteLoss(0.0)


def test_the_unit_travels_with_the_state():
    loss, other = RelativeAbsoluteLoss(2.0), RelativeAbsoluteLoss(5.0)
    other.load_state_dict(loss.state_dict())
    assert float(other(torch.tensor([0.0]), torch.tensor([4.0]))) == 2.0
