"""Is the error over the mean the usual relative error?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_normalised_error_metric, relative_root_mean_squared_error_metric

N_ROWS = 300


@property_claim(
    of=mean_normalised_error_metric,
    says="Where every prediction is wrong by a share d, up or down, the value is d times the root of 1 + v^2, with v "
    "the coefficient of variation of the targets.",
    where="the definition, and the second moment of the targets",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_the_relative_error_and_the_spread(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    worst = 0.0
    for share in (0.01, 0.2):
        target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
        sign = 2 * torch.randint(2, (N_ROWS,), generator=rng).double() - 1
        pred = target * (1 + share * sign)
        # the twin divides by the root mean square of the targets, not by their mean
        metric = relative_root_mean_squared_error_metric if broken else mean_normalised_error_metric
        spread = float(target.std(correction=0) / target.mean())
        worst = max(worst, abs(float(metric(pred, target)) - share * math.sqrt(1 + spread**2)))
    return worst
