"""Log-cosh loss: a smooth blend of squared and absolute error without anything to choose."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Suits, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.mse import JADON_2022


@value_loss(
    JADON_2022,
    slug="log-cosh",
    predicts="centre",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    suits={Suits.EVERY_PROBLEM},
    when="Some targets are grossly wrong, and nothing shall be tuned.",
    drawback="Errors count as gross from about one unit on, whatever the unit of the targets is.",
)
def log_cosh_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Log-cosh loss of numbers, $\log \cosh(y - \hat y)$.

    Nearly half the squared error below one, nearly the absolute error less $\log 2$ above; its slope is
    $\tanh(\hat y - y)$. All its derivatives are continuous, which those of Huber loss are not.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, log-cosh loss.
    """
    return per_value(_log_cosh, pred, target, sample_weight=sample_weight, reduction=reduction)


def _log_cosh(pred: Tensor, target: Tensor) -> Tensor:
    error = pred - target
    is_small = error.abs() < 1.0
    # cosh^2 = 1 + sinh^2: near 0 the form below is the difference of two numbers near log 2, this one loses no digit.
    near = torch.where(is_small, error, torch.zeros_like(error)).sinh().square().log1p() / 2
    far = torch.where(is_small, torch.ones_like(error), error).abs()
    return torch.where(is_small, near, far + (-2 * far).exp().log1p() - math.log(2))


class LogCoshLoss(LossModule, fn=log_cosh_loss):
    """Module form of `log_cosh_loss`."""
