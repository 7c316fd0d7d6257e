"""The contract of metrics: `x_metric(pred, target, /, *, sample_weight=None) -> scalar`, and their card.

A metric judges; it is not differentiated. It is computed in float64 and returns a 0-d float64 tensor. `pred` is
`(N, K)`: scores that rank the classes, or probabilities, as the card's `takes` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from minimand.contracts.arguments import require_class_scores, values_are_readable
from minimand.contracts.card import Card, Paper, Task, Trait, attach
from minimand.contracts.cases import class_probabilities, class_scores

Takes = Literal["scores", "probabilities"]
Component = TypeVar("Component", bound=Callable[..., Tensor])

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
    provenance: str = "established",
    traits: Set[Trait] = frozenset(),
    exempt: Mapping[str, str] | None = None,
) -> Callable[[Component], Component]:
    """Attach the card of a metric to a function, and return that very object.

    Args:
        *papers: where it comes from; none for what is older than its papers.
        slug: its stable name.
        takes: "scores" (any numbers that rank the classes) or "probabilities".
        higher_is_better: which way is better.
        best: its value for perfect predictions.
        tasks: the problems that it serves.
        when: one sentence on when to use it.
        drawback: one sentence on what it misses.
        provenance: "established", or "reconstructed: what".
        traits: promises, each tested by one common test.
        exempt: `{common test: reason}`.
    """

    def decorate(component: Component) -> Component:
        facts: dict[str, Any] = {"takes": takes, "higher_is_better": higher_is_better, "best": best}
        card = Card(
            kind="metric",
            slug=slug,
            component=component,
            papers=papers,
            tasks=frozenset(tasks),
            when=when,
            drawback=drawback,
            provenance=provenance,
            traits=frozenset(traits),
            cases=class_scores if takes == "scores" else class_probabilities,
            exempt=dict(exempt or {}),
            facts=facts,
        )
        attach(component, card)
        return component

    return decorate


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
    weight = torch.ones(len(target), dtype=torch.float64, device=pred.device)
    if sample_weight is not None:
        weight = sample_weight.detach().double()
        if values_are_readable(weight) and bool((weight < 0).any()):
            raise ValueError(f"sample_weight must not be negative, got {float(weight.min())}")
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
