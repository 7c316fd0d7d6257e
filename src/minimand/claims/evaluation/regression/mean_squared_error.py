"""Is the mean squared error least for the mean, and what does another constant cost?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_squared_error_metric

N_ROWS = 200


@property_claim(
    of=mean_squared_error_metric,
    says="Of all constants the weighted mean of the targets has the least mean squared error, and any other costs its "
    "squared distance more.",
    where="Gneiting (2011): squared error is consistent for the mean",
    gap="Constants only.",
    tier="quick",
    expects=AtMost(1e-12),
)
def other_constants_cost_their_squared_distance(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    mean = (weight * target).sum() / weight.sum()
    # the twin takes the median for what is least
    least = target.median() if broken else mean
    worst = 0.0
    for constant in torch.linspace(0.0, 4.0, 20).tolist():
        errors = [
            float(mean_squared_error_metric(said.expand(N_ROWS), target, sample_weight=weight))
            for said in (torch.tensor(constant).double(), mean)
        ]
        worst = max(worst, abs(errors[0] - errors[1] - (float(torch.tensor(constant)) - float(least)) ** 2))
    return worst
