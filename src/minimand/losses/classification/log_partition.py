"""The log-partition penalty, which language-model people call z-loss, alone and together with cross entropy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minimand.contracts.arguments import require_range, require_reduction, require_weights
from minimand.contracts.card import Paper, Range, Task, Trait
from minimand.contracts.component import component
from minimand.contracts.loss import LossModule, Reduction, loss, per_row
from minimand.contracts.reduction import present_rows, reduce_rows, row_weights
from minimand.contracts.rows import expectation, softmax, wide

DEVLIN_2014 = Paper(
    key="devlin2014selfnormalized",
    title="Fast and Robust Neural Network Joint Models for Statistical Machine Translation",
    authors="Devlin, Zbib, Huang, Lamar, Schwartz and Makhoul",
    year=2014,
    venue="ACL 2014",
)
ZOPH_2022 = Paper(
    key="zoph2022stmoe",
    title="ST-MoE: Designing Stable and Transferable Sparse Expert Models",
    authors="Zoph, Bello, Kumar, Du, Huang, Dean, Shazeer and Fedus",
    year=2022,
    arxiv="2202.08906",
)
CHOWDHERY_2022 = Paper(
    key="chowdhery2022palm",
    title="PaLM: Scaling Language Modeling with Pathways",
    authors="Chowdhery, Narang, Devlin and others",
    year=2022,
    arxiv="2204.02311",
)


@component(
    DEVLIN_2014,
    ZOPH_2022,
    CHOWDHERY_2022,
    kind="regularizer",
    slug="log-partition-penalty",
    tasks={Task.BINARY, Task.MULTICLASS},
    when="The logits of a router or an output layer drift away from zero, where half precision has few digits left.",
    drawback="Says nothing of which class is right: it must be added to another loss, with a strength to choose.",
    also_known_as=("z-loss",),
)
def log_partition_penalty(
    logits: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Log-partition penalty, $\log^2 Z$ with $Z = \sum_k e^{z_k}$.

    Zero where the exponentials of the logits sum to one, so that logits are log-probabilities as they stand. Its
    gradient $2 \log Z \cdot p_k$ moves all logits of a row the same way, the likely classes most. Add it to any loss
    of the softmax, times a strength (see `log_partition_loss`), or to the loss of a mixture of experts, on the
    router's logits.

    This is the "z-loss" of language models and routers. The Z-loss of de Brébisson and Vincent (2016),
    `spherical_z_loss`, is another thing of the same name: it replaces cross entropy and cannot see $Z$.

    Args:
        logits: `(N, K)`, any real values; half precision is computed in float32.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Devlin et al. (2014), the self-normalised objective; Zoph et al. (2022), the router z-loss; Chowdhery et al.
        (2022), the auxiliary loss of the output softmax.
    """
    require_reduction(reduction)
    if not logits.is_floating_point():
        raise TypeError(f"logits must be floating point, got {logits.dtype}")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must have shape (N, K) with at least one class, got {tuple(logits.shape)}")
    require_weights(sample_weight, logits.shape[0])
    scores = wide(logits)
    if sample_weight is None:
        return reduce_rows(scores.logsumexp(1).square(), None, reduction)
    present = present_rows(logits, sample_weight, None)
    assert present is not None  # there are weights
    # absent rows are replaced before anything is computed: 0 * inf would otherwise come out as NaN.
    scores = torch.where(present[:, None], scores, torch.zeros_like(scores))
    values = scores.logsumexp(1).square()
    return reduce_rows(values, row_weights(len(values), present, sample_weight, values), reduction)


@loss(
    DEVLIN_2014,
    CHOWDHERY_2022,
    slug="log-partition-penalty",
    tasks={Task.BINARY, Task.MULTICLASS},
    search={"strength": Range(1e-5, 0.1, scale="log", default=1e-4)},
    probabilities=softmax,
    traits={Trait.NONNEGATIVE, Trait.SOFT_TARGETS},
    when="A long training in low precision lets the logits drift, or log-probabilities are wanted without normalising.",
    drawback="Where cross entropy trains stably it changes nothing but the offset of the logits.",
    also_known_as=("z-loss",),
)
def log_partition_loss(
    logits: Tensor,
    target: Tensor,
    /,
    *,
    strength: float = 1e-4,
    sample_weight: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Log-partition loss, $-\log p_y + \lambda \log^2 Z$ with $Z = \sum_k e^{z_k}$.

    Cross entropy leaves a constant in every row of logits free; the second term, the `log_partition_penalty`, ties it
    to $Z = 1$. Since any row can be shifted there without a change of $p$, the least expected loss is that of cross
    entropy. With target probabilities the first term is cross entropy against them.

    Language models call this "z-loss". It is not the Z-loss of de Brébisson and Vincent (2016), `spherical_z_loss`.

    Args:
        logits: `(N, K)`, any real values; half precision is computed in float32.
        target: `(N,)`, integers in `[0, K)`, or `(N, K)`, probabilities.
        strength: $\lambda$, nonnegative; 0 is cross entropy. PaLM takes 1e-4, the router of ST-MoE 1e-3, Devlin et
            al. 0.1.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `strength` negative or not finite, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Chowdhery et al. (2022), section 5, the auxiliary loss; Devlin et al. (2014), the self-normalised objective.
    """
    require_range("strength", strength, least=0.0, below=math.inf)

    def values(scores: Tensor, target: Tensor) -> Tensor:
        log_partition = scores.logsumexp(1)
        # strength first: the product may fit where the square does not.
        penalty = (strength * log_partition) * log_partition
        return penalty - expectation(scores.log_softmax(1), target)

    return per_row(
        values,
        logits,
        target,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        reduction=reduction,
        soft_targets=True,
    )


class LogPartitionLoss(LossModule, fn=log_partition_loss):
    """Module form of `log_partition_loss`."""
