"""Is no constant better than the one that it compares with?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import d2_pinball_metric, mean_pinball_loss_metric

N_ROWS = 48


@property_claim(
    of=d2_pinball_metric,
    says="No constant has a D2 above 0, whatever the quantile.",
    where="Koenker and Machado (1999): the restricted model is the best constant",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def compares_with_the_best_constant(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    best = -math.inf
    for quantile in (0.07, 0.88):
        for constant in target:
            said = constant.expand(N_ROWS)
            value = float(d2_pinball_metric(said, target, quantile=quantile))
            if broken:
                # the twin compares with a quantile interpolated between two targets
                reference = target.quantile(quantile).expand(N_ROWS)
                losses = [mean_pinball_loss_metric(c, target, quantile=quantile) for c in (said, reference)]
                value = 1 - float(losses[0] / losses[1])
            best = max(best, value)
    return best
