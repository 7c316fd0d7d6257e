"""Is a relative absolute error of one as good as the best constant?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import d2_absolute_error_metric, relative_absolute_error_metric

N_ROWS = 2001


@property_claim(
    of=relative_absolute_error_metric,
    says="Of skewed targets the constant median has a relative absolute error clearly below 1, so that 1 is not what "
    "the best constant reaches.",
    where="the definition: errors are measured against the mean, which is best for squared errors only",
    gap="Log-normal targets.",
    tier="quick",
    expects=AtMost(-0.05),
)
def of_the_median_is_below_one(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    median = target.median().expand(N_ROWS)
    # the twin measures against the median
    value = 1 - d2_absolute_error_metric(median, target) if broken else relative_absolute_error_metric(median, target)
    return float(value) - 1
