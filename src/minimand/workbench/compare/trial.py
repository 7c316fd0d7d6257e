"""One training: a pure function of the dataset, the plan and the names of its resample, objective and settings.

Workers run these, and send back plain records; nothing here knows of ledgers, budgets or other trainings.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from minimand.contracts.card import Card
from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.estimators.encoding import TableEncoder
from minimand.estimators.side_by_side import SideBySide
from minimand.training.fit import History
from minimand.training.seeds import named_seed
from minimand.workbench.compare.halving import EPOCHS, survivors
from minimand.workbench.compare.problem import Prediction, Problem, problem_of
from minimand.workbench.compare.splits import Index, Resample, inner_split, outer_resamples_by_name, tuning_rows
from minimand.workbench.tables import Dataset


@dataclass(frozen=True)
class Training:
    """How every network of a comparison is trained, whatever its objective."""

    seed: int
    metric: str
    tuning_rows: int
    training_rows: int
    max_epochs: int
    patience: int
    batch_size: int
    hidden: tuple[int, ...] = (64, 64)
    device: str = "cpu"


@dataclass(frozen=True)
class Encoded:
    """A resample ready to train on: encoded by an encoder that has not seen the rows that judge."""

    problem: Problem
    encoder: TableEncoder
    training: tuple[np.ndarray, np.ndarray, np.ndarray | None]
    validation: tuple[np.ndarray, np.ndarray, np.ndarray | None]
    test: tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass
class Context:
    """What all trainings of a comparison share; one in each worker."""

    dataset: Dataset
    training: Training
    objectives: Mapping[str, Any]
    model: Callable[[int, int], nn.Module] | None = None
    _encoded: dict[tuple[str, str], Encoded] = field(default_factory=dict)

    def encoded(self, resample: str, stage: str) -> Encoded:
        """The rows of a resample for one stage; the last two are kept, since tasks come sorted by resample."""
        key = (resample, stage)
        if key not in self._encoded:
            while len(self._encoded) > 1:
                del self._encoded[next(iter(self._encoded))]
            outer = outer_resamples_by_name(self.dataset, [resample], seed=self.training.seed)[0]
            self._encoded[key] = encode(self.dataset, outer, self.training, stage)
        return self._encoded[key]


_context: Context | None = None


def set_context(
    dataset: Dataset, training: Training, objectives: Mapping[str, Any], model: Callable[[int, int], nn.Module] | None
) -> None:
    """Give this process what all its trainings share."""
    global _context
    _context = Context(dataset, training, objectives, model)


def run_trial(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run one task of this process's context; the records are plain data.

    Args:
        task: `stage` ("tune", "final" or "reference") and `resample`; with `objective`, the name of a reference, or
            `arms`, name of each objective -> settings to train, and `rungs`, when settings are cut.

    Returns:
        `{"resample": name, "records": [[stage, objective, number of the settings, record], ...]}`.
    """
    if _context is None:
        raise RuntimeError("set_context must be called before run_trial")
    started = time.perf_counter()
    if task["stage"] == "reference":
        from minimand.workbench.compare.references import fit_reference

        encoded = _context.encoded(task["resample"], "final")
        record = judged(fit_reference(task["objective"], encoded, _context.training), encoded, _context.training)
        record["seconds"] = time.perf_counter() - started
        return {"resample": task["resample"], "records": [["reference", task["objective"], 0, record]]}
    records = _trained(_context, task)
    # the time of trainings side by side is shared by the epochs that each went through.
    spent = (time.perf_counter() - started) / max(sum(record["epochs"] for *_, record in records), 1)
    for *_, record in records:
        record["seconds"] = spent * record["epochs"]
    return {"resample": task["resample"], "records": records}


def encode(dataset: Dataset, resample: Resample, training: Training, stage: str) -> Encoded:
    """The rows of a resample, divided once more into those that train and those that validate, and encoded."""
    most = training.tuning_rows if stage == "tune" else training.training_rows
    seed = training.seed
    rows = tuning_rows(dataset, resample.training, most=most, seed=named_seed(seed, resample.name, "tuning rows"))
    kept, held = inner_split(dataset, rows, seed=named_seed(seed, resample.name, "inner"))
    known = dataset.rows(rows)
    encoder = TableEncoder().fit_columns(known.columns(), known.kinds())

    def part(index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        chosen = dataset.rows(index)
        return encoder.transform_columns(chosen.columns()), chosen.target, chosen.weights

    return Encoded(problem_of(dataset), encoder, part(kept), part(held), part(resample.test))


def estimator(
    problem: Problem,
    objective: Any,
    settings: Mapping[str, float],
    training: Training,
    *,
    resample: str,
    stage: str,
    model: Callable[[int, int], nn.Module] | None = None,
) -> Any:
    """The estimator of one training. Its seed is named by resample and stage alone: objectives are paired."""
    own = {name: value for name, value in settings.items() if name not in ("learning_rate", "weight_decay")}
    return problem.estimator(
        objective,
        objective_parameters=own or None,
        module=model,
        hidden=training.hidden,
        encoder=None,
        learning_rate=settings["learning_rate"],
        weight_decay=settings["weight_decay"],
        batch_size=training.batch_size,
        max_epochs=training.max_epochs,
        patience=training.patience,
        metric=metric_card(training.metric).component,
        device=training.device,
        random_state=named_seed(training.seed, resample, stage),
    )


def metric_card(slug: str) -> Card:
    """The card of a metric."""
    return next(card for card in cards("metric") if card.slug == slug)


def as_judged(
    scores: Mapping[str, Sequence[float]], reference: Sequence[float], metric: str
) -> dict[str, list[float]]:
    """Scores as the rule judges them: of a relative metric as shares of the reference's mean, else as they are."""
    unit = statistics.fmean(reference) if metric_card(metric).facts["relative"] else 1.0
    unit = unit or 1.0  # a reference without any error has no shares
    return {name: [score / unit for score in found] for name, found in scores.items()}


def _trained(context: Context, task: Mapping[str, Any]) -> list[list[Any]]:
    """Train every arm with each of its settings side by side, and cut settings where the task says so."""
    encoded = context.encoded(task["resample"], task["stage"])
    places = [(name, number) for name, settings in task["arms"].items() for number in range(len(settings))]
    estimators = [
        estimator(
            encoded.problem,
            context.objectives[name],
            task["arms"][name][number],
            context.training,
            resample=task["resample"],
            stage=task["stage"],
            model=context.model,
        )
        for name, number in places
    ]
    x, y, weight = encoded.training
    x_val, y_val, weight_val = encoded.validation
    trainings = SideBySide(
        estimators, x, y, sample_weight=weight, X_val=x_val, y_val=y_val, sample_weight_val=weight_val
    )
    cut = _halved(trainings, places, task["rungs"])
    trainings.train()
    sign = 1.0 if metric_card(context.training.metric).facts["higher_is_better"] else -1.0
    records = []
    for place, (name, number) in enumerate(places):
        history = trainings.history(place)
        record: dict[str, Any] = {
            "validation": sign * history.best_score,
            "best_epoch": history.best_epoch,
            "epochs": history.epochs,
            "stopped_early": history.stopped_early,
            "diverged": history.diverged,
        }
        if task["stage"] == "tune":
            record |= {"cut": place in cut, "rungs": [sign * _best_until(history, epoch) for epoch in EPOCHS]}
        else:
            record |= {"curve": [sign * value for value in history.validation], "loss": history.loss}
            found = encoded.problem.predicted(trainings.finish(place), encoded.test[0])
            record |= judged(found, encoded, context.training)
        records.append([task["stage"], name, number, record])
    return records


def _halved(trainings: SideBySide, places: Sequence[tuple[str, int]], cuts: Sequence[Sequence[int]]) -> set[int]:
    """Train to each cut and drop the settings that it ends, of each objective for itself; all that were dropped."""
    alive = set(range(len(places)))
    for epoch, keep in cuts:
        trainings.train(until=epoch)
        ended: list[int] = []
        for objective in dict.fromkeys(name for name, _ in places):
            scores = {
                place: _best_until(trainings.history(place), epoch)
                for place in sorted(alive)
                if places[place][0] == objective
            }
            ended += set(scores) - set(survivors(scores, keep))
        trainings.drop(ended)
        alive -= set(ended)
    return set(range(len(places))) - alive


def _best_until(history: History, epoch: int) -> float:
    """The best validation score up to an epoch, higher is better."""
    return max(history.validation[:epoch], default=-math.inf)


def judged(found: Prediction, encoded: Encoded, training: Training) -> dict[str, Any]:
    """Every metric on the rows that judge, and what the report shows beside them."""
    _, y, weight = encoded.test
    target = torch.from_numpy(np.asarray(y))
    metrics = encoded.problem.metrics(found, target, None if weight is None else torch.from_numpy(weight))
    if metrics[training.metric] is None:
        raise InputError(f"{training.metric} is not defined on some of the rows that judge: choose another --metric")
    return {"test": metrics[training.metric], "metrics": metrics, **encoded.problem.details(found, target)}
