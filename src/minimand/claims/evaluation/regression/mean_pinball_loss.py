"""Is the pinball loss least for the quantile?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_pinball_loss_metric

N_ROWS = 101


@property_claim(
    of=mean_pinball_loss_metric,
    says="Of all constants the one with the least loss has a share of the weighted targets below or at it that is the "
    "quantile asked for, up to one row.",
    where="Koenker and Bassett (1978), the definition of a sample quantile as a minimum",
    gap="Constants only.",
    tier="quick",
    expects=AtMost(0.03),
)
def is_least_for_the_quantile(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    worst = 0.0
    for quantile in (0.1, 0.5, 0.9):
        # the twin forgets which quantile was asked for
        asked = 0.5 if broken else quantile
        losses = [
            float(mean_pinball_loss_metric(c.expand(N_ROWS), target, quantile=asked, sample_weight=weight))
            for c in target
        ]
        best = target[losses.index(min(losses))]
        share = float(weight[target <= best].sum() / weight.sum())
        worst = max(worst, abs(share - quantile))
    return worst
