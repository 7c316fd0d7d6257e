"""A loss under test: how a fresh one is made, what it is called with, and what a broken promise sounds like."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Card, Task, Trait, card_of
from minimand.contracts.cases import class_scores
from minimand.contracts.loss import Loss, LossModule, Reduction, ScalarLoss
from minimand.contracts.task import TaskInfo, bind

Promise = Callable[["Subject"], None]
Cases = Callable[..., tuple[Any, ...]]

CONTRACT_KEYWORDS = {"sample_weight", "reduction"}
NUMBERS = "its targets are numbers"


class SkippedPromise(Exception):  # noqa: N818 - it is no error
    """A promise that this loss does not give, with the reason."""


def promise(
    *, asked_of: Literal["any", "contract"] = "contract", trait: Trait | None = None
) -> Callable[[Promise], Promise]:
    """Mark a function as a promise of losses.

    Args:
        asked_of: "any" also asks it of a foreign objective, of which only `objective(pred, target)` is known.
        trait: the trait that it tests, if it is given by losses with this trait only.
    """

    def mark(check: Promise) -> Promise:
        vars(check).update(asked_of=asked_of, trait=trait)
        return check

    return mark


def promises_in(module: ModuleType) -> list[Promise]:
    """The promises of a file, in the order in which they stand."""
    return [obj for obj in vars(module).values() if inspect.isfunction(obj) and "asked_of" in vars(obj)]


@dataclass(frozen=True)
class Batch:
    """What a loss is called with."""

    pred: Tensor
    target: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, which: Tensor) -> Batch:
        """The rows that an index or a mask picks."""
        return Batch(self.pred[which], self.target[which], self.index[which])

    def to(self, dtype: torch.dtype) -> Batch:
        """The same with scores (and targets that are no classes) of this dtype, held inside its range."""
        largest = torch.finfo(dtype).max
        held = torch.where(self.pred.isfinite(), self.pred.clamp(-largest, largest), self.pred)
        target = self.target.to(dtype) if self.target.is_floating_point() else self.target
        return replace(self, pred=held.to(dtype), target=target)


class KeywordLoss(Loss):
    """A function with the keywords of the contract but no module twin."""

    def __init__(self, function: Callable[..., Tensor], **hyper: Any) -> None:
        super().__init__()
        self.function = function
        self.keywords = hyper

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        # losses of numbers have no target to ignore
        takes_ignored = "ignore_index" in inspect.signature(self.function).parameters
        ignored = {"ignore_index": self.ignore_index} if takes_ignored else {}
        return self.function(
            pred, target, sample_weight=sample_weight, reduction=reduction, **ignored, **self.keywords
        )


def with_contract_keywords(objective: Any) -> bool:
    """Whether this is a plain function that takes weights and a reduction by keyword."""
    return inspect.isfunction(objective) and set(inspect.signature(objective).parameters) >= CONTRACT_KEYWORDS


@dataclass(frozen=True)
class Subject:
    """A loss under test.

    Args:
        objective: anything that `bind` takes.
        card: what it says of itself, None for a foreign one.
        cases: `(rng, *, scale) -> (pred, target)`, float64; targets `(N,)` in floating point are numbers.
        n_classes: number of classes of the cases.
        hyper: hyperparameters to bind it with.
    """

    objective: Any
    card: Card | None
    cases: Cases
    n_classes: int
    hyper: Mapping[str, Any] = field(default_factory=dict)
    ulps: ClassVar[float] = 32.0
    """Rounding errors of one evaluation, in units of the last place at the largest number that takes part."""

    @classmethod
    def of(
        cls,
        objective: Any,
        *,
        cases: Cases | None = None,
        n_classes: int | None = None,
        hyper: Mapping[str, Any] | None = None,
    ) -> Subject:
        """The subject for anything that `bind` takes.

        Raises:
            ValueError: `cases` and `n_classes` are both given.
        """
        card = card_of(objective)
        if cases is not None and n_classes is not None:
            raise ValueError("cases and n_classes must not both be given: the cases say how many classes there are")
        if cases is None and n_classes is not None:
            cases = cases_with(n_classes, labels=card is not None and Task.MULTILABEL in card.tasks)
        if cases is None:
            cases = (card.cases if card is not None else None) or class_scores
        pred = cases(Generator().manual_seed(0))[0]
        return cls(objective, card, cases, pred.shape[1] if pred.ndim == 2 else 1, dict(hyper or {}))

    @property
    def name(self) -> str:
        return str(getattr(self.objective, "__name__", type(self.objective).__name__))

    @property
    def traits(self) -> frozenset[Trait]:
        return self.card.traits if self.card is not None else frozenset()

    @property
    def takes_labels(self) -> bool:
        """Whether targets are labels `(N, C)` rather than classes `(N,)`."""
        return self.card is not None and Task.MULTILABEL in self.card.tasks

    @property
    def takes_values(self) -> bool:
        """Whether targets are numbers, and predictions are too, in place of classes or labels and their scores."""
        if self.card is not None:
            return Task.REGRESSION in self.card.tasks
        target = self.cases(Generator().manual_seed(0))[1]
        return bool(target.is_floating_point()) and target.ndim == 1

    @property
    def ignored(self) -> Mapping[str, Any]:
        """The keyword by which a target is ignored, for losses that can ignore one."""
        return {} if self.takes_values else {"ignore_index": 1}

    @property
    def is_foreign(self) -> bool:
        """Whether nothing is known of it but `objective(pred, target)`."""
        return isinstance(self.fresh(self.batch()), ScalarLoss)

    @property
    def function(self) -> Callable[..., Tensor] | None:
        """The plain function, where there is one."""
        loss = self.fresh(self.batch())
        return type(loss).function if isinstance(loss, LossModule) else None

    def corners(self) -> Iterator[Mapping[str, Any]]:
        """The default hyperparameters, then each searched one at each end of its range."""
        yield self.hyper
        if self.card is None or isinstance(self.objective, torch.nn.Module):
            return  # an instance keeps the hyperparameters that it has
        for name, span in self.card.search.items():
            for end in (span.low, span.high):
                yield {**self.hyper, name: end}

    def at(self, hyper: Mapping[str, Any]) -> Subject:
        """The same loss with these hyperparameters."""
        return replace(self, hyper=dict(hyper))

    def batch(self, *, scale: float = 1.0, seed: int = 0) -> Batch:
        """A batch of the cases, with indices in the order of the rows."""
        pred, target = self.cases(Generator().manual_seed(seed), scale=scale)
        return Batch(pred, target, torch.arange(len(target)))

    def largest(self, dtype: torch.dtype, *, share: float = 1.0) -> Batch:
        """A batch whose largest score is this share of the largest number of the dtype."""
        batch = self.batch()
        unit = batch.pred / batch.pred.abs().amax()
        return replace(batch, pred=unit * (share * torch.finfo(dtype).max)).to(dtype)

    def fresh(
        self,
        training: Batch,
        *,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> Loss:
        """The loss with fresh state for a training set, its own floating-point state in the width of the scores."""
        pred, target = training.pred, training.target
        task = self._task(pred, target)
        if with_contract_keywords(self.objective) and "module" not in vars(self.objective):
            loss: Loss = KeywordLoss(self.objective, **self.hyper)
        else:
            given = {} if isinstance(self.objective, torch.nn.Module) or self.card is None else self.card.needs
            examples = {name: example(task) for name, example in given.items()}
            loss = bind(self.objective, task, **{**examples, **self.hyper})
        loss.reduction, loss.ignore_index = reduction, ignore_index
        return loss.to(torch.promote_types(dtype or pred.dtype, torch.float32))

    def _task(self, pred: Tensor, target: Tensor) -> TaskInfo:
        if self.takes_values:
            return TaskInfo.of_values(target, rng=Generator().manual_seed(0))
        n_classes = pred.shape[1] if pred.ndim == 2 else self.n_classes
        counts = torch.ones(n_classes, dtype=torch.float64)
        if target.ndim == 2:
            counts = counts + target.clamp(0, 1).double().sum(0)
        elif target.ndim == 1 and not target.is_floating_point():
            counts = counts + torch.bincount(target, minlength=n_classes)[:n_classes]
        return TaskInfo(n_classes, len(target), counts, Generator().manual_seed(0))

    def value(
        self,
        batch: Batch,
        *,
        weight: Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        training: Batch | None = None,
    ) -> Tensor:
        """The value of a fresh loss."""
        loss = self.fresh(training or batch, reduction=reduction, ignore_index=ignore_index, dtype=batch.pred.dtype)
        value: Tensor = loss(batch.pred, batch.target, index=batch.index, sample_weight=weight)
        return value

    def value_and_gradient(self, batch: Batch, **keywords: Any) -> tuple[Tensor, Tensor]:
        """The value of a fresh loss and the gradient of its sum in the scores."""
        pred = batch.pred.detach().clone().requires_grad_()
        value = self.value(replace(batch, pred=pred), **keywords)
        if not value.requires_grad:
            raise AssertionError("the value does not depend on the scores, so nothing can be trained with it")
        gradient = torch.autograd.grad(value.sum(), pred, allow_unused=True)[0]
        return value.detach(), torch.zeros_like(pred) if gradient is None else gradient

    def rows_and_gradient(self, batch: Batch, **keywords: Any) -> tuple[Tensor, Tensor]:
        """One value a row with the gradient of their sum; of a foreign objective that gives a scalar, the scalar."""
        try:
            return self.value_and_gradient(batch, reduction="none", **keywords)
        except ValueError as error:
            if self.is_foreign and "reduction='none'" in str(error):
                return self.value_and_gradient(batch, **keywords)
            raise


def cases_with(n_classes: int, *, labels: bool = False) -> Cases:
    """Cases like `class_scores`, or like `label_scores`, with another number of classes."""

    def cases(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        scores = torch.randn(16, n_classes, generator=rng, dtype=torch.float64) * scale
        if labels:
            return scores, torch.randint(0, 2, (16, n_classes), generator=rng)
        return scores, (torch.arange(16) % n_classes)[torch.randperm(16, generator=rng)]

    return cases


def same(ours: Tensor, expected: Tensor, sentence: str, *, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """Assert equality up to rounding (NaN equals nothing), with a sentence that says what was promised."""
    if ours.shape != expected.shape:
        raise AssertionError(f"{sentence}: shape {tuple(ours.shape)} in place of {tuple(expected.shape)}")
    expected = expected.to(ours.dtype)
    if not torch.allclose(ours, expected, rtol=rtol, atol=atol):
        raise AssertionError(f"{sentence}: got {shown(ours)} in place of {shown(expected)}")


def holds(condition: Tensor | bool, sentence: str) -> None:
    """Assert that something holds everywhere."""
    if not bool(torch.as_tensor(condition).all()):
        raise AssertionError(sentence)


def shown(tensor: Tensor) -> str:
    """A tensor in few words."""
    values = [f"{value:.6g}" for value in tensor.detach().flatten()[:4].tolist()]
    return ", ".join(values) + (", ..." if tensor.numel() > 4 else "")
