"""Does the Tweedie loss recover planted means of amounts of which many are zero?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import log_linear_means, planted_error
from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import tweedie_loss
from minimand.training.rows import Rows

MOST = 40


@property_claim(
    of=tweedie_loss,
    says="From sums of exponential amounts, as many as a Poisson count says, whose log-means are linear in the "
    "features, a linear model trained with the Tweedie loss recovers every coefficient to 0.15; least squares on "
    "log(1 + amount) does not.",
    where="Jorgensen (1987), compound Poisson distributions between the Poisson and the gamma",
    gap="Simulated amounts of three features, about a third of them zero, at the power 1.5.",
    tier="quick",
    expects=AtMost(0.15),
)
def error_of_planted_means(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x, planted, mean = log_linear_means(rng, 4000)
    count = torch.poisson(mean.sqrt(), generator=rng).clamp_max(MOST)
    single = -(1 - torch.rand(4000, MOST, generator=rng)).log()
    counted = (torch.arange(MOST) < count[:, None]) * single
    # as many as the root of the mean, each of the size of the root: the variance grows like the power 1.5
    return planted_error(tweedie_loss, Rows(x, counted.sum(1) * mean.sqrt()), planted, seed, on_logarithms=broken)
