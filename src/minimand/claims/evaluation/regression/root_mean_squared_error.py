"""How do root mean squared and mean absolute error relate where errors are normal?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import mean_absolute_error_metric, root_mean_squared_error_metric

N_ROWS = 20_000


@property_claim(
    of=root_mean_squared_error_metric,
    says="Of normal errors of any size the root mean squared error is the root of half of pi times the mean absolute "
    "error, on average.",
    where="the moments of the normal distribution",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def is_1_25_times_the_absolute_error_of_normal_errors(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64) * 100
    ratios = []
    for size in (1e-3, 1.0, 1e6):
        pred = target + size * torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
        absolute = mean_absolute_error_metric(pred, target)
        # the twin takes the root of each squared error, not of their mean
        root = absolute if broken else root_mean_squared_error_metric(pred, target)
        ratios.append(float(root / absolute))
    return math.fsum(ratios) / len(ratios) - math.sqrt(math.pi / 2)
