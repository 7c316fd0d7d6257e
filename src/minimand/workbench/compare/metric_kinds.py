"""Metrics that models beside the objectives are told of, as a user of them would: by class weights, by their loss."""

from __future__ import annotations

BALANCING_METRICS = ("balanced-accuracy", "macro-f1", "macro-mean-absolute-level-error")
"""Metrics that weigh classes equally: models beside the objectives are told so by class weights, as a user would."""
MEDIAN_METRICS = frozenset(
    {
        "d2-absolute-error",
        "d2-pinball",
        "mean-absolute-error-metric",
        "mean-pinball-loss",
        "median-absolute-error",
        "relative-absolute-error",
    }
)
"""Metrics of numbers that the median minimises: models beside the objectives are fitted for it."""
