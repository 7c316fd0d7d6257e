"""A metric under test: what it is called with, by the targets that it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import Takes
from minimand.testing.promises.subject import SkippedPromise

Arguments = tuple[Tensor, Tensor, Tensor | None]
N_ROWS = 48


@dataclass(frozen=True)
class MetricSubject:
    """A metric of the class of each row: what it is called with and what it says of itself."""

    metric: Callable[..., Tensor]
    takes: Takes
    higher_is_better: bool
    best: float
    relative: bool = False

    n_classes: ClassVar[int] = 5
    wrong_rows: ClassVar[tuple[int, ...]] = (0, 6, 16, 32, 48)
    target_dtypes: ClassVar[tuple[torch.dtype, ...]] = (torch.uint8, torch.int32)

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(getattr(self.metric, "__name__", self.metric))

    def batch(self, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Predictions `(48, K)` better than chance, with ties, targets with a rare class, and weights; float64."""
        rng = Generator().manual_seed(seed)
        scores = torch.cat([torch.randn(16, self.n_classes, generator=rng, dtype=torch.float64) for _ in range(3)])
        target = self._targets()
        scores[torch.arange(N_ROWS), target] += 1.0
        scores[10:14] = scores[10]
        weight = 0.25 + torch.rand(N_ROWS, generator=rng, dtype=torch.float64)
        return self.taken(scores), target, weight

    def _targets(self) -> Tensor:
        # four classes that lie evenly over the rows, and a rare one
        target = torch.arange(N_ROWS) % 4
        target[torch.tensor([5, 17])] = 4
        return target

    def taken(self, scores: Tensor) -> Tensor:
        """Scores as the metric takes them: as they are, or their softmax."""
        return scores.softmax(1) if self.takes == "probabilities" else scores

    def certain(self, predicted: Tensor) -> Tensor:
        """Predictions that name these targets with certainty."""
        return torch.nn.functional.one_hot(predicted, self.n_classes).double()

    def mistaken(self, target: Tensor) -> Tensor:
        """Other targets, wrong in each row."""
        return (target + 1) % self.n_classes

    def from_right_to_wrong(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, predictions and targets, each prediction worse than the one before."""
        _, target, _ = self.batch()
        for n_wrong in self.wrong_rows:
            # rows in this order lie evenly over the classes
            predicted = torch.cat((self.mistaken(target)[:n_wrong], target[n_wrong:]))
            yield f"{n_wrong} wrong rows of {N_ROWS}", self.certain(predicted), target

    def without_rare_class(self) -> Tensor:
        """Rows `(48,)` bool that may stay so that the last class is gone."""
        _, target, _ = self.batch()
        return target != self.n_classes - 1

    def of_fewer_classes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, targets and weights, with all classes and with only some."""
        _, target, weight = self.batch()
        for n_present in (5, 3):
            kept = target < n_present
            yield f"{n_present} classes out of 5", target[kept], weight[kept]

    def renamed(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The same with other names of the classes."""
        names = torch.tensor([3, 0, 4, 1, 2])
        return pred[:, names.argsort()], names[target]

    def in_every_dtype(self) -> tuple[Tensor, Tensor]:
        """Predictions that are the same numbers in every dtype, and targets."""
        scores = torch.randint(-8, 9, (N_ROWS, 4), generator=Generator().manual_seed(3)).double() / 4
        # powers of two with sum one
        powers = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
        turns = torch.arange(N_ROWS) // 7
        pred = scores if self.takes == "scores" else torch.stack([powers.roll(int(turn)) for turn in turns])
        return pred, torch.arange(N_ROWS) % 4

    def mistakes(self) -> dict[str, tuple[Arguments, type[Exception]]]:
        """Words, arguments that must be refused, and the error that must be raised."""
        pred, target, _ = self.batch()
        outside = target.clone()
        outside[0] = self.n_classes
        found: dict[str, tuple[Arguments, type[Exception]]] = {
            **self._mistakes_of_any_target(),
            "a target of no class": ((pred, outside, None), ValueError),
            "targets that are floating point": ((pred, target.double(), None), TypeError),
        }
        if self.takes == "probabilities":
            shift = torch.zeros(self.n_classes, dtype=torch.float64)
            shift[0], shift[1] = 2.0, -2.0
            found["rows that do not sum to one"] = ((pred * 1.1, target, None), ValueError)
            found["negative probabilities"] = ((pred + shift, target, None), ValueError)
        return found

    def _mistakes_of_any_target(self) -> dict[str, tuple[Arguments, type[Exception]]]:
        pred, target, weight = self.batch()
        nan = pred.clone()
        nan[3, 1] = torch.nan
        return {
            "predictions of one dimension": ((pred[:, 0], target, None), ValueError),
            "NaN in the predictions": ((nan, target, None), ValueError),
            **_mistakes_of_any_kind(pred, target, weight),
        }

    def value(self, pred: Tensor, target: Tensor, weight: Tensor | None = None) -> float:
        """The metric as a number, without the keyword where there are no weights."""
        keywords = {} if weight is None else {"sample_weight": weight}
        return float(self.metric(pred, target, **keywords))


@dataclass(frozen=True)
class TwoClassSubject(MetricSubject):
    """A metric of the class of each row where there are two classes."""

    n_classes: ClassVar[int] = 2
    # a ranking that is wrong in more than half of the rows is a good one turned round
    wrong_rows: ClassVar[tuple[int, ...]] = (0, 6, 12, 18, 24)

    def _targets(self) -> Tensor:
        return (torch.arange(N_ROWS) % 3 == 1).long()

    def without_rare_class(self) -> Tensor:
        """All rows: with one class left there may be nothing to judge."""
        return torch.ones(N_ROWS, dtype=torch.bool)

    def of_fewer_classes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, targets and weights, with both classes."""
        _, target, weight = self.batch()
        yield "both classes", target, weight

    def renamed(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the two classes exchanged."""
        return pred.flip(1), 1 - target

    def in_every_dtype(self) -> tuple[Tensor, Tensor]:
        """Predictions that are the same numbers in every dtype, and targets."""
        scores = torch.randint(-8, 9, (N_ROWS, 2), generator=Generator().manual_seed(3)).double() / 4
        shares = torch.randint(1, 16, (N_ROWS,), generator=Generator().manual_seed(4)).double() / 16
        return scores if self.takes == "scores" else torch.stack((shares, 1 - shares), 1), self._targets()


@dataclass(frozen=True)
class LabelSubject(MetricSubject):
    """A metric of several labels a row; `classes` are labels here."""

    # as of two classes
    wrong_rows: ClassVar[tuple[int, ...]] = (0, 6, 12, 18, 24)
    target_dtypes: ClassVar[tuple[torch.dtype, ...]] = (torch.bool, torch.uint8, torch.float16, torch.float64)

    def batch(self, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Scores `(48, 5)` better than chance, with ties, labels with a rare one and rows without any, and weights."""
        rng = Generator().manual_seed(seed)
        scores = torch.randn(N_ROWS, 5, generator=rng, dtype=torch.float64)
        target = self._targets()
        scores = scores + (2 * target - 1)
        scores[10:14] = scores[10]
        scores[20:30, 3] = scores[20:30, 1]
        return scores, target, 0.25 + torch.rand(N_ROWS, generator=rng, dtype=torch.float64)

    def _targets(self) -> Tensor:
        target = (torch.rand(N_ROWS, 5, generator=Generator().manual_seed(7)) < 0.4).long()
        target[:, 4] = 0
        target[torch.tensor([5, 17]), 4] = 1
        target[8] = 0
        return target

    def certain(self, predicted: Tensor) -> Tensor:
        """Scores that claim these labels and deny the others with certainty."""
        return 2.0 * predicted.double() - 1.0

    def mistaken(self, target: Tensor) -> Tensor:
        """Every label turned round."""
        return 1 - target

    def without_rare_class(self) -> Tensor:
        """Rows `(48,)` bool that may stay so that the last label is gone."""
        return self._targets()[:, 4] == 0

    def of_fewer_classes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, targets and weights, with all labels and with only some."""
        _, target, weight = self.batch()
        yield "5 labels", target, weight
        fewer = target.clone()
        fewer[:, 3:] = 0
        yield "3 labels out of 5", fewer, weight

    def renamed(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the labels in another order."""
        order = torch.tensor([3, 0, 4, 1, 2])
        return pred[:, order], target[:, order]

    def in_every_dtype(self) -> tuple[Tensor, Tensor]:
        """Scores that are the same numbers in every dtype, and labels."""
        return torch.randint(-8, 9, (N_ROWS, 5), generator=Generator().manual_seed(3)).double() / 4, self._targets()

    def mistakes(self) -> dict[str, tuple[Arguments, type[Exception]]]:
        """Words, arguments that must be refused, and the error that must be raised."""
        pred, target, _ = self.batch()
        two, between = target.clone(), target.double()
        two[0, 0] = 2
        between[0, 0] = 0.5
        nothing = torch.full_like(pred, torch.nan)
        return {
            **self._mistakes_of_any_target(),
            "a label of 2": ((pred, two, None), ValueError),
            "a label of 0.5": ((pred, between, None), ValueError),
            "classes in place of labels": ((pred, target.argmax(1), None), ValueError),
            "no known label": ((pred, nothing, None), ValueError),
        }


@dataclass(frozen=True)
class LevelSubject(MetricSubject):
    """A metric of ordered classes."""

    def mistaken(self, target: Tensor) -> Tensor:
        """Other levels, wrong in each row by two or three."""
        return (target + 2) % self.n_classes

    def renamed(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the levels counted from the other end: no other names keep the order."""
        return pred.flip(1), self.n_classes - 1 - target


@dataclass(frozen=True)
class ValueSubject(MetricSubject):
    """A metric of numbers."""

    lowest_target: float | None = None
    open_below: bool = False
    lowest_prediction: float | None = None

    target_dtypes: ClassVar[tuple[torch.dtype, ...]] = (
        torch.uint8,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
    )

    def batch(self, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Predictions `(48,)` better than chance, with ties, targets with ties and an outlier, and weights; float64."""
        rng = Generator().manual_seed(seed)
        target = self._targets()
        noise = torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
        pred = target * (0.4 * noise).exp() if self.is_positive else target + noise + 0.2
        pred[10:14] = pred[10]
        if self.lowest_target is not None and not self.open_below:
            # the bound is legal: a count of zero
            target[8] = self.lowest_target
        return pred, target, 0.25 + torch.rand(N_ROWS, generator=rng, dtype=torch.float64)

    @property
    def is_positive(self) -> bool:
        """Whether only numbers above some bound are legal, so that positive ones are given."""
        return self.lowest_target is not None or self.lowest_prediction is not None

    def _targets(self) -> Tensor:
        target = torch.randn(N_ROWS, generator=Generator().manual_seed(7), dtype=torch.float64) * 3 + 1
        target[20:24] = target[20]
        target[5] = 25.0
        return target.abs() + 0.5 if self.is_positive else target

    def certain(self, predicted: Tensor) -> Tensor:
        """The numbers themselves."""
        return predicted.clone()

    def mistaken(self, target: Tensor) -> Tensor:
        """Numbers that are wrong in each row, all in all too high, and in another order."""
        noise = torch.randn(N_ROWS, generator=Generator().manual_seed(11), dtype=torch.float64) + 0.5
        return target * (0.5 * noise).exp() if self.is_positive else target + 2 * noise

    def from_right_to_wrong(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, predictions and targets; the same errors, each time larger."""
        target = self._targets()
        wrong = self.mistaken(target)
        for share in (0.0, 0.1, 0.3, 1.0, 3.0):
            said = target * (wrong / target) ** share if self.is_positive else target + share * (wrong - target)
            yield f"{share:g} times the same errors", said, target

    def without_rare_class(self) -> Tensor:
        """Rows `(48,)` bool that may stay so that the outlier is gone."""
        return torch.arange(N_ROWS) != 5

    def of_fewer_classes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Words, targets and weights, of one column and of several."""
        target, weight = self._targets(), self.batch()[2]
        yield "48 numbers", target, weight
        yield "24 rows of two numbers", target.reshape(24, 2), weight[:24]
        yield "two numbers", target[:2], weight[:2]

    def renamed(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers have no names."""
        raise SkippedPromise("numbers have no names")

    def in_every_dtype(self) -> tuple[Tensor, Tensor]:
        """Predictions and targets that are the same numbers in every dtype."""
        rng = Generator().manual_seed(3)
        pred = torch.randint(1, 33, (N_ROWS,), generator=rng).double() / 4
        return pred, torch.randint(1, 9, (N_ROWS,), generator=rng).double()

    def mistakes(self) -> dict[str, tuple[Arguments, type[Exception]]]:
        """Words, arguments that must be refused, and the error that must be raised."""
        pred, target, weight = self.batch()
        found: dict[str, tuple[Arguments, type[Exception]]] = _mistakes_of_any_kind(pred, target, weight)
        for name, number in (("NaN", torch.nan), ("infinity", torch.inf)):
            broken = target.clone()
            broken[3] = number
            found[f"{name} in the targets"] = ((pred, broken, None), ValueError)
        nan = pred.clone()
        nan[3] = torch.nan
        found["NaN in the predictions"] = ((nan, target, None), ValueError)
        found["a column for each row"] = ((pred[:, None].expand(-1, N_ROWS), target, None), ValueError)
        found["a row for a column"] = ((pred, target[:, None], None), ValueError)
        found["targets that are true or false"] = ((pred, target > 1, None), TypeError)
        if self.lowest_target is not None:
            low = target.clone()
            low[3] = self.lowest_target - (0.0 if self.open_below else 0.25)
            found["a target below the lowest"] = ((pred, low, None), ValueError)
        if self.lowest_prediction is not None:
            low = pred.clone()
            low[3] = self.lowest_prediction
            found["a prediction that is not above the lowest"] = ((low, target, None), ValueError)
        return found


def _mistakes_of_any_kind(pred: Tensor, target: Tensor, weight: Tensor) -> dict[str, tuple[Arguments, type[Exception]]]:
    return {
        "a target too few": ((pred, target[:-1], None), ValueError),
        "integer predictions": ((pred.long(), target, None), TypeError),
        "a weight too few": ((pred, target, weight[:-1]), ValueError),
        "a negative weight": ((pred, target, weight - 1), ValueError),
        "no row": ((pred[:0], target[:0], None), ValueError),
        "no row of positive weight": ((pred, target, torch.zeros_like(weight)), ValueError),
    }


def subjects(
    metric: Callable[..., Tensor], facts: Mapping[str, Any], tasks: frozenset[Task]
) -> Iterator[MetricSubject]:
    """The metric under each kind of targets that it serves."""
    kinds = {
        Task.MULTICLASS: MetricSubject,
        Task.BINARY: TwoClassSubject,
        Task.MULTILABEL: LabelSubject,
        Task.ORDINAL: LevelSubject,
        Task.REGRESSION: ValueSubject,
    }
    for task, kind in kinds.items():
        if task in tasks:
            yield kind(metric, **facts)
