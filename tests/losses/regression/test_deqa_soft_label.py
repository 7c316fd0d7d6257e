"""Soft labels over levels by solving the two equations of the paper, and the fidelity of pairs by a loop."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import (
    FidelityLoss,
    LevelDistributionLoss,
    expected_level,
    gaussian_level_distribution,
    level_predictions,
)

LEVELS = range(1, 6)


def adjusted_by_solving(mean, spread):
    """The two equations of the paper, solved as a linear system: the sum is 1, the mean is that of the scores."""
    p = [norm.cdf(k + 0.5, mean, spread) - norm.cdf(k - 0.5, mean, spread) for k in LEVELS]
    equations = torch.tensor(
        [[sum(p), 5.0], [sum(k * q for k, q in zip(LEVELS, p, strict=True)), 15.0]], dtype=torch.float64
    )
    alpha, beta = torch.linalg.solve(equations, torch.tensor([1.0, mean], dtype=torch.float64)).tolist()
    return [alpha * q + beta for q in p]


@pytest.mark.parametrize(("mean", "spread"), [(2.9, 0.9), (3.4, 0.7), (2.2, 0.8), (4.0, 0.6)])
def test_sum_and_mean_are_those_of_the_two_equations(mean, spread):
    expected = adjusted_by_solving(mean, spread)
    (found,) = gaussian_level_distribution(torch.tensor([mean], dtype=torch.float64), spread).tolist()
    if min(expected) >= 0:
        assert found == pytest.approx(expected, abs=1e-9)
        assert sum(k * p for k, p in zip(LEVELS, found, strict=True)) == pytest.approx(mean)
    assert sum(found) == pytest.approx(1.0)
    assert min(found) >= 0


def test_the_middle_of_the_scale_keeps_the_distribution():
    # the authors' code divides 0 by 1e-9 there, and every level gets a fifth
    (found,) = gaussian_level_distribution(torch.tensor([3.0]), 0.5).tolist()
    p = [norm.cdf(k + 0.5, 3.0, 0.5) - norm.cdf(k - 0.5, 3.0, 0.5) for k in LEVELS]
    lost = (1 - sum(p)) / 5
    assert found == pytest.approx([q + lost for q in p])
    near = gaussian_level_distribution(torch.tensor([3.0 + 1e-5, 3.0 - 1e-5], dtype=torch.float64), 0.5)
    assert near.tolist()[0] == pytest.approx(found, abs=1e-2)


def test_narrow_spreads_share_between_neighbours():
    found = gaussian_level_distribution(torch.tensor([1.0, 2.25, 5.0, 9.0]), 0.1)
    expected = [[1, 0, 0, 0, 0], [0, 0.75, 0.25, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_the_mean_is_kept_within_a_tenth_everywhere():
    mean = torch.linspace(1, 5, 401, dtype=torch.float64)
    for spread in (0.0, 0.1, 0.2, 0.5, 1.0, 3.0):
        found = gaussian_level_distribution(mean, spread)
        torch.testing.assert_close(found.sum(1), torch.ones(401, dtype=torch.float64))
        assert (found @ torch.arange(1.0, 6.0, dtype=torch.float64) - mean).abs().max() <= 0.1 + 1e-12


def test_levels_and_predictions():
    certain = torch.full((5, 5), -1e9).fill_diagonal_(0.0)
    assert expected_level(certain).tolist() == [1, 2, 3, 4, 5]
    assert level_predictions(certain).tolist() == [-3.0, -1.5, 0.0, 1.5, 3.0]
    loss = LevelDistributionLoss(lowest=0.0, highest=100.0)
    assert loss.predictions(certain).tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]


def test_it_is_the_divergence_that_torch_computes():
    rng = torch.Generator().manual_seed(0)
    scores = torch.randn(6, 5, generator=rng, dtype=torch.float64)
    target = torch.rand(6, generator=rng, dtype=torch.float64) * 4 + 1
    loss = LevelDistributionLoss(lowest=1.0, highest=5.0, deviation=0.6)
    soft = gaussian_level_distribution(target, 0.6)
    torch.testing.assert_close(loss(scores, target), F.kl_div(scores.log_softmax(1), soft, reduction="batchmean"))


def test_it_is_least_at_the_soft_label_where_it_is_zero():
    target = torch.tensor([0.4, -1.0], dtype=torch.float64)
    soft = gaussian_level_distribution((target + 3) / 1.5 + 1, 0.75 / 1.5)
    scores = soft.clamp_min(1e-300).log()
    assert LevelDistributionLoss()(scores, target).abs() < 1e-12
    slope = torch.func.grad(lambda z: LevelDistributionLoss()(z, target))(scores)
    assert slope.abs().max() < 1e-12


def test_every_training_row_may_have_a_spread_of_its_own():
    spread = torch.tensor([0.3, 0.9, 0.6])
    loss = bind(LevelDistributionLoss, TaskInfo.of_values(torch.zeros(3)), deviation=spread, reduction="none")
    scores, target = torch.zeros(2, 5), torch.tensor([0.2, 0.3])
    found = loss(scores, target, index=torch.tensor([2, 0]))
    apart = [LevelDistributionLoss(deviation=s)(scores[:1], t[None]) for s, t in ((0.6, target[0]), (0.3, target[1]))]
    torch.testing.assert_close(found, torch.stack(apart))
    with pytest.raises(ValueError, match="index must be given"):
        loss(scores, target)


def test_other_numbers_of_levels():
    loss = LevelDistributionLoss(levels=9)
    assert loss(torch.zeros(4, 9), torch.zeros(4)).isfinite()
    with pytest.raises(ValueError, match=r"pred must have shape \(4, 9\)"):
        loss(torch.zeros(4, 5), torch.zeros(4))


# --- Fidelity ------------------------------------------------------------------------------------------------------


def fidelity(pred, target, sigma, group):
    rows = [[] for _ in pred]
    for i, j in itertools.permutations(range(len(pred)), 2):
        if group[i] == group[j]:
            p = norm.cdf((target[i] - target[j]) / math.hypot(sigma[i], sigma[j]))
            q = norm.cdf((pred[i] - pred[j]) / math.sqrt(2))
            rows[i].append(1 - math.sqrt(p * q) - math.sqrt((1 - p) * (1 - q)))
    return [sum(row) / len(row) if row else 0.0 for row in rows]


def test_fidelity_by_a_loop_over_pairs_of_a_group():
    pred, target = [0.3, -1.2, 2.0, 0.1, 0.7], [1.0, -1.0, 0.5, 40.0, 42.0]
    sigma, group = [0.5, 0.4, 0.8, 3.0, 1.0], [0, 0, 0, 1, 1]
    loss = FidelityLoss(
        deviation=torch.tensor(sigma, dtype=torch.float64), groups=torch.tensor(group), reduction="none"
    )
    found = loss(
        torch.tensor(pred, dtype=torch.float64), torch.tensor(target, dtype=torch.float64), index=torch.arange(5)
    )
    assert found.tolist() == pytest.approx(fidelity(pred, target, sigma, group))


def test_scores_of_two_groups_are_never_compared():
    target = torch.tensor([0.0, 1.0, 0.0, 1.0])
    loss = FidelityLoss(groups=torch.tensor([0, 0, 1, 1]))
    near, far = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 900.0, 901.0])
    torch.testing.assert_close(loss(near, target, index=torch.arange(4)), loss(far, target, index=torch.arange(4)))


def test_the_best_predictions_are_the_targets_in_their_unit():
    target = torch.tensor([0.0, 0.4, 1.0, -0.7], dtype=torch.float64)
    loss = FidelityLoss(deviation=0.5, predicted_deviation=1.0)
    assert loss(2 * target, target).abs() < 1e-12
    slope = torch.func.grad(lambda p: loss(p, target))(2 * target)
    assert slope.abs().max() < 1e-9


def test_without_spread_the_better_one_is_better_for_certain():
    pred = torch.tensor([0.0, 0.0])
    found = FidelityLoss(deviation=0.0)(pred, torch.tensor([1.0, 2.0]))
    assert float(found) == pytest.approx(1 - math.sqrt(0.5))
    assert float(FidelityLoss(deviation=0.0)(pred, torch.tensor([1.0, 1.0]))) == pytest.approx(0.0, abs=1e-6)


def test_the_gradient_does_not_explode_where_a_pair_is_wrong_for_certain():
    pred = torch.tensor([30.0, -30.0, 1e30], requires_grad=True)
    value = FidelityLoss()(pred, torch.tensor([-5.0, 5.0, 0.0]))
    assert torch.autograd.grad(value, pred)[0].isfinite().all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="levels must be in"):
        LevelDistributionLoss(levels=1)
    with pytest.raises(ValueError, match="highest must be in"):
        LevelDistributionLoss(lowest=2.0, highest=2.0)
    with pytest.raises(ValueError, match="deviation must be"):
        LevelDistributionLoss(deviation=torch.tensor([-1.0]))
    with pytest.raises(ValueError, match="groups must be"):
        FidelityLoss(groups=torch.tensor([0.0]))
    with pytest.raises(ValueError, match=r"target must have shape \(N,\) for a loss of pairs"):
        FidelityLoss()(torch.zeros(3, 2), torch.zeros(3, 2))
