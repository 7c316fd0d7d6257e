"""D2 of the pinball loss: R2 for predictions of a quantile."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import require_range
from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import require_variation, weighted_mean
from minimand.evaluation.weighted_order import weighted_quantile

KOENKER_1999 = Paper(
    key="koenker1999goodness",
    title="Goodness of Fit and Related Inference Processes for Quantile Regression",
    authors="Koenker and Machado",
    year=1999,
    venue="Journal of the American Statistical Association 94(448)",
)


@metric(
    KOENKER_1999,
    slug="d2-pinball",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="A quantile is predicted, and a number without unit is wanted.",
    drawback="Far out, the best constant itself rests on few rows.",
)
def d2_pinball_metric(
    pred: Tensor, target: Tensor, /, *, quantile: float = 0.5, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Share of pinball loss explained, $1 - \frac{\sum_i w_i \rho_q(y_i - \hat y_i)}{\sum_i w_i \rho_q(y_i - c)}$.

    Here $\rho_q(e) = \max(q\, e, (q - 1)\, e)$, and the best constant $c$ is the weighted quantile $q$ of these
    very targets: 0 is as good as it, below 0 is worse. It is a quantile that minimises the loss, one of the
    targets; interpolated between two of them it would be no best constant. Targets that are all equal are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        quantile: $q$, in (0, 1), the share of targets that shall lie below the prediction.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at most 1, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, a `quantile` outside its range, or no
            row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Koenker and Machado (1999), the goodness of fit $R^1$.
    """
    require_range("quantile", quantile, above=0.0, below=1.0)
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a share of pinball loss")
    losses = []
    for said in (pred, weighted_quantile(target, weight, quantile)):
        error = target - said
        losses.append(weighted_mean(torch.maximum(quantile * error, (quantile - 1) * error), weight))
    return (1 - losses[0] / losses[1]).mean()
