"""Is the Spearman correlation blind to what keeps the order?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import pearson_correlation_metric, spearman_correlation_metric

N_ROWS = 2000
N_COLUMNS = 20


@property_claim(
    of=spearman_correlation_metric,
    says="Of two normal numbers with correlation r, each bent by an increasing function, it is 6 / pi times the arc "
    "sine of r / 2 on average.",
    where="the expectation of the rank correlation under the normal distribution",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def is_that_of_the_normal_numbers_beneath(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    errors = []
    for correlation in (0.3, 0.6, 0.8):
        target, other = torch.randn(2, N_ROWS, N_COLUMNS, generator=rng, dtype=torch.float64)
        pred = correlation * target + math.sqrt(1 - correlation**2) * other
        metric = pearson_correlation_metric if broken else spearman_correlation_metric
        expected = 6 / math.pi * math.asin(correlation / 2)
        errors.append(float(metric(pred.exp(), target.pow(3))) - expected)
    return math.fsum(errors) / len(errors)
