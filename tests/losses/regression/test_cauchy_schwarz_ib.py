"""Kernel sums by loops and by quadrature of the densities that they estimate, and the loss in its limits."""

import math

import pytest
import torch
from torch import nn

from minimand.losses import (
    cauchy_schwarz_ib_loss,
    conditional_cs_divergence,
    cs_mutual_information,
    median_width,
)


def sample(n=7, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=rng, dtype=torch.float64)
    y, pred = (torch.randn(n, generator=rng, dtype=torch.float64) for _ in range(2))
    return x, y, pred


def kernel(u, v, width=1.0):
    return math.exp(-float(((u - v) ** 2).sum()) / (2 * width**2))


def test_the_divergence_by_loops():
    x, y, pred = sample()

    def total(first, second):
        rows = []
        for j in range(7):
            near = [kernel(x[j], x[i], 1.5) for i in range(7)]
            rows.append(sum(k * kernel(first[j], second[i], 0.7) for i, k in enumerate(near)) / sum(near) ** 2)
        return sum(rows)

    expected = math.log(total(y, y)) + math.log(total(pred, pred)) - 2 * math.log(total(pred, y))
    found = conditional_cs_divergence(x, y, pred, input_width=1.5, target_width=0.7)
    assert float(found) == pytest.approx(expected)


def test_the_information_by_loops():
    x, y, _ = sample()
    k = [[kernel(x[i], x[j]) for j in range(7)] for i in range(7)]
    q = [[kernel(y[i], y[j], 0.5) for j in range(7)] for i in range(7)]
    pairs = [(i, j) for i in range(7) for j in range(7)]
    together = sum(k[i][j] * q[i][j] for i, j in pairs) / 7**2
    apart = sum(k[i][j] for i, j in pairs) * sum(q[i][j] for i, j in pairs) / 7**4
    crossed = sum(sum(k[i]) * sum(q[i]) for i in range(7)) / 7**3
    expected = math.log(together * apart / crossed**2)
    assert float(cs_mutual_information(x, y, code_width=0.5)) == pytest.approx(expected)


def test_the_information_is_that_of_the_densities_on_a_grid():
    # a Parzen window of width w makes kernels of width w sqrt(2) between the points
    x, y = torch.tensor([-0.5, 0.2, 0.9], dtype=torch.float64), torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    grid = torch.linspace(-8, 8, 801, dtype=torch.float64)
    width = 1 / math.sqrt(2)

    def bumps(points):
        return (-((grid - points[:, None]) ** 2) / (2 * width**2)).exp()

    joint = torch.einsum("na,nb->ab", bumps(x), bumps(y)) / 3
    product = bumps(x).mean(0)[:, None] * bumps(y).mean(0)
    cosine = (joint * product).sum() ** 2 / (joint.square().sum() * product.square().sum())
    torch.testing.assert_close(cs_mutual_information(x, y), -cosine.log(), rtol=1e-9, atol=0)


def test_agreement_costs_nothing_and_nothing_costs_much_less():
    x, y, pred = sample(20)
    assert abs(float(conditional_cs_divergence(x, y, y))) < 1e-12
    for scale in (0.01, 1.0, 30.0):
        # the estimate is not an inner product of densities: it may fall below zero by a little
        assert float(conditional_cs_divergence(x, y, y + scale * pred)) >= -1e-3
        assert float(cs_mutual_information(x, scale * pred)) >= -1e-12
    assert float(conditional_cs_divergence(x, y, y + pred)) > 0.1


def test_a_constant_code_tells_nothing_and_the_inputs_tell_most():
    x, _, pred = sample(40)
    assert abs(float(cs_mutual_information(x, torch.ones(40, 2, dtype=torch.float64)))) < 1e-12
    assert float(cs_mutual_information(x, x)) > float(cs_mutual_information(x, pred))


def test_no_kernel_underflows_however_narrow():
    x, y, pred = sample(20)
    pred = (1e3 * pred).requires_grad_()
    value = conditional_cs_divergence(x, y, pred, input_width=1e-4, target_width=1e-3)
    assert value.isfinite()
    assert torch.autograd.grad(value, pred)[0].isfinite().all()


def test_where_no_two_inputs_are_alike_it_is_the_correntropy_of_the_errors():
    x, y, pred = sample(20)
    value = conditional_cs_divergence(x, y, pred, input_width=1e-3)
    expected = -2 * (-((y - pred) ** 2) / 2).exp().mean().log()
    torch.testing.assert_close(value, expected)


def test_the_loss_is_the_divergence_and_a_share_of_the_information():
    x, y, _ = sample(20)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder, decoder = nn.Linear(3, 2).double(), nn.Linear(2, 1).double()
    code = encoder(x)
    divergence = conditional_cs_divergence(x, y, decoder(code)[:, 0])
    torch.testing.assert_close(cauchy_schwarz_ib_loss(encoder, decoder, x, y, strength=0.0), divergence)
    most = (cs_mutual_information(x, x) * cs_mutual_information(code, code)).sqrt()
    expected = divergence + 0.5 * cs_mutual_information(x, code) / most
    value = cauchy_schwarz_ib_loss(encoder, decoder, x, y, strength=0.5)
    torch.testing.assert_close(value, expected)
    assert all(p.isfinite().all() for p in torch.autograd.grad(value, [*encoder.parameters()]))
    own = cauchy_schwarz_ib_loss(encoder, decoder, x, y, input_width=None, code_width=None)
    near, width = median_width(x), median_width(code)
    given = cauchy_schwarz_ib_loss(encoder, decoder, x, y, input_width=near, code_width=width)
    torch.testing.assert_close(own, given)


def test_a_code_that_is_constant_has_a_gradient():
    x, y, _ = sample(6)
    weight = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    value = cauchy_schwarz_ib_loss(lambda x: x @ weight, lambda t: t.sum(1), x, y, strength=1.0)
    assert value.isfinite()
    assert torch.autograd.grad(value, weight)[0].isfinite().all()


def test_what_is_refused():
    x, y, _ = sample()

    def loss(**hyper):
        return cauchy_schwarz_ib_loss(lambda x: x, lambda t: t[:, 0], x, y, **hyper)

    with pytest.raises(ValueError, match="strength must be in"):
        loss(strength=-1.0)
    with pytest.raises(ValueError, match="input_width must be in"):
        loss(input_width=0.0)
    with pytest.raises(ValueError, match="pred must have shape"):
        cauchy_schwarz_ib_loss(lambda x: x, lambda t: t, x, y)
    with pytest.raises(TypeError, match="inputs must be floating point"):
        cauchy_schwarz_ib_loss(lambda x: x, lambda t: t, torch.zeros(7, 1, dtype=torch.long), y)
