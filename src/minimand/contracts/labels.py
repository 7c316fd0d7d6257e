"""Losses of several labels a row: targets `(N, C)` of 0 and 1, any number of them 1.

The contract is that of losses (`contracts.loss`), with one value a label underneath: the value of a row is the mean
over its *known* labels, so that it does not grow with their number. `ignore_index` marks single labels as unknown;
a row none of whose labels is known is absent.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_label_scores, require_reduction
from minimand.contracts.loss import Loss
from minimand.contracts.reduction import present_rows, reduce_rows, row_weights
from minimand.contracts.rows import wide

__all__ = ["LabelLoss", "per_label", "sigmoid"]


def per_label(
    function: Callable[[Tensor, Tensor], Tensor],
    scores: Tensor,
    target: Tensor,
    *,
    sample_weight: Tensor | None,
    ignore_index: int | None,
    reduction: Reduction,
) -> Tensor:
    """Check, compute one value a label, take the mean over the known labels of each row, reduce.

    Args:
        function: from scores `(N, C)` in float32 or wider and labels `(N, C)` in the same dtype to values `(N, C)`.
            Unknown labels come as score 0 and label 0, and what it gives for them does not count.
        scores: `(N, C)`.
        target: `(N, C)` booleans, integers or numbers in `[0, 1]`.
        sample_weight: `(N,)` or None.
        ignore_index: the value of unknown labels, or None.
        reduction: "none", "sum" or "mean"; "none" gives `(N,)`.

    Raises:
        ValueError: shapes, devices, labels or the reduction do not fit.
        TypeError: dtypes do not fit.
    """
    require_reduction(reduction)
    require_label_scores(scores, target, sample_weight=sample_weight, ignore_index=ignore_index)
    present = present_rows(target, sample_weight, ignore_index)
    known = None if ignore_index is None else target != ignore_index
    if present is not None:
        known = present[:, None].expand_as(scores) if known is None else known & present[:, None]
    scores = wide(scores)
    target = target.to(scores.dtype)
    if known is None:
        # divided before the sum: the mean may fit where the sum overflows.
        return reduce_rows((function(scores, target) / scores.shape[1]).sum(1), None, reduction)
    # unknown labels are replaced before anything is computed: 0 * inf would otherwise come out as NaN.
    zero = torch.zeros_like(scores)
    values = torch.where(known, function(torch.where(known, scores, zero), torch.where(known, target, zero)), zero)
    rows = (values / known.sum(1, keepdim=True).clamp_min(1)).sum(1)
    return reduce_rows(rows, row_weights(len(rows), present, sample_weight, rows), reduction)


def sigmoid(scores: Tensor) -> Tensor:
    """The probability of each label `(N, C)` on its own, in float32 or wider."""
    return wide(scores).sigmoid()


class LabelLoss(Loss):
    """A loss of several labels with state: it defines `labels`, one value a label; this class does the rest."""

    def labels(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a label `(N, C)`, of scores in float32 or wider and labels in the same dtype."""
        raise NotImplementedError(f"{type(self).__name__} does not define its labels")

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(scores: Tensor, labels: Tensor) -> Tensor:
            return self.labels(scores, labels, index)

        return per_label(
            values, pred, target, sample_weight=sample_weight, ignore_index=self.ignore_index, reduction=reduction
        )
