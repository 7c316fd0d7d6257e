"""Losses of numbers: a prediction and a target for each, and what always predicting one number would have cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from random import Random
from typing import Any

from mpmath import cosh, exp, fsum, log, mpf

from oracles.opinion import Call, Case
from oracles.transcriptions.inputs import HUGE, LARGE, MODERATE, source
from oracles.transcriptions.transcription import Given, batch, row

PLACE = "losses.regression."
SURVEY = "Jadon, Patil and Jadon (2022), section III"
Targets = Callable[[Random], float]
WEIGHTS = [1.0, 0.0, 2.5, 0.25]


def real(draw: Random) -> float:
    return round(draw.uniform(-MODERATE, MODERATE), 3)


def nonnegative(draw: Random) -> float:
    """Over four orders of magnitude, with a zero among them."""
    return 0.0 if draw.random() < 0.25 else positive(draw)


def positive(draw: Random) -> float:
    return float(f"{10 ** draw.uniform(-2, 2):.3g}")


def number_cases(name: str, settings: Iterable[dict[str, Any]], targets: Targets, *, hit: bool) -> Iterable[Case]:
    """One number a row and several, far predictions, weights; where `hit`, predictions that are right exactly."""
    draw = source(name)

    def numbers(n_rows: int, high: float = MODERATE) -> list[float]:
        return [round(draw.uniform(-high, high), 3) for _ in range(n_rows)]

    for hyper in ({}, *settings):
        yield Case([Call([[p] for p in numbers(6)], [targets(draw) for _ in range(6)])], hyper)
        yield Case([Call([numbers(3) for _ in range(4)], [[targets(draw) for _ in range(3)] for _ in range(4)])], hyper)
        far = [*numbers(3, LARGE), HUGE, -HUGE]
        yield Case([Call([[p] for p in far], [targets(draw) for _ in far])], hyper)
        yield Case([Call([[p] for p in numbers(4)], [targets(draw) for _ in range(4)], sample_weight=WEIGHTS)], hyper)
        if hit:
            near = [1.75, 1.75 + 2.0**-30, -0.5, 0.0, 3.0]
            yield Case([Call([[p] for p in near], [1.75, 1.75, -0.5, 0.0, 3.0 - 2.0**-12])], hyper)


def number(
    component: str,
    place: str,
    *,
    settings: tuple[dict[str, Any], ...] = (),
    targets: Targets = real,
    hit: bool = False,
    note: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter `function(prediction, target, **hyper)` of one number in the table; a row of several is their mean."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def mean(predictions: list[Any], target: Any, **hyper: Any) -> Any:
            each = target if isinstance(target, list) else [target]
            return fsum(function(p, y, **hyper) for p, y in zip(predictions, each, strict=True)) / len(each)

        def cases() -> Iterable[Case]:
            return number_cases(component, settings, targets, hit=hit)

        row(f"{PLACE}{component}", place, cases=cases, note=note)(mean)
        return function

    return enter


@number("mse:mse_loss", f"{SURVEY}, mean squared error: the mean of (y - y^)^2", hit=True)
def squared(p: Any, y: Any) -> Any:
    return (y - p) ** 2


@number(
    "mae:mae_loss",
    f"{SURVEY}, mean absolute error: the mean of |y - y^|",
    hit=True,
    note="The slope where a prediction is right is 0, the middle of those on both sides.",
)
def absolute(p: Any, y: Any) -> Any:
    return max(y - p, p - y)


@number(
    "huber:huber_loss",
    "Huber (1964): rho(t) = t^2 / 2 for |t| < k, k |t| - k^2 / 2 for |t| >= k",
    settings=({"delta": 0.1}, {"delta": 3.0}, {"delta": 0.5}),
    hit=True,
    note="k is our delta.",
)
def huber(p: Any, y: Any, delta: Any = 1.0) -> Any:
    t = abs(y - p)
    return t**2 / 2 if t < delta else delta * t - delta**2 / 2


@number("log_cosh:log_cosh_loss", f"{SURVEY}, log-cosh loss: the mean of log cosh(y^ - y)", hit=True)
def log_cosh(p: Any, y: Any) -> Any:
    return log(cosh(p - y))


@number(
    "quantile:quantile_loss",
    "Koenker and Bassett (1978): theta |y - x| where y >= x, (1 - theta) |y - x| where y < x",
    settings=({"level": 0.1}, {"level": 0.9}, {"level": 0.75}),
    hit=True,
    note="theta is our level; where a prediction is right, the slope is the middle of those on both sides.",
)
def quantile(p: Any, y: Any, level: Any = 0.5) -> Any:
    return level * (y - p) if y >= p else (1 - level) * (p - y)


@number(
    "msle:msle_loss",
    f"{SURVEY}, mean squared logarithmic error: the mean of (log(y + 1) - log(y^ + 1))^2",
    targets=nonnegative,
    note="A negative prediction counts as 0, as in Keras.",
)
def squared_logarithmic(p: Any, y: Any) -> Any:
    return log((y + 1) / (max(p, mpf(0)) + 1)) ** 2


@number(
    "mape:mape_loss",
    f"{SURVEY}, mean absolute percentage error: the mean of |y^ - y| / |y|, as a share",
    settings=({"floor": 0.5},),
    hit=True,
    note="Targets nearer to zero than `floor` are divided by it, as in Keras.",
)
def percentage(p: Any, y: Any, floor: Any = 1e-7) -> Any:
    size = abs(y)
    return abs(p - y) / (floor if size < floor else size)


@number(
    "poisson:poisson_loss",
    "Nelder and Wedderburn (1972): minus the log-likelihood y theta - exp(theta) of a Poisson distribution",
    targets=nonnegative,
    note="theta is the prediction; log y! is left out.",
)
def poisson(p: Any, y: Any) -> Any:
    mean = exp(p)
    return mean - y * log(mean)


@number(
    "gamma:gamma_loss",
    "Nelder and Wedderburn (1972): minus the log-likelihood -y / mu - log mu of a gamma distribution of unit shape",
    targets=positive,
    note="The prediction is log mu.",
)
def gamma(p: Any, y: Any) -> Any:
    mean = exp(p)
    return y / mean + log(mean)


@number(
    "tweedie:tweedie_loss",
    "Jorgensen (1987): kappa(theta) - y theta with theta = mu^(1 - p) / (1 - p), kappa = mu^(2 - p) / (2 - p)",
    settings=({"power": 1.1}, {"power": 1.9}),
    targets=nonnegative,
    note="The prediction is log mu.",
)
def tweedie(p: Any, y: Any, power: Any = 1.5) -> Any:
    mean = exp(p)
    return mean ** (2 - power) / (2 - power) - y * mean ** (1 - power) / (1 - power)


def gaussian_cases() -> Iterable[Case]:
    draw = source("gaussian_nll")

    def rows(n_rows: int, high: float) -> list[list[float]]:
        return [[real(draw), round(draw.uniform(-high, high), 3)] for _ in range(n_rows)]

    for hyper in ({}, {"floor": 0.01}, {"floor": 1e-3}):
        for high in (MODERATE, LARGE):
            yield Case([Call(rows(6, high), [real(draw) for _ in range(6)])], hyper)
        yield Case([Call(rows(4, MODERATE), [real(draw) for _ in range(4)], sample_weight=WEIGHTS)], hyper)
    yield Case([Call([[0.5, -HUGE], [0.5, HUGE], [-3.0, 0.0]], [0.5, 1.25, -3.0])])


@row(
    f"{PLACE}gaussian_nll:gaussian_nll_loss",
    "Nix and Weigend (1994): minus the log-likelihood, log(sigma^2) / 2 + (d - y)^2 / (2 sigma^2)",
    cases=gaussian_cases,
    note="sigma^2 is the exponential of the second number and `floor`; the constant log(2 pi) / 2 is left out.",
)
def gaussian(z: list[Any], y: Any, floor: Any = 1e-6) -> Any:
    variance = exp(z[1]) + floor
    return log(variance) / 2 + (y - z[0]) ** 2 / (2 * variance)


def relative_cases() -> Iterable[Case]:
    """Training sets of one number a row and of several, with weights, and of targets that are all equal."""
    draw = source("relative")

    def column(n_rows: int, high: float = MODERATE) -> list[float]:
        return [round(draw.uniform(-high, high), 3) for _ in range(n_rows)]

    def single(n_rows: int, high: float = MODERATE, weights: list[float] | None = None) -> Call:
        return Call([[p] for p in column(n_rows, high)], column(n_rows), sample_weight=weights)

    for training in (column(12), [y + 100.0 for y in column(7)], column(9, 0.01), [2.5, 2.5, 2.5]):
        yield Case([single(5)], task={"targets": training})
    yield Case([single(5, LARGE)], task={"targets": column(8, 20.0)})
    weights = [1.0, 0.5, 2.0, 0.0, 3.25, 1.0]
    training = [1.5, -2.0, 0.25, 1000.0, 3.0, -1.125]
    yield Case([single(4, weights=WEIGHTS)], task={"targets": training, "weights": weights})
    pairs = [column(2) for _ in range(6)]
    yield Case([Call([column(2) for _ in range(4)], [column(2) for _ in range(4)])], task={"targets": pairs})


def training_numbers(given: Given) -> list[tuple[Any, Any]]:
    """The training targets with their weights, number by number; those of weight 0 are left out."""
    targets = given.task["targets"]
    weights = given.task.get("weights", [mpf(1)] * len(targets))
    rows = [target if isinstance(target, list) else [target] for target in targets]
    return [(y, weight) for target, weight in zip(rows, weights, strict=True) for y in target if weight]


def mean_of(numbers: list[tuple[Any, Any]]) -> Any:
    return fsum(w * y for y, w in numbers) / fsum(w for _, w in numbers)


def relative_rows(given: Given, error: Callable[[Any], Any], below: Any) -> list[Any]:
    """The weighted mean error of each row over what stands below the line, 1 where that is nothing."""
    call = given.calls[-1]
    below = below or mpf(1)
    weights = call.sample_weight or [mpf(1)] * len(call.pred)
    rows = []
    for predictions, target, weight in zip(call.pred, call.target or [], weights, strict=True):
        each = target if isinstance(target, list) else [target]
        errors = [error(y - p) / below for p, y in zip(predictions, each, strict=True)]
        rows.append(weight * fsum(errors) / len(errors))
    return rows


def relative(component: str, place: str) -> Callable[[Callable[[Given], list[Any]]], Callable[[Given], list[Any]]]:
    note = "Below the line stands the mean over the training targets, 1 where it is 0."
    return batch(f"{PLACE}{component}", f"{SURVEY}, {place}", cases=relative_cases, note=note)


@relative(
    "relative_absolute:RelativeAbsoluteLoss", "relative absolute error: sum of |y - y^| over sum of |y - mean of y|"
)
def relative_absolute(given: Given) -> list[Any]:
    training = training_numbers(given)
    middle = mean_of(training)
    return relative_rows(given, abs, mean_of([(abs(y - middle), w) for y, w in training]))


@relative(
    "relative_squared:RelativeSquaredLoss", "relative squared error: sum of (y - y^)^2 over sum of (y - mean of y)^2"
)
def relative_squared(given: Given) -> list[Any]:
    training = training_numbers(given)
    middle = mean_of(training)
    return relative_rows(given, square, mean_of([((y - middle) ** 2, w) for y, w in training]))


@relative(
    "relative_squared:RangeSquaredLoss", "normalized root mean squared error, squared, with the range for normaliser"
)
def range_squared(given: Given) -> list[Any]:
    training = [y for y, _ in training_numbers(given)]
    return relative_rows(given, square, (max(training) - min(training)) ** 2)


@relative(
    "relative_squared:SizeSquaredLoss",
    "relative root mean squared error, squared: sum of (y - y^)^2 over sum of y^2, which stands for that of y^",
)
def size_squared(given: Given) -> list[Any]:
    return relative_rows(given, square, mean_of([(y**2, w) for y, w in training_numbers(given)]))


def square(error: Any) -> Any:
    return error**2
