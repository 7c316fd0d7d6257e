"""The kinds of problem that are compared on, and all in which they differ: classes, numbers, ordered levels, labels.

A comparison is the same for all of them: the same resamples, settings, seeds, tests and rule. What a kind of target
changes is here, and nowhere else: which losses and metrics serve it, which objective is the reference, which metric
decides and why, how rows are stratified, which estimator trains, what it predicts, and what is computed on the rows
that judge. The models of scikit-learn that stand beside the objectives are in `references`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minimand.contracts.card import Card, Task
from minimand.contracts.catalogue import cards
from minimand.contracts.task import TaskInfo
from minimand.estimators.classifier import ObjectiveClassifier
from minimand.estimators.label_classifier import ObjectiveLabelClassifier
from minimand.estimators.regressor import ObjectiveRegressor
from minimand.estimators.values import ValueFacts
from minimand.workbench.compare.evidence import (
    label_reliability,
    map_edges,
    reliability_counts,
    residual_tenths,
    value_map,
)
from minimand.workbench.compare.metric_kinds import BALANCING_METRICS, MEDIAN_METRICS
from minimand.workbench.compare.strata import label_strata, value_strata
from minimand.workbench.tables import Dataset
from minimand.workbench.tables.dataset import ProblemKind

Index = NDArray[np.int64]

UNBALANCED_SHARE = 0.8
"""Share of the largest class from which plain averages over rows say little, and classes are weighed equally."""
MOST_LEVELS_SHOWN = 30
"""Classes up to which ordered ones have a map of predicted against true levels."""
LARGEST_PREDICTION = 1e100
"""Predictions beyond it are judged as this number, whose square is finite."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of rows.

    Args:
        scores: `(n, K)` of classes or labels, higher is more likely; of numbers `(n,)`, the numbers themselves.
        probabilities: `(n, K)`, or None where none are defined.
    """

    scores: Tensor
    probabilities: Tensor | None = None


@dataclass(frozen=True)
class Problem(ABC):
    """What is to be predicted, and what follows from it."""

    kind: ClassVar[ProblemKind]
    reference: ClassVar[str]
    """Slug of the objective that all others are compared with."""
    reference_words: ClassVar[str]
    """What it is called in a sentence."""
    general: ClassVar[str]
    """Why an objective that suits every problem is compared."""
    references: ClassVar[Mapping[str, str]]
    """Models beside the objectives: name -> title; `references` fits them."""

    # --- What serves it --------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def tasks(self) -> frozenset[Task]:
        """A loss or a metric serves this problem if it serves one of these."""

    @property
    @abstractmethod
    def described(self) -> str:
        """What the targets are, at the end of a sentence such as `it does not judge ...`."""

    def serves(self, card: Card) -> bool:
        """Whether a loss or a metric serves this problem."""
        return bool(self.tasks & card.tasks)

    def takes(self, card: Card) -> bool:
        """Whether a loss that is named can be trained with, though it may be meant for another size of problem."""
        return self.serves(card)

    def metric_cards(self) -> tuple[Card, ...]:
        """The cards of the metrics that judge it."""
        return tuple(card for card in cards("metric") if self.serves(card))

    def unfit(self, card: Card, dataset: Dataset) -> str | None:
        """Why a loss or metric cannot be used on these targets, in words; None where it can."""
        return None

    @abstractmethod
    def default_metric(self, dataset: Dataset) -> tuple[str, str]:
        """The slug of the metric that decides where none is asked for, and why."""

    def reference_title(self, name: str, metric: str) -> str:
        """What a model beside the objectives is called, where this metric decides."""
        return self.references[name]

    @abstractmethod
    def strata(self, target: NDArray[Any]) -> Index:
        """`(n,)`, the stratum of each row: every split has its share of each."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Scores in a row of a network, where the objective asks for no more."""

    @abstractmethod
    def example(self, rows: int, weight: Tensor | None = None) -> tuple[Tensor, TaskInfo]:
        """Targets of this kind for so many rows, and what a loss may know of them: for trying out and for timing."""

    @abstractmethod
    def estimator(self, objective: Any, **parameters: Any) -> Any:
        """The estimator, not fitted, with the parameters that all of them share."""

    @abstractmethod
    def predicted(self, estimator: Any, inputs: NDArray[Any]) -> Prediction:
        """What a fitted estimator says of encoded rows."""

    # --- Judging ---------------------------------------------------------------------------------------------------

    def metrics(self, found: Prediction, target: Tensor, weights: Tensor | None) -> dict[str, float | None]:
        """The value of every metric by slug; None where it is not defined for these targets or predictions."""
        values: dict[str, float | None] = {}
        for card in self.metric_cards():
            pred = found.probabilities if card.facts["takes"] == "probabilities" else found.scores
            values[card.slug] = None if pred is None else self._value(card, pred, target, weights)
        return values

    def _value(self, card: Card, pred: Tensor, target: Tensor, weights: Tensor | None) -> float | None:
        return float(card.component(pred, target, sample_weight=weights))

    @abstractmethod
    def details(self, found: Prediction, target: Tensor) -> dict[str, Any]:
        """What the report shows beside the metrics, as plain data that can be added up over resamples."""


@dataclass(frozen=True)
class Classification(Problem):
    """One class of several for each row.

    Args:
        n_classes: how many there are.
    """

    n_classes: int

    kind: ClassVar[ProblemKind] = "classification"
    reference = "cross-entropy"
    reference_words = "cross entropy"
    general = "Serves every classification problem."
    references: ClassVar[Mapping[str, str]] = {
        "majority": "Majority class",
        "logistic-regression": "Logistic regression",
        "gradient-boosting": "Gradient boosting",
    }

    @property
    def tasks(self) -> frozenset[Task]:
        return frozenset({Task.BINARY if self.n_classes == 2 else Task.MULTICLASS})

    @property
    def described(self) -> str:
        return f"{self.n_classes} classes"

    def takes(self, card: Card) -> bool:
        return self.serves(card) or Task.MULTICLASS in card.tasks

    def default_metric(self, dataset: Dataset) -> tuple[str, str]:
        share = _largest_share(dataset)
        if share > UNBALANCED_SHARE:
            return "balanced-accuracy", f"{share:.1%} of the rows are of one class, where accuracy says little"
        return "accuracy", f"the default where no class has more than {UNBALANCED_SHARE:.0%} of the rows"

    def reference_title(self, name: str, metric: str) -> str:
        balanced = metric in BALANCING_METRICS and name != "majority"
        return self.references[name] + (", balanced" if balanced else "")

    def strata(self, target: NDArray[Any]) -> Index:
        return target.astype(np.int64, copy=False)

    @property
    def n_outputs(self) -> int:
        return self.n_classes

    def example(self, rows: int, weight: Tensor | None = None) -> tuple[Tensor, TaskInfo]:
        target = torch.arange(rows) % self.n_classes
        return target, TaskInfo.of(target, self.n_classes, sample_weight=weight)

    def estimator(self, objective: Any, **parameters: Any) -> ObjectiveClassifier:
        return ObjectiveClassifier(objective, classes=np.arange(self.n_classes), **parameters)

    def predicted(self, estimator: ObjectiveClassifier, inputs: NDArray[Any]) -> Prediction:
        defined = estimator.loss_.has_probabilities
        return Prediction(
            torch.from_numpy(np.asarray(estimator.class_scores(inputs))),
            torch.from_numpy(estimator.predict_proba(inputs)) if defined else None,
        )

    def details(self, found: Prediction, target: Tensor) -> dict[str, Any]:
        known = found.probabilities
        return {"reliability": None if known is None else reliability_counts(known, target)}


@dataclass(frozen=True)
class Ordinal(Classification):
    """One of several levels that have an order; losses that know of none may serve it too, but its own come first."""

    kind: ClassVar[ProblemKind] = "ordinal"
    general = "Serves every ordinal problem, as one of classes."

    @property
    def tasks(self) -> frozenset[Task]:
        return super().tasks | {Task.ORDINAL}

    @property
    def described(self) -> str:
        return f"{self.n_classes} ordered levels"

    def default_metric(self, dataset: Dataset) -> tuple[str, str]:
        share = _largest_share(dataset)
        if share > UNBALANCED_SHARE:
            why = f"{share:.1%} of the rows are of one level, and levels are weighed equally"
            return "macro-mean-absolute-level-error", why
        return "mean-absolute-level-error", "how many levels off a prediction is; the default of ordered levels"

    def details(self, found: Prediction, target: Tensor) -> dict[str, Any]:
        shown: dict[str, Any] = super().details(found, target)
        if self.n_classes <= MOST_LEVELS_SHOWN:
            pairs = target * self.n_classes + found.scores.argmax(1)
            shown["map"] = torch.bincount(pairs, minlength=self.n_classes**2).tolist()
        return shown


@dataclass(frozen=True)
class Regression(Problem):
    """A number for each row.

    Args:
        edges: of the cells of the map of predicted against true numbers, increasing.
        lowest: the smallest target of all rows.
    """

    edges: tuple[float, ...]
    lowest: float

    kind = "regression"
    reference = "mse"
    reference_words = "squared error"
    general = "Serves every problem of numbers."
    references: ClassVar[Mapping[str, str]] = {
        "constant": "Mean of the target",
        "ridge": "Ridge regression",
        "gradient-boosting": "Gradient boosting",
    }

    @property
    def tasks(self) -> frozenset[Task]:
        return frozenset({Task.REGRESSION})

    @property
    def described(self) -> str:
        return "numbers"

    def unfit(self, card: Card, dataset: Dataset) -> str | None:
        bound = card.facts.get("lowest_target")
        if bound is None:
            return None
        if self.lowest < bound or (card.facts["open_below"] and self.lowest <= bound):
            rule = f"above {bound:g}" if card.facts["open_below"] else f"of at least {bound:g}"
            return f"it needs targets {rule}, and the lowest is {self.lowest:g}"
        return None

    def default_metric(self, dataset: Dataset) -> tuple[str, str]:
        return (
            "root-mean-squared-error",
            "the default of numbers; differences are judged as shares of the reference's value",
        )

    def reference_title(self, name: str, metric: str) -> str:
        of_median = metric in MEDIAN_METRICS
        titles = {
            "constant": "Median of the target" if of_median else "Mean of the target",
            "ridge": "Ridge regression",
            "gradient-boosting": "Gradient boosting" + (" of the median" if of_median else ""),
        }
        return titles[name]

    def strata(self, target: NDArray[Any]) -> Index:
        return value_strata(target)

    @property
    def n_outputs(self) -> int:
        return 1

    def example(self, rows: int, weight: Tensor | None = None) -> tuple[Tensor, TaskInfo]:
        target = torch.linspace(0.5, 1.5, rows)  # positive, so that every loss takes them
        return target, TaskInfo.of_values(target, sample_weight=weight)

    def estimator(self, objective: Any, **parameters: Any) -> ObjectiveRegressor:
        return ObjectiveRegressor(objective, **parameters)

    def predicted(self, estimator: ObjectiveRegressor, inputs: NDArray[Any]) -> Prediction:
        found = torch.from_numpy(np.asarray(estimator.predict(inputs), dtype=np.float64))
        # an exponential may overflow: such a prediction is as wrong as can be judged.
        return Prediction(found.clamp(-LARGEST_PREDICTION, LARGEST_PREDICTION))

    def _value(self, card: Card, pred: Tensor, target: Tensor, weights: Tensor | None) -> float | None:
        try:
            return super()._value(card, pred, target, weights)
        except ValueError:  # such as a deviance of predictions below 0, or a correlation with a constant
            return None

    def details(self, found: Prediction, target: Tensor) -> dict[str, Any]:
        pred, true = found.scores.numpy(), target.numpy()
        return {"residuals": {"map": value_map(pred, true, self.edges), "tenths": residual_tenths(pred, true)}}


@dataclass(frozen=True)
class MultiLabel(Problem):
    """Any number of labels for each row.

    Args:
        n_labels: how many there are.
    """

    n_labels: int

    kind = "multi-label"
    reference = "binary-cross-entropy"
    reference_words = "binary cross entropy"
    general = "Serves every problem of labels."
    references: ClassVar[Mapping[str, str]] = {
        "majority": "Share of each label",
        "logistic-regression": "Logistic regression of each label",
        "gradient-boosting": "Gradient boosting of each label",
    }

    @property
    def tasks(self) -> frozenset[Task]:
        return frozenset({Task.MULTILABEL})

    @property
    def described(self) -> str:
        return f"{self.n_labels} labels"

    def default_metric(self, dataset: Dataset) -> tuple[str, str]:
        return "mean-average-precision", "the default of labels: it ranks rows for each label, whatever the threshold"

    def strata(self, target: NDArray[Any]) -> Index:
        return label_strata(target)

    @property
    def n_outputs(self) -> int:
        return self.n_labels

    def example(self, rows: int, weight: Tensor | None = None) -> tuple[Tensor, TaskInfo]:
        target = (torch.arange(rows)[:, None] + torch.arange(self.n_labels)) % 2
        return target, TaskInfo.of(target, self.n_labels, sample_weight=weight)

    def estimator(self, objective: Any, **parameters: Any) -> ObjectiveLabelClassifier:
        return ObjectiveLabelClassifier(objective, **parameters)

    def predicted(self, estimator: ObjectiveLabelClassifier, inputs: NDArray[Any]) -> Prediction:
        defined = estimator.loss_.has_probabilities
        return Prediction(
            torch.from_numpy(np.asarray(estimator.label_scores(inputs))),
            torch.from_numpy(estimator.predict_proba(inputs)) if defined else None,
        )

    def _value(self, card: Card, pred: Tensor, target: Tensor, weights: Tensor | None) -> float | None:
        try:
            return super()._value(card, pred, target, weights)
        except ValueError:  # such as a ranking of rows none of which has a label
            return None

    def details(self, found: Prediction, target: Tensor) -> dict[str, Any]:
        claimed, has = found.scores > 0, target == 1
        known = found.probabilities
        counts = {"hits": claimed & has, "claimed": claimed, "present": has}
        return {
            "reliability": None if known is None else label_reliability(known, target),
            "labels": {name: found.sum(0).tolist() for name, found in counts.items()},
        }


def problem_of(dataset: Dataset) -> Problem:
    """The problem that the target of a dataset poses."""
    if dataset.problem == "regression":
        edges = map_edges(dataset.target)
        return Regression(tuple(edges), float(dataset.target.min()) if dataset.n_rows else -np.inf)
    if dataset.problem == "multi-label":
        return MultiLabel(dataset.n_classes)
    kind = Ordinal if dataset.problem == "ordinal" else Classification
    return kind(dataset.n_classes)


def outputs_of(objective: Any, problem: Problem) -> int:
    """How many numbers a network gives for each row that is trained with this objective on this problem."""
    return ValueFacts.of(objective).outputs if isinstance(problem, Regression) else problem.n_outputs


def _largest_share(dataset: Dataset) -> float:
    return float(dataset.class_counts.max() / dataset.class_counts.sum())
