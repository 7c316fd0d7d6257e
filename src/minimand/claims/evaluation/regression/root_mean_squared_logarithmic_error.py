"""Does the logarithmic error see factors and nothing else?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import root_mean_squared_logarithmic_error_metric

N_ROWS = 300


@property_claim(
    of=root_mean_squared_logarithmic_error_metric,
    says="Where 1 + y is wrong by one and the same factor, the error is its logarithm, be the targets zeros or "
    "billions.",
    where="the definition: a difference of logarithms is the logarithm of a ratio",
    gap="none",
    tier="quick",
    expects=AtMost(1e-10),
)
def is_the_logarithm_of_a_factor(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = (21 * torch.rand(N_ROWS, generator=rng, dtype=torch.float64)).exp() - 1
    target[:50] = 0.0
    worst = 0.0
    for factor in (1.01, 2.0, 50.0):
        # the twin has y wrong by the factor, so that zeros are right
        pred = factor * target if broken else factor * (1 + target) - 1
        worst = max(worst, abs(float(root_mean_squared_logarithmic_error_metric(pred, target)) - math.log(factor)))
    return worst
