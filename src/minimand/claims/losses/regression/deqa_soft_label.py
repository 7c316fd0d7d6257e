"""Do soft labels over levels lose less than one level a target, and does fidelity let scales differ?"""

from __future__ import annotations

from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from minimand.claims.tasks.regression import Arm, rated, root_mean_squared_error, trained_values
from minimand.contracts.arguments import Reduction
from minimand.contracts.claim import AtMost, Beats, Ties, comparative_claim, property_claim
from minimand.contracts.objective import Objective
from minimand.contracts.task import TaskInfo
from minimand.contracts.values import ValueLoss
from minimand.losses import (
    FidelityLoss,
    LevelDistributionLoss,
    expected_level,
    gaussian_level_distribution,
    level_predictions,
)
from minimand.training.fit import Settings
from minimand.training.rows import Rows

LOWEST, HIGHEST, STEP = -3.0, 3.0, 1.5


def nearest_level(target: Tensor) -> Tensor:
    """The number of the nearest of five levels, counted from 0."""
    return ((target - LOWEST) / STEP).round().clamp(0, 4).long()


def one_level(scores: Tensor, target: Tensor) -> Tensor:
    """Cross entropy with the nearest level for a class."""
    return F.cross_entropy(scores, nearest_level(target), reduction="none")


def without_softness(scores: Tensor, target: Tensor) -> Tensor:
    """The soft labels of targets that stand on a level, without spread: one level each."""
    loss = LevelDistributionLoss(deviation=0.0, reduction="none")
    value: Tensor = loss(scores, LOWEST + STEP * nearest_level(target))
    return value


def correlation(pred: Tensor, target: Tensor) -> float:
    """Pearson's correlation of two vectors."""
    return float(torch.corrcoef(torch.stack([pred.double(), target.double()]))[0, 1])


def rank_correlation(pred: Tensor, target: Tensor) -> float:
    """Spearman's correlation of two vectors without ties."""
    return correlation(pred.argsort().argsort(), target.argsort().argsort())


@comparative_claim(
    of=LevelDistributionLoss,
    says="With five levels, a network trained on soft labels predicts scores with a correlation at least 0.02 above "
    "that of one trained on the nearest level.",
    where="You et al. (2025), the comparison of soft labels with one-hot labels (Q-Align)",
    gap="A small network on six simulated features stands in for a language model that looks at pictures; every target "
    "has the same spread; five levels span six deviations of the targets, more than the scale of opinions does.",
    tier="standard",
    expects=(
        Beats("soft", "one_hot", margin=0.02),
        Ties("switched_off", "one_hot", within=0.02),
    ),
)
def correlates_better_than_one_level(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    training, validation, test = (rated(rng, n) for n in (400, 200, 1500))
    arms: dict[str, Arm] = {
        "soft": (LevelDistributionLoss, {}),
        "one_hot": (Objective(one_level), {}),
        "switched_off": (Objective(without_softness), {}),
    }
    trained = trained_values(
        arms,
        training,
        validation,
        seed=seed,
        judge=root_mean_squared_error,
        settings=Settings(max_epochs=30, batch_size=64),
        learning_rates=(3e-3, 1e-2),
        to_numbers=dict.fromkeys(arms, level_predictions),
        n_outputs=dict.fromkeys(arms, 5),
    )
    return {name: correlation(model.predictions(test.x), test.y) for name, model in trained.items()}


@property_claim(
    of=LevelDistributionLoss,
    says="With a spread of half a level, the mean of a soft label is on average within 0.01 levels of its score.",
    where="You et al. (2025), the errors of reconstruction of soft and of one-hot labels",
    gap="Normal scores within two levels of the middle and a spread of half a level stand in for those of four data "
    "sets; at spreads near a third of a level the error is 0.02.",
    tier="quick",
    expects=AtMost(0.01),
)
def mean_error_of_the_label(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(2000, generator=rng, dtype=torch.float64).clamp(LOWEST, HIGHEST)
    mean = (target - LOWEST) / STEP + 1
    soft = gaussian_level_distribution(mean, 0.5)
    # the twin takes the nearest level
    decoded = mean.round() if broken else soft @ torch.arange(1.0, 6.0, dtype=torch.float64)
    return float((decoded - mean).abs().mean())


class CoTrained(ValueLoss):
    """Soft labels on the scale of each data set, and the fidelity of pairs of one data set."""

    def __init__(self, groups: Tensor, strength: float, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.outputs = 5
        self.strength = strength
        self.levels = LevelDistributionLoss(reduction=reduction)
        self.pairs = FidelityLoss(groups=groups, predicted_deviation=0.5, reduction=reduction)

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss of these data sets."""
        return cls(**hyper)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        value = self.levels._reduced(pred, target, index, sample_weight, reduction)
        if self.strength == 0:
            return value
        scores = LOWEST + STEP * (expected_level(pred) - 1)
        return value + self.strength * self.pairs._reduced(scores, target, index, sample_weight, reduction)


@comparative_claim(
    of=FidelityLoss,
    says="When two data sets whose scales differ are learned together, adding the fidelity of pairs to the soft labels "
    "gives a higher rank correlation on fresh rows.",
    where="You et al. (2025), the ablation of the fidelity loss in co-training",
    gap="Simulated scores in two sets, of which the second holds the worse half and has its scale stretched to the "
    "whole; the paper trains on three data sets of pictures.",
    tier="standard",
    expects=(
        Beats("with_fidelity", "soft_labels", margin=0.0),
        Ties("switched_off", "soft_labels", within=0.02),
    ),
)
def orders_rows_of_two_scales(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    whole, half, validation, test = (rated(rng, n) for n in (200, 200, 200, 1500))
    worse = half.take((half.y < half.y.median()).nonzero()[:, 0])
    stretched = (worse.y - worse.y.mean()) / worse.y.std()
    both = Rows(torch.cat([whole.x, worse.x]), torch.cat([whole.y, stretched]))
    groups = torch.cat([torch.zeros(len(whole)), torch.ones(len(worse))]).long()
    arms: dict[str, Arm] = {
        "with_fidelity": (CoTrained, {"groups": groups, "strength": 1.0}),
        "switched_off": (CoTrained, {"groups": groups, "strength": 0.0}),
        "soft_labels": (LevelDistributionLoss, {}),
    }

    def judge(pred: Tensor, target: Tensor) -> float:
        return -rank_correlation(pred, target)

    trained = trained_values(
        arms,
        both,
        validation,
        seed=seed,
        judge=judge,
        settings=Settings(max_epochs=30, batch_size=64),
        learning_rates=(3e-3, 1e-2),
        to_numbers=dict.fromkeys(arms, level_predictions),
        n_outputs=dict.fromkeys(arms, 5),
    )
    return {name: rank_correlation(model.predictions(test.x), test.y) for name, model in trained.items()}
