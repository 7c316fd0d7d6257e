"""The contract of heads: output layers that own their weight and give the loss, not the scores.

A head stands where a last linear layer and a loss would: `head(features, target, *, index, sample_weight)` is the loss
of a batch under the rules of losses (weights, ignored targets, reductions, half precision in float32), so a `Head` is
a `Loss` whose predictions are the features of a trunk, and every trainer takes it as such: the head's parameters are
trained as the loss's own. What a head adds is what only it can say of features: `scores`, `log_prob`, `probabilities`
and `predict`.

Because no matrix of scores `(N, K)` leaves the loss, a head is free not to build one. That is not promised yet: a head
that builds it says so in its docstring. What is promised is the value and the gradient of its *dense formula*, the few
plain lines that every cleverer way of computing must equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from minimand.contracts.arguments import Reduction, require_class_scores, require_integer, require_reduction
from minimand.contracts.card import Paper, Range, Suits, Task, Trait
from minimand.contracts.component import Component, component
from minimand.contracts.loss import Loss
from minimand.contracts.reduction import present_rows, reduce_rows, row_weights
from minimand.contracts.rows import softmax, wide

if TYPE_CHECKING:
    from minimand.contracts.task import TaskInfo

__all__ = ["CASE_CLASSES", "DenseFormula", "Head", "class_features", "head"]

DenseFormula = Callable[[Any, Tensor, Tensor], Tensor]
"""`(head, features, target) -> (N,)`: the loss of each row, every row counting once, in plain lines."""

CASE_CLASSES = 5
CASE_FEATURES = 7  # another number than the classes: who confuses the two is caught


def class_features(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Features `(16, 7)` in float64, normal with the given scale, and a target in 5 classes for each row."""
    features = torch.randn(16, CASE_FEATURES, generator=rng, dtype=torch.float64) * scale
    target = torch.arange(16) % CASE_CLASSES
    return features, target[torch.randperm(16, generator=rng)]


def head(
    *papers: Paper,
    slug: str,
    dense: DenseFormula,
    tasks: Set[Task],
    when: str,
    drawback: str,
    search: Mapping[str, Range] | None = None,
    provenance: str = "established",
    traits: Set[Trait] = frozenset(),
    exempt: Mapping[str, str] | None = None,
    suits: Set[Suits] = frozenset(),
    needs: Mapping[str, Callable[[TaskInfo], Any]] | None = None,
    also_known_as: tuple[str, ...] = (),
) -> Callable[[Component], Component]:
    """Attach the card of a head to a class, and return that very class; see the fields of `Card`.

    Args:
        *papers: where it comes from.
        slug: its stable name.
        dense: the formula that it must equal in training mode, value and gradient.
        tasks: the problems that it serves.
        when: one sentence on when to use it.
        drawback: one sentence on what it costs.
        search: hyperparameters with the ranges in which they are tuned.
        provenance: "established", or "reconstructed: what".
        traits: promises, each tested by one common test.
        exempt: `{promise: reason}`.
        suits: states of the data in which it is tried unasked.
        needs: arguments that only the user can give, besides the width of the features, each with an example.
        also_known_as: other names that people use for it.
    """
    attach = component(
        *papers,
        kind="head",
        slug=slug,
        tasks=tasks,
        when=when,
        drawback=drawback,
        search=search,
        probabilities=softmax,
        provenance=provenance,
        traits=traits,
        cases=class_features,
        exempt=exempt,
        suits=suits,
        needs=needs,
        also_known_as=also_known_as,
    )

    def decorate(made: Component) -> Component:
        setattr(made, "dense_formula", staticmethod(dense))  # noqa: B010 - a component of any type has attributes
        return attach(made)

    return decorate


class Head(Loss):
    """An output layer for features `(N, n_features)` and `n_classes` classes, which owns its weight.

    A concrete head takes `(n_features, n_classes, *, hyper, rng, ignore_index, reduction)` and defines two methods:
    `dense_scores`, and `weighted_rows`, the loss of each row. This class does the rest.
    """

    hyper: ClassVar[tuple[str, ...]] = ("n_features",)
    """Names of the attributes that are hyperparameters; the width of the features is always among them."""
    dense_formula: ClassVar[DenseFormula | None] = None
    """The formula that it must equal, where its decorator says one."""

    def __init__(
        self, n_features: int, n_classes: int, *, ignore_index: int | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        require_integer("n_features", n_features, least=1)
        require_integer("n_classes", n_classes, least=1)
        self.n_features = n_features
        self.n_classes = n_classes

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The head with a fresh weight for the classes of this task, drawn from the task's generator.

        Raises:
            TypeError: `n_features` is missing.
        """
        if "n_features" not in hyper:
            raise TypeError(f"{cls.__name__} must be told the width of the features: bind(..., n_features=64)")
        make: Callable[..., Self] = cls
        return make(n_classes=task.n_classes, rng=task.rng, **hyper)

    def dense_scores(self, features: Tensor) -> Tensor:
        """Scores `(N, n_classes)` of features `(N, n_features)` in float32 or wider; the largest is the prediction."""
        raise NotImplementedError(f"{type(self).__name__} does not define its scores")

    def weighted_rows(
        self, features: Tensor, target: Tensor, *, index: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """The loss of each row `(N,)`, of features in float32 or wider and targets in range.

        What it gives for absent rows is not used. The weights are multiplied in later: they are here for heads whose
        rows interact, which must not see absent rows.

        Args:
            features: `(N, n_features)`, absent rows replaced by zeros.
            target: `(N,)`, absent rows replaced by class 0.
            index: `(N,)` or None.
            weight: `(N,)`, 0 for absent rows; None when every row counts once.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define its rows")

    def forward(
        self, pred: Tensor, target: Tensor, *, index: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch; never a matrix of scores.

        Args:
            pred: `(N, n_features)` features, the predictions of the trunk; half precision is computed in float32.
            target: `(N,)` integers in `[0, n_classes)`.
            index: `(N,)` row numbers in the training set, for heads that remember each sample.
            sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

        Raises:
            ValueError: shapes, devices or values that do not fit.
            TypeError: dtypes that do not fit.
        """
        return self._reduced(pred, target, index, sample_weight, self.reduction)

    def scores(self, features: Tensor) -> Tensor:
        """Scores `(N, n_classes)` of features `(N, n_features)`, in float32 or wider, whose softmax it means.

        Raises:
            ValueError: features of another shape.
            TypeError: features that are not floating point.
        """
        features = self.checked_features(features)
        with torch.autocast(features.device.type, enabled=False):
            return self.dense_scores(features)

    def log_prob(self, features: Tensor) -> Tensor:
        """The logarithm of each class probability, `(N, n_classes)`."""
        return self.scores(features).log_softmax(1)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Class probabilities `(N, n_classes)` of features `(N, n_features)`: what the trunk gives is its argument."""
        return self.log_prob(scores).exp()

    def predict(self, features: Tensor) -> Tensor:
        """The class of each row, `(N,)`: that of the largest score."""
        return self.scores(features).argmax(1)

    @property
    def has_probabilities(self) -> bool:
        """Always: a head knows its probabilities."""
        return True

    def checked_features(self, features: Tensor) -> Tensor:
        """Features in float32 or wider, once their shape and dtype are checked.

        Raises:
            ValueError: another shape than `(N, n_features)`.
            TypeError: no tensor, or not floating point.
        """
        if not isinstance(features, Tensor):
            raise TypeError(f"features must be a torch.Tensor, got {type(features).__name__}")
        if not features.is_floating_point():
            raise TypeError(f"features must be floating point, got {features.dtype}")
        if features.ndim != 2 or features.shape[1] != self.n_features:
            shape = tuple(features.shape)
            raise ValueError(f"features must have shape (N, {self.n_features}) for this head, got {shape}")
        return wide(features)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        require_reduction(reduction)
        features = self.checked_features(pred)
        # stands for the scores at the door, which asks for their shape, dtype and device only
        door = features.new_empty(()).expand(len(features), self.n_classes)
        require_class_scores(
            door, target, sample_weight=sample_weight, ignore_index=self.ignore_index, name="scores of the features"
        )
        target = target.long()
        present = present_rows(target, sample_weight, self.ignore_index)
        # autocast would take the products back to half precision
        with torch.autocast(features.device.type, enabled=False):
            if present is None:
                rows = self.weighted_rows(features, target, index=index, weight=None)
                return reduce_rows(rows, None, reduction)
            # absent rows are replaced before anything is computed: 0 * inf would otherwise come out as NaN.
            features = torch.where(present[:, None], features, torch.zeros_like(features))
            target = torch.where(present, target, torch.zeros_like(target))
            weight = row_weights(len(features), present, sample_weight, features)
            rows = self.weighted_rows(features, target, index=index, weight=weight)
            rows = torch.where(present, rows, torch.zeros_like(rows))
            return reduce_rows(rows, weight, reduction)
