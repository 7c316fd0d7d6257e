"""ELR against the authors' code, its limits, and the care of its memory."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
import torch.nn.functional as F

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import ELRLoss

# shengliu66/ELR at 934af53, elr_loss(4, 3, beta=0.7) with lambda 3 in float64 with torch 2.13: three batches in a row.
BATCHES = [
    ([0, 2, 3], [[2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-3.0, 12.0, 1.0]], [0, 1, 2]),
    ([3, 1], [[0.0, 4.0, -2.0], [1.0, 1.0, -1.0]], [2, 0]),
    ([0, 3], [[1.5, -0.5, 0.0], [0.5, 9.0, -9.0]], [1, 1]),
]
VALUES = [3.4350810453541736, 2.154999566491126, -0.9712553711247394]
GRADIENTS = [
    [
        [-0.11132768269089174, 0.0219314987552037, 0.08939618393568807],
        [0.10370693137816796, -0.22222317836424074, 0.11851624698607287],
        [1.019657059750171e-07, 0.3333276642287143, -0.3333277661944203],
    ],
    [
        [0.03492612712580853, 0.460313653263595, -0.49523978038940336],
        [-0.2720813755689202, 0.22791862443107977, 0.04416275113784044],
    ],
    [
        [0.23539554694407452, -0.39370687163191187, 0.15831132468783718],
        [0.0006712238642837833, -0.0006712743592301268, 5.049494640910908e-08],
    ],
]
MEMORY = [
    [0.38581279455752615, 0.03810073480553987, 0.08608647063693406],
    [0.14049315925004438, 0.14049315925004438, 0.01901368149991129],
    [0.0901828816067182, 0.09966749806000418, 0.11014962033327765],
    [0.003843652830063464, 0.6526017174528187, 0.0005546297171178513],
]


def example() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, generator=rng, dtype=torch.float64), torch.tensor([0, 1, 2, 0]), torch.tensor([5, 1, 0, 3])


def test_values_gradients_and_memory_of_the_authors_code():
    loss = ELRLoss(4, 3).double()
    for (index, scores, target), value, gradient in zip(BATCHES, VALUES, GRADIENTS, strict=True):
        pred = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
        ours = loss(pred, torch.tensor(target), index=torch.tensor(index))
        torch.testing.assert_close(ours.item(), value, rtol=1e-13, atol=0)
        expected = torch.tensor(gradient, dtype=torch.float64)
        torch.testing.assert_close(torch.autograd.grad(ours, pred)[0], expected, rtol=1e-11, atol=1e-15)
    torch.testing.assert_close(loss.memory.values, torch.tensor(MEMORY, dtype=torch.float64), rtol=1e-12, atol=0)


def test_hand_value_of_one_row():
    # two equal scores: p = (1/2, 1/2), memory after one visit (1 - 0.6) p = (0.2, 0.2), agreement 0.2
    loss = ELRLoss(1, 2, momentum=0.6, strength=5.0).double()
    value = loss(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([1]), index=torch.tensor([0]))
    torch.testing.assert_close(value.item(), math.log(2) + 5 * math.log(0.8), rtol=1e-12, atol=0)


@pytest.mark.parametrize("switched_off", [{"strength": 0.0}, {"momentum": 1.0}])
def test_switched_off_is_cross_entropy(switched_off):
    scores, target, index = example()
    loss = ELRLoss(6, 3, **switched_off)
    for _ in range(3):
        torch.testing.assert_close(loss(scores, target, index=index), F.cross_entropy(scores, target))


def test_evaluation_mode_reads_only():
    scores, target, index = example()
    loss = ELRLoss(6, 3).eval()
    torch.testing.assert_close(loss(scores, target, index=index), F.cross_entropy(scores, target))
    assert (loss.memory.values == 0).all()
    loss.train()(scores, target, index=index)
    remembered = loss.memory.values.clone()
    loss.eval()(-scores, target, index=index)
    assert torch.equal(loss.memory.values, remembered)
    assert loss(scores, target, index=index) < F.cross_entropy(scores, target)


def test_gradient_does_not_pass_through_the_memory():
    scores, target, index = example()
    loss = ELRLoss(6, 3).double()
    loss(scores, target, index=index)
    pred = scores.clone().requires_grad_()
    gradient = torch.autograd.grad(loss(pred, target, index=index), pred)[0]
    loss.eval()  # the same memory, now fixed: its gradient is all there is
    assert torch.autograd.gradcheck(lambda p: loss(p, target, index=index), pred)
    torch.testing.assert_close(torch.autograd.grad(loss(pred, target, index=index), pred)[0], gradient)


def test_rows_touch_their_own_sample_only():
    scores, target, index = example()
    loss = ELRLoss(6, 3)
    loss(scores, target, index=index)
    assert set(loss.memory.values.any(1).nonzero().flatten().tolist()) == {0, 1, 3, 5}


def test_absent_rows_do_not_write_even_where_they_share_an_index():
    scores, target, _ = example()
    index = torch.tensor([2, 0, 0, 0])
    expected = ELRLoss(6, 3)
    expected(scores[:2], target[:2], index=index[:2])
    weighted, ignored = ELRLoss(6, 3), ELRLoss(6, 3, ignore_index=-100)
    weighted(scores, target, index=index, sample_weight=torch.tensor([1.0, 2.0, 0.0, 0.0]))
    ignored(scores, torch.tensor([0, 1, -100, -100]), index=index)
    assert torch.equal(weighted.memory.values, expected.memory.values)
    assert torch.equal(ignored.memory.values, expected.memory.values)


def test_certain_predictions_stay_finite():
    # without the clamp the regulariser would tend to minus infinity
    scores = torch.tensor([[1e4, 0.0, 0.0]], requires_grad=True)
    loss = ELRLoss(1, 3, momentum=0.0)
    for _ in range(5):
        value = loss(scores, torch.tensor([1]), index=torch.tensor([0]))
    assert value >= 1e4 + 3 * math.log(1.01e-4) - 1
    assert torch.autograd.grad(value, scores)[0].isfinite().all()


def test_half_precision_is_computed_in_single():
    scores, target, index = example()
    half, single = ELRLoss(6, 3), ELRLoss(6, 3)
    value = half(scores.bfloat16(), target, index=index)
    assert value.dtype == torch.float32
    assert torch.equal(value, single(scores.bfloat16().float(), target, index=index))
    assert torch.equal(half.memory.values, single.memory.values)


def test_a_nan_prediction_shows_and_is_not_remembered():
    loss = ELRLoss(6, 3)
    scores, target, index = example()
    loss(scores, target, index=index)
    before = loss.memory.values.clone()
    broken = scores.clone()
    broken[1, 0] = torch.nan
    assert loss(broken, target, index=index).isnan()
    assert torch.equal(loss.memory.values[1], before[1])
    assert loss.memory.values.isfinite().all()


def test_bind_gives_a_fresh_memory():
    scores, target, index = example()
    task = TaskInfo(3, n_samples=6)
    first = bind(ELRLoss, task, momentum=0.9, strength=1.0)
    first(scores, target, index=index)
    second = bind(first, task)
    assert second.hyperparameters() == first.hyperparameters()
    assert (second.memory.values == 0).all()
    assert (second.momentum, second.strength) == (0.9, 1.0)


def test_copies_and_checkpoints_remember():
    scores, target, index = example()
    loss = ELRLoss(6, 3)
    loss(scores, target, index=index)
    restored = ELRLoss(6, 3)
    restored.load_state_dict(copy.deepcopy(loss.state_dict()))
    twins = [restored, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]  # noqa: S301 - our own bytes
    value = loss(scores.flip(0), target, index=index)
    for twin in twins:
        assert torch.equal(twin(scores.flip(0), target, index=index), value)
        assert torch.equal(twin.memory.values, loss.memory.values)


def test_global_generator_is_untouched():
    before = torch.get_rng_state()
    scores, target, index = (torch.zeros(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
    ELRLoss(2, 3)(scores, target, index=index)
    assert torch.equal(torch.get_rng_state(), before)


def test_mistakes_are_refused_before_anything_is_written():
    scores, target, index = example()
    loss = ELRLoss(6, 3)
    with pytest.raises(ValueError, match="index must be given"):
        loss(scores, target)
    with pytest.raises(ValueError, match=r"index must be in \[0, 6\), got 6"):
        loss(scores, target, index=index + 1)
    with pytest.raises(ValueError, match=r"logits must have shape \(N, 3\) for this loss, got \(4, 5\)"):
        loss(torch.zeros(4, 5), target, index=index)
    with pytest.raises(ValueError, match=r"target must be in \[0, 3\), got 3"):
        loss(scores, target + 1, index=index)
    assert (loss.memory.values == 0).all()
    with pytest.raises(ValueError, match=r"momentum must be in \[0.0, 1.0\], got 1.1"):
        ELRLoss(6, 3, momentum=1.1)
    with pytest.raises(ValueError, match=r"strength must be in \[0.0, inf\), got -1"):
        ELRLoss(6, 3, strength=-1)
