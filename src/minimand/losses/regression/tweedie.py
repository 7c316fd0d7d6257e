"""Tweedie loss: nonnegative numbers of which many are zero and the others are skewed, as claims and rainfall are."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Paper, Range, Suits, Trait
from minimand.contracts.loss import LossModule
from minimand.contracts.values import per_value, value_loss
from minimand.losses.regression.poisson import exponential

JORGENSEN_1987 = Paper(
    key="jorgensen1987dispersion",
    title="Exponential Dispersion Models",
    authors="Jorgensen",
    year=1987,
    venue="Journal of the Royal Statistical Society B 49(2)",
)


@value_loss(
    JORGENSEN_1987,
    slug="tweedie",
    predictions=exponential,
    predicts="mean",
    scaling="scale",
    lowest_target=0.0,
    search={"power": Range(1.1, 1.9, default=1.5)},
    traits={Trait.NONNEGATIVE},
    suits={Suits.POSITIVE_TARGETS, Suits.COUNTS},
    when="Targets are nonnegative amounts, many of them zero and the others skewed.",
    drawback="The power between counts and amounts has to be chosen or tuned.",
)
def tweedie_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    power: float = 1.5,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Tweedie loss with the logarithm of the mean predicted, $\frac{e^{(2-p)s}}{2-p} + \frac{y e^{-(p-1)s}}{p-1}$.

    Half the Tweedie deviance is the difference to its least value. Variance grows like the mean to the power $p$: as
    $p \to 1$ its slopes are those of `poisson_loss`, as $p \to 2$ those of `gamma_loss`. Its minimiser is the logarithm
    of the conditional mean.

    Args:
        pred: $s$, `(N,)`, `(N, 1)` or `(N, D)`, any real values; half precision is computed in float32.
        target: `(N,)` or `(N, D)`, nonnegative; the value of a row is the mean over its numbers.
        power: $p$, in `(1, 2)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `power` outside `(1, 2)`, shapes that do not fit, or a negative target.
        TypeError: dtypes that do not fit.

    Reference:
        Jorgensen (1987), exponential dispersion models with power variance functions; powers between 1 and 2 are the
        compound Poisson distributions.
    """
    require_range("power", power, above=1.0, below=2.0)

    def values(pred: Tensor, target: Tensor) -> Tensor:
        # both terms are nonnegative; the logarithm of a target of 0 is -inf, whose exponential is 0 as it must be.
        level = ((2 - power) * pred).exp() / (2 - power)
        return level + (target.log() - (power - 1) * pred).exp() / (power - 1)

    return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction, least=0.0)


class TweedieLoss(LossModule, fn=tweedie_loss):
    """Module form of `tweedie_loss`."""
