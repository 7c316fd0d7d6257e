"""The contract of metrics: `x_metric(pred, target, /, *, sample_weight=None) -> scalar`, and their card.

A metric judges; it is not differentiated. It is computed in float64 and returns a 0-d float64 tensor. What `pred` and
`target` are, the card's `takes` and `tasks` say:

- Of classes, `pred` is `(N, K)`: scores that rank them, or probabilities. `target` is `(N,)`, the class of each row.
  Of ordered classes (`Task.ORDINAL`) it is the level, counted from 0.
- Of several labels a row (`Task.MULTILABEL`), scores `(N, C)` and labels `(N, C)` of 0 and 1; a label that is NaN is
  unknown, and left out as if it had not been asked of that row.
- Of numbers (`Task.REGRESSION`), `takes="values"`: predictions `(N,)` or `(N, D)`, and targets likewise. Of several
  columns the value is the mean of the columns' values.

Two predictions are compared by the difference of their values where the metric has a scale of its own, such as
accuracy or R2. Where its size follows the data, as that of an error in the unit of the target does, the difference is
judged as a share of the reference's value: then the card says `relative`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any, Literal

import torch
from torch import Tensor

from minimand.contracts.arguments import require_class_scores, require_label_scores, values_are_readable
from minimand.contracts.card import Paper, Task, Trait
from minimand.contracts.cases import class_probabilities, class_scores, label_scores
from minimand.contracts.component import Component, component
from minimand.contracts.values import require_values, value_pairs

Takes = Literal["scores", "probabilities", "values"]

# Rows of probabilities may miss a sum of one by the rounding of float16 arithmetic, not by more.
SUM_TOLERANCE = 2e-3


def metric(
    *papers: Paper,
    slug: str,
    takes: Takes,
    higher_is_better: bool,
    best: float,
    tasks: Set[Task],
    when: str,
    drawback: str,
    relative: bool | None = None,
    lowest_target: float | None = None,
    open_below: bool = False,
    lowest_prediction: float | None = None,
    provenance: str = "established",
    traits: Set[Trait] = frozenset(),
    exempt: Mapping[str, str] | None = None,
    also_known_as: tuple[str, ...] = (),
) -> Callable[[Component], Component]:
    """Attach the card of a metric to a function, and return that very object.

    Args:
        *papers: where it comes from; none for what is older than its papers.
        slug: its stable name.
        takes: "scores" (any numbers that rank the classes), "probabilities", or "values" (numbers).
        higher_is_better: which way is better.
        best: its value for perfect predictions.
        tasks: the problems that it serves.
        when: one sentence on when to use it.
        drawback: one sentence on what it misses.
        relative: of numbers, whether differences are judged as shares of the reference's value; those of classes and
            labels are judged as they are.
        lowest_target: of numbers, the bound below which no target is legal.
        open_below: the bound itself is not legal either.
        lowest_prediction: of numbers, the bound above which every prediction must lie.
        provenance: "established", or "reconstructed: what".
        traits: promises, each tested by one common test.
        exempt: `{common test: reason}`.
        also_known_as: names that people use for it.

    Raises:
        ValueError: `tasks` mixes targets of classes, of labels and numbers, they are to be judged by what they are not,
            or `relative` is missing or given where it has no meaning.
    """
    of_labels, of_values = Task.MULTILABEL in tasks, Task.REGRESSION in tasks
    if of_labels and (len(tasks) > 1 or takes != "scores"):
        raise ValueError(f"a metric of labels must serve them alone and take scores, got {sorted(tasks)} and {takes!r}")
    if of_values != (takes == "values") or (of_values and len(tasks) > 1):
        said = f"{sorted(tasks)} and {takes!r}"
        raise ValueError(f"a metric of numbers must serve them alone and take values, got {said}")
    if of_values != (relative is not None):
        raise ValueError(f"relative must be said of metrics of numbers, and of no others, got {relative}")
    class_cases = class_scores if takes == "scores" else class_probabilities
    facts: dict[str, Any] = {
        "takes": takes,
        "higher_is_better": higher_is_better,
        "best": best,
        "relative": bool(relative),
    }
    if of_values:
        facts |= {"lowest_target": lowest_target, "open_below": open_below, "lowest_prediction": lowest_prediction}
    return component(
        *papers,
        kind="metric",
        slug=slug,
        tasks=tasks,
        when=when,
        drawback=drawback,
        provenance=provenance,
        traits=traits,
        cases=label_scores if of_labels else value_pairs if of_values else class_cases,
        exempt=exempt,
        also_known_as=also_known_as,
        facts=facts,
    )


def checked_prediction(
    pred: Tensor, target: Tensor, sample_weight: Tensor | None, *, takes: Takes
) -> tuple[Tensor, Tensor, Tensor]:
    """Prediction, target and weight (ones where none is given) in float64, float64 and long, without absent rows.

    Raises:
        ValueError: shapes or target values that do not fit, no rows or no weight at all, negative weights, NaN, or
            rows that are no probabilities where probabilities are taken.
        TypeError: dtypes that do not fit.
    """
    name = "scores" if takes == "scores" else "probabilities"
    require_class_scores(pred, target, sample_weight=sample_weight, name=name)
    weight = _checked_weight(pred, sample_weight)
    present = weight > 0
    pred, target, weight = pred.detach().double()[present], target.long()[present], weight[present]
    if not len(target):
        raise ValueError("a metric needs at least one row of positive weight, got none")
    if bool(pred.isnan().any()):
        raise ValueError(f"{name} must not be NaN, got NaN in {int(pred.isnan().any(1).sum())} of {len(pred)} rows")
    if takes == "probabilities":
        miss = (pred.sum(1) - 1).abs().max()
        if bool(pred.min() < 0) or bool(miss > SUM_TOLERANCE):
            raise ValueError(f"probabilities must be nonnegative and sum to one, a row misses one by {float(miss):.3g}")
    return pred, target, weight


def checked_two_classes(
    pred: Tensor, target: Tensor, sample_weight: Tensor | None, *, takes: Takes
) -> tuple[Tensor, Tensor, Tensor]:
    """What `checked_prediction` gives, of a metric of two classes.

    Raises:
        ValueError: `pred` has not two columns, or what `checked_prediction` refuses.
        TypeError: dtypes that do not fit.
    """
    checked = checked_prediction(pred, target, sample_weight, takes=takes)
    if pred.shape[1] != 2:
        raise ValueError(f"pred must have two columns, one for each of two classes, got {pred.shape[1]}")
    return checked


def checked_labels(
    scores: Tensor, target: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores, labels, which of them are known, and weight of each row: float64, bool, bool `(n, C)` and float64 `(n,)`.

    Absent rows are left out: those of weight 0, and those none of whose labels is known. An unknown label is False.

    Raises:
        ValueError: shapes that do not fit, labels other than 0, 1 and NaN, no row with a known label and positive
            weight, negative weights, or NaN in the scores of known labels.
        TypeError: dtypes that do not fit.
    """
    unknown = target.isnan() if isinstance(target, Tensor) and target.is_floating_point() else None
    target = target if unknown is None else target.detach().masked_fill(unknown, 0.0)
    require_label_scores(scores, target, sample_weight=sample_weight, name="scores")
    known = torch.ones_like(target, dtype=torch.bool) if unknown is None else ~unknown
    relevant = target == 1
    if bool((~relevant & (target != 0)).any()):
        raise ValueError("target must be labels of 0 and 1, or NaN where unknown, got a number between 0 and 1")
    weight = _checked_weight(scores, sample_weight)
    present = (weight > 0) & known.any(1)
    scores, relevant = scores.detach().double()[present], relevant[present]
    known, weight = known[present], weight[present]
    if not len(scores):
        raise ValueError("a metric needs at least one row of positive weight with a known label, got none")
    if bool((scores.isnan() & known).any()):
        raise ValueError(f"scores must not be NaN, got NaN in {int((scores.isnan() & known).any(1).sum())} rows")
    return torch.where(known, scores, torch.zeros_like(scores)), relevant, known, weight


def checked_values(
    pred: Tensor,
    target: Tensor,
    sample_weight: Tensor | None,
    *,
    least: float | None = None,
    above: float | None = None,
    predictions_above: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions and targets `(n, D)` and weights `(n,)` (ones where none is given) in float64, without absent rows.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)`, floating point; infinite predictions are infinitely wrong.
        target: `(N,)` or `(N, D)`, finite numbers of any real dtype.
        sample_weight: `(N,)`, nonnegative.
        least: lower bound of the targets, itself legal.
        above: lower bound of the targets, itself not legal.
        predictions_above: lower bound of the predictions, itself not legal.

    Raises:
        ValueError: shapes or values that do not fit, no rows or no weight at all, negative weights, NaN, or targets
            that are infinite.
        TypeError: dtypes that do not fit.
    """
    require_values(pred, target, sample_weight=sample_weight)
    weight = _checked_weight(pred, sample_weight)
    kept = weight > 0
    pred = pred.detach().double().reshape(target.shape)[kept]
    target, weight = target.detach().double()[kept], weight[kept]
    if not target.numel():
        raise ValueError("a metric needs at least one row of positive weight, got none")
    if bool(pred.isnan().any()):
        raise ValueError(f"pred must not be NaN, got NaN in {int(pred.isnan().sum())} of {pred.numel()} numbers")
    if not bool(target.isfinite().all()):
        raise ValueError(f"target must be finite, got {float(target[~target.isfinite()][0])}")
    if least is not None and bool(target.min() < least):
        raise ValueError(f"target must be at least {least:g} for this metric, got {float(target.min()):g}")
    if above is not None and bool(target.min() <= above):
        raise ValueError(f"target must be above {above:g} for this metric, got {float(target.min()):g}")
    if predictions_above is not None and bool(pred.min() <= predictions_above):
        raise ValueError(f"pred must be above {predictions_above:g} for this metric, got {float(pred.min()):g}")
    return pred.reshape(len(pred), -1), target.reshape(len(target), -1), weight


def _checked_weight(pred: Tensor, sample_weight: Tensor | None) -> Tensor:
    """The weight of each row in float64, ones where none is given.

    Raises:
        ValueError: a weight is negative.
    """
    if sample_weight is None:
        return torch.ones(len(pred), dtype=torch.float64, device=pred.device)
    weight = sample_weight.detach().double()
    if values_are_readable(weight) and bool((weight < 0).any()):
        raise ValueError(f"sample_weight must not be negative, got {float(weight.min())}")
    return weight
