"""Small data whose targets are numbers, and arms that are trained on them in the same way."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from minimand.contracts.arguments import require_range
from minimand.contracts.card import card_of
from minimand.contracts.task import TaskInfo, bind
from minimand.contracts.values import as_they_are
from minimand.extras import require
from minimand.losses import mse_loss
from minimand.training.fit import Settings, fit, scores_of
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator, named_seed

LEARNING_RATES = (1e-3, 3e-3, 1e-2)
Arm = tuple[Any, Mapping[str, Any]]
"""What `bind` takes, with its hyperparameters."""
Judge = Callable[[Tensor, Tensor], float]
"""From predictions `(n,)` and targets `(n,)` to a number."""


# --- Data --------------------------------------------------------------------------------------------------------


def diabetes(rng: Generator, *, training: int = 250, validation: int = 92) -> tuple[Rows, Rows, Rows]:
    """Progress of diabetes in 442 patients, of 10 standardised features; targets of mean 0 and deviation 1.

    Args:
        rng: of the split.
        training: number of training rows.
        validation: number of validation rows; what is left over, of 442, tests.

    Raises:
        ValueError: nothing would be left to test on.
    """
    x, y = _all_diabetes()
    if training < 1 or validation < 1 or training + validation >= len(y):
        raise ValueError(f"training + validation must be in [2, {len(y)}), got {training} + {validation}")
    order = torch.randperm(len(y), generator=rng)
    parts = order.split([training, validation, len(y) - training - validation])
    first, second, third = (Rows(x[part], y[part]) for part in parts)
    return first, second, third


@functools.cache
def _all_diabetes() -> tuple[Tensor, Tensor]:
    found = require("sklearn.datasets", extra="workbench").load_diabetes()
    x, y = torch.from_numpy(found.data), torch.from_numpy(found.target)
    x = (x - x.mean(0)) / x.std(0)
    return x.float(), ((y - y.mean()) / y.std()).float()


def gross_outliers(rows: Rows, rng: Generator, *, rate: float, size: float = 10.0) -> Rows:
    """The rows with some targets that are too large by `size`: of as many rows in a hundred as the rate says.

    Raises:
        ValueError: `rate` outside [0, 1].
    """
    require_range("rate", rate, least=0.0, most=1.0)
    wrong = torch.rand(len(rows), generator=rng) < rate
    return Rows(rows.x, rows.y + size * wrong, rows.weight)


def seasonal_series(rng: Generator, n_rows: int, *, lags: int = 8) -> Rows:
    """An AR(1) process on a season of 12 steps: the last values and the phase, and the next value for a target."""
    steps = n_rows + lags
    season = torch.sin(2 * torch.pi * torch.arange(steps) / 12)
    noise, series = 0.5 * torch.randn(steps, generator=rng), torch.zeros(steps)
    for step in range(1, steps):
        series[step] = 0.7 * series[step - 1] + noise[step]
    series = series + season
    x = torch.cat([series.unfold(0, lags, 1)[:n_rows], season[lags:, None]], 1)
    return Rows(x, series[lags:])


def over_decades(rng: Generator, n_rows: int, *, spread: float = 0.3) -> Rows:
    """Two features of which the logarithm of a positive target is a bent function, from about 1 to 10,000."""
    x = 2 * torch.rand(n_rows, 2, generator=rng) - 1
    exponent = 2 + 1.6 * x[:, 0] + 0.4 * torch.sin(3 * x[:, 1])
    return Rows(x, 10**exponent * torch.exp(spread * torch.randn(n_rows, generator=rng)))


def log_linear_means(rng: Generator, n_rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features `(n, 3)`, planted coefficients (the last is the intercept) `(4,)`, and the means `(n,)`."""
    x = torch.randn(n_rows, 3, generator=rng)
    planted = torch.cat([0.4 * torch.randn(3, generator=rng), torch.tensor([0.5])])
    return x, planted, (x @ planted[:3] + planted[3]).exp()


def with_noise_that_grows(rng: Generator, n_rows: int) -> tuple[Rows, Tensor]:
    """One feature in [0, 1], a wave with noise whose deviation grows tenfold, and that deviation `(n,)`."""
    x = torch.rand(n_rows, 1, generator=rng)
    deviation = 0.1 + 0.9 * x[:, 0]
    y = torch.sin(4 * x[:, 0]) + deviation * torch.randn(n_rows, generator=rng)
    return Rows(x, y), deviation


def rated(rng: Generator, n_rows: int) -> Rows:
    """Six features and the mean of a few opinions, a bent function of them, of mean 0 and deviation about 1."""
    x = torch.randn(n_rows, 6, generator=rng)
    score = torch.sin(1.5 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.5 * x[:, 3] - 0.3 * x[:, 4].square() + 0.3
    return Rows(x, score / 1.2 + 0.1 * torch.randn(n_rows, generator=rng))


# --- Arms --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainedValues:
    """A network with the map from its rows to the numbers that it predicts."""

    network: nn.Module
    to_numbers: Callable[[Tensor], Tensor]

    def outputs(self, x: Tensor) -> Tensor:
        """What the network says `(n, P)`."""
        return scores_of(self.network, x)

    def predictions(self, x: Tensor) -> Tensor:
        """The numbers predicted `(n,)`."""
        return self.to_numbers(self.outputs(x))


def trained_values(
    arms: Mapping[str, Arm],
    training: Rows,
    validation: Rows,
    *,
    seed: int,
    judge: Judge,
    settings: Settings,
    hidden: Sequence[int] = (32,),
    learning_rates: Sequence[float] = LEARNING_RATES,
    last_layer: nn.Module | None = None,
    to_numbers: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    n_outputs: Mapping[str, int] | None = None,
) -> dict[str, TrainedValues]:
    """Train each arm once for each learning rate and keep the one that is best on the validation rows.

    All arms see the same initial weights (as far as they have as many outputs) and the same order of rows.

    Args:
        arms: name -> what `bind` takes, and its hyperparameters.
        training: rows to learn from.
        validation: rows that choose the learning rate (and the epoch, where `settings` stop early).
        seed: of initialisation, order and the losses' own noise.
        judge: of the validation rows, lower is better.
        settings: of the training, but for the learning rate.
        hidden: widths of the hidden layers; empty for a linear model.
        learning_rates: the grid; of equally good ones the first is taken.
        last_layer: stands behind the network, such as an exponential.
        to_numbers: name of an arm -> from its outputs to the numbers predicted; by default what its card says.
        n_outputs: name of an arm -> its number of outputs; by default what its card says.
    """
    found: dict[str, TrainedValues] = {}
    for name, (objective, hyper) in arms.items():
        card = card_of(objective)
        facts = card.facts if card is not None else {}
        outputs = facts.get("outputs", 1)
        width = (n_outputs or {}).get(name, outputs(**hyper) if callable(outputs) else outputs)
        to_number = (to_numbers or {}).get(name, facts.get("predictions", as_they_are))
        best = None
        for learning_rate in learning_rates:
            network: nn.Module = mlp(training.x.shape[1], width, hidden=hidden, seed=named_seed(seed, "initialisation"))
            if last_layer is not None:
                network = nn.Sequential(network, last_layer)
            task = TaskInfo.of_values(training.y, rng=named_generator(seed, "loss noise"))
            loss = bind(objective, task, **hyper)

            def validate(
                scores: Tensor, target: Tensor, weight: Tensor | None, to_number: Callable[..., Tensor] = to_number
            ) -> float:
                return -judge(to_number(scores), target)

            rate = replace(settings, learning_rate=learning_rate)
            reached = fit(network, loss, training, validation, settings=rate, seed=seed, score=validate).best_score
            if best is None or reached > best:
                best, found[name] = reached, TrainedValues(network, to_number)
    return found


def mean_absolute_error(pred: Tensor, target: Tensor) -> float:
    """Mean absolute error of predictions `(n,)`."""
    return float((pred.double() - target).abs().mean())


def root_mean_squared_error(pred: Tensor, target: Tensor) -> float:
    """Root of the mean squared error of predictions `(n,)`."""
    return float((pred.double() - target).square().mean().sqrt())


class Exponential(nn.Module):
    """$e^x$, for networks whose predictions are positive."""

    def forward(self, x: Tensor) -> Tensor:
        """The exponential of each number."""
        return x.exp()


def log_errors_under_outliers(seed: int, arm: Arm, *, off: Arm) -> dict[str, float]:
    """The logarithm of the test error of an arm, squared error and the arm switched off, with 10 % gross outliers.

    Training and validation targets are standardised as they are found, outliers and all; the learning rate is chosen
    by their mean absolute error, and the test targets are clean.
    """
    rng = Generator().manual_seed(seed)
    training, validation, test = diabetes(rng)
    training, validation = (gross_outliers(rows, rng, rate=0.1) for rows in (training, validation))
    middle, unit = training.y.mean(), training.y.std()
    scaled = [Rows(rows.x, (rows.y - middle) / unit) for rows in (training, validation, test)]
    arms: dict[str, Arm] = {"robust": arm, "squared_error": (mse_loss, {}), "switched_off": off}
    settings = Settings(max_epochs=40, batch_size=32)
    trained = trained_values(arms, *scaled[:2], seed=seed, judge=mean_absolute_error, settings=settings)
    return {
        name: float(torch.tensor(mean_absolute_error(model.predictions(test.x), scaled[2].y)).log())
        for name, model in trained.items()
    }


def planted_error(
    objective: Callable[..., Tensor], rows: Rows, planted: Tensor, seed: int, *, on_logarithms: bool
) -> float:
    """The largest error of a coefficient of a linear model, trained with a loss whose network says logarithms.

    Args:
        objective: the loss.
        rows: of features `(n, 3)` and targets.
        planted: `(4,)`, the coefficients, of which the last is the intercept.
        seed: of initialisation and order.
        on_logarithms: least squares on the logarithm of one more than the target (of the target where all are
            positive) in place of the loss.
    """
    if on_logarithms:
        y = rows.y.log() if bool((rows.y > 0).all()) else rows.y.log1p()
        x = torch.cat([rows.x, torch.ones(len(rows), 1)], 1)
        found = torch.linalg.lstsq(x.double(), y.double()[:, None]).solution[:, 0]
        return float((found - planted).abs().max())
    settings = Settings(max_epochs=30, batch_size=256, patience=None)
    model = trained_values(
        {"loss": (objective, {})},
        rows,
        rows,
        seed=seed,
        judge=root_mean_squared_error,
        settings=settings,
        hidden=(),
        learning_rates=(1e-2,),
    )["loss"]
    with torch.no_grad():
        at = torch.cat([torch.zeros(1, 3), torch.eye(3)])
        outputs = model.outputs(at)[:, 0]
        found = torch.cat([outputs[1:] - outputs[0], outputs[:1]])
    return float((found - planted).abs().max())
