"""Numbers as targets: what a loss says of them, their checks, and the scale on which a network learns them.

A network learns badly from numbers of the size of house prices or of atoms. So targets are moved to mean 0 and
deviation 1 (or as the loss's card says) before they are learned, and predictions are moved back, both in float64: the
result does not depend on the unit or on the zero of the target.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from torch import Tensor, nn

from minimand.contracts.card import Trait, card_of
from minimand.contracts.loss import Loss
from minimand.contracts.objective import Objective
from minimand.contracts.values import Predictions, Scaling, as_they_are
from minimand.estimators.labelled import Floats

LARGEST_TARGET = 1e290
"""Beyond it the sums over a table overflow."""
LARGEST_UNSCALED_TARGET = 1e18
"""Of targets that are learned as they are: beyond it their squares overflow float32, in which networks are trained."""
VALIDATION_BINS = 10

_LEAST_SCALED = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class ValueFacts:
    """What a loss of numbers says of its predictions and targets.

    Args:
        outputs: numbers that a row of the network has for one target.
        predictions: from the network's rows `(N, outputs)` to the numbers predicted.
        predicts: what that number is of the target's distribution.
        scaling: what is done to the targets before they are learned.
        lowest_target: bound below which no target is legal.
        open_below: the bound itself is not legal either.
        positive_predictions: whether a softplus follows the network.
        needs_index: whether it must be told the row numbers of the training set, which other rows do not have.
    """

    outputs: int = 1
    predictions: Predictions = as_they_are
    predicts: str = "mean"
    scaling: Scaling = "standard"
    lowest_target: float | None = None
    open_below: bool = False
    positive_predictions: bool = False
    needs_index: bool = False

    @property
    def positive_targets(self) -> bool:
        """Whether every target is above 0, and must stay there when it is scaled."""
        return self.open_below and self.lowest_target == 0

    def of_bound(self, loss: Loss) -> ValueFacts:
        """The same with the bound loss's own map to predictions, where it has one, which its hyperparameters shape."""
        own, card = getattr(loss, "predictions", None), card_of(loss)
        is_the_cards = card is not None and self.predictions is card.facts["predictions"]
        return replace(self, predictions=own) if callable(own) and is_the_cards else self

    def output_scale(self, y: Floats, weight: Floats | None) -> TargetScale | None:
        """The scale on which a network says targets that are learned as they are; None where it says what is learned.

        Where a loss has a scale of its own, such as that of a logarithm of one more, the targets stay as they are, and
        it is the network's outputs that are moved: it would else have to grow to millions by itself.
        """
        if self.scaling != "none" or self.outputs > 1:
            return None
        return TargetScale.of(y, weight, "scale" if self.positive_predictions else "standard")

    def following(self, network: nn.Module, output_scale: TargetScale | None) -> nn.Module:
        """A network with what must follow it, so that it says what the loss takes."""
        after: list[nn.Module] = [nn.Softplus()] if self.positive_predictions else []
        after += [] if output_scale is None else [OnScale(output_scale)]
        return nn.Sequential(network, *after) if after else network

    @classmethod
    def of(cls, objective: Any, hyper: Mapping[str, Any] | None = None) -> ValueFacts:
        """The facts of an objective: of its card, or of an `Objective`, or of a plain callable.

        Args:
            objective: a loss of minimand as a function, a class, an instance or bound; or anything callable.
            hyper: the hyperparameters by name that are not at their defaults; of an instance its own are read.

        Raises:
            ValueError: a loss that serves no targets that are numbers.
        """
        if isinstance(objective, Objective):
            own = {"outputs": objective.outputs, "predictions": objective.predictions, "scaling": objective.scaling}
            given = {name: value for name, value in own.items() if value is not None}
            return cls(**(vars(cls.of(objective.loss, hyper)) | given))
        card = card_of(objective)
        if card is None:
            return cls()
        if "predictions" not in card.facts:
            served = ", ".join(sorted(card.tasks))
            raise ValueError(f"objective must be a loss of numbers, got {card.name}, which serves {served}")
        facts = {known.name: card.facts[known.name] for known in fields(cls) if known.name in card.facts}
        if callable(facts["outputs"]):
            facts["outputs"] = facts["outputs"](**_hyperparameters(objective, hyper or {}))
        return cls(needs_index=Trait.NEEDS_INDEX in card.traits, **facts)


@dataclass(frozen=True, eq=False)
class TargetScale:
    """The scale on which targets are learned: `shift` and `scale` for each column, `(D,)` in float64.

    Where a column is constant its scale is 0: every prediction is that constant.
    """

    shift: Floats
    scale: Floats

    @classmethod
    def of(cls, y: Floats, weight: Floats | None, scaling: Scaling) -> TargetScale:
        """The scale of targets `(n,)` or `(n, D)`, rows weighted `(n,)`."""
        columns = y.reshape(len(y), -1)
        if scaling == "none":
            return cls(np.zeros(columns.shape[1]), np.ones(columns.shape[1]))
        share = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.max()
        share = (share / share.sum())[:, None]
        low, high = columns.min(0), columns.max(0)
        if scaling == "scale":
            size = np.maximum(-low, high)
            unit = np.where(size > 0, size, 1.0)
            return cls(np.zeros_like(unit), unit * (np.abs(columns / unit) * share).sum(0))
        # from the middle, in units of half the range: squares neither overflow nor vanish, and a large offset, of which
        # the mean alone would keep the rounding, is taken off exactly.
        middle = low / 2 + high / 2
        distance = columns - middle
        size = np.abs(distance).max(0)
        unit = np.where(high > low, size, 1.0)
        inner = distance / unit
        mean = (inner * share).sum(0)
        deviation = np.sqrt((np.square(inner - mean) * share).sum(0))
        return cls(middle + unit * mean, np.where(high > low, unit * deviation, 0.0))

    def scaled(self, y: Floats, *, positive: bool = False) -> NDArray[np.float32]:
        """Targets `(n,)` or `(n, D)` on the scale of training, in float32.

        Args:
            y: on the user's scale.
            positive: they are above 0, and stay so where float32 would round them to 0.
        """
        unit = np.where(self.scale > 0, self.scale, 1.0)
        columns = (y.reshape(len(y), -1) - self.shift) / unit
        # a row of next to no weight may lie as far out as it likes
        columns = np.clip(columns, -LARGEST_UNSCALED_TARGET, LARGEST_UNSCALED_TARGET)
        if positive:
            columns = np.maximum(columns, _LEAST_SCALED)
        return columns.reshape(y.shape).astype(np.float32)

    def unscaled(self, values: Tensor) -> Tensor:
        """Predictions `(n,)` or `(n, D)` of the scale of training on the user's scale, in float64."""
        shift, scale = (torch.from_numpy(part).to(values.device) for part in (self.shift, self.scale))
        if values.ndim == 1:
            shift, scale = shift[0], scale[0]
        return values.double() * scale + shift


class OnScale(nn.Module):
    """Outputs `(n, D)` moved to a scale that is none of the network's weights: it is not trained."""

    def __init__(self, scale: TargetScale) -> None:
        super().__init__()
        # no buffers: networks that keep some are not trained side by side
        self.scale = tuple(np.where(scale.scale > 0, scale.scale, 1.0).tolist())
        self.shift = tuple(scale.shift.tolist())

    def forward(self, outputs: Tensor) -> Tensor:
        """The outputs times scale plus shift."""
        return outputs * outputs.new_tensor(self.scale) + outputs.new_tensor(self.shift)

    def extra_repr(self) -> str:
        return f"scale={self.scale}, shift={self.shift}"


def predicted_values(outputs: Tensor, facts: ValueFacts, scale: TargetScale) -> Tensor:
    """What a network's rows `(n, P)` predict on the user's scale, `(n,)` or `(n, D)` in float64.

    Raises:
        ValueError: the objective's map to predictions does not give a number a target.
        TypeError: it gives no tensor.
    """
    # in float64: the exponential of a number of float32 has fewer digits than it could have
    found = facts.predictions(outputs.double())
    if not isinstance(found, Tensor):
        raise TypeError(f"the predictions of an objective must be a tensor, got {type(found).__name__}")
    width = len(scale.shift)
    if found.shape == (len(outputs), 1) and width == 1:
        found = found.squeeze(1)
    shape = (len(outputs),) if width == 1 else (len(outputs), width)
    if found.shape != shape:
        raise ValueError(f"the predictions of an objective must have shape {shape}, got {tuple(found.shape)}")
    return scale.unscaled(found)


def checked_targets(y: Any, estimator: Any, *, name: str) -> Floats:
    """Targets as finite float64, `(n,)` or `(n, D)`.

    Raises:
        ValueError: another shape, missing or infinite values, or text that is no number.
        TypeError: sparse targets.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: give {name} its numbers"
        )
    kind = getattr(getattr(y, "dtype", None), "kind", None)
    if kind in ("m", "M"):
        raise TypeError(f"{name} must be numbers, got dates or durations: turn them into numbers")
    if kind == "T":
        y = y.astype(object)  # the strings of NumPy 2, which scikit-learn does not know
    values: Floats = check_array(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_min_features=1,
        allow_nd=True,
        estimator=estimator,
        input_name=name,
    )
    if values.ndim not in (1, 2):
        raise ValueError(f"{name} must have shape (n,) or (n, columns), got {values.shape}")
    largest = float(np.abs(values).max())
    if largest > LARGEST_TARGET:
        raise ValueError(f"{name} must be in [-{LARGEST_TARGET:g}, {LARGEST_TARGET:g}], got {largest:g}")
    return values + 0.0  # -0.0 becomes 0.0: equal targets have equal bits


def require_legal(y: Floats, facts: ValueFacts, *, name: str) -> None:
    """Refuse targets that the loss cannot have.

    Raises:
        ValueError: a target below the lowest, or too large to be learned as it is.
    """
    lowest, bound = float(y.min()), facts.lowest_target
    if bound is not None and (lowest <= bound if facts.open_below else lowest < bound):
        rule = f"above {bound:g}" if facts.open_below else f"at least {bound:g}"
        raise ValueError(f"{name} must be {rule} for this objective, got {lowest:g}")
    largest = float(np.abs(y).max())
    if facts.scaling == "none" and largest > LARGEST_UNSCALED_TARGET:
        raise ValueError(
            f"{name} must be in [-{LARGEST_UNSCALED_TARGET:g}, {LARGEST_UNSCALED_TARGET:g}] for this objective, which "
            f"learns targets as they are, got {largest:g}"
        )


def quantile_bins(y: Floats) -> NDArray[np.int64]:
    """The bin of each target, `(n,)`: tenths of the rows from the lowest to the highest, equal targets together.

    Of several columns none is the first: all rows are in one bin.
    """
    if y.ndim == 2:
        return np.zeros(len(y), dtype=np.int64)
    edges = np.quantile(y, np.arange(1, VALIDATION_BINS) / VALIDATION_BINS, method="lower")
    return ranks(np.searchsorted(np.unique(edges), y, side="left"))[:, 0]


def ranks(y: NDArray[Any]) -> NDArray[np.int64]:
    """The rank of each target in its column, equal ones alike: what is left of them without unit and offset."""
    columns = [np.unique(column, return_inverse=True)[1] for column in y.reshape(len(y), -1).T]
    return np.column_stack(columns).astype(np.int64)


def _hyperparameters(objective: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """All hyperparameters of a loss by name: its own where it is an instance, else the given ones and the defaults."""
    if isinstance(objective, Loss):
        return {name: getattr(objective, name) for name in objective.hyper}
    other = ("sample_weight", "ignore_index", "reduction")
    keywords = [p for p in inspect.signature(objective).parameters.values() if p.kind is p.KEYWORD_ONLY]
    defaults = {p.name: p.default for p in keywords if p.default is not p.empty and p.name not in other}
    return defaults | dict(given)
