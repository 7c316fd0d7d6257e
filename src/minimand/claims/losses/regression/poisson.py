"""Does the Poisson loss recover planted rates of counts?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import log_linear_means, planted_error
from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import poisson_loss
from minimand.training.rows import Rows


@property_claim(
    of=poisson_loss,
    says="From counts whose log-rates are linear in the features, a linear model trained with the Poisson loss "
    "recovers every coefficient to 0.1; least squares on log(1 + count) does not.",
    where="Nelder and Wedderburn (1972), section 4: Poisson counts with the logarithm for a link",
    gap="Simulated counts of three features, trained by gradient descent in place of their iterated least squares.",
    tier="quick",
    expects=AtMost(0.1),
)
def error_of_planted_rates(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x, planted, mean = log_linear_means(rng, 4000)
    return planted_error(poisson_loss, Rows(x, torch.poisson(mean, generator=rng)), planted, seed, on_logarithms=broken)
