"""Absolute error of numbers: the loss of the median."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Suits, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.mse import JADON_2022


@value_loss(
    JADON_2022,
    slug="mae",
    predicts="median",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    suits={Suits.EVERY_PROBLEM},
    when="The median is wanted, or some targets are grossly wrong.",
    drawback="Its slope does not shrink near the target: less precise than squared error where errors are small.",
    also_known_as=("l1",),
)
def mae_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Absolute error of numbers, $|y - \hat y|$.

    Its minimiser is the conditional median of the target: how far off a wrong target is does not matter.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, any real values; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, mean absolute error.
    """

    def distances(pred: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(pred, target, reduction="none")

    return per_value(distances, pred, target, sample_weight=sample_weight, reduction=reduction)


class MAELoss(LossModule, fn=mae_loss):
    """Module form of `mae_loss`."""
