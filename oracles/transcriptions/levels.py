"""Numbers through ordered levels: soft labels of levels, and the fidelity of pairs."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from mpmath import fsum, log, mpf, ncdf, sqrt

from oracles.opinion import Call, Case
from oracles.transcriptions.inputs import LARGE, MODERATE, logits, source
from oracles.transcriptions.probabilities import log_softmax
from oracles.transcriptions.transcription import Given, batch

PLACE = "losses.regression.deqa_soft_label:"
LEAST_SPREAD, MOST_ERROR = mpf("0.2"), mpf("0.1")


def of_rows(given: Given, values: Any) -> list[Any]:
    """One number for all rows, or those of the training rows that the last call is of."""
    call = given.calls[-1]
    return [values[i] for i in call.index or []] if isinstance(values, list) else [values] * len(call.pred)


def level_cases() -> Iterable[Case]:
    """Targets within the scale, at levels, in the middle, at the ends and beyond them; spreads narrow and wide."""
    draw = source("levels")
    numbers = [-2.6, -1.5, 0.0, 0.4, 1.3, 2.95, 3.0, -7.5]
    for hyper in ({}, *({"deviation": spread} for spread in (0.0, 0.1, 0.45, 1.5, 4.0))):
        yield Case([Call(logits(draw, 8, 5), numbers)], hyper)
    yield Case([Call(logits(draw, 8, 5, LARGE), numbers)])
    for levels, lowest, highest, spread in ((2, 0.0, 1.0, 0.3), (3, -1.0, 1.0, 0.7), (9, 10.0, 90.0, 12.5)):
        hyper = {"levels": levels, "lowest": lowest, "highest": highest, "deviation": spread}
        target = [round(draw.uniform(lowest, highest), 3) for _ in range(5)]
        yield Case([Call(logits(draw, 5, levels), target)], hyper)
    spreads = [0.0, 0.2, 0.5, 0.9, 1.4, 2.0]
    call = Call(logits(draw, 4, 5), numbers[:4], index=[5, 0, 3, 3], sample_weight=[1.0, 2.0, 0.0, 0.5])
    yield Case([call], {"deviation": spreads}, {"n_classes": 5, "n_samples": len(spreads)})


def soft_label(mean: Any, spread: Any, n: int) -> list[Any]:
    levels = range(1, n + 1)
    mean = min(max(mean, mpf(1)), mpf(n))
    neighbours = [max(1 - abs(k - mean), mpf(0)) for k in levels]
    if spread < LEAST_SPREAD:
        return neighbours
    half = mpf(1) / 2
    raw = [ncdf((k + half - mean) / spread) - ncdf((k - half - mean) / spread) for k in levels]
    a, b = fsum(raw), fsum(k * p for k, p in zip(levels, raw, strict=True))
    middle = mpf(n + 1) / 2
    alpha = (mean - middle) / (b - middle * a) if abs(b - middle * a) > mpf("1e-6") else mpf(1)
    beta = (1 - alpha * a) / n
    cut = [max(alpha * p + beta, mpf(0)) for p in raw]
    shares = [p / fsum(cut) for p in cut]
    reached = fsum(k * p for k, p in zip(levels, shares, strict=True))
    return neighbours if abs(reached - mean) > MOST_ERROR else shares


@batch(
    f"{PLACE}LevelDistributionLoss",
    "You et al. (2025), section 3, soft labels: p_k by the normal distribution, alpha p_k + beta; their KL divergence",
    cases=level_cases,
    alone=False,
    note="For L levels (L + 1) / 2 and L stand for their 3 and 5; what is cut off at 0 is made to sum to one again.",
)
def level_distribution(given: Given) -> list[Any]:
    n = given.hyper.get("levels", 5)
    low, high = given.hyper.get("lowest", mpf(-3)), given.hyper.get("highest", mpf(3))
    spreads = of_rows(given, given.hyper.get("deviation", mpf("0.75")))
    call = given.calls[-1]
    weights = call.sample_weight or [mpf(1)] * len(call.pred)
    rows = []
    for z, y, spread, weight in zip(call.pred, call.target or [], spreads, weights, strict=True):
        label = soft_label((n - 1) * (y - low) / (high - low) + 1, (n - 1) * spread / (high - low), n)
        rows.append(weight * fsum(p * (log(p) - q) for p, q in zip(label, log_softmax(z), strict=True) if p))
    return rows


def fidelity_cases() -> Iterable[Case]:
    """Targets that tie, spreads for each row and none at all, groups of which one has a single row, rows left out."""
    draw = source("fidelity")

    def call(n_rows: int, high: float = MODERATE, **facts: Any) -> Call:
        target = numbers(draw, n_rows, MODERATE)
        target[-1] = target[0]
        return Call([[p] for p in numbers(draw, n_rows, high)], target, **facts)

    for hyper in ({}, {"deviation": 0.05, "predicted_deviation": 0.3}, {"deviation": 1.5, "predicted_deviation": 4.0}):
        yield Case([call(5)], hyper)
        yield Case([call(4, 12.0)], hyper)
    yield Case([call(5)], {"deviation": 0.0})
    yield Case([call(5, sample_weight=[1.0, 0.0, 2.5, 0.25, 1.0])])
    yield Case([call(1)])
    spreads, groups = [0.0, 0.2, 0.5, 0.0, 1.4, 2.0, 0.7], [0, 1, 1, 0, 0, 7, 1]
    task = {"n_classes": 1, "n_samples": 7}
    yield Case([call(6, index=[6, 1, 5, 0, 4, 3])], {"groups": groups}, task)
    weights = [1.0, 1.0, 0.0, 0.5, 2.0, 1.0]
    yield Case(
        [call(6, index=[2, 0, 3, 6, 4, 1], sample_weight=weights)], {"deviation": spreads, "groups": groups}, task
    )


def numbers(draw: Random, n_rows: int, high: float) -> list[float]:
    return [round(draw.uniform(-high, high), 3) for _ in range(n_rows)]


@batch(
    f"{PLACE}FidelityLoss",
    "You et al. (2025), section 3, fidelity loss: 1 - sqrt(P P^) - sqrt((1 - P) (1 - P^)) of pairs of one data set",
    cases=fidelity_cases,
    alone=False,
    note="A row's value is the mean over its pairs with all other rows of its group that count, 0 where it has none.",
)
def fidelity(given: Given) -> list[Any]:
    call = given.calls[-1]
    target = call.target or []
    spreads = of_rows(given, given.hyper.get("deviation", mpf("0.5")))
    groups = of_rows(given, given.hyper.get("groups", 0))
    predicted = given.hyper.get("predicted_deviation", mpf(1))
    weights = call.sample_weight or [mpf(1)] * len(call.pred)
    rows = []
    for i, (mine, weight) in enumerate(zip(groups, weights, strict=True)):
        others = [j for j, group in enumerate(groups) if j != i and group == mine and weights[j] and weight]
        losses = []
        for j in others:
            ahead = (call.pred[i][0] - call.pred[j][0]) / (sqrt(mpf(2)) * predicted)
            lead = standing(target[i] - target[j], sqrt(spreads[i] ** 2 + spreads[j] ** 2))
            losses.append(1 - sqrt(lead[0] * ncdf(ahead)) - sqrt(lead[1] * ncdf(-ahead)))
        rows.append(weight * fsum(losses) / max(len(losses), 1))
    return rows


def standing(gap: Any, spread: Any) -> tuple[Any, Any]:
    """How likely the first is better, and how likely the second: without spread the better one is for certain."""
    if spread:
        return ncdf(gap / spread), ncdf(-gap / spread)
    return (mpf(gap > 0), mpf(gap < 0)) if gap else (mpf(1) / 2, mpf(1) / 2)
