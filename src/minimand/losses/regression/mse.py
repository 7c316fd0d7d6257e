"""Squared error of numbers: the loss of the mean."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Paper, Suits, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@value_loss(
    JADON_2022,
    slug="mse",
    predicts="mean",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    suits={Suits.EVERY_PROBLEM},
    when="The mean is wanted, and errors have no heavy tails.",
    drawback="One gross outlier can outweigh a thousand rows.",
)
def mse_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Squared error of numbers, $(y - \hat y)^2$.

    Its minimiser is the conditional mean of the target.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, mean squared error.
    """

    def squares(pred: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(pred, target, reduction="none")

    return per_value(squares, pred, target, sample_weight=sample_weight, reduction=reduction)


class MSELoss(LossModule, fn=mse_loss):
    """Module form of `mse_loss`."""
