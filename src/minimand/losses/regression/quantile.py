"""Quantile loss: errors on one side cost more, so that a chosen share of the targets lies below the prediction."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Paper, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss

KOENKER_1978 = Paper(
    key="koenker1978quantiles",
    title="Regression Quantiles",
    authors="Koenker and Bassett",
    year=1978,
    venue="Econometrica 46(1)",
)


@value_loss(
    KOENKER_1978,
    slug="quantile",
    predicts="quantile",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT},
    when="A bound is wanted that a given share of the targets stays below.",
    drawback="One level a network: bounds of several levels that are trained apart may cross.",
    also_known_as=("pinball",),
)
def quantile_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    level: float = 0.5,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Quantile loss, $\max(q e, (q - 1) e)$ of $e = y - \hat y$.

    Its minimiser is the conditional quantile: the share $q$ of the targets lies below the prediction. At $q = 1/2$
    this is half the absolute error.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        level: $q$, in `(0, 1)`; the share of the targets that is to lie below the prediction.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `level` outside `(0, 1)`, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Koenker and Bassett (1978), the problem whose solutions are the sample quantiles.
    """
    require_range("level", level, above=0.0, below=1.0)

    def tilted(pred: Tensor, target: Tensor) -> Tensor:
        error = target - pred
        return torch.maximum(level * error, (level - 1) * error)

    return per_value(tilted, pred, target, sample_weight=sample_weight, reduction=reduction)


class QuantileLoss(LossModule, fn=quantile_loss):
    """Module form of `quantile_loss`."""
