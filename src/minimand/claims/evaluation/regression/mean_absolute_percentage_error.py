"""Which constant has the least absolute percentage error?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import mean_absolute_error_metric, mean_absolute_percentage_error_metric

N_ROWS = 5000


@property_claim(
    of=mean_absolute_percentage_error_metric,
    says="Of log-normal targets the best constant is exp(m - s^2), far below their median exp(m) and their mean exp(m "
    "+ s^2 / 2).",
    where="Gneiting (2011), on the absolute percentage error of log-normal targets and its weighted median",
    gap="Constants only; targets of one family, whose weighted median is known in closed form.",
    tier="quick",
    expects=MeanWithin(-0.03, 0.03),
)
def prefers_what_is_too_low(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = mean_absolute_error_metric if broken else mean_absolute_percentage_error_metric
    errors = []
    for deviation in (0.3, 0.8):
        logarithm = 1.0 + deviation * torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
        target = logarithm.exp()
        low, high = float(logarithm.min()), float(logarithm.max())
        for _ in range(35):
            thirds = low + (high - low) / 3, high - (high - low) / 3
            values = [float(metric(torch.full_like(target, math.exp(place)), target)) for place in thirds]
            low, high = (low, thirds[1]) if values[0] < values[1] else (thirds[0], high)
        errors.append((low + high) / 2 - (1.0 - deviation**2))
    return math.fsum(errors) / len(errors)
