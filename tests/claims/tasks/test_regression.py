"""The data of the claims about losses of numbers are what their docstrings say."""

import pytest
import torch
from torch import Generator

from minimand.claims.tasks.regression import (
    Exponential,
    diabetes,
    gross_outliers,
    log_linear_means,
    mean_absolute_error,
    over_decades,
    planted_error,
    root_mean_squared_error,
    seasonal_series,
    trained_values,
    with_noise_that_grows,
)
from minimand.losses import gaussian_nll_loss, mse_loss, poisson_loss
from minimand.training.fit import Settings
from minimand.training.rows import Rows


def rng(seed=0):
    return Generator().manual_seed(seed)


def test_diabetes_is_standardised_and_split():
    parts = diabetes(rng())
    assert [len(part) for part in parts] == [250, 92, 100]
    whole = torch.cat([part.y for part in parts])
    assert (float(whole.mean()), float(whole.std())) == pytest.approx((0.0, 1.0), abs=1e-5)
    with pytest.raises(ValueError, match=r"training \+ validation must be in \[2, 442\)"):
        diabetes(rng(), training=400, validation=42)


def test_outliers_are_as_many_as_asked_and_all_too_large():
    rows = Rows(torch.zeros(5000, 1), torch.zeros(5000))
    found = gross_outliers(rows, rng(), rate=0.1).y
    assert set(found.tolist()) == {0.0, 10.0}
    assert float((found > 0).double().mean()) == pytest.approx(0.1, abs=0.02)
    assert gross_outliers(rows, rng(), rate=0.0).y.sum() == 0


def test_the_series_continues_its_lags():
    rows = seasonal_series(rng(), 100)
    assert rows.x.shape == (100, 9)
    # the target of a step is the last lag of the next
    assert torch.equal(rows.x[1:, 7], rows.y[:-1])


def test_targets_over_decades_and_counts():
    y = over_decades(rng(), 5000).y
    assert y.min() > 0
    assert float(torch.log10(torch.quantile(y, 0.99) / torch.quantile(y, 0.01))) > 3
    x, planted, mean = log_linear_means(rng(), 50)
    torch.testing.assert_close(mean.log(), x @ planted[:3] + 0.5)
    rows, deviation = with_noise_that_grows(rng(), 20_000)
    errors = (rows.y - torch.sin(4 * rows.x[:, 0])) / deviation
    assert float(errors.std()) == pytest.approx(1.0, abs=0.03)


def test_arms_learn_and_have_the_outputs_of_their_cards():
    generator = rng()
    x = torch.randn(300, 2, generator=generator)
    rows = Rows(x, 2 * x[:, 0] - x[:, 1] + 1)
    settings = Settings(max_epochs=60, batch_size=50)
    trained = trained_values(
        {"squares": (mse_loss, {}), "likelihood": (gaussian_nll_loss, {})},
        rows.take(torch.arange(200)),
        rows.take(torch.arange(200, 300)),
        seed=0,
        judge=root_mean_squared_error,
        settings=settings,
        hidden=(),
        learning_rates=(3e-2,),
    )
    assert trained["likelihood"].outputs(x).shape == (300, 2)
    for model in trained.values():
        assert mean_absolute_error(model.predictions(x), rows.y) < 0.2


def test_planted_coefficients():
    generator = rng(1)
    x, planted, mean = log_linear_means(generator, 1000)
    rows = Rows(x, mean)
    # without noise least squares on the logarithms is exact
    assert planted_error(poisson_loss, rows, planted, 0, on_logarithms=True) < 1e-5
    assert planted_error(poisson_loss, rows, planted, 0, on_logarithms=False) < 0.2


def test_the_last_layer():
    assert Exponential()(torch.zeros(2)).tolist() == [1.0, 1.0]
