"""Is the relative squared error the share of variance that is left?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import relative_squared_error_metric

N_ROWS = 5000
N_COLUMNS = 20


@property_claim(
    of=relative_squared_error_metric,
    says="Where the error has a share s of the variance of the targets, the relative squared error is s on average.",
    where="Jadon, Patil and Jadon (2022): the squared error as a share of that of the mean",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.01, 0.01),
)
def is_the_share_of_variance_that_is_left(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    errors = []
    for share in (0.01, 0.25, 2.0):
        target = 7 + 3 * torch.randn(N_ROWS, N_COLUMNS, generator=rng, dtype=torch.float64)
        pred = target + 3 * math.sqrt(share) * torch.randn(N_ROWS, N_COLUMNS, generator=rng, dtype=torch.float64)
        squared = (pred - target).square().sum()
        # the twin is the code published with the survey: the squared error divided by itself
        value = squared / squared if broken else relative_squared_error_metric(pred, target)
        errors.append(float(value) - share)
    return math.fsum(errors) / len(errors)
