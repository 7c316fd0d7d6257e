"""The arms of a comparative claim: trained in the same way, each with a learning rate chosen from the same grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo, bind
from minimand.evaluation import accuracy_metric
from minimand.training.fit import Settings, fit, scores_of
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator, named_seed

LEARNING_RATES = (1e-3, 3e-3, 1e-2)
Arm = tuple[Any, Mapping[str, Any]]
"""What `bind` takes, with its hyperparameters."""
Judge = Callable[[Tensor, Tensor], Tensor]
"""From what a model says of each row `(n, K)` and targets `(n,)` to a number."""


@dataclass(frozen=True)
class Trained:
    """A network with the loss that it was trained with, which may have learned its own map to probabilities."""

    network: nn.Module
    loss: Loss
    otherwise: Callable[[Tensor], Tensor] | None = None
    """The map to probabilities where the loss defines none."""

    def predictions(self, x: Tensor) -> Tensor:
        """Probabilities `(n, K)` where the loss defines them, else the scores: their largest is the predicted class."""
        return self._of_scores(scores_of(self.network, x))

    def _of_scores(self, scores: Tensor) -> Tensor:
        with torch.no_grad():
            if self.loss.has_probabilities:
                return self.loss.probabilities(scores)
            return scores if self.otherwise is None else self.otherwise(scores)


def trained_arms(
    arms: Mapping[str, Arm],
    training: Rows,
    validation: Rows,
    *,
    seed: int,
    n_classes: int,
    settings: Settings,
    hidden: Sequence[int],
    learning_rates: Sequence[float] = LEARNING_RATES,
    score: Judge = accuracy_metric,
    otherwise: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, Trained]:
    """Train each arm once for each learning rate and keep the one that is best on the validation rows.

    All arms see the same initial weights and the same order of rows, and get the same grid.

    Args:
        arms: name -> what `bind` takes, and its hyperparameters.
        training: rows to learn from.
        validation: rows that choose the learning rate (and the epoch, where `settings` stop early).
        seed: of initialisation, order and the losses' own noise.
        n_classes: number of classes.
        settings: of the training, but for the learning rate.
        hidden: widths of the hidden layers; empty for a linear model.
        learning_rates: the grid; of equally good ones the first is taken.
        score: what the validation rows are judged by, higher is better.
        otherwise: the map to probabilities for objectives that define none; by default they have scores only.
    """
    found: dict[str, Trained] = {}
    for name, (objective, hyper) in arms.items():
        best = None
        for learning_rate in learning_rates:
            network = mlp(training.x.shape[1], n_classes, hidden=hidden, seed=named_seed(seed, "initialisation"))
            task = TaskInfo.of(training.y, n_classes, rng=named_generator(seed, "loss noise"))
            loss = bind(objective, task, **hyper)
            trained = Trained(network, loss, otherwise)

            def validate(scores: Tensor, target: Tensor, weight: Tensor | None, trained: Trained = trained) -> float:
                return float(score(trained._of_scores(scores), target))

            rate = replace(settings, learning_rate=learning_rate)
            reached = fit(network, loss, training, validation, settings=rate, seed=seed, score=validate).best_score
            if best is None or reached > best:
                best, found[name] = reached, trained
    return found


def judged(arms: Mapping[str, Trained], test: Rows, judge: Judge = accuracy_metric) -> dict[str, float]:
    """The number of each arm on the test rows."""
    return {name: float(judge(trained.predictions(test.x), test.y)) for name, trained in arms.items()}
