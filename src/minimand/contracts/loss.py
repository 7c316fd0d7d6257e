"""The contract of losses, after which the other kinds are modelled.

A *plain loss* is a pure function `x_loss(pred, target, /, *, hyper..., sample_weight, ignore_index, reduction)` with a
module twin. A loss that needs more than a batch (memory of each sample, class counts, parameters of its own) is a
subclass of `Loss` made by `Loss.bind(TaskInfo, **hyper)`. Both are called `(pred, target, *, index, sample_weight)`,
and both rest on `sum_and_count`: the mean is the sum over the rows divided by their weight, so that accumulation and
sharding can be normalised right. Weight 2 is the row twice, weight 0 and an ignored target the row absent; over no
rows at all the value is 0 with zero gradient (torch gives NaN).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from minimand.contracts.arguments import (
    Reduction,
    require_class_scores,
    require_integer,
    require_reduction,
    require_weights,
)
from minimand.contracts.card import Paper, Range, Suits, Task, Trait, card_of
from minimand.contracts.cases import class_scores, label_scores
from minimand.contracts.component import Component, component
from minimand.contracts.reduction import present_rows, reduce_rows, row_weights
from minimand.contracts.rows import SOFT_STATISTICS, STATISTICS, dense_statistics, wide

if TYPE_CHECKING:
    from minimand.contracts.task import TaskInfo

__all__ = ["Loss", "LossModule", "Reduction", "ScalarLoss", "dense", "loss", "own_probabilities", "per_row", "row_loss"]

RowFunction = TypeVar("RowFunction", bound=Callable[..., Tensor])


# --- Rows and their reduction ------------------------------------------------------------------------------------


def per_row(
    function: Callable[[Tensor, Tensor], Tensor],
    scores: Tensor,
    target: Tensor,
    *,
    sample_weight: Tensor | None,
    ignore_index: int | None,
    reduction: Reduction,
    soft_targets: bool = False,
) -> Tensor:
    """Check, compute one value a row, reduce: the one road through every plain loss of classes.

    Args:
        function: from scores `(N, K)` in float32 or wider and targets `(N,)` in `[0, K)` to values `(N,)`.
        scores, target, sample_weight, ignore_index, reduction: as the loss has them.
        soft_targets: the function takes probabilities `(N, K)` for targets too (trait `SOFT_TARGETS`).

    Raises:
        ValueError: shapes, devices, target values or the reduction do not fit.
        TypeError: dtypes do not fit.
    """
    require_reduction(reduction)
    require_class_scores(
        scores, target, sample_weight=sample_weight, ignore_index=ignore_index, soft_targets=soft_targets
    )
    present = present_rows(target, sample_weight, ignore_index)
    scores = wide(scores)
    target = target.to(scores.dtype) if target.is_floating_point() else target.long()
    if present is None:
        return reduce_rows(function(scores, target), None, reduction)
    # absent rows are replaced before anything is computed: 0 * inf would otherwise reach value or gradient as NaN.
    scores = torch.where(present[:, None], scores, torch.zeros_like(scores))
    if target.is_floating_point():
        target = torch.where(present[:, None], target, torch.full_like(target, 1 / target.shape[1]))
    else:
        target = torch.where(present, target, torch.zeros_like(target))
    values = function(scores, target)
    values = torch.where(present, values, torch.zeros_like(values))
    return reduce_rows(values, row_weights(len(values), present, sample_weight, values), reduction)


def dense(
    row: Callable[..., Tensor],
    logits: Tensor,
    target: Tensor,
    *,
    sample_weight: Tensor | None,
    ignore_index: int | None,
    reduction: Reduction,
    **hyper: Any,
) -> Tensor:
    """A row loss on a dense matrix of logits: what every other way of computing it must equal."""
    needs: Set[str] = vars(row)["needs"]
    soft: bool = vars(row)["soft_targets"]

    def values(scores: Tensor, target: Tensor) -> Tensor:
        return row(dense_statistics(scores, target, needs), **hyper)

    return per_row(
        values,
        logits,
        target,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        reduction=reduction,
        soft_targets=soft,
    )


# --- Decorators --------------------------------------------------------------------------------------------------


def row_loss(*, needs: Set[str], soft_targets: bool = False) -> Callable[[RowFunction], RowFunction]:
    """Mark `row(stats, *, hyper) -> (N,)` with what it reads; with soft targets it must be linear in it."""
    unknown = needs - STATISTICS
    if unknown:
        raise ValueError(f"needs must be among {sorted(STATISTICS)}, got {sorted(unknown)}")
    if soft_targets and needs - SOFT_STATISTICS:
        raise ValueError(f"soft_targets needs no other statistics than {sorted(SOFT_STATISTICS)}, got {sorted(needs)}")

    def mark(row: RowFunction) -> RowFunction:
        vars(row).update(needs=frozenset(needs), soft_targets=soft_targets)
        return row

    return mark


def own_probabilities(scores: Tensor) -> Tensor:
    """Stands on a card for "the bound loss has its own map": call `bound.probabilities(scores)`."""
    raise TypeError("this loss learns its map to probabilities: call the method `probabilities` of the bound loss")


def loss(
    *papers: Paper,
    slug: str,
    tasks: Set[Task],
    when: str,
    drawback: str,
    row: Callable[..., Tensor] | None = None,
    search: Mapping[str, Range] | None = None,
    probabilities: Callable[[Tensor], Tensor] | None = None,
    provenance: str = "established",
    traits: Set[Trait] = frozenset(),
    cases: Callable[..., tuple[Any, ...]] | None = None,
    exempt: Mapping[str, str] | None = None,
    suits: Set[Suits] = frozenset(),
    needs: Mapping[str, Callable[[TaskInfo], Any]] | None = None,
    also_known_as: tuple[str, ...] = (),
) -> Callable[[Component], Component]:
    """Attach the card of a loss to a function or a class, and return that very object; see the fields of `Card`."""
    only_labels = frozenset(tasks) == {Task.MULTILABEL}
    return component(
        *papers,
        kind="loss",
        slug=slug,
        tasks=tasks,
        when=when,
        drawback=drawback,
        row=row,
        search=search,
        probabilities=probabilities,
        provenance=provenance,
        traits=traits,
        cases=cases or (label_scores if only_labels else class_scores),
        exempt=exempt,
        suits=suits,
        needs=needs,
        also_known_as=also_known_as,
    )


# --- Losses as modules -------------------------------------------------------------------------------------------


class Loss(nn.Module):
    """A loss that is ready to train with: what `bind` returns, and what every trainer calls.

    A stateful loss defines `rows`, one value a row; this class does the rest.
    """

    hyper: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that are hyperparameters."""
    soft_targets: ClassVar[bool] = False
    """Whether `rows` takes probabilities `(N, K)` for targets too."""
    takes_ignore_index: ClassVar[bool] = True
    """Whether a target value may stand for an absent row; losses of numbers have none."""
    ignore_index: int | None
    reduction: Reduction

    def __init__(self, *, ignore_index: int | None = None, reduction: Reduction = "mean") -> None:
        super().__init__()
        require_reduction(reduction)
        if ignore_index is not None:
            require_integer("ignore_index", ignore_index)
        self.ignore_index = ignore_index
        self.reduction = reduction

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with fresh state for this task."""
        raise NotImplementedError(f"{cls.__name__} does not say how it is bound to a task")

    def hyperparameters(self) -> dict[str, Any]:
        """The keywords with which `bind` makes this loss again."""
        own = {name: getattr(self, name) for name in self.hyper}
        # targets that are numbers have none to ignore
        ignored = {"ignore_index": self.ignore_index} if self.takes_ignore_index else {}
        return own | ignored | {"reduction": self.reduction}

    def bound_copy(self, task: TaskInfo) -> Loss:
        """The same loss with fresh state for this task: what `bind` does with an instance."""
        return type(self).bind(task, **self.hyperparameters())

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a row `(N,)`, of scores in float32 or wider and targets in range; absent rows are masked later."""
        raise NotImplementedError(f"{type(self).__name__} does not define its rows")

    def forward(
        self, pred: Tensor, target: Tensor, *, index: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch.

        Args:
            pred: `(N, K)` scores, or numbers as the card says; half precision is computed in float32.
            target: `(N,)` integers in `[0, K)`; probabilities `(N, K)` where the trait `SOFT_TARGETS` is declared;
                labels `(N, C)` for losses of several labels; numbers `(N,)` or `(N, D)` for losses of numbers.
            index: `(N,)` row numbers in the training set, for losses that remember each sample.
            sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

        Raises:
            ValueError: shapes, devices or values that do not fit.
            TypeError: dtypes that do not fit.
        """
        return self._reduced(pred, target, index, sample_weight, self.reduction)

    def sum_and_count(
        self, pred: Tensor, target: Tensor, *, index: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The weighted sum over the rows and the weight of those that count: sums of both over shards give the mean."""
        total = self._reduced(pred, target, index, sample_weight, "sum")
        present = present_rows(target, sample_weight, self.ignore_index)
        return total, row_weights(len(target), present, sample_weight, total).sum()

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(scores: Tensor, target: Tensor) -> Tensor:
            return self.rows(scores, target, index)

        return per_row(
            values,
            pred,
            target,
            sample_weight=sample_weight,
            ignore_index=self.ignore_index,
            reduction=reduction,
            soft_targets=self.soft_targets,
        )

    def probabilities(self, scores: Tensor) -> Tensor:
        """Class probabilities `(N, K)` from scores `(N, K)`.

        Raises:
            TypeError: this objective defines none.
        """
        card = card_of(self)
        if card is None or card.probabilities is None:
            raise TypeError(f"{type(self).__name__} defines no probabilities: it ranks the classes only")
        result: Tensor = card.probabilities(scores)
        return result

    def extra_repr(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in self.hyper]
        parts += [] if self.ignore_index is None else [f"ignore_index={self.ignore_index}"]
        parts += [] if self.reduction == "mean" else [f"reduction={self.reduction!r}"]
        return ", ".join(parts)

    @property
    def has_probabilities(self) -> bool:
        """Whether `probabilities` is defined."""
        card = card_of(self)
        return card is not None and card.probabilities is not None

    def on_epoch(self, epoch: int) -> None:
        """Told by the trainer before each epoch, counted from 0; most losses do not care."""


class LossModule(Loss):
    """Module form of a plain loss: `class GCELoss(LossModule, fn=gce_loss)`, with the function's own keywords."""

    function: ClassVar[Callable[..., Tensor]]

    def __init_subclass__(cls, *, fn: Callable[..., Tensor], **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.function = staticmethod(fn)
        vars(fn)["module"] = cls
        keywords = [p for p in inspect.signature(fn).parameters.values() if p.kind is p.KEYWORD_ONLY]
        hyper = [p for p in keywords if p.name != "sample_weight"]
        cls.__signature__ = inspect.Signature(hyper)  # type: ignore[attr-defined]
        cls.hyper = tuple(p.name for p in hyper if p.name not in ("ignore_index", "reduction"))
        cls.takes_ignore_index = "ignore_index" in cls.__signature__.parameters  # type: ignore[attr-defined]

    def __init__(self, **keywords: Any) -> None:
        signature: inspect.Signature = type(self).__signature__  # type: ignore[attr-defined]
        try:
            given = signature.bind(**keywords)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}; it takes {', '.join(signature.parameters)}") from None
        given.apply_defaults()
        arguments = given.arguments
        super().__init__(ignore_index=arguments.get("ignore_index"), reduction=arguments["reduction"])
        for name in self.hyper:
            setattr(self, name, arguments[name])
        # an empty batch sends the hyperparameters past the function's own door.
        card = card_of(self)
        labels = card is not None and Task.MULTILABEL in card.tasks
        outputs = 1 if card is None else card.facts.get("outputs", 1)
        width = outputs(**{name: getattr(self, name) for name in self.hyper}) if callable(outputs) else outputs
        nothing = torch.empty((0, 1) if labels else (0,), dtype=torch.long)
        type(self).function(torch.empty(0, width), nothing, **self.hyperparameters())

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss itself: it needs nothing but the batch."""
        return cls(**hyper)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        keywords = self.hyperparameters() | {"reduction": reduction}
        return type(self).function(pred, target, sample_weight=sample_weight, **keywords)


class ScalarLoss(Loss):
    """Somebody else's objective, callable as `objective(pred, target)`, under the contract of minimand.

    One value a row is weighted and reduced here. Of a scalar nothing is known but its value: it is taken as a mean,
    and sample weights are refused rather than dropped.
    """

    def __init__(
        self,
        objective: Callable[[Tensor, Tensor], Tensor],
        *,
        probabilities: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.objective = objective
        self.own_map = probabilities

    @property
    def has_probabilities(self) -> bool:
        """Whether a map was given."""
        return self.own_map is not None

    def probabilities(self, scores: Tensor) -> Tensor:
        """Class probabilities by the map that was given.

        Raises:
            TypeError: none was.
        """
        return super().probabilities(scores) if self.own_map is None else self.own_map(scores)

    def bound_copy(self, task: TaskInfo) -> Loss:
        """A deep copy: nothing is known of the objective's state."""
        return copy.deepcopy(self)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        if target.ndim == 1 and target.is_floating_point() and pred.shape == (len(target), 1):
            # a network's column would be broadcast against numbers `(N,)` to `(N, N)`
            pred = pred.squeeze(1)
        value = self.objective(pred, target)
        if not isinstance(value, Tensor):
            raise TypeError(f"an objective must return a tensor, got {type(value).__name__}")
        if value.ndim == 2 and value.shape == target.shape:
            value = value.mean(1)
        if value.shape == target.shape[:1]:
            require_weights(sample_weight, len(target))
            present = present_rows(target, sample_weight, None)
            if present is not None:
                value = torch.where(present, value, torch.zeros_like(value))
            weight = None if present is None else row_weights(len(target), present, sample_weight, value)
            return reduce_rows(value, weight, reduction)
        if value.ndim != 0:
            raise ValueError(f"an objective must return a scalar or ({len(target)},) values, got {tuple(value.shape)}")
        if sample_weight is not None:
            raise ValueError("sample_weight needs an objective that returns one value a row, got a scalar")
        if reduction == "none":
            raise ValueError("reduction='none' needs an objective that returns one value a row, got a scalar")
        return value * len(target) if reduction == "sum" else value

    def extra_repr(self) -> str:
        return str(getattr(self.objective, "__name__", self.objective))
