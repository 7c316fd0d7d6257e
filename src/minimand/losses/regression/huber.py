"""Huber loss: squared error for small errors, absolute error for gross ones."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Paper, Range, Suits, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss

HUBER_1964 = Paper(
    key="huber1964location",
    title="Robust Estimation of a Location Parameter",
    authors="Huber",
    year=1964,
    venue="The Annals of Mathematical Statistics 35(1)",
)


@value_loss(
    HUBER_1964,
    slug="huber",
    predicts="centre",
    search={"delta": Range(0.1, 3.0, scale="log", default=1.0)},
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    suits={Suits.EVERY_PROBLEM},
    when="Most errors are small and well behaved, and some targets are grossly wrong.",
    drawback="Where gross errors begin has to be chosen, on the scale that the targets are trained with.",
)
def huber_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    delta: float = 1.0,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Huber loss, $\frac12 e^2$ for $|e| \le \delta$ and $\delta (|e| - \frac12 \delta)$ beyond, of $e = y - \hat y$.

    As $\delta$ grows this is half the squared error; divided by $\delta$ it tends to the absolute error as $\delta$
    falls to 0. Its minimiser lies between mean and median, and is the centre of a symmetric distribution.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        delta: positive; errors beyond it are gross.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `delta` that is not positive, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Huber (1964), the loss whose estimate is minimax over contaminated normal distributions.
    """
    require_range("delta", delta, above=0.0, below=math.inf)

    def values(pred: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(pred, target, delta=delta, reduction="none")

    return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction)


class HuberLoss(LossModule, fn=huber_loss):
    """Module form of `huber_loss`."""
