"""From a network's scores to ranks, probabilities and the validation score: what a trained objective says of rows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from minimand.contracts.card import card_of
from minimand.contracts.loss import Loss, own_probabilities
from minimand.losses.classification.cross_entropy import cross_entropy_loss
from minimand.training.fit import Score, accuracy_score


@torch.no_grad()
def scores_in_blocks(network: nn.Module, x: Tensor, *, block: int) -> Tensor:
    """The scores of the network, `(n, K)`, computed for exactly `block` rows at a time.

    Matrix products round by their shape: were the last block shorter, the scores of a row would depend, in the last
    bits, on how many others it is predicted with.
    """
    network.eval()
    parts = []
    for part in x.split(block):
        missing = block - len(part)
        filled = torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part
        parts.append(network(filled)[: len(part)])
    scores = torch.cat(parts)
    return scores if scores.dtype in (torch.float32, torch.float64) else scores.float()


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
    if metric is None:
        return lambda scores, target, weight: accuracy_score(ranking_scores(loss, scores), target, weight)
    card = card_of(metric)
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
