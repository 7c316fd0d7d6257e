"""The level that scores decide for, of ordered classes."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.metric import checked_prediction


def decided_levels(pred: Tensor, target: Tensor, sample_weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The levels `(n,)` that scores `(N, K)` decide for, the true ones and the weights, without absent rows.

    The first of the largest scores is the decision.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.
    """
    scores, target, weight = checked_prediction(pred, target, sample_weight, takes="scores")
    return scores.argmax(1), target, weight
