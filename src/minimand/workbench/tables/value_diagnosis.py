"""What a target of numbers looks like before anything is trained: its shape, and the rows that lie far from the rest.

**Outlying rows** are told by what a plain model says of them, not by the target alone: the price of a palace is no
mistake where the columns say that it is one. Gradient boosting of the median predicts every row out of fold; a row is
outlying when its error exceeds `FAR` times the robust deviation of the errors (1.4826 times the median of their
absolute values). Of normal errors one in 1.7 million lies so far off, and of errors with tails as heavy as Student's
t with 3 degrees of freedom one in 90: such tails are what robust losses are for. The deviation is taken to be at least
half a step between neighbouring targets, and where more than half of the targets are one number, such as zero, nothing
is said: the errors of the others are not spread around anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.extras import require
from minimand.workbench.tables.dataset import Dataset
from minimand.workbench.tables.table import factorize, number_text, shown

MOST_ROWS = 10_000
FAR = 5.0
"""Robust deviations from what is predicted, from which a row is outlying."""
HISTOGRAM_BINS = 30
_FOLDS = 5
_FEWEST_ROWS = 50
_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)

Floats = NDArray[np.float64]


def diagnose_values(dataset: Dataset, *, seed: int, examples: int) -> dict[str, Any]:
    """The shape of a target of numbers, as it stands in `results.json`.

    Returns:
        `mean`, `deviation`, `skewness` (None for a constant), `quantiles` (by their level), `zero_share`, `lowest`,
        `highest`, `different` (values), `whole` (all of them), `histogram` (its `edges` and `counts`), and `outlying`:
        None where nothing can be said, else the rows far from what a plain model predicts, with examples.
    """
    y = dataset.target.astype(np.float64)
    middle = y - y.mean()
    deviation = float(np.sqrt(np.mean(middle**2)))
    return {
        "mean": float(y.mean()),
        "deviation": deviation,
        "skewness": float(np.mean((middle / deviation) ** 3)) if deviation > 0 else None,
        "quantiles": {f"{level:g}": float(np.quantile(y, level)) for level in _QUANTILES},
        "zero_share": float((y == 0).mean()),
        "lowest": float(y.min()),
        "highest": float(y.max()),
        "different": len(np.unique(y)),
        "whole": bool((y == np.floor(y)).all()),
        "histogram": histogram(y),
        "outlying": _outlying(dataset, y, np.random.default_rng(seed), examples),
    }


def histogram(y: Floats) -> dict[str, Any]:
    """How many rows lie in each of equal bins; whole numbers of a narrow range have a bin each."""
    levels = np.unique(y)
    if (levels == np.floor(levels)).all() and levels[-1] - levels[0] < HISTOGRAM_BINS:
        edges = np.arange(levels[0] - 0.5, levels[-1] + 1.0)
    else:
        low, high = _inner_range(y)
        edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    counts, _ = np.histogram(np.clip(y, edges[0], edges[-1]), edges)
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "below": int((y < edges[0]).sum()),
        "above": int((y > edges[-1]).sum()),
    }


def _inner_range(y: Floats) -> tuple[float, float]:
    """The range of the target without the few values that would squeeze all others into one bin."""
    low, high = float(y.min()), float(y.max())
    inner = np.quantile(y, (0.005, 0.995))
    width = float(inner[1] - inner[0])
    if width > 0:
        low, high = max(low, float(inner[0]) - width), min(high, float(inner[1]) + width)
    return low, high


def _outlying(dataset: Dataset, y: Floats, rng: np.random.Generator, examples: int) -> dict[str, Any] | None:
    rows = np.arange(dataset.n_rows)
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.permutation(rows)[:MOST_ROWS])
    if len(rows) < _FEWEST_ROWS or (dataset.groups is not None and len(np.unique(dataset.groups[rows])) < _FOLDS):
        return None
    part = dataset.rows(rows)
    predicted = _out_of_fold(part, y[rows], int(rng.integers(2**31)))
    error = y[rows] - predicted
    levels, counts = np.unique(y[rows], return_counts=True)
    if counts.max() > len(rows) / 2:
        return None
    # of whole numbers most errors may be all but zero: what lies within a step of the target is not far.
    deviation = max(1.4826 * float(np.median(np.abs(error))), 0.5 * float(np.median(np.diff(levels))))
    far = np.abs(error) > FAR * deviation
    order = [row for row in np.argsort(-np.abs(error), kind="stable") if far[row]]
    sampled = f", on {len(rows)} rows drawn at random" if len(rows) < dataset.n_rows else ""
    return {
        "rows": int(far.sum()),
        "share": float(far.mean()),
        "deviation": deviation,
        "method": f"Errors of {_FOLDS}-fold out-of-fold gradient boosting of the median{sampled}; a row is outlying "
        f"beyond {FAR:g} robust deviations, which one normal error in 1.7 million exceeds.",
        "examples": [
            {
                "row": int(part.row_numbers[row]),
                "given": float(y[rows][row]),
                "predicted": float(predicted[row]),
                "values": {feature.name: _cell(feature.values[row]) for feature in part.features},
            }
            for row in order[:examples]
        ],
    }


def _out_of_fold(part: Dataset, y: Floats, seed: int) -> Floats:
    """What a plain model, which did not see it, predicts of each row."""
    selection = require("sklearn.model_selection", extra="workbench")
    ensemble = require("sklearn.ensemble", extra="workbench")
    matrix = np.column_stack([_column(values) for values in part.columns()])
    if part.groups is None:
        folds = selection.KFold(_FOLDS, shuffle=True, random_state=seed).split(matrix)
    else:
        folds = selection.GroupKFold(_FOLDS).split(matrix, groups=part.groups)
    predicted = np.zeros(len(y))
    # in units of its own spread: boosting multiplies targets by each other
    middle, spread = float(np.median(y)), float(np.std(y)) or 1.0
    for train, test in folds:
        model = ensemble.HistGradientBoostingRegressor(
            loss="absolute_error", max_iter=60, learning_rate=0.15, max_leaf_nodes=15, early_stopping=False,
            random_state=0,
        )  # fmt: skip
        model.fit(matrix[train], (y[train] - middle) / spread)
        predicted[test] = model.predict(matrix[test]) * spread + middle
    return predicted


def _column(values: NDArray[Any]) -> Floats:
    """A column for trees: texts by the rank of their frequency."""
    if values.dtype != object:
        return values.astype(np.float64)
    codes, levels = factorize(values)
    counts = np.bincount(codes, minlength=len(levels))
    ranks: Floats = np.argsort(np.argsort(-counts, kind="stable"))[codes].astype(np.float64)
    return ranks


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return shown(value, 200) if isinstance(value, str) else number_text(float(value))
