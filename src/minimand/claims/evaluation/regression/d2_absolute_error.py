"""Is D2 zero for the best constant?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import d2_absolute_error_metric, r2_metric

N_ROWS = 61


@property_claim(
    of=d2_absolute_error_metric,
    says="Of skewed targets the constant weighted median has a D2 of 0, and no other constant has more.",
    where="Koenker and Machado (1999): the goodness of fit compares with the restricted model",
    gap="Constants only.",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_zero_for_the_best_constant(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    order = target.argsort()
    reached = weight[order].cumsum(0)
    median = target[order][reached >= reached[-1] / 2][0]
    # the twin compares squares
    metric = r2_metric if broken else d2_absolute_error_metric

    def value(constant: Tensor) -> float:
        return float(metric(constant.expand(N_ROWS), target, sample_weight=weight))

    return max(abs(value(median)), *(value(constant) for constant in target))
