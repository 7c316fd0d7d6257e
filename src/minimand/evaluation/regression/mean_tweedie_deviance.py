"""Tweedie deviance: from counts over amounts with zeros to amounts."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.arguments import require_range
from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.unit_deviances import unit_deviance
from minimand.evaluation.weighted_moments import root_mean_square, weighted_mean

JORGENSEN_1987 = Paper(
    key="jorgensen1987dispersion",
    title="Exponential Dispersion Models",
    authors="Jorgensen",
    year=1987,
    venue="Journal of the Royal Statistical Society B 49(2)",
)


@metric(
    JORGENSEN_1987,
    slug="mean-tweedie-deviance",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    lowest_target=0.0,
    lowest_prediction=0.0,
    when="Targets are amounts of which many are exactly 0, such as claims to an insurance.",
    drawback="Values of different powers have different units, and must not be compared.",
)
def mean_tweedie_deviance_metric(
    pred: Tensor, target: Tensor, /, *, power: float = 1.5, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Mean Tweedie deviance, $\frac{\sum_i w_i d_p(y_i, \mu_i)}{\sum_i w_i}$ with $d_p$ the deviance of power $p$.

    $d_p(y, \mu) = 2 \left(\frac{y^{2-p}}{(1-p)(2-p)} - \frac{y \mu^{1-p}}{1-p} + \frac{\mu^{2-p}}{2-p}\right)$ is
    the deviance of a model whose variance is proportional to the power $p$ of the mean. Power 0 is the squared
    error, and at 1 and 2 the limits are the deviances of Poisson and gamma; between these two the model is a
    Poisson number of gamma amounts, whose sum is often exactly 0. Between 0 and 1 there is no such model.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers, above 0 unless `power` is 0.
        target: `(N,)` or `(N, D)`, finite numbers; of at least 0 from `power` 1 on, above 0 from 2 on.
        power: $p$, 0 or in [1, 100].
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, a `power` outside its range, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jorgensen (1987), the models whose variance is a power of the mean.
    """
    require_range("power", power, least=0.0, most=100.0)
    if power == 0:
        pred, target, weight = checked_values(pred, target, sample_weight)
        return root_mean_square(target - pred, weight).square().mean()
    if power < 1:
        raise ValueError(f"power must be 0 or in [1, 100], got {power}")
    lowest = {"least": 0.0} if power < 2 else {"above": 0.0}
    pred, target, weight = checked_values(pred, target, sample_weight, **lowest, predictions_above=0.0)
    return weighted_mean(unit_deviance(pred, target, power), weight).mean()
