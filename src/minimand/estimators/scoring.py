"""From a network's outputs to ranks, probabilities and the validation score: what a trained objective says of rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minimand.contracts.card import card_of
from minimand.contracts.loss import Loss, own_probabilities
from minimand.estimators.values import TargetScale, ValueFacts, predicted_values
from minimand.evaluation.classification.accuracy import accuracy_metric
from minimand.evaluation.regression.root_mean_squared_error import root_mean_squared_error_metric
from minimand.losses.classification.cross_entropy import cross_entropy_loss
from minimand.training.fit import Score, accuracy_score


@torch.no_grad()
def class_probabilities(loss: Loss, scores: Tensor) -> Tensor:
    """Probabilities `(n, K)` in float64 from scores `(n, K)`, by the objective's own map; rows sum to one."""
    # from the scores in float64: in float32 a softmax is one at differences that still rank rows.
    probabilities = loss.probabilities(scores.double()).double()
    return probabilities / probabilities.sum(1, keepdim=True)


def ranking_scores(loss: Loss, scores: Tensor) -> Tensor:
    """Scores whose order is that of the classes: the raw ones, unless the loss has learned its own probabilities."""
    card = card_of(loss)
    if card is None or card.probabilities is not own_probabilities:
        return scores
    return class_probabilities(loss, scores).clamp_min(torch.finfo(torch.float64).tiny).log()


def defines_probabilities(objective: Any) -> bool:
    """Whether a loss, or what it would be made from (None is cross entropy), maps scores to probabilities."""
    if isinstance(objective, Loss):
        return objective.has_probabilities
    card = card_of(cross_entropy_loss if objective is None else objective)
    return card is not None and card.probabilities is not None


def validation_score(metric: Any, loss: Loss) -> Score:
    """The metric as a function of raw scores that is higher where it is better.

    Raises:
        TypeError: no metric of minimand.
        ValueError: a metric of probabilities for an objective that defines none.
    """
    metric = accuracy_metric if metric is None else metric
    card = card_of(metric)
    own_map = card_of(loss)
    if metric is accuracy_metric and (own_map is None or own_map.probabilities is not own_probabilities):
        return accuracy_score  # by name, so that a stack can score all its members at once
    if card is None or card.kind != "metric":
        raise TypeError(f"metric must be None or a metric of minimand, such as accuracy_metric, got {metric!r}")
    of_probabilities = card.facts["takes"] == "probabilities"
    if of_probabilities and not loss.has_probabilities:
        raise ValueError(f"metric must take scores, since this objective defines no probabilities, got {card.name}")
    sign = 1.0 if card.facts["higher_is_better"] else -1.0

    def score(scores: Tensor, target: Tensor, weight: Tensor | None) -> float:
        pred = class_probabilities(loss, scores) if of_probabilities else ranking_scores(loss, scores)
        return sign * float(card.component(pred, target, sample_weight=weight))

    return score


def value_score(metric: Any, loss: Loss, facts: ValueFacts, scale: TargetScale) -> Score:
    """The metric as a function of a network's rows and of targets on the user's scale; higher is better.

    None is the error of the mean, or the loss itself where it is not the mean that the loss predicts: a network that
    learns a quantile would else stop where it is nearest to the mean.

    Raises:
        TypeError: no metric of minimand.
        ValueError: a metric that judges no numbers.
    """
    if metric is None and (facts.predicts == "mean" or facts.needs_index):
        return lambda outputs, target, weight: -_error_of_the_mean(outputs, target, weight, facts, scale)
    if metric is None:
        return lambda outputs, target, weight: -_own_value(loss, outputs, target, weight, facts, scale)
    card = card_of(metric)
    if card is None or card.kind != "metric":
        raise TypeError(f"metric must be None or a metric of minimand, such as r2_metric, got {metric!r}")
    if card.facts["takes"] != "values":
        raise ValueError(f"metric must judge numbers, got {card.name}, which takes {card.facts['takes']}")
    sign = 1.0 if card.facts["higher_is_better"] else -1.0
    least = card.facts.get("lowest_prediction")

    def score(outputs: Tensor, target: Tensor, weight: Tensor | None) -> float:
        pred = predicted_values(outputs, facts, scale)
        if least is not None and bool((pred <= least).any()):
            # targets that it cannot judge are refused first, as they would be with other predictions
            card.component(torch.full_like(pred, least + 1), target, sample_weight=weight)
            return -math.inf  # an epoch that predicts what cannot be is not chosen
        return sign * float(card.component(pred, target, sample_weight=weight))

    return score


def _error_of_the_mean(
    outputs: Tensor, target: Tensor, weight: Tensor | None, facts: ValueFacts, scale: TargetScale
) -> float:
    pred = predicted_values(outputs, facts, scale)
    if target.ndim == 2:
        # each column in units of its own scale: else one in small units would not count at all.
        unit = torch.from_numpy(np.where(scale.scale > 0, scale.scale, 1.0)).to(target.device)
        pred, target = pred / unit, target / unit
    return float(root_mean_squared_error_metric(pred, target, sample_weight=weight))


def _own_value(
    loss: Loss, outputs: Tensor, target: Tensor, weight: Tensor | None, facts: ValueFacts, scale: TargetScale
) -> float:
    known = torch.from_numpy(scale.scaled(target.cpu().numpy(), positive=facts.positive_targets)).to(outputs.device)
    loss.eval()
    with torch.no_grad():
        total, count = loss.sum_and_count(outputs, known, sample_weight=weight)
    return float(total / count)
