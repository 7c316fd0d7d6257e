"""Squared logarithmic error: the squared error of orders of magnitude."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.mse import JADON_2022


@value_loss(
    JADON_2022,
    slug="msle",
    predicts="geometric mean",
    scaling="none",
    lowest_target=0.0,
    positive_predictions=True,
    traits={Trait.NONNEGATIVE},
    when="Targets are nonnegative and span orders of magnitude, and a ratio is what counts.",
    drawback="Too low costs more than as much too high, and the unit of the targets matters: one is added.",
)
def msle_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Squared logarithmic error of numbers, $(\log(1 + y) - \log(1 + \hat y))^2$.

    Its minimiser is the geometric mean of $1 + y$, less one. A negative prediction counts as 0, as in Keras, and has
    no gradient: let a softplus follow the network.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, nonnegative; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, nonnegative; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit, or a negative target.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, mean squared logarithmic error.
    """

    def squares(pred: Tensor, target: Tensor) -> Tensor:
        return (target.log1p() - pred.relu().log1p()).square()

    return per_value(squares, pred, target, sample_weight=sample_weight, reduction=reduction, least=0.0)


class MSLELoss(LossModule, fn=msle_loss):
    """Module form of `msle_loss`."""
