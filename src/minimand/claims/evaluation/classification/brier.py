"""Is the Brier score proper, and what does a wrong probability cost?"""

from __future__ import annotations

from torch import Generator

from minimand.claims.tasks.forecasts import expected, forecasts
from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import brier_metric


@property_claim(
    of=brier_metric,
    says="In expectation the Brier score is least for the true probabilities, and any others cost their squared "
    "distance more.",
    where="Brier (1950): the score cannot be improved by stating anything but what is believed",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def excess_is_the_squared_distance(seed: int, *, broken: bool = False) -> float:
    worst = 0.0
    for truth, stated in forecasts(Generator().manual_seed(seed)):
        excess = expected(brier_metric, stated, truth) - expected(brier_metric, truth, truth)
        # the twin leaves out one class, as the one-sided score of two classes does
        miss = (stated - truth)[1:] if broken else stated - truth
        worst = max(worst, abs(excess - float(miss.square().sum())))
    return worst
