"""Logit adjustment: hand values, the known limits, and the classifier that minimises it."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
import torch.nn.functional as F

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import LogitAdjustmentLoss


def example() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64), torch.arange(6) % 3


def test_hand_value():
    # equal scores: what is left is the prior to the power of the strength, 9 : 1 squared
    loss = LogitAdjustmentLoss([90, 10], strength=2.0)
    rare = loss(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([1]))
    torch.testing.assert_close(rare.item(), math.log(82.0), rtol=1e-6, atol=0)


def test_strength_zero_and_balanced_classes_are_cross_entropy():
    scores, target = example()
    exact = F.cross_entropy(scores, target)
    torch.testing.assert_close(LogitAdjustmentLoss([7, 2, 1], strength=0.0)(scores, target), exact)
    torch.testing.assert_close(LogitAdjustmentLoss([4, 4, 4])(scores, target), exact)


def test_gradient_is_posterior_minus_one_hot():
    scores, target = example()
    prior = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64)
    weighted = prior * scores.exp()
    expected = weighted / weighted.sum(1, keepdim=True) - F.one_hot(target, 3)
    loss = LogitAdjustmentLoss([7, 2, 1], reduction="sum")
    torch.testing.assert_close(torch.func.grad(loss)(scores, target), expected, rtol=1e-6, atol=1e-7)


def test_the_minimiser_is_the_balanced_classifier():
    # a discrete space of 4 points and 3 classes: full-batch training on exact frequencies must end at log P(x | k) plus
    # a constant of the point, and so at the posterior of balanced classes
    given_class = torch.tensor([[0.5, 0.2, 0.1], [0.3, 0.2, 0.2], [0.15, 0.5, 0.2], [0.05, 0.1, 0.5]]).double()
    prior = torch.tensor([0.9, 0.08, 0.02], dtype=torch.float64)
    joint = given_class * prior
    scores = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    point, target = (index.flatten() for index in torch.meshgrid(torch.arange(4), torch.arange(3), indexing="ij"))
    loss = LogitAdjustmentLoss(prior, reduction="sum")
    optimizer = torch.optim.LBFGS([scores], lr=0.5, max_iter=300, tolerance_grad=1e-10, tolerance_change=1e-14)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(scores[point], target, sample_weight=joint.flatten())
        value.backward()
        return value

    optimizer.step(closure)
    balanced = given_class / given_class.sum(1, keepdim=True)
    torch.testing.assert_close(loss.probabilities(scores.detach()), balanced, rtol=0, atol=1e-4)
    assert loss.probabilities(scores.detach()).argmax(1).tolist() != joint.argmax(1).tolist()


def test_probabilities_are_the_softmax_of_the_raw_scores():
    scores, _ = example()
    torch.testing.assert_close(LogitAdjustmentLoss([7, 2, 1]).probabilities(scores), scores.softmax(1))


def test_an_unseen_class_counts_as_half_of_the_rarest():
    scores, target = example()
    unseen, floored = LogitAdjustmentLoss([8, 2, 0]), LogitAdjustmentLoss([8, 2, 1])
    assert unseen(scores, target).isfinite()
    assert torch.equal(unseen(scores, target), floored(scores, target))
    scaled = LogitAdjustmentLoss([0.8, 0.2, 0.0])  # weights in place of counts: only their ratio matters
    torch.testing.assert_close(scaled(scores, target), floored(scores, target))


def test_bind_takes_the_tasks_counts():
    scores, target = example()
    task = TaskInfo.of(torch.tensor([0] * 7 + [1] * 2 + [2]), 3)
    bound = bind(LogitAdjustmentLoss, task, strength=0.5)
    expected = LogitAdjustmentLoss([7, 2, 1], strength=0.5)
    assert torch.equal(bound(scores, target), expected(scores, target))
    other = bind(bound, TaskInfo.of(torch.tensor([0, 1, 2]), 3))
    torch.testing.assert_close(other(scores, target), F.cross_entropy(scores, target))
    assert other.strength == 0.5


def test_copies_and_checkpoints():
    scores, target = example()
    loss = LogitAdjustmentLoss([7, 2, 1], strength=1.5)
    restored = LogitAdjustmentLoss([1, 1, 1], strength=1.5)
    restored.load_state_dict(loss.state_dict())
    for twin in (restored, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):  # noqa: S301 - our own bytes
        assert torch.equal(twin(scores, target), loss(scores, target))
    assert repr(loss) == "LogitAdjustmentLoss(strength=1.5)"


def test_global_generator_is_untouched():
    before = torch.get_rng_state()
    bind(LogitAdjustmentLoss, TaskInfo.of(torch.tensor([0, 1]), 2))(torch.zeros(1, 2), torch.tensor([0]))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("counts", [[0, 0], [1, -1], [1, math.inf], [1, math.nan]])
def test_counts_are_checked(counts):
    with pytest.raises(ValueError, match="class_counts must be finite, nonnegative and not all zero"):
        LogitAdjustmentLoss(counts)


def test_other_mistakes_are_refused():
    scores, target = example()
    with pytest.raises(ValueError, match="class_counts must be known to the task"):
        bind(LogitAdjustmentLoss, TaskInfo(3))
    with pytest.raises(ValueError, match=r"class_counts must have shape \(K,\), got \(1, 2\)"):
        LogitAdjustmentLoss(torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"logits must have shape \(N, 2\) for this loss, got \(6, 3\)"):
        LogitAdjustmentLoss([1, 1])(scores, target)
    with pytest.raises(ValueError, match=r"strength must be in \[0.0, inf\), got -0.5"):
        LogitAdjustmentLoss([1, 1], strength=-0.5)
