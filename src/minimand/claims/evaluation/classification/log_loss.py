"""Is log loss a proper score, and what does a wrong probability cost?"""

from __future__ import annotations

from torch import Generator

from minimand.claims.tasks.forecasts import expected, forecasts
from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import log_loss_metric


@property_claim(
    of=log_loss_metric,
    says="In expectation log loss is least for the true probabilities, and any others cost their Kullback-Leibler "
    "divergence more.",
    where="Good (1952), section 8; Gneiting and Raftery (2007) on strictly proper scores",
    gap="none",
    tier="quick",
    expects=AtMost(1e-10),
)
def excess_is_the_divergence(seed: int, *, broken: bool = False) -> float:
    worst = 0.0
    for truth, said in forecasts(Generator().manual_seed(seed)):
        excess = expected(log_loss_metric, said, truth) - expected(log_loss_metric, truth, truth)
        # the twin has the divergence the wrong way round
        first, second = (said, truth) if broken else (truth, said)
        divergence = float((first * (first / second).log()).sum())
        worst = max(worst, abs(excess - divergence))
    return worst
