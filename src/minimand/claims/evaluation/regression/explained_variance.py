"""Is explained variance blind to a constant error?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import explained_variance_metric, r2_metric

N_ROWS = 300


@property_claim(
    of=explained_variance_metric,
    says="Adding any number to all predictions leaves explained variance as it was.",
    where="the definition: the variance of the errors knows no mean",
    gap="none",
    tier="quick",
    expects=AtMost(1e-9),
)
def is_blind_to_an_offset(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = r2_metric if broken else explained_variance_metric
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    pred = target + torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    values = [
        float(metric(pred + offset, target, sample_weight=weight))
        for offset in torch.linspace(-100.0, 100.0, 20).tolist()
    ]
    return max(values) - min(values)
