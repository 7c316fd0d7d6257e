"""Poisson loss: the likelihood of counts whose logarithm of the mean is predicted."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction
from minimand.contracts.card import Paper, Suits
from minimand.contracts.loss import LossModule
from minimand.contracts.rows import wide
from minimand.contracts.values import as_they_are, per_value, value_loss

NELDER_1972 = Paper(
    key="nelder1972glm",
    title="Generalized Linear Models",
    authors="Nelder and Wedderburn",
    year=1972,
    venue="Journal of the Royal Statistical Society A 135(3)",
)


def exponential(pred: Tensor) -> Tensor:
    """The numbers predicted by a network that says their logarithms, `(N,)`, in float32 or wider."""
    return wide(as_they_are(pred)).exp()


@value_loss(
    NELDER_1972,
    slug="poisson",
    predictions=exponential,
    predicts="mean",
    scaling="scale",
    lowest_target=0.0,
    suits={Suits.COUNTS},
    when="Targets are counts, or nonnegative numbers whose spread grows like the root of their mean.",
    drawback="Counts that vary more than a Poisson distribution allows get too much weight where they are large.",
)
def poisson_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Poisson loss with the logarithm of the mean predicted, $e^{s} - y s$.

    The negative log-likelihood of $y \sim \mathrm{Poisson}(e^s)$ without what does not depend on $s$; half the Poisson
    deviance is the difference to its least value. Its minimiser is the logarithm of the conditional mean.

    Args:
        pred: $s$, `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, nonnegative; the value of a row is the mean over its numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit, or a negative target.
        TypeError: dtypes that do not fit.

    Reference:
        Nelder and Wedderburn (1972), section 4, Poisson distributions; as `torch.nn.functional.poisson_nll_loss`.
    """

    def values(pred: Tensor, target: Tensor) -> Tensor:
        mean = pred.exp()
        # at the largest scores torch's difference of the two terms is inf - inf; the first one decides there.
        return torch.where(mean.isinf(), mean, mean - target * pred)

    return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction, least=0.0)


class PoissonLoss(LossModule, fn=poisson_loss):
    """Module form of `poisson_loss`."""
