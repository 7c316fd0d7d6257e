"""Regression through ordered levels: soft labels over levels from a score and its spread, and a loss of pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from minimand.contracts.arguments import Reduction, require_index, require_integer, require_range
from minimand.contracts.card import Paper, Range, Trait
from minimand.contracts.reduction import present_rows
from minimand.contracts.rows import expectation, wide
from minimand.contracts.task import TaskInfo
from minimand.contracts.values import ValueLoss, per_value, value_loss

YOU_2025 = Paper(
    key="you2025deqa",
    title="Teaching Large Language Models to Regress Accurate Image Quality Scores using Score Distribution",
    authors="You, Cai, Gu, Xue and Dong",
    year=2025,
    arxiv="2501.11561",
)

# Of the authors' code: below this spread, or beyond this error of the mean, the two neighbouring levels share the mass.
LEAST_SPREAD = 0.2
MOST_ERROR = 0.1

# Where a score is as good as the middle of the scale every slope keeps the mean; 1 keeps the distribution.
MIDDLE = 1e-6

# Beyond this difference a normal probability has underflowed in float64: holding it there changes nothing.
FARTHEST = 200.0

LOWEST, HIGHEST = -3.0, 3.0
"""The ends of the scale by default: targets are standardised before a network learns them."""


def gaussian_level_distribution(mean: Tensor, deviation: Tensor | float, *, levels: int = 5) -> Tensor:
    r"""Probabilities of the levels $1 \dots L$ whose mean is that of a normal distribution, `(N, L)` in float64.

    The normal distribution is integrated over unit cells around the levels, $p_k$; what lies beyond the ends is lost.
    $\tilde p_k = \alpha p_k + \beta$ brings sum and mean back, negative shares become 0, and the sum is made one again.
    A spread below 0.2, or a mean that clipping has moved by more than 0.1, gives the two neighbouring levels instead,
    each in proportion to how near it is.

    Args:
        mean: `(N,)`, on the scale of the levels; held within `[1, levels]`.
        deviation: nonnegative, `(N,)` or one for all, on the scale of the levels.
        levels: $L$, at least 2.

    Raises:
        ValueError: fewer than two levels.
    """
    require_integer("levels", levels, least=2)
    mean = mean.double().clamp(1.0, float(levels))
    spread = torch.as_tensor(deviation, dtype=torch.float64, device=mean.device).expand(mean.shape)
    level = torch.arange(1, levels + 1, dtype=torch.float64, device=mean.device)
    middle = (levels + 1) / 2
    is_narrow = spread < LEAST_SPREAD
    width = torch.where(is_narrow, torch.ones_like(spread), spread)[:, None]
    away = level - mean[:, None]
    mass = torch.special.ndtr((away + 0.5) / width) - torch.special.ndtr((away - 0.5) / width)
    total = mass.sum(1)
    offset = (mass * (level - middle)).sum(1)  # B - 3A of the paper, without the cancellation
    is_middle = offset.abs() < MIDDLE
    slope = torch.where(is_middle, 1.0, (mean - middle) / torch.where(is_middle, 1.0, offset))
    adjusted = (slope[:, None] * mass + ((1 - slope * total) / levels)[:, None]).clamp_min(0.0)
    adjusted = adjusted / adjusted.sum(1, keepdim=True)
    error = ((adjusted * level).sum(1) - mean).abs()
    between = (1 - away.abs()).clamp_min(0.0)
    return torch.where((is_narrow | (error > MOST_ERROR))[:, None], between, adjusted)


def expected_level(scores: Tensor) -> Tensor:
    """The mean level `(N,)` in `[1, L]` of a softmax over the scores of the levels `(N, L)`, in float32 or wider."""
    p = wide(scores).softmax(1)
    return (p * torch.arange(1, p.shape[1] + 1, dtype=p.dtype, device=p.device)).sum(1)


def level_predictions(scores: Tensor, *, lowest: float = LOWEST, highest: float = HIGHEST) -> Tensor:
    """The number predicted `(N,)` by scores of the levels `(N, L)`, which stand evenly from the lowest to the highest.

    Args:
        scores: `(N, L)`, any real values.
        lowest: where the first level stands.
        highest: where the last level stands, above the lowest.
    """
    return lowest + (expected_level(scores) - 1) * ((highest - lowest) / (scores.shape[1] - 1))


def _level_cases(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    scores = torch.randn(16, 5, generator=rng, dtype=torch.float64) * scale
    return scores, torch.rand(16, generator=rng, dtype=torch.float64) * 4 - 2


def _each(values: float | Sequence[float] | Tensor, index: Tensor | None, n_rows: int, like: Tensor) -> Tensor:
    """One number for all rows, or that of each row of the batch, in the dtype of `like`."""
    if not isinstance(values, Tensor):
        return torch.full((n_rows,), float(values), dtype=like.dtype, device=like.device)  # type: ignore[arg-type]
    at = require_index(index, n_rows, len(values))
    return values[at.to(values.device)].to(like)


def _require_deviation(deviation: float | Tensor) -> None:
    if not isinstance(deviation, Tensor):
        require_range("deviation", deviation, least=0.0, below=math.inf)
    elif deviation.ndim != 1 or not deviation.is_floating_point() or bool((deviation < 0).any()):
        raise ValueError(f"deviation must be a number or (n_samples,) nonnegative floats, got {tuple(deviation.shape)}")


@value_loss(
    YOU_2025,
    slug="deqa-soft-label",
    predictions=level_predictions,
    predicts="mean",
    outputs=lambda levels=5, **_: int(levels),
    search={"deviation": Range(0.15, 1.5, scale="log", default=0.75)},
    traits={Trait.SHIFT_INVARIANT},
    cases=_level_cases,
    provenance="reconstructed: the ends of the scale and the spread of standardised targets; soft labels sum to one",
    exempt={
        "predicts_what_it_says": "as in the authors' code, clipping moves the mean of a soft label by up to 0.1 levels"
    },
    when="A model says ordered levels, as a language model does, and a number is to be read off them.",
    drawback="Beyond the first and the last level it cannot predict, and it has as many outputs as levels.",
)
class LevelDistributionLoss(ValueLoss):
    r"""Soft labels over levels, $\mathrm{KL}(\tilde p \,\|\, \mathrm{softmax}(z))$ with $\sum_k k \tilde p_k = \mu$.

    A target and its spread, moved to the scale of the levels $1 \dots L$, become a distribution over the levels with
    the target for its mean (`gaussian_level_distribution`); the mean level of the softmax is the prediction. One level
    for each target, as in Q-Align, loses what lies between the levels: a fifth of a level on average.

    Args:
        levels: $L$, at least 2.
        lowest: where the first level stands; targets below it count as it.
        highest: where the last level stands, above the lowest; targets above it count as it.
        deviation: nonnegative, in the unit of the targets: how far opinions of one target spread; one number, or
            `(n_samples,)`, one for each training row, which are then looked up by `index`.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes that do not fit, or a missing index.
        TypeError: dtypes that do not fit.

    Reference:
        You et al. (2025), section 3, soft labels by score distribution; thresholds of the authors' code.
    """

    hyper: ClassVar[tuple[str, ...]] = ("levels", "lowest", "highest", "deviation")

    def __init__(
        self,
        *,
        levels: int = 5,
        lowest: float = LOWEST,
        highest: float = HIGHEST,
        deviation: float | Tensor = 0.75,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        require_integer("levels", levels, least=2)
        require_range("lowest", lowest, above=-math.inf, below=math.inf)
        require_range("highest", highest, above=lowest, below=math.inf)
        _require_deviation(deviation)
        self.levels, self.lowest, self.highest = levels, lowest, highest
        self.outputs = levels
        self.deviation = deviation

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss itself: of the training set it needs no more than is given."""
        return cls(**hyper)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a row."""
        step = (self.highest - self.lowest) / (self.levels - 1)
        spread = _each(self.deviation, index, len(target), target.double())
        level = (target.double() - self.lowest) / step + 1
        soft = gaussian_level_distribution(level, spread / step, levels=self.levels)
        entropy = -torch.xlogy(soft, soft).sum(1)
        return -expectation(pred.log_softmax(1), soft.to(pred.dtype)) - entropy.to(pred.dtype)

    def predictions(self, pred: Tensor) -> Tensor:
        """The numbers predicted `(N,)` from scores of the levels `(N, L)`."""
        return level_predictions(pred, lowest=self.lowest, highest=self.highest)


@value_loss(
    YOU_2025,
    slug="deqa-soft-label",
    predicts="order",
    search={"deviation": Range(0.05, 1.5, scale="log", default=0.5)},
    traits={Trait.BATCH_COUPLED, Trait.BOUNDED, Trait.TRANSLATION_INVARIANT},
    when="Only the order of scores is to be learned, or data sets whose scales differ are learned together.",
    drawback="The level of the predictions is left open: add a loss that fixes it.",
)
class FidelityLoss(ValueLoss):
    r"""Fidelity loss of pairs, $1 - \sqrt{P \hat P} - \sqrt{(1 - P)(1 - \hat P)}$.

    $P = \Phi\big((y_i - y_j) / \sqrt{\sigma_i^2 + \sigma_j^2}\big)$ is the probability that row $i$ is thought better
    than row $j$, $\hat P$ the same of the predictions. The value of a row is the mean over its pairs with the other
    rows of its group; it is 0 for a row alone. Scores of different groups (data sets) are never compared, so that their
    scales need not agree. Rows of weight 0 form no pair.

    Args:
        deviation: nonnegative, $\sigma$ of the targets, in their unit; one number, or `(n_samples,)`, one for each
            training row, which are then looked up by `index`.
        predicted_deviation: positive, $\sigma$ of the predictions, in their unit.
        groups: `(n_samples,)` integers, the group of each training row, looked up by `index`; None puts all into one.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes that do not fit, or a missing index.
        TypeError: dtypes that do not fit.

    Reference:
        You et al. (2025), section 3, fidelity loss of pairs of one data set; the fixed deviation of 1 of the
        predictions is that of the authors' released models. Their code pairs the rows of two shuffled batches; here
        all pairs of a batch are formed.
    """

    hyper: ClassVar[tuple[str, ...]] = ("deviation", "predicted_deviation", "groups")

    def __init__(
        self,
        *,
        deviation: float | Tensor = 0.5,
        predicted_deviation: float = 1.0,
        groups: Tensor | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _require_deviation(deviation)
        require_range("predicted_deviation", predicted_deviation, above=0.0, below=math.inf)
        if groups is not None and (groups.ndim != 1 or groups.is_floating_point()):
            raise ValueError(f"groups must be (n_samples,) integers, got {groups.dtype} of {tuple(groups.shape)}")
        self.deviation = deviation
        self.predicted_deviation = predicted_deviation
        self.groups = groups

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss itself: of the training set it needs no more than is given."""
        return cls(**hyper)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        if target.ndim != 1:
            raise ValueError(f"target must have shape (N,) for a loss of pairs, got {tuple(target.shape)}")

        def values(scores: Tensor, safe_target: Tensor) -> Tensor:
            return self._rows(scores, safe_target, index, present_rows(target, sample_weight, None))

        return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a row."""
        return self._rows(pred, target, index, None)

    def _rows(self, pred: Tensor, target: Tensor, index: Tensor | None, present: Tensor | None) -> Tensor:
        compared = ~torch.eye(len(target), dtype=torch.bool, device=target.device)
        if self.groups is not None:
            group = self.groups[require_index(index, len(target), len(self.groups)).to(self.groups.device)]
            compared = compared & (group[:, None] == group).to(compared.device)
        if present is not None:
            compared = compared & present & present[:, None]
        variance = _each(self.deviation, index, len(target), target).square()
        spread = (variance[:, None] + variance).sqrt()
        gap = target[:, None] - target
        # without spread the better one is better for certain, and equals are a draw.
        true = torch.where(spread > 0, gap / torch.where(spread > 0, spread, 1.0), gap.sign() * FARTHEST)
        guessed = (pred[:, None] - pred) / (math.sqrt(2) * self.predicted_deviation)
        true, guessed = true.clamp(-FARTHEST, FARTHEST), guessed.clamp(-FARTHEST, FARTHEST)
        # square roots of probabilities as exponentials of half their logarithms: the root of 0 has no gradient.
        agreement = sum(
            ((torch.special.log_ndtr(sign * true) + torch.special.log_ndtr(sign * guessed)) / 2).exp()
            for sign in (1.0, -1.0)
        )
        pairs = torch.where(compared, 1 - agreement, torch.zeros_like(gap))
        return pairs.sum(1) / compared.sum(1).clamp_min(1)
