"""The debiased calibration error against its authors' code, by hand, and its bias."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from minimand.evaluation import calibration_error_metric


def waves(n_rows: int, n_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities and targets that anyone can write down again."""
    i = np.arange(n_rows * n_classes).reshape(n_rows, n_classes)
    p = np.exp(2 * np.sin(0.37 * i + 0.01 * (i % 91) ** 1.5))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(n_rows)
    target = np.where(rows % 3 != 0, p.argmax(1), (rows * 7 + rows // 5) % n_classes)
    return torch.tensor(p), torch.tensor(target)


def calibrated(n_rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Binary predictions whose confidence is the truth."""
    rng = torch.Generator().manual_seed(seed)
    confidence = 0.5 + 0.5 * torch.rand(n_rows, generator=rng, dtype=torch.float64)
    hit = torch.rand(n_rows, generator=rng, dtype=torch.float64) < confidence
    return torch.stack((confidence, 1 - confidence), 1), (~hit).long()


@pytest.mark.parametrize(
    ("n_rows", "n_classes", "bins", "expected"),
    [(300, 4, 15, 0.29244241508116947), (240, 3, 12, 0.24517472240873517)],
)
def test_the_authors_code(n_rows, n_classes, bins, expected):
    # p-lambda/verified_calibration at ee81c34: unbiased_l2_ce on get_equal_bins of the top-label confidence.
    p, target = waves(n_rows, n_classes)
    assert calibration_error_metric(p, target, bins=bins).item() == pytest.approx(expected, abs=1e-13)


def test_hand_value_of_one_bin():
    # confidence 0.9, 6 of 10 right: 0.3^2 less 0.6 * 0.4 / 9
    p = torch.tensor([[0.9, 0.1]], dtype=torch.float64).expand(10, 2)
    target = torch.tensor([0] * 6 + [1] * 4)
    assert calibration_error_metric(p, target).item() == pytest.approx(math.sqrt(0.09 - 0.24 / 9), abs=1e-14)


def test_two_bins_by_hand():
    confidence = torch.tensor([0.6] * 10 + [0.95] * 30, dtype=torch.float64)
    hit = torch.tensor([1] * 2 + [0] * 8 + [1] * 15 + [0] * 15)
    p = torch.stack((confidence, 1 - confidence), 1)
    squared = 0.25 * (0.4**2 - 0.16 / 9) + 0.75 * (0.45**2 - 0.25 / 29)
    assert calibration_error_metric(p, 1 - hit, bins=2).item() == pytest.approx(math.sqrt(squared), abs=1e-14)


def test_equal_confidence_shares_a_bin():
    # all the same confidence: however many bins, it is one
    p = torch.tensor([[0.8, 0.2]], dtype=torch.float64).expand(200, 2)
    target = (torch.arange(200) < 90).long()
    one = calibration_error_metric(p, target, bins=1)
    assert torch.equal(calibration_error_metric(p, target, bins=15), one)


def test_bias_is_taken_off():
    # calibrated by construction: the plug-in estimate is about sqrt(bins * mean variance / rows) too large
    p, squared, plug_in = None, [], []
    for seed in range(60):
        p, target = calibrated(300, seed)
        order = p[:, 0].argsort()
        confidence, hit = p[order, 0].reshape(15, 20).mean(1), (1 - target[order]).double().reshape(15, 20).mean(1)
        plug_in.append((confidence - hit).square().mean().item())
        squared.append(calibration_error_metric(p, target).item() ** 2)
    assert np.mean(plug_in) > 0.007
    assert np.mean(squared) < np.mean(plug_in) / 3
    assert min(squared) == 0.0  # cut off at zero


def test_a_planted_error_is_found():
    p, target = calibrated(20000, 0)
    over = p.clone()
    over[:, 0] = 0.5 * (1 + p[:, 0])  # half as far from certainty: the root of the mean square of (1 - c) / 2
    over[:, 1] = 1 - over[:, 0]
    expected = 0.5 * (1 - p[:, 0]).square().mean().sqrt().item()
    assert calibration_error_metric(over, target).item() == pytest.approx(expected, abs=0.01)
    assert calibration_error_metric(p, target).item() < 0.015


def test_bins_are_checked():
    p, target = waves(20, 3)
    with pytest.raises(ValueError, match=r"bins must be in \[1, inf\], got 0"):
        calibration_error_metric(p, target, bins=0)
