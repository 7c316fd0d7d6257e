"""The row statistics against slow, exact arithmetic."""

import math

import mpmath
import pytest
import torch
import torch.nn.functional as F

from minimand.contracts.rows import CLASS_FIRST_BELOW, STATISTICS, dense_statistics, softmax, wide

mpmath.mp.dps = 50


def scores(n_classes, *, scale=1.0, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    pred = torch.randn(6, n_classes, generator=rng, dtype=torch.float64) * scale
    return pred.to(dtype), torch.arange(6) % n_classes


def exact(statistic, row, target):
    """One statistic of one row in 50 digits, by its definition."""
    z = [mpmath.mpf(float(value)) for value in row]
    total = mpmath.log(mpmath.fsum(mpmath.exp(value) for value in z))
    if statistic == "log_p_target":
        return z[target] - total
    if statistic == "mean_log_p":
        return mpmath.fsum(value - total for value in z) / len(z)
    if statistic == "mean_of_other_squares":
        others = [value**2 for k, value in enumerate(z) if k != target]
        return mpmath.fsum(others) / len(others) if others else mpmath.mpf(0)
    mean = mpmath.fsum(z) / len(z)
    deviation = mpmath.sqrt(mpmath.fsum((value - mean) ** 2 for value in z) / len(z))
    return (z[target] - mean) / deviation if deviation else mpmath.mpf(0)


@pytest.mark.parametrize("statistic", sorted(STATISTICS))
@pytest.mark.parametrize("n_classes", [1, 2, 5, CLASS_FIRST_BELOW - 1, CLASS_FIRST_BELOW, CLASS_FIRST_BELOW + 4])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_statistic_equals_its_definition_in_50_digits(statistic, n_classes, scale):
    pred, target = scores(n_classes, scale=scale)
    ours = getattr(dense_statistics(pred, target, {statistic}), statistic)
    expected = [float(exact(statistic, row, int(t))) for row, t in zip(pred, target, strict=True)]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12 * max(scale, 1.0))


@pytest.mark.parametrize("needs", [{"log_p_target"}, {"log_p_target", "mean_log_p"}])
def test_all_paths_of_the_softmax_agree_in_value_and_gradient(needs):
    # the same numbers through fewer than 16 classes and, with classes that cannot win, through more
    pred, target = scores(CLASS_FIRST_BELOW - 1)
    padded = F.pad(pred, (0, 4), value=-1e6)
    results = []
    for logits in (pred.clone().requires_grad_(), padded.clone().requires_grad_()):
        values = dense_statistics(logits, target, needs).log_p_target
        (slope,) = torch.autograd.grad(values.sum(), logits)
        results.append((values, slope[:, : pred.shape[1]]))
    torch.testing.assert_close(results[0], results[1])


def test_asking_for_both_softmax_statistics_changes_neither():
    for n_classes in (5, 20):
        pred, target = scores(n_classes)
        both = dense_statistics(pred, target, {"log_p_target", "mean_log_p"})
        for name in ("log_p_target", "mean_log_p"):
            alone = getattr(dense_statistics(pred, target, {name}), name)
            torch.testing.assert_close(getattr(both, name), alone)


def test_a_statistic_that_was_not_declared_is_an_error():
    stats = dense_statistics(*scores(3), {"log_p_target"})
    assert stats.n_classes == 3
    with pytest.raises(KeyError, match="mean_log_p is not among the declared statistics"):
        _ = stats.mean_log_p


def test_squares_of_the_others_fit_wherever_their_mean_fits():
    # one square overflows float32, the mean over 9 others does not; the gradient 2z would, 2z/(K-1) does not
    largest = torch.finfo(torch.float32).max
    pred = torch.zeros(1, 10)
    pred[0, 3] = math.sqrt(largest) * 2
    value = dense_statistics(pred, torch.tensor([0]), {"mean_of_other_squares"}).mean_of_other_squares
    assert value.item() == pytest.approx(4 / 9 * largest, rel=1e-5)
    for n_classes, rows in ((3, 1), (2, 2)):
        # the true gradient of the mean over the rows, 2z / (K - 1) / N, is the largest number itself
        huge = torch.full((rows, n_classes), largest, requires_grad=True)
        stats = dense_statistics(huge, torch.zeros(rows, dtype=torch.long), {"mean_of_other_squares"})
        (slope,) = torch.autograd.grad((stats.mean_of_other_squares / rows).sum(), huge)
        assert slope[:, 1:].isfinite().all()
        torch.testing.assert_close(slope[:, 1:], torch.full((rows, n_classes - 1), largest))


def test_the_mean_of_log_p_fits_where_the_sum_overflows():
    largest = torch.finfo(torch.float32).max
    pred = torch.tensor([[0.0, -largest / 2, -largest / 2, -largest / 2, -largest / 2]])
    value = dense_statistics(pred, torch.tensor([0]), {"mean_log_p"}).mean_log_p
    assert value.item() == pytest.approx(-0.4 * largest, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_z_score_ignores_scale_and_shift(scale):
    pred, target = scores(5)
    base = dense_statistics(pred, target, {"target_z_score"}).target_z_score
    scaled = dense_statistics(pred * scale, target, {"target_z_score"}).target_z_score
    torch.testing.assert_close(scaled, base)
    flat = torch.full((6, 5), 3.7, dtype=torch.float32)
    assert dense_statistics(flat, target, {"target_z_score"}).target_z_score.tolist() == [0.0] * 6


@pytest.mark.parametrize(("dtype", "expected"), [(torch.float16, torch.float32), (torch.bfloat16, torch.float32)])
def test_half_precision_is_computed_in_float32(dtype, expected):
    pred, target = scores(5, dtype=dtype)
    assert wide(pred).dtype == softmax(pred).dtype == expected
    stats = dense_statistics(pred, target, STATISTICS)
    widened = dense_statistics(pred.float(), target, STATISTICS)
    for name in STATISTICS:
        assert torch.equal(getattr(stats, name), getattr(widened, name))
    assert wide(pred.double()).dtype == torch.float64
