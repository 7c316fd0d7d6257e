"""Does the gamma loss recover planted means of skewed amounts?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import log_linear_means, planted_error
from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import gamma_loss
from minimand.training.rows import Rows


@property_claim(
    of=gamma_loss,
    says="From exponentially distributed amounts whose log-means are linear in the features, a linear model trained "
    "with the gamma loss recovers every coefficient to 0.15; least squares on the logarithms does not.",
    where="Nelder and Wedderburn (1972), section 5: gamma distributions",
    gap="Simulated amounts of three features; the logarithm is the link, for which the paper has the reciprocal.",
    tier="quick",
    expects=AtMost(0.15),
)
def error_of_planted_means(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x, planted, mean = log_linear_means(rng, 4000)
    amounts = mean * -(1 - torch.rand(4000, generator=rng)).log().clamp_max(-1e-6)
    return planted_error(gamma_loss, Rows(x, amounts), planted, seed, on_logarithms=broken)
