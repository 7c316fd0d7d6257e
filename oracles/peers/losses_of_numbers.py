"""torch's losses of numbers, scikit-learn's losses and metrics of them, and torchmetrics'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch.nn.functional as F
from sklearn import metrics
from torch import Tensor
from torchmetrics.functional import regression

from oracles.asking import Theirs, ask, ask_mean, versions_of
from oracles.opinion import Case, Opinion

PRED = [[0.3], [-1.75], [2.2], [0.0], [4.15], [-3.4], [1.05]]
REAL = [1.1, -1.2, 2.2, -0.35, -7.5, -3.9, 25.0]
COUNTS = [0.0, 1.0, 4.0, 0.5, 30.0, 2.0, 7.25]
POSITIVE = [0.02, 1.0, 4.0, 0.5, 30.0, 2.0, 110.0]
PLACE = "losses.regression."


def _of_number(theirs: Theirs) -> Theirs:
    """A loss of predictions `(N,)`, asked of rows of one number."""
    return lambda pred, target: theirs(pred[:, 0], target)


def _rows(function: Callable[..., Any], finish: Callable[..., Any] = lambda value, pred, target: value) -> Theirs:
    """A metric of scikit-learn, asked of single rows; it has no gradient."""

    def rows(pred: Tensor, target: Tensor) -> Tensor:
        pairs = zip(pred.detach()[:, 0].tolist(), target.tolist(), strict=True)
        return pred.new_tensor([finish(function([y], [p]), p, y) for p, y in pairs])

    return rows


def answers() -> Iterator[Opinion]:
    """Each loss with the settings at which theirs and ours are the same."""
    yield from _torch()
    yield from _scikit_learn()
    yield from _torchmetrics()


def _torch() -> Iterator[Opinion]:
    def opinion(component: str, function: str, cases: list[Case], note: str = "") -> Opinion:
        source = f"torch.nn.functional.{function}"
        return Opinion(f"{PLACE}{component}", "peer", source, versions_of(), cases, note)

    for component, function in (("mse:mse_loss", "mse_loss"), ("mae:mae_loss", "l1_loss")):
        theirs = _of_number(partial(getattr(F, function), reduction="none"))
        yield opinion(component, function, [ask(theirs, PRED, REAL), ask(theirs, PRED, COUNTS)])
    yield opinion(
        "huber:huber_loss",
        "huber_loss",
        [
            ask(_of_number(partial(F.huber_loss, delta=delta, reduction="none")), PRED, REAL, hyper={"delta": delta})
            for delta in (0.1, 1.0, 3.0)
        ],
    )
    poisson = _of_number(partial(F.poisson_nll_loss, log_input=True, full=False, reduction="none"))
    cases = [ask(poisson, PRED, COUNTS), ask(poisson, PRED, POSITIVE)]
    yield opinion("poisson:poisson_loss", "poisson_nll_loss", cases, "log_input=True, full=False")
    spread = [[mean[0], scale] for mean, scale in zip(PRED, (0.4, -2.0, 3.5, -6.0, 0.0, 1.25, -0.75), strict=True)]
    yield opinion(
        "gaussian_nll:gaussian_nll_loss",
        "gaussian_nll_loss",
        [
            ask(
                lambda z, y, floor=floor: F.gaussian_nll_loss(
                    z[:, 0], y, z[:, 1].exp() + floor, eps=1e-12, reduction="none"
                ),
                spread,
                REAL,
                hyper={"floor": floor},
            )
            for floor in (1e-6, 0.01)
        ],
        "var is the exponential of the second number and our floor, so that theirs, which cuts off, does nothing.",
    )


def _scikit_learn() -> Iterator[Opinion]:
    def opinion(component: str, function: str, cases: list[Case], note: str = "") -> Opinion:
        source = f"sklearn.metrics.{function}"
        return Opinion(f"{PLACE}{component}", "peer", source, versions_of("scikit-learn"), cases, note)

    single = partial(ask, gradient=False)
    positive = [[abs(row[0])] for row in PRED]
    for component, function, pred, targets, hyper, note in (
        ("mse:mse_loss", "mean_squared_error", PRED, (REAL, COUNTS), {}, ""),
        ("mae:mae_loss", "mean_absolute_error", PRED, (REAL, COUNTS), {}, ""),
        ("msle:msle_loss", "mean_squared_log_error", positive, (COUNTS, POSITIVE), {}, ""),
        (
            "mape:mape_loss",
            "mean_absolute_percentage_error",
            PRED,
            (REAL, COUNTS),
            {"floor": float(np.finfo(np.float64).eps)},
            "Their floor is the distance of 1 from the next number.",
        ),
    ):
        theirs = _rows(getattr(metrics, function))
        yield opinion(component, function, [single(theirs, pred, target, hyper=hyper) for target in targets], note)
    yield opinion(
        "quantile:quantile_loss",
        "mean_pinball_loss",
        [
            single(_rows(partial(metrics.mean_pinball_loss, alpha=level)), PRED, REAL, hyper={"level": level})
            for level in (0.1, 0.5, 0.9)
        ],
        "alpha is our level.",
    )
    half = "Half the deviance of the exponential of the prediction, and what that leaves out of the target alone."
    yield opinion(
        "poisson:poisson_loss",
        "mean_poisson_deviance",
        [single(_rows(_at_mean(metrics.mean_poisson_deviance), _poisson), PRED, y) for y in (COUNTS, POSITIVE)],
        half,
    )
    yield opinion(
        "gamma:gamma_loss",
        "mean_gamma_deviance",
        [single(_rows(_at_mean(metrics.mean_gamma_deviance), _gamma), PRED, y) for y in (POSITIVE, POSITIVE[::-1])],
        half,
    )
    yield opinion(
        "tweedie:tweedie_loss",
        "mean_tweedie_deviance",
        [
            single(
                _rows(_at_mean(partial(metrics.mean_tweedie_deviance, power=power)), partial(_tweedie, power=power)),
                PRED,
                target,
                hyper={"power": power},
            )
            for power in (1.1, 1.5, 1.9)
            for target in (COUNTS, POSITIVE)
        ],
        half,
    )
    target = [row[0] + shift for row, shift in zip(PRED, (0.5, -1.0, 0.1, 2.0, -0.3, 0.75, 0.0), strict=True)]
    yield opinion(
        "relative_squared:RelativeSquaredLoss",
        "r2_score",
        [
            ask_mean(
                lambda pred, y: pred.new_tensor(1 - metrics.r2_score(y.tolist(), pred.detach()[:, 0].tolist())),
                PRED,
                each,
                task={"targets": each},
                gradient=False,
            )
            for each in (target, REAL)
        ],
        "One less theirs, of the training set itself.",
    )


def _at_mean(deviance: Callable[..., float]) -> Callable[..., float]:
    return lambda target, score: deviance(target, np.exp(score))


def _poisson(deviance: float, pred: float, y: float) -> float:
    return deviance / 2 + (y - y * np.log(y) if y else 0.0)


def _gamma(deviance: float, pred: float, y: float) -> float:
    return float(deviance / 2 + 1 + np.log(y))


def _tweedie(deviance: float, pred: float, y: float, *, power: float) -> float:
    return deviance / 2 - y ** (2 - power) / ((1 - power) * (2 - power))


def _torchmetrics() -> Iterator[Opinion]:
    def opinion(component: str, function: str, cases: list[Case], note: str = "") -> Opinion:
        source = f"torchmetrics.functional.regression.{function}"
        return Opinion(f"{PLACE}{component}", "peer", source, versions_of("torchmetrics"), cases, note)

    log_cosh = _of_number(regression.log_cosh_error)
    yield opinion("log_cosh:log_cosh_loss", "log_cosh_error", [ask_mean(log_cosh, PRED, y) for y in (REAL, COUNTS)])
    yield opinion(
        "relative_squared:RelativeSquaredLoss",
        "relative_squared_error",
        [ask_mean(_of_number(regression.relative_squared_error), PRED, y, task={"targets": y}) for y in (REAL, COUNTS)],
        "Of the training set itself.",
    )
    for component, normalization in (("RangeSquaredLoss", "range"), ("SizeSquaredLoss", "l2")):
        yield opinion(
            f"relative_squared:{component}",
            "normalized_root_mean_squared_error",
            [
                ask_mean(partial(_normalized, normalization=normalization), PRED, y, task={"targets": y})
                for y in (REAL, COUNTS)
            ],
            f"normalization={normalization!r}, squared, of the training set itself; "
            + ("times the number of rows, as theirs divides by the sum." if normalization == "l2" else "the range."),
        )


def _normalized(pred: Tensor, target: Tensor, *, normalization: Any) -> Tensor:
    root = regression.normalized_root_mean_squared_error(pred[:, 0].contiguous(), target, normalization=normalization)
    return root.square() * (len(target) if normalization == "l2" else 1)
