"""What kind of loss of numbers is this? Range, invariances, slope, kinks and what it elicits, found by measuring.

Surveys give a table of regression losses: is it bounded, does the unit matter, is too high as bad as too low, can it
be differentiated? Here the table is measured, on any objective that `bind` takes, and says two things more: which
number of a distribution the best prediction is, and whether a row costs the same in any company. What a search found
(a kink, a violation, a value) is certain; that it found none is evidence, not proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Card, Paper, Task, Trait, card_of
from minimand.contracts.catalogue import cards
from minimand.contracts.component import component
from minimand.contracts.loss import ScalarLoss
from minimand.contracts.task import TaskInfo, bind
from minimand.contracts.values import as_they_are
from minimand.evaluation.registry.best_constants import FUNCTIONALS, least_of_one, weighted_mean

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)

N_POINTS = 200
N_ALONE = 20
N_SAMPLE = 101
LARGEST_OUTPUT = 40.0
SIZES = (1e2, 1e4, 1e6)
STILL_GROWS = 1e-3
ROUNDING = 1e-9
SAME_NUMBER = 1e-3
SAME_SHARE = 0.03
ON_SAMPLE = 1e-6
KINK = 0.05
HALVINGS = 40


@dataclass(frozen=True)
class ValueLossProperties:
    """What was measured of a loss of numbers, as a function of one output of a network and one positive target.

    Args:
        name: of the objective.
        elicits: what the best single prediction is of a distribution: "mean", "median", "quantile", "relative median",
            "geometric mean", "centre" (of symmetric ones), or "" where it is none of them or rows interact.
        level: the share of the distribution below the best prediction, where that is a quantile; else NaN.
        at_perfect: its value where the prediction is the target.
        lowest: its least value found; below `at_perfect` where a perfect prediction is not the best.
        upper_bound: its largest value found; infinite where it grows with the error for ever.
        lipschitz: the steepest slope found in the output; infinite where it grows for ever: then one outlier can
            outweigh all other rows.
        convex: whether no violation of midpoint convexity in the output was found.
        differentiable: whether no kink was found.
        symmetric: whether predictions too high and as much too low cost the same.
        translation_invariant: whether moving prediction and target together changes nothing.
        scale_free: whether multiplying prediction and target (and those of the training set) changes nothing.
        couples_rows: whether the value of a row depends on the other rows of its batch.
    """

    name: str
    elicits: str
    level: float
    at_perfect: float
    lowest: float
    upper_bound: float
    lipschitz: float
    convex: bool
    differentiable: bool
    symmetric: bool
    translation_invariant: bool
    scale_free: bool
    couples_rows: bool


@component(
    JADON_2022,
    kind="protocol",
    slug="regression-loss-suite",
    tasks={Task.REGRESSION},
    when="A loss of numbers, your own perhaps, is to be placed among the others before anything is trained with it.",
    drawback="One output a target and positive targets only; a kink in a small region may be missed.",
    provenance="reconstructed: the survey states properties in prose; how they are measured is ours",
)
def value_loss_properties(objective: Any, /, *, rng: Generator, **hyper: Any) -> ValueLossProperties:
    r"""Properties of a loss $\ell(\hat y, y)$ of one number, measured in float64.

    The loss is bound to the very targets that it is asked about, so that what it takes from a training set scales with
    them. Symmetry and invariances are asked of the number predicted: where the network says its logarithm, the output
    is found for it. *Elicits* minimises $\sum_i \ell(\hat y, y_i)$ over one $\hat y$ for skewed samples, and for
    symmetric ones.

    Args:
        objective: whatever `bind` takes, with one output a target: a loss of minimand, an instance of a module, any
            callable of predictions `(N,)` and targets `(N,)`.
        rng: of the predictions, targets and samples that are tried.
        **hyper: hyperparameters to bind it with.

    Raises:
        ValueError: the loss has several outputs for one target, or gives NaN for ordinary numbers.
        TypeError: the objective cannot be bound.

    Reference:
        Jadon, Patil and Jadon (2022), what the survey says of the range and the strengths of each loss.
    """
    of = _Measured(objective, hyper)
    target = 1 + 4 * torch.rand(N_POINTS, generator=rng, dtype=torch.float64)
    error = target * (1.8 * torch.rand(N_POINTS, generator=rng, dtype=torch.float64) - 0.9)
    ordinary = of.predicted(target + error, target)
    if bool(ordinary.isnan().any()):
        raise ValueError(f"objective must give numbers for ordinary predictions, {of.name} gives NaN")
    perfect = of.predicted(target, target)
    bounds, slopes = zip(*(_extremes(of, target, size, rng) for size in SIZES), strict=True)
    factor, shift = 3.0, 2.0
    couples_rows = not _same(of.alone((target + error)[:N_ALONE], target), ordinary[:N_ALONE])
    # where rows interact, the best prediction for a sample depends on how the sample is cut into batches
    elicits, level = ("", float("nan")) if couples_rows else _elicited(of, rng)
    return ValueLossProperties(
        name=of.name,
        elicits=elicits,
        level=level,
        # a zero of the wrong sign is no news
        at_perfect=float(perfect.min()) + 0.0,
        lowest=min(float(perfect.min()), float(ordinary.min())) + 0.0,
        upper_bound=_limit(bounds, least=float(ordinary.max())),
        lipschitz=_limit(slopes, least=0.0),
        convex=_is_convex(of, target, rng),
        differentiable=not _has_kink(of, target[:3]),
        symmetric=_same(of.predicted(target - error, target), ordinary),
        translation_invariant=_same(of.predicted(target + error + shift, target + shift), ordinary),
        scale_free=_same(of.predicted(factor * (target + error), factor * target), ordinary),
        couples_rows=couples_rows,
    )


def value_loss_table(
    room: str = "losses.regression", /, *, rng: Generator
) -> tuple[tuple[Card, ValueLossProperties], ...]:
    """The properties of every loss of numbers with one output a target and rows apart, at its default hyperparameters.

    Args:
        room: a role or room of the catalogue.
        rng: of the predictions, targets and samples that are tried.
    """
    found = (c for c in cards("loss", room=room) if Task.REGRESSION in c.tasks and Trait.BATCH_COUPLED not in c.traits)
    of_one_output = (card for card in found if card.facts.get("outputs", 1) == 1 and not card.needs)
    return tuple((card, value_loss_properties(card.component, rng=rng)) for card in of_one_output)


class _Measured:
    """A loss as a function of single outputs, or of the numbers that they predict, and targets."""

    def __init__(self, objective: Any, hyper: dict[str, Any]) -> None:
        self.name = str(getattr(objective, "__name__", type(objective).__name__))
        self.objective, self.hyper = objective, hyper
        card = card_of(objective)
        facts = card.facts if card is not None else {}
        if facts.get("outputs", 1) != 1:
            raise ValueError(f"objective must have one output for one target, {self.name} has several")
        self.predictions: Callable[[Tensor], Tensor] = facts.get("predictions", as_they_are)

    def rows(self, output: Tensor, target: Tensor, training: Tensor | None = None) -> Tensor:
        """One value a row `(n,)`; the loss is bound to the targets of the training set, by default to these."""
        task = TaskInfo.of_values(target if training is None else training, rng=Generator().manual_seed(0))
        loss = bind(self.objective, task, **self.hyper).double()
        loss.reduction = "none"
        if isinstance(loss, ScalarLoss) and loss.objective(output[:2].detach(), target[:2]).ndim == 0:
            parts = zip(output.split(1), target.split(1), strict=True)
            return torch.stack([loss.objective(*row) for row in parts])
        value: Tensor = loss(output, target, index=torch.arange(len(target)))
        return value

    @torch.no_grad()
    def predicted(self, prediction: Tensor, target: Tensor) -> Tensor:
        """One value a row `(n,)` for the numbers predicted."""
        return self.rows(self.output_of(prediction), target)

    @torch.no_grad()
    def alone(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The same of the first rows, each in a batch of its own, of a loss that is bound to all of them."""
        output = self.output_of(prediction)
        rows = zip(output.split(1), target[: len(output)].split(1), strict=True)
        return torch.cat([self.rows(*row, training=target).reshape(1) for row in rows])

    def output_of(self, prediction: Tensor) -> Tensor:
        """The output that predicts a number, by halving, as predictions grow with outputs."""
        if self.predictions is as_they_are:
            return prediction
        low, high = (torch.full_like(prediction, sign * LARGEST_OUTPUT) for sign in (-1, 1))
        for _ in range(100):
            middle = (low + high) / 2
            too_low = self.predictions(middle) < prediction
            low, high = torch.where(too_low, middle, low), torch.where(too_low, high, middle)
        return (low + high) / 2

    def slopes(self, output: Tensor, target: Tensor) -> Tensor:
        """The slope of each row in its output."""
        at = output.detach().clone().requires_grad_()
        found: Tensor = torch.autograd.grad(self.rows(at, target).sum(), at)[0]
        return found


def _extremes(of: _Measured, target: Tensor, size: float, rng: Generator) -> tuple[float, float]:
    """The largest value and the steepest slope among outputs up to this size."""
    output = size * (2 * torch.rand(len(target), generator=rng, dtype=torch.float64) - 1)
    output[:2] = torch.tensor([size, -size])
    with torch.no_grad():
        highest = of.rows(output, target)
    steepest = of.slopes(output, target).abs()
    return float(highest[~highest.isnan()].max()), float(steepest[~steepest.isnan()].max())


def _limit(found: tuple[float, ...], *, least: float) -> float:
    """The largest number found, infinite where it still grew at the end."""
    *_, before, last = found
    if last == torch.inf or last - before > STILL_GROWS * max(1.0, abs(before)):
        return float("inf")
    return max(*found, least)


@torch.no_grad()
def _is_convex(of: _Measured, target: Tensor, rng: Generator) -> bool:
    # from a fifth of the target to twelve times as much: a logarithm bends the other way only far above the target
    middle = of.output_of(target * (0.2 + 12 * torch.rand(len(target), generator=rng, dtype=torch.float64)))
    step = 2 * torch.rand(len(target), generator=rng, dtype=torch.float64)
    low, high = of.rows(middle - step, target), of.rows(middle + step, target)
    return bool((of.rows(middle, target) <= (low + high) / 2 + ROUNDING * (1 + low.abs() + high.abs())).all())


def _has_kink(of: _Measured, target: Tensor) -> bool:
    """Whether the slope jumps: the interval in which it changes most is halved until only a jump is left."""
    grid = torch.linspace(0.05, 3.0, 501, dtype=torch.float64)
    for one in target:
        output = of.output_of(grid * one)
        slopes = of.slopes(output, one.expand(len(grid)))
        widest = int(slopes.diff().abs().argmax())
        low, high = output[widest], output[widest + 1]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            at_low, at_middle, at_high = of.slopes(torch.stack([low, middle, high]), one.expand(3))
            left = (at_middle - at_low).abs() > (at_high - at_middle).abs()
            low, high = (low, middle) if bool(left) else (middle, high)
        ends = of.slopes(torch.stack([low, high]), one.expand(2))
        if float((ends[1] - ends[0]).abs()) > KINK * float(slopes.max() - slopes.min()):
            return True
    return False


def _elicited(of: _Measured, rng: Generator) -> tuple[str, float]:
    """What the best single prediction is of several samples, and its level where it is a quantile."""
    samples = [_skewed(rng, power) for power in (1.0, 2.0, 3.0)]
    best = [_best(of, sample) for sample in samples]
    for name, functional in FUNCTIONALS.items():
        expected = [functional(sample, torch.ones_like(sample)) for sample in samples]
        near = (SAME_NUMBER + _gap(sample, value) for sample, value in zip(samples, expected, strict=True))
        if all(abs(float(b - e)) <= n for b, e, n in zip(best, expected, near, strict=True)):
            return name, 0.5 if name == "median" else float("nan")
    shares = [float((sample < value).double().mean()) for sample, value in zip(samples, best, strict=True)]
    # a quantile is a number of the sample; what is smooth lies between two of them
    away = [float((sample - value).abs().min()) for sample, value in zip(samples, best, strict=True)]
    if max(away) < ON_SAMPLE and max(shares) - min(shares) <= SAME_SHARE and min(shares) > 0 and max(shares) < 1:
        return "quantile", round(sum(shares) / len(shares), 2)
    half = _skewed(rng, 2.0)
    middle = (half.max() + half.min()) / 2
    # the middle itself is among them: two halves far apart have a whole interval of centres
    symmetric = torch.cat([half, 2 * middle - half, middle[None]])
    if abs(float(_best(of, symmetric) - weighted_mean(symmetric, torch.ones_like(symmetric)))) <= SAME_NUMBER:
        return "centre", float("nan")
    return "", float("nan")


def _skewed(rng: Generator, power: float) -> Tensor:
    """Positive numbers between 0.2 and 7.2, the more of them small the higher the power."""
    return 0.2 + 7 * torch.rand(N_SAMPLE, generator=rng, dtype=torch.float64) ** power


def _gap(sample: Tensor, at: Tensor) -> float:
    """The distance from a number of the sample to the next: within it a quantile is not unique."""
    return float((sample - at).abs().sort().values[:3].max())


def _best(of: _Measured, sample: Tensor) -> Tensor:
    def risks(outputs: Tensor) -> Tensor:
        rows = of.rows(outputs.repeat_interleave(len(sample)), sample.repeat(len(outputs)))
        return rows.reshape(len(outputs), len(sample)).sum(1)

    return of.predictions(least_of_one(risks, float(sample.max()) + 1.0)[None])[0]


def _same(found: Tensor, expected: Tensor) -> bool:
    return bool(((found - expected).abs() <= ROUNDING * (1 + expected.abs())).all())
