"""Log loss: what a prediction is surprised by the target, on average."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_prediction, metric

GOOD_1952 = Paper(
    key="good1952rational",
    title="Rational Decisions",
    authors="Good",
    year=1952,
    venue="Journal of the Royal Statistical Society B 14(1)",
)

# As in scikit-learn for float64: one certain mistake costs 36.04, not infinity.
SMALLEST = float(torch.finfo(torch.float64).eps)


@metric(
    GOOD_1952,
    slug="log-loss",
    takes="probabilities",
    higher_is_better=False,
    best=0.0,
    tasks={Task.BINARY, Task.MULTICLASS},
    when="The probabilities themselves are used, and certainty in the wrong must cost dearly.",
    drawback="A few confident mistakes can outweigh everything else.",
)
def log_loss_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Log loss, $-\frac{\sum_i w_i \log p_{i y_i}}{\sum_i w_i}$, in nats.

    A strictly proper score. Probabilities below $2.2 \cdot 10^{-16}$ (the spacing of float64 at 1) count as that, as
    in scikit-learn, whatever the dtype of `pred`: the largest value is 36.04.

    Args:
        pred: `(N, K)`, probabilities.
        target: `(N,)`, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A nonnegative scalar, float64.

    Raises:
        ValueError: shapes or values that do not fit, rows that are no probabilities, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Good (1952), the logarithmic score.
    """
    probabilities, target, weight = checked_prediction(pred, target, sample_weight, takes="probabilities")
    of_target = probabilities.gather(1, target[:, None]).squeeze(1)
    # rows may sum to a little more than one: never better than certain
    surprise = -of_target.clamp(SMALLEST, 1.0).log()
    return (weight * surprise).sum() / weight.sum()
