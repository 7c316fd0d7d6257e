"""Is the Pearson correlation that of the normal distribution?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import pearson_correlation_metric, spearman_correlation_metric

N_ROWS = 2000
N_COLUMNS = 20


@property_claim(
    of=pearson_correlation_metric,
    says="Of two normal numbers with a correlation, it is that correlation on average, whatever their units.",
    where="Pearson (1896): the coefficient of the normal surface",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def is_the_correlation_of_normal_numbers(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    errors = []
    for correlation in (0.3, 0.6, 0.8):
        target, other = torch.randn(2, N_ROWS, N_COLUMNS, generator=rng, dtype=torch.float64)
        pred = correlation * target + math.sqrt(1 - correlation**2) * other
        metric = spearman_correlation_metric if broken else pearson_correlation_metric
        errors.append(float(metric(5 * pred - 3, 0.01 * target + 7)) - correlation)
    return math.fsum(errors) / len(errors)
