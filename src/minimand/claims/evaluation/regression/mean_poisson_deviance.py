"""Is the Poisson deviance of right rates near one?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import mean_poisson_deviance_metric

N_ROWS = 20_000


@property_claim(
    of=mean_poisson_deviance_metric,
    says="Of Poisson counts with rates from 10 to 100 the deviance of the right rates is near 1 on average.",
    where="Nelder and Wedderburn (1972): a deviance is nearly chi-squared, with one degree of freedom a row",
    gap="Rates of at least 10: below, the deviance is larger or smaller.",
    tier="quick",
    expects=MeanWithin(-0.03, 0.03),
)
def of_the_right_rates_is_near_one(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    rate = 10 + 90 * torch.rand(N_ROWS, generator=rng, dtype=torch.float64)
    count = torch.poisson(rate, generator=rng)
    # the twin predicts a tenth too many
    return float(mean_poisson_deviance_metric(1.1 * rate if broken else rate, count)) - 1
