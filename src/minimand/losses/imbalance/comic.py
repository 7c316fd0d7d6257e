"""Long-tailed labels of which many are missing: a loss focused by class, and a corrector that finds the missing ones.

The third part of the method, a classifier balanced between head and tail, is a matter of the network and not here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_integer, require_range
from minimand.contracts.card import Paper, Range, Task, Trait
from minimand.contracts.labels import LabelLoss, per_label, sigmoid
from minimand.contracts.loss import loss
from minimand.contracts.reduction import present_rows
from minimand.contracts.task import TaskInfo
from minimand.losses.class_counts import filled_class_counts, known_class_counts, require_columns
from minimand.losses.label_terms import focused_label_cross_entropy

ZHANG_2023 = Paper(
    key="zhang2023comic",
    title="Learning in Imperfect Environment: Multi-Label Classification with Long-Tailed Distribution and Partial "
    "Labels",
    authors="Zhang, Liu, Zeng, Ooi, Tang and Zhuang",
    year=2023,
    arxiv="2304.10539",
)

# Of the authors' code, which has another exponent in each of the two parts.
MODIFIER_EXPONENT = 1 / 3
CORRECTOR_EXPONENT = 1 / 6


def recovered_labels(scores: Tensor, target: Tensor, *, threshold: float = 0.7, known: Tensor | None = None) -> Tensor:
    """Which labels `(N, C)` of 0 are probably missing: likely in themselves, and likelier than in the batch's mean.

    Args:
        scores: `(N, C)`.
        target: `(N, C)`, labels; what is 1 already is not recovered.
        threshold: probability above which a label may count as missing, in `[0, 1]`.
        known: `(N, C)` booleans, the entries that take part; all where None.

    Returns:
        `(N, C)` booleans, without gradient.
    """
    with torch.no_grad():
        p = sigmoid(scores)
        counted = torch.ones_like(p) if known is None else known.to(p.dtype)
        total = torch.where(counted > 0, p, torch.zeros_like(p)).sum(0)
        usual = total / counted.sum(0).clamp_min(1)
        return (p > threshold) & (p > usual) & (target < 1) & (counted > 0)


@loss(
    ZHANG_2023,
    slug="comic-plt-mlc",
    tasks={Task.MULTILABEL},
    search={"gamma_negative": Range(0.0, 5.0, default=3.0), "margin": Range(0.0, 0.2, default=0.05)},
    probabilities=sigmoid,
    traits={Trait.NONNEGATIVE},
    provenance="reconstructed: by the authors' code, without its attention to labels that occur together",
    when="Labels are long-tailed, and each row has few of them.",
    drawback="No proper score, and the class weights are gentle: the rarest of a thousandfold tail weighs twice.",
)
class MultiFocalModifierLoss(LabelLoss):
    r"""Multi-focal modifier loss, $-w_c (y (1 - p)^{\gamma_+} \log p + (1 - y) p_m^{\gamma_- + w_c} \log(1 - p_m))$.

    $w_c = (1 - \log (n_c / \max n))^a$ grows from 1 for the most frequent label towards the rare ones, which count
    more and whose negatives are focused harder; $p_m = \max(p - m, 0)$. The mean is over labels, where the authors'
    code takes the sum. At $a = 0$ this is `asymmetric_loss` with $\gamma_- + 1$.

    The attention by co-occurrence of labels in the authors' code is left out.

    Args:
        class_counts: `(C,)`, nonnegative numbers of training rows that have each label, not all zero; a label without
            a row counts as the rarest that has one.
        gamma_negative: nonnegative focus of labels that are not there, $\gamma_-$.
        gamma_positive: nonnegative focus of labels that are there, $\gamma_+$.
        margin: $m$, in `[0, 1)`.
        exponent: $a$, nonnegative.
        focus_gradient: whether the powers are differentiated too; False holds them as constants, as the authors' code
            does.
        ignore_index: labels of this value are unknown; a row is the mean over its known labels.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes or labels that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Zhang et al. (2023), the multi-focal modifier loss; constants as in the authors' code.
    """

    hyper: ClassVar[tuple[str, ...]] = ("gamma_negative", "gamma_positive", "margin", "exponent", "focus_gradient")
    class_weight: Tensor

    def __init__(
        self,
        class_counts: Tensor | Sequence[float],
        *,
        gamma_negative: float = 3.0,
        gamma_positive: float = 0.0,
        margin: float = 0.05,
        exponent: float = MODIFIER_EXPONENT,
        focus_gradient: bool = True,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        _require_focus(gamma_negative, gamma_positive, margin, exponent)
        self.gamma_negative = gamma_negative
        self.gamma_positive = gamma_positive
        self.margin = margin
        self.exponent = exponent
        self.focus_gradient = focus_gradient
        self.register_buffer("class_weight", _tail_weight(filled_class_counts(class_counts), exponent).float())

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with weights by the task's label counts."""
        return cls(known_class_counts(task), **hyper)

    def labels(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a label `(N, C)`: the focused terms, times the weight of the label."""
        require_columns(pred, len(self.class_weight))
        return _modified(self, pred, target, self.class_weight.to(pred.dtype))


@loss(
    ZHANG_2023,
    slug="comic-plt-mlc",
    tasks={Task.MULTILABEL},
    search={"strength": Range(0.05, 1.0, scale="log", default=0.2), "threshold": Range(0.5, 0.95, default=0.7)},
    probabilities=sigmoid,
    traits={Trait.NONNEGATIVE, Trait.BATCH_COUPLED},
    provenance="reconstructed: by the authors' code, without the classifier balanced between head and tail",
    when="Labels are long-tailed and many that are there were not marked.",
    drawback="It believes its own confident mistakes, and the mean of a small batch says little of what is usual.",
)
class ReflectiveLabelCorrectorLoss(LabelLoss):
    r"""Modifier loss with corrected labels beside it, $L(z, y) + \lambda \frac{N}{\sum \hat y} L(z - \mu y, \hat y)$.

    $L$ is `MultiFocalModifierLoss`, with exponent 1/6 in the second term. A corrected label $\hat y$ is 1 where $y$ is,
    and where $p = \sigma(z - \mu y)$ is above a threshold and above its mean over the batch for this label
    (`recovered_labels`). $\mu$ keeps
    the labels that were marked from being fitted so early that they stop teaching. The second term is divided by the
    mean number of corrected labels of a row.

    The batch decides what is recovered: rows of weight 0 take no part in it, and all others alike, whatever they weigh.
    In training mode the labels recovered in this epoch are added to the counts of which the second term's weights are
    made; `on_epoch` starts anew. At strength 0 this is the modifier loss.

    Args:
        class_counts: `(C,)`, nonnegative numbers of training rows that have each label, not all zero; a label without
            a row counts as the rarest that has one.
        strength: $\lambda$, nonnegative.
        threshold: probability above which a label may count as missing, in `[0, 1]`.
        score_margin: $\mu$, nonnegative.
        start_epoch: the first epoch, counted from 0, that corrects labels.
        gamma_negative: nonnegative focus of labels that are not there.
        gamma_positive: nonnegative focus of labels that are there.
        margin: of probabilities, in `[0, 1)`.
        focus_gradient: whether the powers are differentiated too; False holds them as constants, as the authors' code
            does.
        ignore_index: labels of this value are unknown; a row is the mean over its known labels.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes or labels that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Zhang et al. (2023), the reflective label corrector; constants, strength and division as in the authors' code.
    """

    hyper: ClassVar[tuple[str, ...]] = (
        "strength",
        "threshold",
        "score_margin",
        "start_epoch",
        "gamma_negative",
        "gamma_positive",
        "margin",
        "focus_gradient",
    )
    class_counts: Tensor
    recovered_counts: Tensor

    def __init__(
        self,
        class_counts: Tensor | Sequence[float],
        *,
        strength: float = 0.2,
        threshold: float = 0.7,
        score_margin: float = 1.0,
        start_epoch: int = 0,
        gamma_negative: float = 3.0,
        gamma_positive: float = 0.0,
        margin: float = 0.05,
        focus_gradient: bool = True,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        _require_focus(gamma_negative, gamma_positive, margin, MODIFIER_EXPONENT)
        require_range("strength", strength, least=0.0, below=math.inf)
        require_range("threshold", threshold, least=0.0, most=1.0)
        require_range("score_margin", score_margin, least=0.0, below=math.inf)
        require_integer("start_epoch", start_epoch, least=0)
        self.strength = strength
        self.threshold = threshold
        self.score_margin = score_margin
        self.start_epoch = start_epoch
        self.gamma_negative = gamma_negative
        self.gamma_positive = gamma_positive
        self.margin = margin
        self.focus_gradient = focus_gradient
        self.epoch = 0
        counts = filled_class_counts(class_counts).float()
        self.register_buffer("class_counts", counts)
        self.register_buffer("recovered_counts", torch.zeros_like(counts))

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with weights by the task's label counts, and nothing recovered yet."""
        return cls(known_class_counts(task), **hyper)

    def on_epoch(self, epoch: int) -> None:
        """Forget what the epoch before recovered."""
        self.epoch = epoch
        self.recovered_counts.zero_()

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(scores: Tensor, labels: Tensor) -> Tensor:
            # the targets as they came still say which labels take part
            present = present_rows(target, sample_weight, self.ignore_index)
            known = torch.ones_like(scores, dtype=torch.bool)
            known = known if present is None else known & present[:, None]
            known = known if self.ignore_index is None else known & (target != self.ignore_index)
            return self._labels(scores, labels, known)

        return per_label(
            values, pred, target, sample_weight=sample_weight, ignore_index=self.ignore_index, reduction=reduction
        )

    def labels(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a label `(N, C)`; in training mode what is recovered is counted first."""
        return self._labels(pred, target, torch.ones_like(pred, dtype=torch.bool))

    def _labels(self, pred: Tensor, target: Tensor, known: Tensor) -> Tensor:
        require_columns(pred, len(self.class_counts))
        counts = self.class_counts.to(pred.dtype)
        plain = _modified(self, pred, target, _tail_weight(counts, MODIFIER_EXPONENT))
        if self.epoch < self.start_epoch or self.strength == 0:
            return plain
        held_back = pred - self.score_margin * target
        missing = recovered_labels(held_back, target, threshold=self.threshold, known=known)
        if self.training:
            with torch.no_grad():
                self.recovered_counts.add_(missing.sum(0))
        corrected = torch.where(missing, torch.ones_like(target), target)
        weight = _tail_weight(counts + self.recovered_counts.to(pred.dtype), CORRECTOR_EXPONENT)
        rows = known.any(1).sum().clamp_min(1)
        marked = torch.where(known, corrected, torch.zeros_like(corrected)).sum()
        share = rows / torch.where(marked > 0, marked, rows)
        return plain + self.strength * share * _modified(self, held_back, corrected, weight)


def _modified(
    settings: MultiFocalModifierLoss | ReflectiveLabelCorrectorLoss, scores: Tensor, target: Tensor, weight: Tensor
) -> Tensor:
    return weight * focused_label_cross_entropy(
        scores,
        target,
        gamma_positive=settings.gamma_positive,
        gamma_negative=settings.gamma_negative + weight,
        margin=settings.margin,
        focus_gradient=settings.focus_gradient,
    )


def _tail_weight(counts: Tensor, exponent: float) -> Tensor:
    """From 1 for the most frequent label up, for the rarer ones `(C,)`."""
    return (1 - (counts / counts.max()).log()).pow(exponent)


def _require_focus(gamma_negative: float, gamma_positive: float, margin: float, exponent: float) -> None:
    require_range("gamma_negative", gamma_negative, least=0.0, below=math.inf)
    require_range("gamma_positive", gamma_positive, least=0.0, below=math.inf)
    require_range("margin", margin, least=0.0, below=1.0)
    require_range("exponent", exponent, least=0.0, below=math.inf)
