import math

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm

from minimand.losses import GaussianNLLLoss, first_number, gaussian_nll_loss, gaussian_variance


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(30, 2, generator=rng, dtype=torch.float64), torch.randn(30, generator=rng, dtype=torch.float64)


def test_by_hand():
    rows = gaussian_nll_loss(
        torch.tensor([[1.0, 0.0], [0.0, math.log(4.0)]]), torch.tensor([3.0, 2.0]), floor=1e-12, reduction="none"
    )
    assert rows.tolist() == pytest.approx([2.0, (math.log(4.0) + 1) / 2])


def test_it_is_the_log_likelihood_but_for_a_constant():
    pred, target = batch()
    spread = gaussian_variance(pred).sqrt()
    expected = -norm.logpdf(target.numpy(), first_number(pred).numpy(), spread.numpy()) - math.log(2 * math.pi) / 2
    torch.testing.assert_close(gaussian_nll_loss(pred, target, reduction="none"), torch.from_numpy(expected))


def test_it_is_that_of_torch_where_the_floor_is_far():
    pred, target = batch()
    expected = F.gaussian_nll_loss(pred[:, 0], target, pred[:, 1].exp())
    torch.testing.assert_close(gaussian_nll_loss(pred, target, floor=1e-15), expected)


def test_the_best_variance_is_that_of_the_errors():
    _, target = batch()
    exact = target.var(correction=0)

    def risk(log_variance):
        return gaussian_nll_loss(torch.stack([target.mean(), log_variance]).expand(30, 2), target, floor=1e-9)

    at = torch.func.grad(risk)((exact - 1e-9).log())
    assert abs(float(at)) < 1e-12


def test_a_certain_row_stays_finite():
    pred = torch.tensor([[1.0, -1e9], [0.0, -1e30]], requires_grad=True)
    rows = gaussian_nll_loss(pred, torch.tensor([1.0, 1e-3]), floor=1e-6, reduction="none")
    assert rows.tolist() == pytest.approx([math.log(1e-6) / 2, math.log(1e-6) / 2 + 0.5], rel=1e-4)
    assert torch.autograd.grad(rows.sum(), pred)[0].isfinite().all()


def test_one_number_a_row_is_refused():
    for pred in (torch.zeros(3), torch.zeros(3, 1), torch.zeros(3, 3)):
        with pytest.raises(ValueError, match=r"pred must have shape \(3, 2\) to fit target"):
            gaussian_nll_loss(pred, torch.zeros(3))
    with pytest.raises(ValueError, match="floor must be in"):
        GaussianNLLLoss(floor=0.0)
    with pytest.raises(ValueError, match="floor must be in"):
        gaussian_variance(torch.zeros(3, 2), floor=-1.0)
