"""Absolute percentage error: errors as shares of what was to be predicted."""

from __future__ import annotations

import math

from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.mse import JADON_2022


@value_loss(
    JADON_2022,
    slug="mape",
    predicts="relative median",
    scaling="scale",
    traits={Trait.NONNEGATIVE, Trait.SYMMETRIC},
    when="Targets are far from zero, and an error counts as a share of its target.",
    drawback="Targets near zero outweigh all others, and predictions come out too low: the small targets count most.",
)
def mape_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    floor: float = 1e-7,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Absolute percentage error as a share, $|y - \hat y| / \max(|y|, \varepsilon)$.

    1 stands for 100 %. Its minimiser is the median of the target's distribution weighted by $1 / |y|$, which lies below
    the median of positive targets.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        floor: $\varepsilon$, positive; smaller targets are divided by it.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `floor` that is not positive, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, mean absolute percentage error; the floor is that of Keras.
    """
    require_range("floor", floor, above=0.0, below=math.inf)

    def shares(pred: Tensor, target: Tensor) -> Tensor:
        return (target - pred).abs() / target.abs().clamp_min(floor)

    return per_value(shares, pred, target, sample_weight=sample_weight, reduction=reduction)


class MAPELoss(LossModule, fn=mape_loss):
    """Module form of `mape_loss`."""
