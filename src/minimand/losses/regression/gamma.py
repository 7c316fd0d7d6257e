"""Gamma loss: the likelihood of positive numbers whose spread is a constant share of their mean."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Suits
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.poisson import NELDER_1972, exponential


@value_loss(
    NELDER_1972,
    slug="gamma",
    predictions=exponential,
    predicts="mean",
    scaling="scale",
    lowest_target=0.0,
    open_below=True,
    suits={Suits.POSITIVE_TARGETS},
    when="Targets are positive and their spread grows with their mean, as amounts and durations do.",
    drawback="A target near zero pulls without bound: the loss grows with the ratio of prediction and target.",
)
def gamma_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Gamma loss with the logarithm of the mean predicted, $s + y e^{-s}$.

    Half the gamma deviance is the difference to its least value, $1 + \log y$. Its minimiser is the logarithm of the
    conditional mean; multiplying all targets by a number adds its logarithm to the minimiser and changes nothing else.

    Args:
        pred: $s$, `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, positive; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit, or a target that is not positive.
        TypeError: dtypes that do not fit.

    Reference:
        Nelder and Wedderburn (1972), section 5, gamma distributions, with the logarithm for a link.
    """

    def values(pred: Tensor, target: Tensor) -> Tensor:
        # the exponential of a difference of logarithms: it may fit where that of the score alone does not.
        ratio = (target.log() - pred).exp()
        # below the smallest scores the sum would be inf - inf; the ratio decides there.
        return torch.where(ratio.isinf(), ratio, pred + ratio)

    return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction, above=0.0)


class GammaLoss(LossModule, fn=gamma_loss):
    """Module form of `gamma_loss`."""
