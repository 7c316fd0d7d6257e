"""Brier loss: the squared distance of the softmax from what happened, a proper score that no row can dominate."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task, Trait
from minimand.contracts.loss import LossModule, Reduction, loss, per_row
from minimand.contracts.rows import softmax

BRIER_1950 = Paper(
    key="brier1950verification",
    title="Verification of Forecasts Expressed in Terms of Probability",
    authors="Brier",
    year=1950,
    venue="Monthly Weather Review 78(1)",
)


@loss(
    BRIER_1950,
    slug="brier-loss",
    tasks={Task.BINARY, Task.MULTICLASS},
    probabilities=softmax,
    traits={Trait.NONNEGATIVE, Trait.BOUNDED, Trait.SHIFT_INVARIANT, Trait.SOFT_TARGETS},
    also_known_as=("quadratic-score",),
    when="Probabilities are wanted, and no single wrong label or outlier may dominate a batch.",
    drawback="Lets go of rows that are confidently wrong, and so learns slowly where there are many classes.",
)
def brier_loss(
    logits: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Brier loss, $\sum_k (p_k - [k = y])^2$ with $p = \mathrm{softmax}(z)$.

    A strictly proper score in $[0, 2]$, summed over all classes as in the paper. With two classes it is twice
    $(p_1 - y)^2$, which is also called the Brier score and is what scikit-learn gives for one
    probability; a mean over classes is smaller by $K$. Not convex in the logits: the gradient vanishes where the row
    is certain, rightly or wrongly. For target probabilities $t$ it is $\sum_k (p_k - t_k)^2$, which differs from the
    expected loss of a class drawn from $t$ by a constant.

    Args:
        logits: `(N, K)`, any real values; half precision is computed in float32.
        target: `(N,)`, integers in `[0, K)`, or `(N, K)`, class probabilities.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        ignore_index: rows with this target count as absent; class indices only.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Brier (1950), eq. 2, of the probabilities of a softmax.
    """
    return per_row(
        _squared_misses,
        logits,
        target,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        reduction=reduction,
        soft_targets=True,
    )


def _squared_misses(scores: Tensor, target: Tensor) -> Tensor:
    log_p = scores.log_softmax(1)
    if target.is_floating_point():
        return (log_p.exp() - target).square().sum(1)
    # expm1: 1 - p of a row that is nearly right keeps its digits, and the gradient with it.
    misses = log_p.exp().scatter(1, target[:, None], log_p.gather(1, target[:, None]).expm1())
    return misses.square().sum(1)


class BrierLoss(LossModule, fn=brier_loss):
    """Module form of `brier_loss`."""
