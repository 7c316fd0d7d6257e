"""`TaskInfo` and `bind`: how every trainer turns an objective into a loss that is ready to train with."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

from minimand.contracts.arguments import require_integer
from minimand.contracts.loss import Loss, ScalarLoss
from minimand.contracts.objective import Objective


@dataclass(frozen=True)
class ValueSummary:
    """What a loss of numbers may know of the training targets, all of it weighted.

    Args:
        mean: their mean.
        variance: mean squared deviation from the mean.
        absolute_deviation: mean absolute deviation from the mean.
        lowest: the smallest.
        highest: the largest.
    """

    mean: float
    variance: float
    absolute_deviation: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, target: Tensor, sample_weight: Tensor | None = None) -> ValueSummary:
        """The summary of targets `(N,)` or `(N, D)`, rows weighted `(N,)`; those of weight 0 do not count.

        Raises:
            ValueError: no row counts.
        """
        values = target.detach().double().reshape(len(target), -1)
        weight = torch.ones(len(values), dtype=torch.float64) if sample_weight is None else sample_weight.double()
        values, weight = values[weight > 0], weight[weight > 0].to(values.device)[:, None]
        if not values.numel():
            raise ValueError("target must have at least one row of positive weight to be summarised, got none")
        share = weight / (weight.sum() * values.shape[1])
        mean = (values * share).sum()
        return cls(
            mean=float(mean),
            variance=float(((values - mean).square() * share).sum()),
            absolute_deviation=float(((values - mean).abs() * share).sum()),
            lowest=float(values.min()),
            highest=float(values.max()),
        )


@dataclass(frozen=True)
class TaskInfo:
    """What a loss may know of the training set before the first batch.

    Args:
        n_classes: number of classes (or labels), that is of scores in a row; of numbers a row where they are targets.
        n_samples: number of training rows; `index` runs over `[0, n_samples)`.
        class_counts: `(n_classes,)`, training rows (or their weight) in each class; None where unknown.
        rng: the loss's own source of randomness.
        values: of the training targets where they are numbers; None where they are classes or labels.
    """

    n_classes: int
    n_samples: int = 0
    class_counts: Tensor | None = None
    rng: Generator = field(default_factory=Generator)
    values: ValueSummary | None = None

    def __post_init__(self) -> None:
        require_integer("n_classes", self.n_classes, least=1)
        require_integer("n_samples", self.n_samples, least=0)
        if self.class_counts is not None and self.class_counts.shape != (self.n_classes,):
            raise ValueError(f"class_counts must have shape ({self.n_classes},), got {tuple(self.class_counts.shape)}")

    @classmethod
    def of(
        cls, target: Tensor, n_classes: int, *, sample_weight: Tensor | None = None, rng: Generator | None = None
    ) -> TaskInfo:
        """The task of a training set with these targets `(N,)`, or with these labels or soft targets `(N, n_classes)`.

        Of several labels a row the count of each is that of the rows that have it.
        """
        weight = None if sample_weight is None else sample_weight.double()
        if target.ndim == 2:
            each = target.double() if weight is None else target.double() * weight[:, None]
            counts = each.sum(0)
        else:
            counts = torch.bincount(target, weight, minlength=n_classes).double()
        return cls(n_classes, len(target), counts, Generator() if rng is None else rng)

    @classmethod
    def of_values(
        cls, target: Tensor, *, sample_weight: Tensor | None = None, rng: Generator | None = None
    ) -> TaskInfo:
        """The task of a training set whose targets are numbers, `(N,)` or `(N, D)`."""
        width = target.shape[1] if target.ndim == 2 else 1
        summary = ValueSummary.of(target, sample_weight)
        return cls(width, len(target), None, Generator() if rng is None else rng, summary)


def bind(objective: Any, task: TaskInfo, **hyper: Any) -> Loss:
    """The objective as a loss with fresh state, ready to train on this task.

    Args:
        objective: a loss function of minimand (`gce_loss`), its module class (`GCELoss`) or an instance (its
            hyperparameters are kept, its state is copied), or anything callable as `objective(pred, target)` that
            returns a scalar or one value a row, or an `Objective` made of such a callable.
        task: what is known of the training set.
        **hyper: hyperparameters; not for instances and foreign callables.

    Raises:
        TypeError: the objective cannot be called, or does not take these hyperparameters.
        ValueError: a hyperparameter is outside its range.
    """
    if isinstance(objective, Objective):
        return objective.bind(task, **hyper)
    twin = vars(objective).get("module") if inspect.isfunction(objective) else objective
    if inspect.isclass(twin) and issubclass(twin, Loss):
        return twin.bind(task, **hyper)
    if hyper:
        raise TypeError(f"{_name(objective)} takes no hyperparameters when it is bound, got {', '.join(hyper)}")
    if isinstance(objective, Loss):
        return objective.bound_copy(task)
    if inspect.isclass(objective):
        raise TypeError(f"{_name(objective)} is a class: pass an instance of it, such as {objective.__name__}()")
    if not callable(objective):
        raise TypeError(f"an objective must be callable as objective(pred, target), got {objective!r}")
    # whatever may have state is copied, so that no training sees another's; copying a function gives itself.
    return ScalarLoss(copy.deepcopy(objective))


def _name(objective: Any) -> str:
    return str(getattr(objective, "__name__", type(objective).__name__))
