"""Choice of the learning rate on validation rows: the equal tuning that every arm of an experiment gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from minimand.contracts.task import TaskInfo, bind
from minimand.training.fit import Score, Settings, accuracy_score, fit, scores_of
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator, named_seed


def best_over_learning_rates(
    objective: Any,
    training: Rows,
    validation: Rows,
    test: Rows,
    *,
    seed: int,
    hyper: dict[str, Any] | None = None,
    learning_rates: Sequence[float] = (3e-4, 1e-3, 3e-3, 1e-2),
    n_classes: int | None = None,
    settings: Settings | None = None,
    hidden: Sequence[int] = (64, 64),
    score: Score = accuracy_score,
    judge: Score | None = None,
) -> float:
    """Train one network for each learning rate, take the best on validation rows, and judge it on test rows.

    Every arm that is called with the same seed sees the same initial weights and the same order of rows.

    Args:
        objective: whatever `bind` takes.
        training: rows to learn from.
        validation: rows that choose the epoch and the learning rate.
        test: rows that judge.
        seed: of initialisation, order and the loss's own noise.
        hyper: hyperparameters of the objective.
        learning_rates: the grid, the same for all arms.
        n_classes: the number of scores; by default one more than the highest label in any of the three sets.
        settings: of the training, but for the learning rate.
        hidden: widths of the hidden layers.
        score: what validation rows are scored by, higher is better.
        judge: what test rows are judged by; the same as `score` by default.

    Returns:
        The chosen network's value on the test rows.
    """
    if n_classes is None:
        n_classes = int(max(rows.y.max() for rows in (training, validation, test))) + 1
    best_score, best_value = None, float("nan")
    for learning_rate in learning_rates:
        network = mlp(training.x.shape[1], n_classes, hidden=hidden, seed=named_seed(seed, "initialisation"))
        task = TaskInfo.of(
            training.y, n_classes, sample_weight=training.weight, rng=named_generator(seed, "loss noise")
        )
        loss = bind(objective, task, **(hyper or {}))
        chosen = replace(settings or Settings(), learning_rate=learning_rate)
        history = fit(network, loss, training, validation, settings=chosen, seed=seed, score=score)
        if best_score is None or history.best_score > best_score:
            best_score = history.best_score
            best_value = (judge or score)(scores_of(network, test.x), test.y, test.weight)
    return best_value
