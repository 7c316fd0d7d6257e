"""What the report shows of a prediction beside the metrics: counts and sums that add up over resamples.

No value of a single row is among them.
"""

from __future__ import annotations

import inspect
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from minimand.workbench.compare.candidates import Candidate

RELIABILITY_BINS = 10
MAP_CELLS = 24
"""Cells of the map of predicted against true numbers, on each side."""
RESIDUAL_TENTHS = 10
RESIDUAL_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def map_edges(target: NDArray[np.float64]) -> list[float]:
    """The edges of the map's cells: equal ones over the range of all but the outermost hundredth of the targets."""
    if not len(target):
        return [0.0, 1.0]
    low, high = (float(edge) for edge in np.quantile(target, (0.005, 0.995)))
    if not high > low:
        low, high = float(target.min()), float(target.max())
    found: list[float] = np.linspace(low, high, MAP_CELLS + 1).tolist()
    return found


def reliability_counts(probabilities: Tensor, target: Tensor) -> list[dict[str, float]]:
    """For each tenth of confidence: how many rows, the sum of their confidence, and how many were right."""
    confidence, label = probabilities.double().max(1)
    return _by_confidence(confidence, (label == target).double())


def label_reliability(probabilities: Tensor, target: Tensor) -> list[dict[str, float]]:
    """The same for labels: for each tenth of a label's probability, how many rows have it."""
    return _by_confidence(probabilities.double().flatten(), (target == 1).double().flatten())


def residual_tenths(pred: NDArray[Any], true: NDArray[Any]) -> list[dict[str, Any]]:
    """For each tenth of the rows by what is predicted: how many, the means, and quantiles of true minus predicted."""
    order = np.argsort(pred, kind="stable")
    tenths = []
    for part in np.array_split(order, min(RESIDUAL_TENTHS, len(order))):
        errors = true[part] - pred[part]
        tenths.append(
            {
                "count": len(part),
                "predicted": float(pred[part].mean()),
                "true": float(true[part].mean()),
                "quantiles": np.quantile(errors, RESIDUAL_QUANTILES).tolist(),
                "above": int((errors > 0).sum()),
            }
        )
    return tenths


def _by_confidence(confidence: Tensor, right: Tensor) -> list[dict[str, float]]:
    place = (confidence * RELIABILITY_BINS).long().clamp(max=RELIABILITY_BINS - 1)
    sums = [torch.bincount(place, w, minlength=RELIABILITY_BINS) for w in (torch.ones_like(right), confidence, right)]
    return [
        {"count": float(sums[0][i]), "confidence": float(sums[1][i]), "right": float(sums[2][i])}
        for i in range(RELIABILITY_BINS)
    ]


def value_map(pred: NDArray[Any], true: NDArray[Any], edges: Sequence[float]) -> list[list[int]]:
    """Counts of rows by the cells of the true (first) and the predicted number; what lies outside is at the edge."""
    inner, cells = np.array(edges[1:-1]), len(edges) - 1
    place = np.searchsorted(inner, true, side="right") * cells + np.searchsorted(inner, pred, side="right")
    counts: list[list[int]] = np.bincount(place, minlength=cells * cells).reshape(cells, cells).tolist()
    return counts


def evidence_of(finals: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same of several resamples together, as results.json has it; nothing for plain classes.

    Args:
        finals: the records of an objective on the rows that judge.
    """
    found: dict[str, Any] = {}
    if all("residuals" in final for final in finals):
        maps = np.sum([final["residuals"]["map"] for final in finals], axis=0)
        found["residuals"] = {
            "map": maps.tolist(),
            "tenths": [
                _mean_tenth(tenths) for tenths in zip(*(final["residuals"]["tenths"] for final in finals), strict=False)
            ],
            "below": _share_below(finals),
        }
    if all("map" in final for final in finals):
        found["map"] = np.sum([final["map"] for final in finals], axis=0).tolist()
    if all("labels" in final for final in finals):
        found["labels"] = {
            name: np.sum([final["labels"][name] for final in finals], axis=0).tolist() for name in finals[0]["labels"]
        }
    return found


def _mean_tenth(tenths: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "count": sum(tenth["count"] for tenth in tenths),
        "predicted": float(np.mean([tenth["predicted"] for tenth in tenths])),
        "true": float(np.mean([tenth["true"] for tenth in tenths])),
        "quantiles": np.mean([tenth["quantiles"] for tenth in tenths], axis=0).tolist(),
    }


def _share_below(finals: Sequence[Mapping[str, Any]]) -> float:
    """Share of the rows whose target is at most what is predicted: of a quantile, its level if it is right."""
    tenths = [tenth for final in finals for tenth in final["residuals"]["tenths"]]
    above: int = sum(tenth["above"] for tenth in tenths)
    rows: int = sum(tenth["count"] for tenth in tenths)
    return 1.0 - above / rows


def reliability_of(finals: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The reliability diagram of several resamples together; None where no probabilities are defined."""
    if any(final.get("reliability") is None for final in finals):
        return None
    bins = []
    for i in range(RELIABILITY_BINS):
        total = {key: sum(final["reliability"][i][key] for final in finals) for key in ("count", "confidence", "right")}
        count = total["count"]
        bins.append(
            {
                "low": i / RELIABILITY_BINS,
                "high": (i + 1) / RELIABILITY_BINS,
                "count": int(count),
                "confidence": total["confidence"] / count if count else None,
                "accuracy": total["right"] / count if count else None,
            }
        )
    return {"bins": bins}


def level_of(candidate: Candidate, chosen: Sequence[Mapping[str, Any]]) -> float | None:
    """The level of the quantile that is predicted, the mean over resamples where it was tuned; None for no quantile."""
    predicts = None if candidate.card is None else candidate.card.facts.get("predicts")
    if predicts == "median":
        return 0.5
    if predicts != "quantile":
        return None
    assert candidate.card is not None
    default = inspect.signature(candidate.card.component).parameters["level"].default
    return statistics.fmean(one["settings"].get("level", default) for one in chosen)


def curve_of(finals: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Mean and range over the resamples still training, up to the epoch that at least half of them reached."""
    lengths = sorted(len(final["curve"]) for final in finals)
    shown = lengths[len(lengths) // 2]
    columns: dict[str, list[Any]] = {"epochs": [], "mean": [], "low": [], "high": [], "loss": []}
    for epoch in range(shown):
        values = [final["curve"][epoch] for final in finals if epoch < len(final["curve"])]
        losses = [final["loss"][epoch] for final in finals if epoch < len(final["loss"])]
        columns["epochs"].append(epoch + 1)
        columns["mean"].append(statistics.fmean(values))
        columns["low"].append(min(values))
        columns["high"].append(max(values))
        columns["loss"].append(statistics.fmean(losses))
    return columns
