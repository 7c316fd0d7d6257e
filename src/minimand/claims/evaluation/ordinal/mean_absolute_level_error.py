"""Which level has the least expected error?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_absolute_level_error_metric

N_CHANCES = 20
N_LEVELS = 7


@property_claim(
    of=mean_absolute_level_error_metric,
    says="Whatever the true chances of the levels are, naming their median level has the least expected level error.",
    where="the median minimises absolute deviations",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_least_for_the_median_level(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    worst = 0.0
    for _ in range(N_CHANCES):
        chance = torch.randn(N_LEVELS, generator=rng, dtype=torch.float64).mul(2).softmax(0)
        expected = [
            float(
                mean_absolute_level_error_metric(
                    named.expand(N_LEVELS, -1), torch.arange(N_LEVELS), sample_weight=chance
                )
            )
            for named in torch.eye(N_LEVELS)
        ]
        # the twin names the most likely level
        median = int((chance.cumsum(0) < 0.5).sum())
        worst = max(worst, expected[int(chance.argmax()) if broken else median] - min(expected))
    return worst
