"""Is the gamma deviance least for the mean, and what does another constant cost?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_gamma_deviance_metric

N_ROWS = 200


@property_claim(
    of=mean_gamma_deviance_metric,
    says="Of all constants the weighted mean m of the targets has the least gamma deviance, and a constant c costs 2 "
    "(log(c / m) + m / c - 1) more.",
    where="Gneiting (2011): Bregman functions are consistent for the mean, that of the gamma deviance too",
    gap="Constants only.",
    tier="quick",
    expects=AtMost(1e-12),
)
def other_constants_cost_their_own_deviance(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    mean = float((weight * target).sum() / weight.sum())
    # the twin takes the median for what is least
    least = float(target.median()) if broken else mean

    def deviance(constant: float) -> float:
        return float(mean_gamma_deviance_metric(torch.full_like(target, constant), target, sample_weight=weight))

    excess = {ratio: 2 * (math.log(ratio) + 1 / ratio - 1) for ratio in (0.2, 0.9, 1.0, 1.1, 5.0)}
    return max(abs(deviance(ratio * least) - deviance(least) - cost) for ratio, cost in excess.items())
