"""Does the Tweedie deviance keep its digits beside the powers that have names?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_gamma_deviance_metric, mean_poisson_deviance_metric, mean_tweedie_deviance_metric

N_ROWS = 200


@property_claim(
    of=mean_tweedie_deviance_metric,
    says="A power beside 1 or 2 by less than can be seen gives the Poisson and the gamma deviance to ten digits.",
    where="Jorgensen (1987): Poisson and gamma models are the limits of the family",
    gap="none",
    tier="quick",
    expects=AtMost(1e-10),
)
def keeps_its_digits_beside_poisson_and_gamma(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp() + 0.1
    pred = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp() + 0.1
    worst = 0.0
    for power, named in ((1.0, mean_poisson_deviance_metric), (2.0, mean_gamma_deviance_metric)):
        for step in (1e-12, 1e-13):
            near = power + step
            # the twin computes the formula as it stands in textbooks
            value = _textbook(pred, target, near) if broken else mean_tweedie_deviance_metric(pred, target, power=near)
            worst = max(worst, abs(float(value / named(pred, target)) - 1))
    return worst


def _textbook(pred: Tensor, target: Tensor, power: float) -> Tensor:
    one, two = 1 - power, 2 - power
    return 2 * (target.pow(two) / (one * two) - target * pred.pow(one) / one + pred.pow(two) / two).mean()
