import math

import mpmath
import pytest
import torch

from minimand.losses import log_cosh_loss

mpmath.mp.dps = 50


def test_it_is_exact_from_tiny_errors_to_huge_ones():
    errors = [1e-160, 1e-8, 0.3, 0.999, 1.0, 1.001, 20.0, 700.0, 1e5]
    exact = [float(mpmath.log(mpmath.cosh(mpmath.mpf(e)))) for e in errors]
    zeros = torch.zeros(len(errors), dtype=torch.float64)
    for sign in (1, -1):
        found = log_cosh_loss(zeros, sign * torch.tensor(errors, dtype=torch.float64), reduction="none")
        assert found.tolist() == pytest.approx(exact, rel=1e-14, abs=1e-310)


def test_the_slope_is_tanh_and_the_curvature_one_less_its_square():
    e = torch.linspace(-6, 6, 49, dtype=torch.float64)
    one = torch.func.grad(lambda p: log_cosh_loss(p, torch.zeros_like(p), reduction="sum"))
    torch.testing.assert_close(one(e), e.tanh())
    two = torch.func.grad(lambda p: one(p).sum())
    torch.testing.assert_close(two(e), 1 - e.tanh().square())


def test_far_out_it_is_the_absolute_error_less_log_two():
    value = log_cosh_loss(torch.zeros(1), torch.tensor([1e30]))
    assert float(value) == pytest.approx(1e30)
    assert float(log_cosh_loss(torch.zeros(1), torch.tensor([30.0]))) == pytest.approx(30 - math.log(2))
