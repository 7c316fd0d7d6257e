import pytest
import torch
import torch.nn.functional as F
from scipy.stats import poisson
from sklearn.metrics import mean_poisson_deviance

from minimand.contracts.card import card_of
from minimand.losses import poisson_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    pred = torch.randn(30, generator=rng, dtype=torch.float64)
    return pred, torch.randint(0, 6, (30,), generator=rng)


def test_by_hand():
    rows = poisson_loss(torch.zeros(2), torch.tensor([0.0, 3.0]), reduction="none")
    assert rows.tolist() == [1.0, 1.0]


def test_it_is_that_of_torch():
    pred, target = batch()
    torch.testing.assert_close(poisson_loss(pred, target), F.poisson_nll_loss(pred, target.double()))


def test_differences_are_those_of_the_log_likelihood():
    pred, target = batch()
    other = pred.flip(0)
    found = poisson_loss(pred, target, reduction="none") - poisson_loss(other, target, reduction="none")
    one, two = (torch.from_numpy(poisson.logpmf(target.numpy(), p.exp().numpy())) for p in (pred, other))
    torch.testing.assert_close(found, two - one)


def test_twice_its_excess_is_the_deviance_of_scikit_learn():
    pred, target = batch()
    target = target + 1
    excess = poisson_loss(pred, target) - poisson_loss(target.double().log(), target)
    assert 2 * float(excess) == pytest.approx(mean_poisson_deviance(target.numpy(), pred.exp().numpy()))


def test_no_nan_among_the_largest_scores_where_torch_has_one():
    pred, target = torch.tensor([3e38]), torch.tensor([4.0])
    assert F.poisson_nll_loss(pred, target).isnan()
    assert poisson_loss(pred, target) == float("inf")


def test_the_prediction_is_the_exponential():
    predictions = card_of(poisson_loss).facts["predictions"]
    torch.testing.assert_close(predictions(torch.tensor([[0.0], [1.0]])), torch.tensor([1.0, 2.7182818]))
